/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reconciler; see reconcile.h. One turn for one app: gather what is
 * wanted and what runs, plan, act, hand the routes over. A turn is asked for by
 * whoever changed something, by a dyno that changed, by the router when a
 * reload has ended, and by the plan itself.
 */
#include "daemon/rollout/reconcile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/build/builds.h"
#include "daemon/core/state.h"
#include "daemon/git/branch.h"
#include "daemon/lines/lines.h"
#include "daemon/rollout/phase.h"
#include "daemon/rollout/rollout.h"
#include "daemon/rollout/routes.h"

#define RETRY_MS 2000
#define UNKNOWN_POLL_MS 10
/* A turn that has started dynos for as long goes on in the next: requests come in between. */
#define START_MS 20

/* ---- acting ---- */

static struct dyno *find(const struct turn *t, const char *id)
{
	for (size_t i = 0; i < t->n_dynos; i++)
		if (t->dynos[i]->id == id)
			return t->dynos[i];
	return NULL;
}

static int act_start(struct turn *t, const struct plan_action *action, struct error *err)
{
	struct dyno_start o = {
		.app = &t->app,
		.release = action->release == t->current.version ? &t->current : &t->candidate,
		.type = action->type,
		.number = action->number,
		.size = action->size,
	};

	return dynos_start(t->o->dynos, &o, NULL, err);
}

static void set_traffic(struct dyno *dyno, bool routed)
{
	dyno->routed = routed;
	/* What has crashed has no requests to finish. */
	dyno->draining = !routed && dyno->state == DYNO_UP && dyno_is_alive(dyno);
	dyno->drain_since_ms = clock_wall_ms();
	dyno->drain_from_ms = clock_now_ms();
}

static void act_undo(struct turn *t, const struct plan_action *action)
{
	const struct dyno *failed = action->dyno_id ? find(t, action->dyno_id) : NULL;
	_cleanup_free_ char *reason = NULL;

	/* Of one that has ended it is its end that counts, and not what was missing before. */
	if (failed && failed->health[0] && failed->state == DYNO_UP)
		reason = xasprintf("%s: %s", action->reason, failed->health);
	else
		reason = xstrdup(action->reason);
	rollout_undo(t->a, &t->candidate, failed, reason);
}

/*
 * One action. Negative when it could not be done. What takes traffic or dynos
 * away waits until haproxy runs what it was given: `blocked` is set then.
 */
static int act(struct turn *t, const struct plan_action *action, bool *blocked, struct error *err)
{
	struct dyno *dyno = action->dyno_id ? find(t, action->dyno_id) : NULL;

	if (action->kind == PLAN_COMMIT || action->kind == PLAN_DRAIN ||
	    action->kind == PLAN_STOP) {
		if (routes_sync(t, err) < 0)
			return -1;
		if (!router_is_settled(t->o->router)) {
			*blocked = t->a->awaits_router = true;
			return 0;
		}
	}
	switch (action->kind) {
	case PLAN_START:
		return act_start(t, action, err);
	case PLAN_ROUTE:
		set_traffic(dyno, true);
		return 0;
	case PLAN_DRAIN:
		if (t->a->rollout && !t->a->drain_began_ms)
			t->a->drain_began_ms = clock_wall_ms();
		set_traffic(dyno, false);
		return 0;
	case PLAN_STOP:
		dyno->draining = false;
		dynos_stop(t->o->dynos, dyno);
		return 0;
	case PLAN_FORGET:
		/* The room of the dynos forgets it by itself. */
		return 0;
	case PLAN_COMMIT:
		/* First the branch, so that who sees the release live can push what it was before.
		 */
		*blocked = !rollout_counted(t->a) ||
			   !branch_follow(t->o->branches, &t->app, &t->candidate);
		return *blocked ? 0
				: rollout_commit(t->a, &t->app, &t->candidate, action->reason, err);
	case PLAN_UNDO:
		act_undo(t, action);
		return 0;
	}
	return 0;
}

