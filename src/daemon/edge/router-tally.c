/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What haproxy has counted, per app and worker, as the looks at it (edge/router-look.c) found it. A
 * worker's counters end with it, so the last that was seen of each is kept.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "daemon/edge/router-priv.h"

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

struct router_counts router_tallied(const struct router *r, const char *app_id)
{
	struct router_counts sum = { 0 };

	for (size_t i = 0; i < r->n_tallies; i++)
		if (streq(r->tallies[i].app_id, app_id))
			add(&sum, &r->tallies[i].counts);
	return sum;
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
		if (route_place_same(&l->loads[i].place, &s->place) &&
		    streq(l->loads[i].app_id, app_id))
			load = &l->loads[i];
	if (!load) {
		l->loads = xrealloc(l->loads, (l->n_loads + 1) * sizeof(*l->loads));
		load = &l->loads[l->n_loads++];
		*load = (struct router_load){ .place = s->place };
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
