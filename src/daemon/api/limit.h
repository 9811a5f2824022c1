/* SPDX-License-Identifier: Apache-2.0 */
/* How many requests a token may make (http/wire.h has the buckets): TWELVE_RATE_LIMIT an hour. */
#pragma once

#include "daemon/api/call.h"

/* Takes one, and tells in a header what is left; ERROR_RATE_LIMIT. Over the unix socket there is no
 * limit, and to ask what is left costs nothing. */
int limit_take(struct request *r, struct error *err);
/* How many the caller may make now. */
int64_t limit_left(struct request *r);
