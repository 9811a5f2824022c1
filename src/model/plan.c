/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan; see plan.h for what it promises.
 *
 * It looks at one slot (type and number) at a time. In each slot one dyno is
 * the keeper: the one of the target release, of the wanted size, not asked to
 * restart. Everything else in the slot is there only until the keeper is
 * ready. The target is the current release, or a candidate whose release phase
 * is done; while a candidate is tried, the current release's dynos are kept up
 * as well, as they serve until it is committed.
 */
#include "model/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define DRAIN_POLL_MS 50

struct planner {
	const struct plan_desired *d;
	const struct plan_dyno *dynos;
	size_t n_dynos;
	int64_t now_ms;
	struct plan *plan;
	int64_t target; /* the release whose dynos are keepers */
	bool trying;	/* the target is a candidate */
	bool waiting;	/* something is not as wanted yet */
};

void plan_done(struct plan *p)
{
	free(p->actions);
	*p = (struct plan){ 0 };
}

static struct plan_action *add(struct planner *p, enum plan_kind kind)
{
	struct plan *plan = p->plan;

	plan->actions = xrealloc(plan->actions, (plan->n_actions + 1) * sizeof(*plan->actions));
	plan->actions[plan->n_actions] = (struct plan_action){ .kind = kind };
	return &plan->actions[plan->n_actions++];
}

static void add_for_dyno(struct planner *p, enum plan_kind kind, const struct plan_dyno *dyno)
{
	struct plan_action *a = add(p, kind);

	a->dyno_id = dyno->id;
	memcpy(a->type, dyno->type, sizeof(a->type));
	memcpy(a->size, dyno->size, sizeof(a->size));
	a->number = dyno->number;
	a->release = dyno->release;
}

static void add_start(struct planner *p, const struct plan_type *t, int64_t number, int64_t release)
{
	struct plan_action *a = add(p, PLAN_START);

	memcpy(a->type, t->type, sizeof(a->type));
	memcpy(a->size, t->size, sizeof(a->size));
	a->number = number;
	a->release = release;
}

static void again_in(struct planner *p, int64_t ms)
{
	if (ms < 0)
		ms = 0;
	if (p->plan->again_ms < 0 || ms < p->plan->again_ms)
		p->plan->again_ms = ms;
}

static bool is_live(const struct plan_dyno *dyno)
{
	return dyno->state != PLAN_STOPPING && dyno->state != PLAN_GONE;
}

static bool restart_wanted(const struct planner *p, const struct plan_dyno *dyno)
{
	for (size_t i = 0; i < p->d->n_restarts; i++) {
		const struct plan_restart *r = &p->d->restarts[i];

		if (r->type[0] && !streq(r->type, dyno->type))
			continue;
		if (r->number && r->number != dyno->number)
			continue;
		if (dyno->created_ms < r->at_ms)
			return true;
	}
	return false;
}

static bool is_fresh(const struct planner *p, const struct plan_type *t,
		     const struct plan_dyno *dyno)
{
	return is_live(dyno) && dyno->release == p->target && streq(dyno->size, t->size) &&
	       !restart_wanted(p, dyno);
}

static const struct plan_type *type_of(const struct planner *p, const struct plan_dyno *dyno)
{
	for (size_t i = 0; i < p->d->n_types; i++)
		if (streq(p->d->types[i].type, dyno->type))
			return &p->d->types[i];
	return NULL;
}

/* How many dynos of the type the target release shall have. */
static int64_t wanted(const struct planner *p, const struct plan_type *t)
{
	bool has = p->trying ? t->in_candidate : t->in_current;

	return has && p->target ? t->quantity : 0;
}

/* The keeper of a slot, or NULL: a ready one before others, then the oldest. */
static const struct plan_dyno *keeper(const struct planner *p, const struct plan_type *t,
				      int64_t number)
{
	const struct plan_dyno *best = NULL;

	for (size_t i = 0; i < p->n_dynos; i++) {
		const struct plan_dyno *dyno = &p->dynos[i];

		if (!streq(dyno->type, t->type) || dyno->number != number || !is_fresh(p, t, dyno))
			continue;
		if (!best || (dyno->state == PLAN_READY) > (best->state == PLAN_READY) ||
		    ((dyno->state == PLAN_READY) == (best->state == PLAN_READY) &&
		     dyno->created_ms < best->created_ms))
			best = dyno;
	}
	return best;
}

static bool serves(const struct plan_dyno *dyno)
{
	return dyno->state == PLAN_READY && (!dyno->port_based || dyno->routed);
}

