/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan, in two ways: named situations, and thousands of random histories
 * in a small simulated world, where a validator watches each action and where
 * twelved dies between any two of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"
#include "model/plan.h"

#define MAX_DYNOS 256
#define MAX_TYPES 3
#define MAX_RESTARTS 8
#define TRACE 30

struct world {
	struct plan_desired desired;
	struct plan_type types[MAX_TYPES];
	struct plan_restart restarts[MAX_RESTARTS];
	struct plan_dyno dynos[MAX_DYNOS];
	char ids[MAX_DYNOS][16];
	size_t n_dynos;
	int next_id;
	int64_t now_ms;
	int64_t last_release;
	bool bad_candidate; /* dynos of the candidate crash instead of becoming ready */
	int commits, undos;
	unsigned seed;
	char trace[TRACE][96];
	int n_trace;
};

static unsigned roll(struct world *w, unsigned n)
{
	w->seed = w->seed * 1103515245 + 12345;
	return (w->seed >> 16) % n;
}

static void world_init(struct world *w, unsigned seed)
{
	*w = (struct world){ .seed = seed, .now_ms = 1000000 };
	w->desired = (struct plan_desired){ .types = w->types,
					    .restarts = w->restarts,
					    .drain_ms = 30000,
					    .start_timeout_ms = 60000 };
	snprintf(w->types[0].type, PLAN_NAME_MAX, "web");
	snprintf(w->types[1].type, PLAN_NAME_MAX, "worker");
	for (int i = 0; i < 2; i++)
		snprintf(w->types[i].size, PLAN_NAME_MAX, "standard-1x");
	w->types[0].quantity = 1;
	w->desired.n_types = 2;
}

static void push_release(struct world *w, bool bad)
{
	w->desired.candidate = ++w->last_release;
	w->desired.candidate_phase_done = true;
	w->bad_candidate = bad;
	for (size_t i = 0; i < w->desired.n_types; i++)
		w->types[i].in_candidate = true;
}

static struct plan_dyno *find(struct world *w, const char *id)
{
	for (size_t i = 0; i < w->n_dynos; i++)
		if (w->dynos[i].id == id)
			return &w->dynos[i];
	return NULL;
}

static void forget(struct world *w, const char *id)
{
	struct plan_dyno *dyno = find(w, id);

	*dyno = w->dynos[--w->n_dynos];
}

/* How many of the current release serve in a type. */
static int serving(const struct world *w, const char *type)
{
	int n = 0;

	for (size_t i = 0; i < w->n_dynos; i++) {
		const struct plan_dyno *dyno = &w->dynos[i];

		n += streq(dyno->type, type) && dyno->state == PLAN_READY &&
		     (!dyno->port_based || dyno->routed);
	}
	return n;
}

static void start(struct world *w, const struct plan_action *a)
{
	struct plan_dyno *dyno = &w->dynos[w->n_dynos];
	static char ids[100000][12];
	char *id = ids[w->next_id++ % 100000];

	assert_true(w->n_dynos < MAX_DYNOS);
	snprintf(id, 12, "d%d", w->next_id);
	*dyno = (struct plan_dyno){ .id = id,
				    .number = a->number,
				    .release = a->release,
				    .state = PLAN_STARTING,
				    .port_based = streq(a->type, "web"),
				    .created_ms = w->now_ms,
				    .starting_since_ms = w->now_ms };
	memcpy(dyno->type, a->type, PLAN_NAME_MAX);
	memcpy(dyno->size, a->size, PLAN_NAME_MAX);
	w->n_dynos++;
}

