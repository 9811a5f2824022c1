/* SPDX-License-Identifier: Apache-2.0 */
/* The module with libcurl, loaded when it is needed; curl.h has what is behind it. */
#pragma once

#include "logsd/drains.h"

/* The mover of HTTP drains, which comes with libcurl. NULL: it could not be loaded, as err says. */
const struct drain_mover *drains_http_mover(struct logsd *l, struct error *err);
/* The time of curl's next deadline, monotonic; INT64_MAX: none. */
int64_t drains_curl_next_ms(const struct logsd *l);
void drains_curl_tick(struct logsd *l, int64_t now_ms);
void drains_curl_done(struct logsd *l);
