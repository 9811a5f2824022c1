/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What haproxy has counted. A worker's counters end with it, so the last that was
 * seen of each is kept. An old worker is held until its clients have had time to
 * move on, and looked at now and then while it finishes what it has; what it counts
 * after the last look is missed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/router-priv.h"

#define LOOK_FIRST_MS 300
#define LOOK_MAX_MS 30000

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

/* Moves the tallies of workers that are gone to pid 0. */
static void fold(struct router *r, const struct route_procs *procs)
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

	fold(r, &none);
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

static void on_row(const struct route_stat *s, void *userdata)
{
	struct reading *reading = userdata;
	struct router_counts *c;

	if (!str_starts(s->backend, "app-"))
		return;
	if (!streq(s->server, "BACKEND")) {
		reading->servers_5xx += s->responses_5xx;
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

static int read_worker(struct router *r, int64_t pid, struct error *err)
{
	_cleanup_buf_ struct buf csv = BUF_INIT;
	struct reading reading = { .r = r, .pid = pid };

	if (haproxy_ask_worker(&r->h, pid, "show stat", &csv, err) < 0)
		return -1;
	return route_parse_stat(csv.data, on_row, &reading, err);
}

int router_refresh(struct router *r, struct error *err)
{
	struct route_procs procs;
	struct error gone = ERROR_INIT;

	if (haproxy_procs(&r->h, &procs, err) < 0 || read_worker(r, procs.worker, err) < 0)
		return -1;
	/* An old one may end in between: its tally stands. */
	for (size_t i = 0; i < procs.n_old; i++)
		if (read_worker(r, procs.old[i], &gone) < 0)
			log_debug("counters of haproxy %lld: %s", (long long)procs.old[i],
				  gone.message);
	fold(r, &procs);
	if (!procs.n_old)
		watch_arm(r->stat_timer, -1);
	return 0;
}

int router_counts(struct router *r, const char *app_id, struct router_counts *ret,
		  struct error *err)
{
	struct router_counts sum = { 0 };

	/* In the middle of a load the master has no time; all was read when it began. */
	if (r->phase != ROUTER_RELOADING && r->phase != ROUTER_STARTING &&
	    router_refresh(r, err) < 0)
		return -1;
	for (size_t i = 0; i < r->n_tallies; i++)
		if (streq(r->tallies[i].app_id, app_id))
			add(&sum, &r->tallies[i].counts);
	*ret = sum;
	return 0;
}

void router_stat_watch(struct router *r)
{
	r->stat_pause_ms = LOOK_FIRST_MS;
	watch_arm(r->stat_timer, r->stat_pause_ms);
}

static void on_stat_timer(void *userdata)
{
	struct router *r = userdata;
	struct error err = ERROR_INIT;

	r->stat_pause_ms = 2 * r->stat_pause_ms < LOOK_MAX_MS ? 2 * r->stat_pause_ms : LOOK_MAX_MS;
	watch_arm(r->stat_timer, r->stat_pause_ms);
	if ((r->phase == ROUTER_IDLE || r->phase == ROUTER_CHECKING) && router_refresh(r, &err) < 0)
		log_debug("haproxy's counters: %s", err.message);
	if (r->phase == ROUTER_IDLE)
		r->hold_fd = fd_close(r->hold_fd);
}

/* ---- sessions ---- */

struct sessions {
	const struct route_server *servers;
	size_t n;
	uint16_t port;
	int64_t sum;
};

static void on_server(const struct route_stat *s, void *userdata)
{
	struct sessions *sessions = userdata;
	unsigned slot;

	if (sscanf(s->server, "s%u", &slot) == 1 && slot >= 1 && slot <= sessions->n &&
	    sessions->servers[slot - 1].port == sessions->port)
		sessions->sum += (int64_t)s->sessions;
}

/* Slots in an old worker are as they were when it was told to go, so it is asked for its own. */
static int worker_sessions(struct router *r, int64_t pid, const char *app_id, uint16_t port,
			   int64_t *sum, struct error *err)
{
	_cleanup_free_ char *which = xasprintf("show servers state app-%s", app_id);
	_cleanup_free_ char *stat = xasprintf("show stat app-%s 4 -1", app_id);
	_cleanup_free_ struct route_server *servers = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT, csv = BUF_INIT;
	struct sessions s = { .port = port };

	if (haproxy_ask_worker(&r->h, pid, which, &text, err) < 0 ||
	    route_parse_servers(text.data, &servers, &s.n, err) < 0 ||
	    haproxy_ask_worker(&r->h, pid, stat, &csv, err) < 0)
		return -1;
	s.servers = servers;
	if (route_parse_stat(csv.data, on_server, &s, err) < 0)
		return -1;
	*sum += s.sum;
	return 0;
}

int router_sessions(struct router *r, const char *app_id, uint16_t port, int64_t *ret,
		    struct error *err)
{
	struct route_procs procs;
	struct error gone = ERROR_INIT;
	int64_t sum = 0;

	/* Nobody can tell now, and it matters only that it is not 0. */
	if (r->phase == ROUTER_RELOADING || r->phase == ROUTER_STARTING) {
		*ret = 1;
		return 0;
	}
	if (haproxy_procs(&r->h, &procs, err) < 0)
		return -1;
	if (route_find(&r->running, app_id) &&
	    worker_sessions(r, procs.worker, app_id, port, &sum, err) < 0)
		return -1;
	/* Old ones may not know the app, or end in between. */
	for (size_t i = 0; i < procs.n_old; i++)
		if (worker_sessions(r, procs.old[i], app_id, port, &sum, &gone) < 0)
			log_debug("sessions of haproxy %lld: %s", (long long)procs.old[i],
				  gone.message);
	*ret = sum;
	return 0;
}

void router_stat_init(struct router *r)
{
	r->stat_timer = watch_timer(r->d->loop, on_stat_timer, r);
}

void router_stat_done(struct router *r)
{
	watch_free(steal_ptr(r->stat_timer));
	fd_close(r->hold_fd);
	free(r->tallies);
}