/* The validator: asserts plan.h's invariants for one action, then does it. */
static void apply(struct world *w, const struct plan_action *a)
{
	struct plan_dyno *dyno = a->dyno_id ? find(w, a->dyno_id) : NULL;
	int64_t quantity = 0;

	snprintf(w->trace[w->n_trace++ % TRACE], 96, "%d %s.%d v%d", (int)a->kind, a->type,
		 (int)a->number, (int)a->release);
	for (size_t i = 0; i < w->desired.n_types; i++)
		if (streq(w->types[i].type, a->type) && w->types[i].in_current)
			quantity = w->types[i].quantity;
	if (a->kind == PLAN_ROUTE || a->kind == PLAN_DRAIN || a->kind == PLAN_STOP ||
	    a->kind == PLAN_FORGET)
		assert_non_null(dyno);
	switch (a->kind) {
	case PLAN_START:
		start(w, a);
		break;
	case PLAN_ROUTE:
		assert_int_equal(dyno->state, PLAN_READY);
		assert_true(dyno->port_based && !dyno->routed);
		dyno->routed = true;
		dyno->draining = false;
		break;
	case PLAN_DRAIN:
		assert_true(dyno->routed);
		/* Traffic of what serves goes away only if enough others serve. */
		if (dyno->state == PLAN_READY && dyno->release <= w->desired.current)
			assert_true(serving(w, a->type) - 1 >= quantity ||
				    dyno->number > quantity || serving(w, a->type) > 1);
		dyno->routed = false;
		dyno->draining = true;
		dyno->drain_since_ms = w->now_ms;
		break;
	case PLAN_STOP:
		assert_false(dyno->routed);
		assert_int_not_equal(dyno->state, PLAN_STOPPING);
		assert_int_not_equal(dyno->state, PLAN_GONE);
		assert_true(!dyno->sessions || !dyno->draining ||
			    w->now_ms - dyno->drain_since_ms >= w->desired.drain_ms);
		if (!dyno->port_based && dyno->state == PLAN_READY &&
		    dyno->release <= w->desired.current && dyno->number <= quantity)
			assert_true(serving(w, a->type) > 1);
		dyno->state = PLAN_STOPPING;
		break;
	case PLAN_FORGET:
		assert_int_equal(dyno->state, PLAN_GONE);
		assert_false(dyno->routed);
		forget(w, a->dyno_id);
		break;
	case PLAN_COMMIT:
		assert_int_equal(a->release, w->desired.candidate);
		for (size_t i = 0; i < w->desired.n_types; i++) {
			assert_true(!w->types[i].in_candidate ||
				    serving(w, w->types[i].type) >= w->types[i].quantity);
			w->types[i].in_current = w->types[i].in_candidate;
		}
		w->desired.current = w->desired.candidate;
		w->desired.candidate = 0;
		w->commits++;
		break;
	case PLAN_UNDO:
		assert_int_equal(a->release, w->desired.candidate);
		assert_true(a->reason[0] != '\0');
		w->desired.candidate = 0;
		w->undos++;
		break;
	}
}

static void no_double_actions(const struct plan *p)
{
	for (size_t i = 0; i < p->n_actions; i++)
		for (size_t j = 0; j < i; j++) {
			const struct plan_action *a = &p->actions[i], *b = &p->actions[j];

			assert_false(a->kind == b->kind && a->kind != PLAN_START &&
				     a->dyno_id == b->dyno_id);
			assert_false(a->kind == PLAN_START && b->kind == PLAN_START &&
				     streq(a->type, b->type) && a->number == b->number &&
				     a->release == b->release);
		}
}

/* One turn of the reconciler; with `die`, twelved is killed somewhere in the middle of it. */
static bool turn(struct world *w, bool die)
{
	struct plan p;
	size_t upto;
	bool settled;

	plan_make(&w->desired, w->dynos, w->n_dynos, w->now_ms, &p);
	no_double_actions(&p);
	/* The world tells of starts and stops by itself; what only we know of has to be planned
	 * again. */
	for (size_t i = 0; i < p.n_actions; i++)
		if (p.actions[i].kind != PLAN_START && p.actions[i].kind != PLAN_STOP &&
		    p.actions[i].kind != PLAN_FORGET && p.actions[i].kind != PLAN_DRAIN)
			assert_int_equal(p.again_ms, 0);
	upto = die && p.n_actions ? roll(w, (unsigned)p.n_actions) : p.n_actions;
	for (size_t i = 0; i < upto; i++)
		apply(w, &p.actions[i]);
	settled = p.settled;
	plan_done(&p);
	return settled;
}

static bool doomed(const struct world *w, const struct plan_dyno *dyno)
{
	return w->bad_candidate && dyno->release == w->desired.candidate;
}

