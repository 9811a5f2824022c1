/* SPDX-License-Identifier: Apache-2.0 */
/* How many requests a token has; see api/limit.h. */
#include "daemon/api/limit.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"
#include "daemon/api/api-state.h"
#include "daemon/api/route.h"

static const char *limit_key(const struct call *c)
{
	return c->caller.token_id[0] ? c->caller.token_id : c->caller.user_id;
}

int64_t limit_left(struct request *r)
{
	struct call *c = request_call(r);

	return limits_left(c->api->limits, request_is_local(r) ? "" : limit_key(c), clock_now_ms());
}

int limit_take(struct request *r, struct error *err)
{
	struct call *c = request_call(r);
	char text[24];
	int64_t left;
	bool may;

	if (request_is_local(r) || !limit_key(c)[0] ||
	    streq(c->route->path, "/account/rate-limits"))
		return 0;
	may = limits_take(c->api->limits, limit_key(c), clock_now_ms(), &left);
	snprintf(text, sizeof(text), "%lld", (long long)left);
	request_set_header(r, "RateLimit-Remaining", text);
	if (may)
		return 0;
	return error_set(err, ERROR_RATE_LIMIT,
			 "This token is at its limit of requests, which is %lld an hour "
			 "(TWELVE_RATE_LIMIT): wait a little, they come back evenly",
			 (long long)c->api->parts->platform.settings.rate_limit);
}