static void tell_slugless(struct turn *t, const char *sentence)
{
	if (t->a->slugless == t->current.version)
		return;
	t->a->slugless = t->current.version;
	log_warn("app %s: %s", t->app.name, sentence);
	logs_append(t->o->logs, t->app.id, "app", "api", "%s", sentence);
}

static void act_all(struct turn *t, const struct plan *p)
{
	int64_t began_ms = clock_now_ms();
	struct error err = ERROR_INIT;
	bool blocked = false;

	for (size_t i = 0; i < p->n_actions && !blocked; i++) {
		const struct plan_action *action = &p->actions[i];

		if (act(t, action, &blocked, &err) == 0) {
			if (action->kind != PLAN_START || clock_now_ms() - began_ms < START_MS)
				continue;
			state_turn_soon(t->a);
			return;
		}
		if (action->kind == PLAN_START && action->release == t->candidate.version) {
			log_error("app %s: %s", t->app.name, err.message);
			rollout_undo(t->a, &t->candidate, NULL, err.message);
			return;
		}
		/* It waits for a push, which is another release, and not for time. */
		if (action->kind == PLAN_START && turn_is_slugless(t)) {
			tell_slugless(t, err.message);
			return;
		}
		log_error("app %s: %s", t->app.name, err.message);
		watch_arm(t->a->timer, RETRY_MS);
		return;
	}
}

static void note_candidate(struct turn *t)
{
	struct app_state *a = t->a;
	int64_t candidate = t->candidate.version;

	if (candidate ? a->rollout != candidate : a->rollout && !a->committed)
		rollout_superseded(a, t->app.current_version, t->app.last_version);
	if (!candidate)
		return;
	if (a->rollout != candidate)
		rollout_begin(a, &t->candidate);
	rollout_counted_before(a);
	for (size_t i = 0; i < t->n_dynos; i++)
		if (t->dynos[i]->release == candidate && t->dynos[i]->ready)
			rollout_note_ready(a, t->dynos[i]);
}

static void run_turn(struct turn *t)
{
	struct error err = ERROR_INIT;
	struct plan plan;

	note_candidate(t);
	if (t->candidate.version && !t->candidate.phase_done)
		phase_step(t->a, &t->app, &t->candidate);
	plan_make(&t->desired, t->plan_dynos, t->n_dynos, clock_wall_ms(), &plan);
	if (plan.again_ms >= 0)
		watch_arm(t->a->timer, plan.again_ms);
	act_all(t, &plan);
	if (routes_sync(t, &err) < 0) {
		log_error("routes of %s: %s", t->app.name, err.message);
		watch_arm(t->a->timer, RETRY_MS);
	}
	if (plan.settled) {
		rollout_settled(t->a);
		branch_follow(t->o->branches, &t->app, &t->current);
	}
	plan_done(&plan);
}

/* With what is under way for it. */
static void drop(struct app_state *a)
{
	phase_clear(a);
	rollout_forget(a);
	state_drop(a);
}

/*
 * Dynos that were found at start and have not reported yet: nothing is decided
 * about them. dynos/supervisor.c gives up on those that never report.
 */
static bool has_unknown(struct app_state *a)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n = dynos_list(a->owner->o.dynos, a->id, &dynos);

	for (size_t i = 0; i < n; i++)
		if (!dynos[i]->known && dynos[i]->created_ms < a->owner->o.platform->started_ms)
			return true;
	return false;
}

/* No row: it was destroyed, or the database is older than what runs. Then that is nobody's to stop
 * but a person's. */
static void forget_unknown(struct app_state *a)
{
	if (state_is_gone(a->owner->o.platform->store, "app", a->id)) {
		reconcile_forget(a->owner, a->id);
		return;
	}
	log_warn("app %s runs and is in no row of the database: it is left alone (see twelve "
		 "doctor)",
		 a->id);
	drop(a);
}