/* Time goes by for one dyno: it gets ready, ends, crashes, loses requests. */
static void live(struct world *w, struct plan_dyno *dyno, bool healthy)
{
	unsigned r = roll(w, 20);

	switch (dyno->state) {
	case PLAN_STARTING:
		if (doomed(w, dyno))
			dyno->state = r < 10 ? PLAN_CRASHED : PLAN_STARTING;
		else if (r < 10 || healthy)
			dyno->state = PLAN_READY;
		break;
	case PLAN_READY:
		dyno->sessions = dyno->routed	  ? roll(w, 3)
				 : dyno->sessions ? dyno->sessions - 1
						  : 0;
		if (!healthy && r == 0)
			dyno->state = PLAN_CRASHED;
		else if (!healthy && r == 1)
			dyno->state = PLAN_GONE;
		break;
	case PLAN_CRASHED:
		dyno->sessions = 0;
		dyno->state = PLAN_STARTING;
		dyno->starting_since_ms = w->now_ms;
		break;
	case PLAN_STOPPING:
		dyno->sessions = 0;
		if (r < 15 || healthy)
			dyno->state = PLAN_GONE;
		break;
	case PLAN_GONE:
		break;
	}
}

static void pass_time(struct world *w, bool healthy)
{
	w->now_ms += 1000;
	for (size_t i = 0; i < w->n_dynos; i++)
		live(w, &w->dynos[i], healthy);
}

static void person_acts(struct world *w)
{
	struct plan_type *t = &w->types[roll(w, (unsigned)w->desired.n_types)];

	switch (roll(w, 12)) {
	case 0:
		push_release(w, roll(w, 3) == 0);
		break;
	case 1:
		t->quantity = roll(w, 5);
		break;
	case 2:
		snprintf(t->size, sizeof(t->size), "standard-%ux", 1 + roll(w, 2));
		break;
	case 3: {
		struct plan_restart *r = &w->restarts[w->desired.n_restarts % MAX_RESTARTS];

		*r = (struct plan_restart){ .at_ms = w->now_ms };
		if (roll(w, 2))
			memcpy(r->type, t->type, sizeof(r->type));
		if (w->desired.n_restarts < MAX_RESTARTS)
			w->desired.n_restarts++;
		break;
	}
	case 4:
		push_release(w, false);
		w->types[1].in_candidate = roll(w, 2);
		break;
	}
}

static void assert_exactly_what_is_wanted(struct world *w)
{
	size_t total = 0;

	for (size_t i = 0; i < w->desired.n_types; i++) {
		int64_t want =
			w->types[i].in_current && w->desired.current ? w->types[i].quantity : 0;

		assert_int_equal(serving(w, w->types[i].type), want);
		total += (size_t)want;
	}
	assert_int_equal(w->n_dynos, total);
	for (size_t i = 0; i < w->n_dynos; i++)
		assert_int_equal(w->dynos[i].release, w->desired.current);
}

static void settle(struct world *w)
{
	for (int i = 0; i < 200; i++) {
		if (turn(w, false)) {
			assert_exactly_what_is_wanted(w);
			return;
		}
		pass_time(w, true);
	}
	for (int i = 0; i < TRACE; i++)
		print_message("%s\n", w->trace[(w->n_trace + i) % TRACE]);
	for (size_t i = 0; i < w->n_dynos; i++)
		print_message("%s.%d v%d state %d routed %d draining %d\n", w->dynos[i].type,
			      (int)w->dynos[i].number, (int)w->dynos[i].release,
			      (int)w->dynos[i].state, w->dynos[i].routed, w->dynos[i].draining);
	fail_msg("a healthy world did not settle");
}

static void test_random_histories(void **state)
{
	static struct world w;
	int commits = 0, undos = 0;

	(void)state;
	for (unsigned seed = 1; seed <= 5000; seed++) {
		world_init(&w, seed);
		push_release(&w, false);
		for (int step = 0; step < 60; step++) {
			person_acts(&w);
			turn(&w, roll(&w, 4) == 0);
			pass_time(&w, false);
		}
		settle(&w);
		commits += w.commits;
		undos += w.undos;
	}
	/* The histories are of no use if nothing happens in them. */
	assert_true(commits > 10000);
	assert_true(undos > 1000);
}

static void settled_world(struct world *w, int64_t web, int64_t worker)
{
	world_init(w, 7);
	w->types[0].quantity = web;
	w->types[1].quantity = worker;
	push_release(w, false);
	settle(w);
}

