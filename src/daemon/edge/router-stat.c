/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What haproxy has counted and has in flight, for those who ask. An old worker is held until its
 * clients have had time to move on, and looked at now and then while it finishes what it has; what
 * it counts after the last look is missed.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "daemon/edge/router-priv.h"

#define LOOK_FIRST_MS 300
#define LOOK_MAX_MS 30000
/* What is in flight changes from one moment to the next; a dyno that drains is looked at this
 * often. */
#define SESSIONS_OLD_MS 50

/* Whether a look that began at `since_ms` or later has ended; else one begins, and settled() tells
 * of its end. */
static enum router_known known_since(struct router *r, int64_t since_ms)
{
	/* Nobody can tell now. */
	if (r->phase == ROUTER_RELOADING || r->phase == ROUTER_STARTING)
		return ROUTER_NOT_YET;
	if (r->looked_ms >= since_ms)
		return ROUTER_KNOWN;
	if (r->failed_ms >= since_ms)
		return ROUTER_UNKNOWN;
	r->awaited = true;
	router_look(r);
	return ROUTER_NOT_YET;
}

enum router_known router_counts(struct router *r, const char *app_id, int64_t since_ms,
				struct router_counts *ret)
{
	*ret = router_tallied(r, app_id);
	return known_since(r, since_ms);
}

enum router_known router_sessions(struct router *r, const char *app_id,
				  const struct route_place *place, int64_t since_ms, int64_t *ret)
{
	enum router_known known = known_since(r, since_ms);

	/* It matters only that it is not 0. */
	*ret = known != ROUTER_KNOWN;
	if (known != ROUTER_KNOWN)
		return known;
	/* For the next time that it is asked. */
	if (r->looked_ms + SESSIONS_OLD_MS < clock_now_ms())
		router_look(r);
	for (size_t i = 0; i < r->n_loads; i++)
		if (route_place_same(&r->loads[i].place, place) &&
		    streq(r->loads[i].app_id, app_id))
			*ret = r->loads[i].sessions;
	return ROUTER_KNOWN;
}

void router_stat_watch(struct router *r)
{
	r->stat_pause_ms = LOOK_FIRST_MS;
	watch_arm(r->stat_timer, r->stat_pause_ms);
}

static void on_stat_timer(void *userdata)
{
	struct router *r = userdata;

	r->stat_pause_ms = 2 * r->stat_pause_ms < LOOK_MAX_MS ? 2 * r->stat_pause_ms : LOOK_MAX_MS;
	watch_arm(r->stat_timer, r->stat_pause_ms);
	r->let_go = true;
	router_look(r);
}

void router_stat_init(struct router *r)
{
	r->stat_timer = watch_timer(r->platform->loop, on_stat_timer, r);
}

void router_stat_done(struct router *r)
{
	router_look_done(r);
	watch_free(steal_ptr(r->stat_timer));
	fd_close(r->hold_fd);
	free(r->tallies);
	free(r->loads);
}
