/* SPDX-License-Identifier: Apache-2.0 */
/* Automatic certificates as a decision; see acm.h. */
#include "model/acm.h"

#define MINUTE_MS INT64_C(60000)
#define FIRST_PAUSE_MS (5 * MINUTE_MS)
#define LIMITED_PAUSE_MS (180 * MINUTE_MS)
#define MAX_PAUSE_MS (24 * 60 * MINUTE_MS)
#define LOOK_MAX_MS (60 * MINUTE_MS)
/* The router tells nobody when it has a host name. */
#define ROUTE_POLL_MS 200

int64_t acm_due_ms(const struct acm_facts *f)
{
	if (!f->enabled || f->wildcard || f->own)
		return ACM_NEVER;
	if (f->issued && f->renew_ms > f->next_ms)
		return f->renew_ms;
	return f->next_ms;
}

size_t acm_next(const struct acm_turn *turns, size_t n, int64_t now_ms, int64_t *ret_pause_ms)
{
	int64_t pause_ms = LOOK_MAX_MS;
	size_t first = ACM_NOBODY;

	for (size_t i = 0; i < n; i++) {
		const struct acm_turn *t = &turns[i];
		int64_t wait_ms = t->due_ms > now_ms ? t->due_ms - now_ms : ROUTE_POLL_MS;

		if (t->due_ms <= now_ms && t->routed) {
			if (first == ACM_NOBODY || t->due_ms < turns[first].due_ms)
				first = i;
		} else if (wait_ms < pause_ms) {
			pause_ms = wait_ms;
		}
	}
	if (first == ACM_NOBODY)
		*ret_pause_ms = pause_ms;
	return first;
}

int64_t acm_pause_ms(int64_t failures, bool rate_limited, uint32_t random)
{
	int64_t pause_ms = FIRST_PAUSE_MS;

	for (int64_t i = 1; i < failures && pause_ms < MAX_PAUSE_MS; i++)
		pause_ms *= 2;
	if (rate_limited && pause_ms < LIMITED_PAUSE_MS)
		pause_ms = LIMITED_PAUSE_MS;
	if (pause_ms > MAX_PAUSE_MS)
		pause_ms = MAX_PAUSE_MS;
	/* From three quarters to five quarters of it. */
	return pause_ms * 3 / 4 + (int64_t)((uint64_t)pause_ms / 2 * random / UINT32_MAX);
}

const char *acm_status(const struct acm_facts *f)
{
	if (!f->enabled || f->own)
		return NULL;
	if (f->wildcard)
		return "failed";
	/* One that works is not called failing because the next one is not there yet. */
	if (f->issued)
		return "cert issued";
	return f->failures ? "failing" : "pending";
}
