/* SPDX-License-Identifier: Apache-2.0 */
/* The rate limit of a token: TWELVE_RATE_LIMIT requests an hour (http/wire.h has the buckets). */
#pragma once

#include "daemon/api/call.h"

/* Counts a request and sets the RateLimit-Remaining header. ERROR_RATE_LIMIT if none is left.
 * Requests over the unix socket and to /account/rate-limits are not counted. */
int limit_take(struct request *r, struct error *err);
/* The number of requests that the caller has left now. */
int64_t limit_left(struct request *r);