static void on_timer(void *userdata)
{
	struct app_state *a = userdata;
	struct turn t = { .a = a, .o = &a->owner->o };
	struct error err = ERROR_INIT;

	if (has_unknown(a)) {
		watch_arm(a->timer, UNKNOWN_POLL_MS);
		return;
	}
	/* The last lines of a failed candidate are on their way; what they wait for comes back
	 * here. */
	if (a->post_mortem)
		return;
	if (turn_gather(&t, &err) == 0) {
		run_turn(&t);
	} else if (err.kind == ERROR_NOT_FOUND) {
		forget_unknown(a);
	} else {
		log_error("app %s: %s", a->id, err.message);
		watch_arm(a->timer, RETRY_MS);
	}
	turn_done(&t);
}

/* ---- who is to be looked at ---- */

void reconcile_app(struct reconciler *r, const char *app_id)
{
	/* Everything is being ended (main.c): there is none any more, and a request or a push may
	 * be under way still. */
	if (r)
		state_turn_soon(state_of(r, app_id));
}

void reconcile_all(struct reconciler *r)
{
	struct error err = ERROR_INIT;
	struct app *apps = NULL;
	struct dyno **dynos;
	size_t n = 0;

	if (store_app_list(r->o.platform->store, &apps, &n, &err) < 0)
		log_error("listing the apps: %s", err.message);
	for (size_t i = 0; i < n; i++) {
		reconcile_app(r, apps[i].id);
		app_done(&apps[i]);
	}
	free(apps);
	/* Dynos of apps that were destroyed just before twelved was killed; or of which the
	 * database knows nothing. */
	n = dynos_list(r->o.dynos, NULL, &dynos);
	for (size_t i = 0; i < n; i++)
		if (!dynos[i]->addon)
			reconcile_app(r, dynos[i]->app_id);
	free(dynos);
}

void reconcile_forget(struct reconciler *r, const char *app_id)
{
	struct error err = ERROR_INIT;
	struct dyno **dynos;
	struct app_state *a;
	char id[UUID_SIZE];
	size_t n;

	if (!r)
		return;
	snprintf(id, sizeof(id), "%s", app_id);
	branch_forget(r->o.branches, id);
	n = dynos_list(r->o.dynos, id, &dynos);
	for (size_t i = 0; i < n; i++)
		dynos_stop(r->o.dynos, dynos[i]);
	free(dynos);
	if (router_remove_app(r->o.router, id, &err) < 0)
		log_error("taking the routes of %s away: %s", id, err.message);
	a = state_find(r, id);
	if (a)
		drop(a);
}

void reconcile_dyno_changed(struct reconciler *r, const struct dyno *dyno)
{
	if (streq(dyno->type, "release") && dyno->one_off && dyno->state == DYNO_EXITED) {
		phase_ended(state_of(r, dyno->app_id), dyno);
		/* A newer release may wait for its end. */
		reconcile_app(r, dyno->app_id);
	}
	if (!dyno->one_off)
		reconcile_app(r, dyno->app_id);
}

static void on_router_settled(void *userdata)
{
	struct reconciler *r = userdata;

	for (size_t i = 0; i < r->n; i++)
		if (r->apps[i]->awaits_router) {
			r->apps[i]->awaits_router = false;
			reconcile_app(r, r->apps[i]->id);
		}
}

struct reconciler *reconciler_new(const struct reconciler_options *o)
{
	struct reconciler *r = xcalloc(1, sizeof(*r));

	r->o = *o;
	r->on_turn = on_timer;
	router_on_settled(o->router, on_router_settled, r);
	return r;
}

void reconciler_free(struct reconciler *r)
{
	if (!r)
		return;
	/* It outlives us when everything is being ended. */
	router_on_settled(r->o.router, NULL, NULL);
	while (r->n)
		drop(r->apps[r->n - 1]);
	free(r->apps);
	free(r);
}