static void test_first_release(void **state)
{
	static struct world w;
	struct plan p;

	(void)state;
	world_init(&w, 1);
	push_release(&w, false);
	w.desired.candidate_phase_done = false;
	plan_make(&w.desired, w.dynos, 0, w.now_ms, &p);
	assert_int_equal(p.n_actions, 0);
	assert_false(p.settled);
	plan_done(&p);
	w.desired.candidate_phase_done = true;
	plan_make(&w.desired, w.dynos, 0, w.now_ms, &p);
	assert_int_equal(p.n_actions, 1);
	assert_int_equal(p.actions[0].kind, PLAN_START);
	plan_done(&p);
}

static void test_candidate_waits_for_all_before_any_gets_traffic(void **state)
{
	static struct world w;
	struct plan p;

	(void)state;
	settled_world(&w, 2, 0);
	push_release(&w, false);
	turn(&w, false);
	assert_int_equal(w.n_dynos, 4);
	w.dynos[2].state = PLAN_READY;
	plan_make(&w.desired, w.dynos, w.n_dynos, w.now_ms, &p);
	assert_int_equal(p.n_actions, 0);
	plan_done(&p);
	w.dynos[3].state = PLAN_READY;
	plan_make(&w.desired, w.dynos, w.n_dynos, w.now_ms, &p);
	assert_int_equal(p.n_actions, 5);
	assert_int_equal(p.actions[0].kind, PLAN_ROUTE);
	assert_int_equal(p.actions[1].kind, PLAN_ROUTE);
	assert_int_equal(p.actions[2].kind, PLAN_DRAIN);
	assert_int_equal(p.actions[3].kind, PLAN_DRAIN);
	assert_int_equal(p.actions[4].kind, PLAN_COMMIT);
	plan_done(&p);
}

static void test_unhealthy_candidate_is_undone_with_a_reason(void **state)
{
	static struct world w;
	struct plan p;

	(void)state;
	settled_world(&w, 1, 1);
	push_release(&w, true);
	turn(&w, false);
	w.dynos[2].state = PLAN_CRASHED;
	w.dynos[2].reason = "exited with status 1 after 0.3 s";
	plan_make(&w.desired, w.dynos, w.n_dynos, w.now_ms, &p);
	assert_int_equal(p.n_actions, 1);
	assert_int_equal(p.actions[0].kind, PLAN_UNDO);
	assert_string_equal(p.actions[0].reason, "web.1 exited with status 1 after 0.3 s");
	plan_done(&p);
	settle(&w);
	assert_int_equal(w.desired.current, 1);
}

/* A candidate over a current release whose worker crashes; dynos 2 and 3 are the candidate's web
 * and worker. */
static void crashing_world(struct world *w)
{
	settled_world(w, 1, 1);
	push_release(w, false);
	turn(w, false);
	assert_int_equal(w->n_dynos, 4);
	assert_string_equal(w->dynos[1].type, "worker");
	assert_string_equal(w->dynos[3].type, "worker");
	w->dynos[1].state = PLAN_CRASHED;
	w->dynos[1].unwell = true;
	w->dynos[3].state = PLAN_CRASHED;
	w->dynos[3].reason = "exited with status 1 after 0.3 s";
}

static void expect(struct world *w, enum plan_kind kind, const char *reason)
{
	struct plan p;

	plan_make(&w->desired, w->dynos, w->n_dynos, w->now_ms, &p);
	assert_true(p.n_actions > 0);
	assert_int_equal(p.actions[p.n_actions - 1].kind, kind);
	assert_string_equal(p.actions[p.n_actions - 1].reason, reason);
	plan_done(&p);
}

static void test_what_crashed_before_does_not_hold_it_up(void **state)
{
	static struct world w;
	struct plan p;

	(void)state;
	crashing_world(&w);
	plan_make(&w.desired, w.dynos, w.n_dynos, w.now_ms, &p);
	/* Web is waited for all the same. */
	assert_int_equal(p.n_actions, 0);
	plan_done(&p);
	w.dynos[2].state = PLAN_READY;
	expect(&w, PLAN_COMMIT, "worker");
	/* Nor is it waited for. */
	w.dynos[3].state = PLAN_STARTING;
	expect(&w, PLAN_COMMIT, "worker");
	/* Tried again at the moment, which is no better. */
	w.dynos[1].state = PLAN_READY;
	expect(&w, PLAN_COMMIT, "worker");
}