/* Whether a live dyno of the current release is in the slot; with `serving`, one that serves. */
static bool slot_has_current(const struct planner *p, const struct plan_type *t, int64_t number,
			     bool serving)
{
	for (size_t i = 0; i < p->n_dynos; i++) {
		const struct plan_dyno *dyno = &p->dynos[i];

		if (streq(dyno->type, t->type) && dyno->number == number && is_live(dyno) &&
		    dyno->release == p->d->current && (!serving || serves(dyno)))
			return true;
	}
	return false;
}

/* ---- starting ---- */

static void start_missing(struct planner *p)
{
	for (size_t i = 0; i < p->d->n_types; i++) {
		const struct plan_type *t = &p->d->types[i];

		for (int64_t n = 1; n <= wanted(p, t); n++)
			if (!keeper(p, t, n))
				add_start(p, t, n, p->target);
		/* While a candidate is tried, what it would replace goes on, and is replaced if it
		 * is lost. */
		for (int64_t n = 1; p->trying && p->d->current && t->in_current && n <= t->quantity;
		     n++)
			if (!slot_has_current(p, t, n, false))
				add_start(p, t, n, p->d->current);
	}
}

/* ---- the candidate ---- */

/* Whether it crashes in the current release already, all of it: see plan.h. */
static bool is_excused(const struct planner *p, const struct plan_type *t)
{
	bool crashes = false;

	for (size_t i = 0; t && i < p->n_dynos; i++) {
		const struct plan_dyno *dyno = &p->dynos[i];

		if (!streq(dyno->type, t->type) || dyno->release != p->d->current || !is_live(dyno))
			continue;
		if (dyno->port_based || !dyno->unwell)
			return false;
		crashes = true;
	}
	return crashes;
}

static void name_excused(const struct planner *p, char *to, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < p->d->n_types && n < size; i++) {
		const struct plan_type *t = &p->d->types[i];

		if (wanted(p, t) > 0 && is_excused(p, t))
			n += (size_t)snprintf(to + n, size - n, "%s%s", n ? ", " : "", t->type);
	}
}

static bool candidate_failed(struct planner *p, const struct plan_dyno *dyno)
{
	int64_t waited_ms = p->now_ms - dyno->starting_since_ms;
	struct plan_action *a;

	if (dyno->state == PLAN_STARTING && waited_ms < p->d->start_timeout_ms) {
		again_in(p, p->d->start_timeout_ms - waited_ms);
		return false;
	}
	if (dyno->state == PLAN_READY || dyno->state == PLAN_STOPPING ||
	    is_excused(p, type_of(p, dyno)))
		return false;
	add_for_dyno(p, PLAN_UNDO, dyno);
	a = &p->plan->actions[p->plan->n_actions - 1];
	if (dyno->state == PLAN_STARTING)
		snprintf(a->reason, sizeof(a->reason), "%s.%lld was not ready within %lld s",
			 dyno->type, (long long)dyno->number,
			 (long long)p->d->start_timeout_ms / 1000);
	else
		snprintf(a->reason, sizeof(a->reason), "%s.%lld %s", dyno->type,
			 (long long)dyno->number,
			 dyno->reason && dyno->reason[0] ? dyno->reason : "ended");
	return true;
}

static bool all_are_ready(const struct planner *p)
{
	for (size_t i = 0; i < p->d->n_types; i++)
		for (int64_t n = 1;
		     n <= wanted(p, &p->d->types[i]) && !is_excused(p, &p->d->types[i]); n++) {
			const struct plan_dyno *k = keeper(p, &p->d->types[i], n);

			if (!k || k->state != PLAN_READY)
				return false;
		}
	return true;
}

/* True when the candidate's fate is decided: the actions so far say how. */
static bool judge_candidate(struct planner *p)
{
	struct plan_action *commit;

	for (size_t i = 0; i < p->n_dynos; i++)
		if (p->dynos[i].release == p->target && candidate_failed(p, &p->dynos[i]))
			return true;
	if (!all_are_ready(p))
		return false;
	for (size_t i = 0; i < p->d->n_types; i++)
		for (int64_t n = 1; n <= wanted(p, &p->d->types[i]); n++) {
			const struct plan_dyno *k = keeper(p, &p->d->types[i], n);

			if (k && k->port_based && !k->routed)
				add_for_dyno(p, PLAN_ROUTE, k);
		}
	/* From the commit on every request meets the new release. */
	for (size_t i = 0; i < p->n_dynos; i++)
		if (p->dynos[i].routed && p->dynos[i].release != p->target)
			add_for_dyno(p, PLAN_DRAIN, &p->dynos[i]);
	commit = add(p, PLAN_COMMIT);
	commit->release = p->target;
	name_excused(p, commit->reason, sizeof(commit->reason));
	return true;
}

/* ---- traffic ---- */

