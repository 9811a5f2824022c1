/* SPDX-License-Identifier: Apache-2.0 */
/* The state of each app between two turns of the reconciler, and the timer for the next one.
 * reconcile.c registers the function of a turn, so that the modules that a turn uses (rollout,
 * phase, routes) can request one. */
#pragma once

#include "daemon/edge/router.h"
#include "daemon/rollout/reconcile.h"

struct post_mortem;
struct phase_output;

/* Per app: timers, and measurements during a rollout; nothing that has to survive a restart. */
struct app_state {
	struct reconciler *owner;
	char id[UUID_SIZE];
	struct watch *timer;
	bool routes_adopted; /* haproxy was asked which dynos have traffic */
	char *last_route;    /* what was handed to the router last, in text */
	bool awaits_router;  /* a turn waits for what it was given, or asked */
	/* The version being rolled out, or committed but not settled. 0: none. */
	int64_t rollout;
	bool committed;
	int64_t rollout_began_ms; /* wall clock */
	int64_t drain_began_ms;	  /* wall clock; 0: not yet */
	/* The router's counters before and at the end of the rollout: when they were requested
	 * (clock_now_ms(), 0: not yet), and whether they are known. */
	struct router_counts counts_before, counts_now;
	int64_t before_asked_ms, now_asked_ms;
	bool before_known, now_known;
	int64_t slugless; /* the release whose missing slug was reported; 0: none */
	char not_up[256]; /* crashing types that did not hold the release up, or "" */
	json_t *ready;	  /* [{"dyno":"web.1","ready_ms":412}] */
	struct post_mortem
		*post_mortem; /* the candidate is being undone: its last lines are being fetched */
	struct phase_output *phase_output;
	int64_t phase_waits_for; /* an older release whose release command runs, if that was
				    reported; 0: none */
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
/* Removes it from the list and frees it. Its pending operations must have ended. */
void state_drop(struct app_state *a);
/* Requests a turn. reconcile_app() (reconcile.h) does so by an app's ID. */
void state_turn_soon(struct app_state *a);
