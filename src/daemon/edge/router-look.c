/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at what haproxy has counted and has in flight: "show proc", then "show stat" of each
 * worker, each question without waiting. One look is under way at a time; whoever needs a newer one
 * asks again when it has ended.
 *
 *     router_look() ──▶ procs ──▶ stat of the worker ──▶ stat of each old one ──▶ ended
 *                          └── no answer ──┴────────────────────────────────────▶ failed
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/edge/router-priv.h"

#define ANSWER_MS 2000

static void ask_worker(struct router *r);

/* What it found is known now; an app that waits for it has a turn. */
static void ended(struct router *r, bool known)
{
	struct router_look *l = &r->look;
	void (*then)(struct router *, const struct route_procs *) = steal_ptr(l->then);

	if (known) {
		free(r->loads);
		r->loads = steal_ptr(l->loads);
		r->n_loads = l->n_loads;
		r->looked_ms = l->began_ms;
		router_fold(r, &l->procs);
		if (!l->procs.n_old)
			watch_arm(r->stat_timer, -1);
	} else {
		r->failed_ms = l->began_ms;
	}
	free(steal_ptr(l->loads));
	l->n_loads = 0;
	if (r->let_go && r->phase == ROUTER_IDLE)
		r->hold_fd = fd_close(r->hold_fd);
	r->let_go = false;
	if (then)
		then(r, known ? &l->procs : NULL);
	if (r->awaited && r->settled) {
		r->awaited = false;
		r->settled(r->userdata);
	}
}

static int64_t worker_of(const struct router_look *l)
{
	return l->worker ? l->procs.old[l->worker - 1] : l->procs.worker;
}

static void on_stat(const struct buf *answer, const struct error *err, void *userdata)
{
	struct router *r = userdata;
	struct router_look *l = &r->look;
	struct error unread = ERROR_INIT;
	int64_t pid = worker_of(l);

	l->question = NULL;
	if (!err && router_take_stat(r, pid, answer->data, &unread) < 0)
		err = &unread;
	if (err && !l->worker) {
		log_warn("haproxy's counters: %s", err->message);
		ended(r, false);
		return;
	}
	/* An old one may end in between: its tally stands. */
	if (err)
		log_debug("counters of haproxy %lld: %s", (long long)pid, err->message);
	l->worker++;
	if (l->worker > l->procs.n_old)
		ended(r, true);
	else
		ask_worker(r);
}

static void ask_worker(struct router *r)
{
	_cleanup_free_ char *line = xasprintf("@!%lld show stat", (long long)worker_of(&r->look));

	r->look.question =
		question_new(r->platform->loop, r->h.master_sock, line, ANSWER_MS, on_stat, r);
}

static void on_procs(const struct buf *answer, const struct error *err, void *userdata)
{
	struct router *r = userdata;
	struct error unread = ERROR_INIT;

	r->look.question = NULL;
	if (!err && route_parse_procs(answer->data, &r->look.procs, &unread) < 0)
		err = &unread;
	if (err || !r->look.procs.worker) {
		log_warn("haproxy's counters: %s", err ? err->message : "it has no worker");
		ended(r, false);
		return;
	}
	ask_worker(r);
}

void router_look(struct router *r)
{
	struct router_look *l = &r->look;

	/* In the middle of a load the master has no time; all was read when it began. */
	if (l->question || r->phase == ROUTER_RELOADING || r->phase == ROUTER_STARTING)
		return;
	l->began_ms = clock_now_ms();
	l->worker = 0;
	l->question = question_new(r->platform->loop, r->h.master_sock, "show proc", ANSWER_MS,
				   on_procs, r);
}

void router_look_done(struct router *r)
{
	question_free(steal_ptr(r->look.question));
	free(steal_ptr(r->look.loads));
	r->look.n_loads = 0;
	r->look.then = NULL;
}