/* A keeper of the current release gets traffic as soon as it is ready. A candidate's waits for the
 * switch. */
static void route_ready(struct planner *p)
{
	for (size_t i = 0; i < p->n_dynos; i++) {
		const struct plan_dyno *dyno = &p->dynos[i];
		const struct plan_type *t = type_of(p, dyno);

		if (!dyno->port_based || dyno->routed || dyno->state != PLAN_READY || !t ||
		    dyno->release != p->d->current || dyno->number > t->quantity || !t->in_current)
			continue;
		if (!p->trying && keeper(p, t, dyno->number) != dyno)
			continue;
		add_for_dyno(p, PLAN_ROUTE, dyno);
		/* What it follows may go then. */
		again_in(p, 0);
	}
}

/* ---- ending ---- */

/* While a candidate is tried: what is not the candidate's is judged by the current release. */
static bool may_go_while_trying(const struct planner *p, const struct plan_dyno *dyno)
{
	const struct plan_type *t = type_of(p, dyno);

	if (!t || !t->in_current || dyno->number > t->quantity || dyno->release > p->d->current)
		return true;
	if (dyno->release == p->d->current)
		return false;
	return dyno->state != PLAN_READY || slot_has_current(p, t, dyno->number, true);
}

/* Whether the dyno may go now: nothing that serves is taken away before what follows it serves. */
static bool may_go(const struct planner *p, const struct plan_dyno *dyno)
{
	const struct plan_type *t = type_of(p, dyno);
	const struct plan_dyno *k;

	if (p->trying && dyno->release != p->target)
		return may_go_while_trying(p, dyno);
	if (!t || dyno->number > wanted(p, t))
		return true;
	k = keeper(p, t, dyno->number);
	if (k == dyno)
		return false;
	/* A candidate that was undone must not serve; and what does not serve is not missed. */
	if (dyno->release > p->target || dyno->state != PLAN_READY)
		return true;
	return k && serves(k);
}

static void end_dyno(struct planner *p, const struct plan_dyno *dyno)
{
	int64_t left_ms = dyno->drain_since_ms + p->d->drain_ms - p->now_ms;

	if (dyno->routed) {
		add_for_dyno(p, PLAN_DRAIN, dyno);
		again_in(p, 0);
	} else if (dyno->draining && dyno->sessions > 0 && left_ms > 0) {
		again_in(p, left_ms < DRAIN_POLL_MS ? left_ms : DRAIN_POLL_MS);
	} else {
		add_for_dyno(p, PLAN_STOP, dyno);
	}
}

static void end_superfluous(struct planner *p)
{
	for (size_t i = 0; i < p->n_dynos; i++) {
		const struct plan_dyno *dyno = &p->dynos[i];

		if (dyno->state == PLAN_GONE) {
			if (dyno->routed)
				add_for_dyno(p, PLAN_DRAIN, dyno);
			add_for_dyno(p, PLAN_FORGET, dyno);
		} else if (dyno->state == PLAN_STOPPING) {
			/* Told to stop by somebody else while it had traffic. */
			if (dyno->routed)
				add_for_dyno(p, PLAN_DRAIN, dyno);
			p->waiting = true;
		} else if (may_go(p, dyno)) {
			end_dyno(p, dyno);
			p->waiting = true;
		} else if (dyno->routed && dyno->state != PLAN_READY) {
			/* It crashed: no traffic until it is back. */
			add_for_dyno(p, PLAN_DRAIN, dyno);
		}
	}
}

static bool keepers_serve(const struct planner *p)
{
	for (size_t i = 0; i < p->d->n_types; i++)
		for (int64_t n = 1; n <= wanted(p, &p->d->types[i]); n++) {
			const struct plan_dyno *k = keeper(p, &p->d->types[i], n);

			if (!k || !serves(k))
				return false;
		}
	return true;
}

void plan_make(const struct plan_desired *d, const struct plan_dyno *dynos, size_t n_dynos,
	       int64_t now_ms, struct plan *ret)
{
	struct planner p = {
		.d = d, .dynos = dynos, .n_dynos = n_dynos, .now_ms = now_ms, .plan = ret
	};

	*ret = (struct plan){ .again_ms = -1 };
	p.trying = d->candidate && d->candidate_phase_done;
	p.target = p.trying ? d->candidate : d->current;
	if (p.trying && judge_candidate(&p)) {
		/* What is right after the commit, or after the undoing, is another plan. */
		again_in(&p, 0);
		return;
	}
	route_ready(&p);
	start_missing(&p);
	end_superfluous(&p);
	ret->settled = !ret->n_actions && !p.waiting && !d->candidate && keepers_serve(&p);
}
