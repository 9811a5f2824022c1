/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a scheduled backup is due; see schedule.h. */
#include "addon/schedule.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS (24 * 60 * MINUTE_MS)

/* When it was due last, which may be yesterday. */
static int64_t due_ms(const struct schedule *s, int64_t now_ms)
{
	int64_t today_ms = now_ms / DAY_MS * DAY_MS + s->minute * MINUTE_MS;

	return today_ms > now_ms ? today_ms - DAY_MS : today_ms;
}

bool schedule_is_due(const struct schedule *s, int64_t now_ms)
{
	int64_t at_ms = due_ms(s, now_ms);

	return s->minute >= 0 && at_ms >= s->since_ms && s->last_ms < at_ms;
}