static void test_what_was_up_before_holds_it_up(void **state)
{
	static struct world w;

	(void)state;
	crashing_world(&w);
	w.dynos[2].state = PLAN_READY;
	/* It crashed once, after a good run. */
	w.dynos[1].unwell = false;
	expect(&w, PLAN_UNDO, "worker.1 exited with status 1 after 0.3 s");
	/* It is new: nothing is known of it. */
	crashing_world(&w);
	w.dynos[1].release = w.desired.candidate;
	w.dynos[1].state = PLAN_READY;
	expect(&w, PLAN_UNDO, "worker.1 exited with status 1 after 0.3 s");
	/* What is live answers, whatever was before. */
	crashing_world(&w);
	w.dynos[0].unwell = true;
	w.dynos[0].state = w.dynos[2].state = PLAN_CRASHED;
	w.dynos[2].reason = "exited with status 3 after 0.1 s";
	expect(&w, PLAN_UNDO, "web.1 exited with status 3 after 0.1 s");
}

static void test_slow_candidate_is_undone_at_the_deadline(void **state)
{
	static struct world w;
	struct plan p;

	(void)state;
	settled_world(&w, 1, 0);
	push_release(&w, false);
	turn(&w, false);
	w.now_ms += 59000;
	plan_make(&w.desired, w.dynos, w.n_dynos, w.now_ms, &p);
	assert_int_equal(p.n_actions, 0);
	assert_int_equal(p.again_ms, 1000);
	plan_done(&p);
	w.now_ms += 1000;
	plan_make(&w.desired, w.dynos, w.n_dynos, w.now_ms, &p);
	assert_int_equal(p.actions[0].kind, PLAN_UNDO);
	assert_string_equal(p.actions[0].reason, "web.1 was not ready within 60 s");
	plan_done(&p);
}

static void test_drain_waits_for_requests_but_not_for_ever(void **state)
{
	static struct world w;
	struct plan p;

	(void)state;
	settled_world(&w, 2, 0);
	w.types[0].quantity = 1;
	w.dynos[1].sessions = 3;
	turn(&w, false);
	assert_true(w.dynos[1].draining && !w.dynos[1].routed);
	w.now_ms += 10000;
	plan_make(&w.desired, w.dynos, w.n_dynos, w.now_ms, &p);
	assert_int_equal(p.n_actions, 0);
	assert_true(p.again_ms >= 0);
	plan_done(&p);
	w.now_ms += 20000;
	plan_make(&w.desired, w.dynos, w.n_dynos, w.now_ms, &p);
	assert_int_equal(p.n_actions, 1);
	assert_int_equal(p.actions[0].kind, PLAN_STOP);
	plan_done(&p);
}

static void test_crashed_dyno_loses_its_traffic_and_gets_it_back(void **state)
{
	static struct world w;

	(void)state;
	settled_world(&w, 2, 0);
	w.dynos[0].state = PLAN_CRASHED;
	turn(&w, false);
	assert_false(w.dynos[0].routed);
	w.dynos[0].state = PLAN_READY;
	turn(&w, false);
	assert_true(w.dynos[0].routed);
}

static void test_restart_is_make_before_break_for_workers_too(void **state)
{
	static struct world w;

	(void)state;
	settled_world(&w, 0, 1);
	w.now_ms += 5;
	w.restarts[0] = (struct plan_restart){ .at_ms = w.now_ms };
	w.desired.n_restarts = 1;
	turn(&w, false);
	assert_int_equal(w.n_dynos, 2);
	assert_int_equal(w.dynos[0].state, PLAN_READY);
	w.dynos[1].state = PLAN_READY;
	turn(&w, false);
	assert_int_equal(w.dynos[0].state, PLAN_STOPPING);
	settle(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_release),
		cmocka_unit_test(test_candidate_waits_for_all_before_any_gets_traffic),
		cmocka_unit_test(test_unhealthy_candidate_is_undone_with_a_reason),
		cmocka_unit_test(test_what_crashed_before_does_not_hold_it_up),
		cmocka_unit_test(test_what_was_up_before_holds_it_up),
		cmocka_unit_test(test_slow_candidate_is_undone_at_the_deadline),
		cmocka_unit_test(test_drain_waits_for_requests_but_not_for_ever),
		cmocka_unit_test(test_crashed_dyno_loses_its_traffic_and_gets_it_back),
		cmocka_unit_test(test_restart_is_make_before_break_for_workers_too),
		cmocka_unit_test(test_random_histories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
