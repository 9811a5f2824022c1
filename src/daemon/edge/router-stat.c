/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What haproxy has counted, as the looks at it (edge/router-look.c) found it. A worker's counters
 * end with it, so the last that was seen of each is kept. An old worker is held until its clients
 * have had time to move on, and looked at now and then while it finishes what it has; what it
 * counts after the last look is missed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/edge/router-priv.h"

#define LOOK_FIRST_MS 300
#define LOOK_MAX_MS 30000
/* What is in flight changes from one moment to the next; a dyno that drains is looked at this
 * often. */
#define SESSIONS_OLD_MS 50

static struct router_tally *tally(struct router *r, int64_t pid, const char *app_id)
{
	struct router_tally *t;

	for (size_t i = 0; i < r->n_tallies; i++)
		if (r->tallies[i].pid == pid && streq(r->tallies[i].app_id, app_id))
			return &r->tallies[i];
	r->tallies = xrealloc(r->tallies, (r->n_tallies + 1) * sizeof(*r->tallies));
	t = &r->tallies[r->n_tallies++];
	*t = (struct router_tally){ .pid = pid };
	snprintf(t->app_id, sizeof(t->app_id), "%s", app_id);
	return t;
}

static void add(struct router_counts *to, const struct router_counts *c)
{
	to->requests += c->requests;
	to->failed += c->failed;
	to->responses_5xx += c->responses_5xx;
}

void router_fold(struct router *r, const struct route_procs *procs)
{
	for (size_t i = 0; i < r->n_tallies;) {
		struct router_tally t = r->tallies[i];
		bool alive = !t.pid || t.pid == procs->worker;

		for (size_t k = 0; k < procs->n_old; k++)
			alive = alive || t.pid == procs->old[k];
		if (alive) {
			i++;
			continue;
		}
		r->tallies[i] = r->tallies[--r->n_tallies];
		add(&tally(r, 0, t.app_id)->counts, &t.counts);
	}
}

void router_fold_all(struct router *r)
{
	const struct route_procs none = { 0 };

	router_fold(r, &none);
}

void router_forget_tallies(struct router *r, const char *app_id)
{
	for (size_t i = 0; i < r->n_tallies;)
		if (streq(r->tallies[i].app_id, app_id))
			r->tallies[i] = r->tallies[--r->n_tallies];
		else
			i++;
}

struct reading {
	struct router *r;
	int64_t pid;
	uint64_t servers_5xx; /* of the backend's rows so far: HAProxy lists it last */
};

static void add_load(struct router_look *l, const char *app_id, const struct route_stat *s)
{
	struct router_load *load = NULL;

	for (size_t i = 0; i < l->n_loads && !load; i++)
		if (l->loads[i].port == s->port && streq(l->loads[i].app_id, app_id))
			load = &l->loads[i];
	if (!load) {
		l->loads = xrealloc(l->loads, (l->n_loads + 1) * sizeof(*l->loads));
		load = &l->loads[l->n_loads++];
		*load = (struct router_load){ .port = s->port };
		snprintf(load->app_id, sizeof(load->app_id), "%s", app_id);
	}
	load->sessions += (int64_t)s->sessions;
}

static void on_row(const struct route_stat *s, void *userdata)
{
	struct reading *reading = userdata;
	struct router_counts *c;

	if (!str_starts(s->backend, "app-"))
		return;
	if (!streq(s->server, "BACKEND")) {
		reading->servers_5xx += s->responses_5xx;
		if (s->sessions)
			add_load(&reading->r->look, s->backend + 4, s);
		return;
	}
	if (route_find(&reading->r->desired, s->backend + 4)) {
		c = &tally(reading->r, reading->pid, s->backend + 4)->counts;
		c->requests = s->requests;
		c->responses_5xx = s->responses_5xx;
		c->failed = s->responses_5xx - reading->servers_5xx + s->cut_off;
	}
	reading->servers_5xx = 0;
}

int router_take_stat(struct router *r, int64_t pid, const char *csv, struct error *err)
{
	struct reading reading = { .r = r, .pid = pid };

	return route_parse_stat(csv, on_row, &reading, err);
}

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
	struct router_counts sum = { 0 };

	for (size_t i = 0; i < r->n_tallies; i++)
		if (streq(r->tallies[i].app_id, app_id))
			add(&sum, &r->tallies[i].counts);
	*ret = sum;
	return known_since(r, since_ms);
}

enum router_known router_sessions(struct router *r, const char *app_id, uint16_t port,
				  int64_t since_ms, int64_t *ret)
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
		if (r->loads[i].port == port && streq(r->loads[i].app_id, app_id))
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
	r->stat_timer = watch_timer(r->d->loop, on_stat_timer, r);
}

void router_stat_done(struct router *r)
{
	router_look_done(r);
	watch_free(steal_ptr(r->stat_timer));
	fd_close(r->hold_fd);
	free(r->tallies);
	free(r->loads);
}
