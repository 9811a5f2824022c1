/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of each app between two turns of the reconciler, and the timer that asks for the
 * next one. What a turn does is a function that reconcile.c gives: so what a turn uses (rollout,
 * phase, routes) can ask for one as well.
 */
#pragma once

#include "daemon/edge/router.h"
#include "daemon/rollout/reconcile.h"

struct post_mortem;
struct phase_output;

/* Of each app: timers and what is measured while a rollout is under way; nothing that has to
 * survive. */
struct app_state {
	struct reconciler *owner;
	char id[UUID_SIZE];
	struct watch *timer;
	bool routes_adopted; /* haproxy was asked once which of the dynos have traffic */
	char *last_route;    /* what was handed to the router last, in text */
	bool awaits_router;  /* a turn waits for what it was given, or asked */
	/* The rollout: of the candidate, or just committed and not yet settled. 0: none. */
	int64_t rollout;
	bool committed;
	int64_t rollout_began_ms; /* wall clock */
	int64_t drain_began_ms;	  /* wall clock; 0: not yet */
	/* The router's counters before it and at its end: when they were asked for (clock_now_ms(),
	 * 0: not), and whether they are known. */
	struct router_counts counts_before, counts_now;
	int64_t before_asked_ms, now_asked_ms;
	bool before_known, now_known;
	int64_t slugless; /* the release whose slug is not here, which was told; 0: none */
	char not_up[256]; /* types that the committed release was not held up by, or "" */
	json_t *ready;	  /* [{"dyno":"web.1","ready_ms":412}] */
	struct post_mortem
		*post_mortem; /* the candidate is being undone: its last lines are fetched */
	struct phase_output *phase_output;
	int64_t phase_waits_for; /* an older release whose release command runs, and somebody was
				    told so; 0: none */
};

struct reconciler {
	struct reconciler_options o;
	void (*on_turn)(void *app_state);
	struct app_state **apps;
	size_t n;
};

/* The app's; a new one when there is none. */
struct app_state *state_of(struct reconciler *r, const char *app_id);
/* NULL when there is none. */
struct app_state *state_find(const struct reconciler *r, const char *app_id);
/* Takes it off the list and frees it; what is under way for it has ended before. */
void state_drop(struct app_state *a);
/* The state asks for a turn. reconcile_app() (reconcile.h) does so by an app's id. */
void state_turn_soon(struct app_state *a);
