/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan: what to do so that what runs becomes what is wanted. A pure
 * function of the desired state (from the store) and the observed one (from
 * the world); it keeps nothing between calls, so there is nothing to lose when
 * twelved is killed between any two actions.
 *
 * A rollout in the plan's terms, for the candidate release C over the current
 * release R, type by type and worker types too:
 *
 *                  C's phase done            all of C ready
 *   R runs ──────▶ start C's dynos ────▶ route C, drain R (switch) ─▶ commit C ─▶
 *                        │ one fails, or
 *                        ▼ does not get ready in time
 *                  undo C: stop its dynos; R has never stopped
 *
 *   ─▶ what is not C has no requests left, or its window is over ──▶ stop it
 *
 * A type without traffic whose dynos all crash in R does not hold C up: it was not up before, so
 * there is nothing to lose, and else no config var, push or rollback could ever mend anything. It
 * is neither waited for nor a reason to undo. Web is not excused: what is live answers.
 *
 * Dynos of one type that are stale (an older release, another size, a restart
 * asked for) get a successor first and are drained and stopped when it is
 * ready: make before break. One dyno per number is "the" dyno of its slot;
 * predecessor and successor carry the same number.
 *
 * Invariants, which the random histories of tests/unit/test-plan.c assert:
 *   - a ready dyno that serves the current release is never stopped while no
 *     successor is ready, unless the formation wants fewer;
 *   - no action names a dyno that is not there, and none is given twice;
 *   - a dyno is stopped only when it is not routed and drained or out of time;
 *   - repeated application with a healthy world ends, with no actions left and
 *     exactly the wanted dynos.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define PLAN_NAME_MAX 64

struct plan_type {
	char type[PLAN_NAME_MAX];
	int64_t quantity;
	char size[PLAN_NAME_MAX];
	bool in_current;   /* the current release has this process type */
	bool in_candidate; /* the candidate has it */
};

struct plan_restart {
	char type[PLAN_NAME_MAX]; /* "": all */
	int64_t number;		  /* 0: all */
	int64_t at_ms;
};

struct plan_desired {
	int64_t current;   /* release version, 0: none runs yet */
	int64_t candidate; /* newer pending release that has a slug, 0: none */
	bool candidate_phase_done;
	const struct plan_type *types;
	size_t n_types;
	const struct plan_restart *restarts;
	size_t n_restarts;
	int64_t drain_ms;	  /* how long a drain may take */
	int64_t start_timeout_ms; /* how long a dyno may take to be ready */
};

enum plan_dyno_state {
	PLAN_STARTING, /* the process is being started, or runs and is not ready yet */
	PLAN_READY,    /* runs and is healthy */
	PLAN_CRASHED,  /* ended; its supervisor starts it again after a pause */
	PLAN_STOPPING, /* was told to stop */
	PLAN_GONE,     /* ended for good: forget it */
};

struct plan_dyno {
	const char *id;
	char type[PLAN_NAME_MAX];
	int64_t number;
	int64_t release;
	char size[PLAN_NAME_MAX];
	enum plan_dyno_state state;
	bool unwell;	 /* its last run ended soon after the start, and it has not run well
			    since */
	bool ever_ready; /* it was ready at least once, also before a crash */
	bool port_based; /* gets traffic: type web */
	bool routed;
	bool draining; /* unrouted, maybe with requests still running */
	int64_t drain_since_ms;
	int64_t sessions;   /* requests that it still serves */
	int64_t created_ms; /* wall clock */
	int64_t starting_since_ms;
	const char *reason; /* why it crashed; borrowed */
};

enum plan_kind {
	PLAN_START,  /* a dyno of type.number from release, with size */
	PLAN_ROUTE,  /* give it traffic */
	PLAN_DRAIN,  /* take its traffic away, let requests finish */
	PLAN_STOP,   /* SIGTERM, window, SIGKILL */
	PLAN_FORGET, /* remove what a gone dyno left */
	PLAN_COMMIT, /* the candidate is current now; reason: the types that it was not held up by
			("worker, clock"), or "" */
	PLAN_UNDO,   /* the candidate failed: reason */
};

struct plan_action {
	enum plan_kind kind;
	const char *dyno_id; /* ROUTE, DRAIN, STOP, FORGET; UNDO: the dyno that failed, or NULL */
	char type[PLAN_NAME_MAX];
	int64_t number;
	int64_t release;
	char size[PLAN_NAME_MAX];
	char reason[256];
};

struct plan {
	struct plan_action *actions;
	size_t n_actions;
	/* When to plan again if nothing happens: ms from now, -1 for never. */
	int64_t again_ms;
	bool settled; /* what runs is what is wanted */
};

void plan_done(struct plan *p);

/* now_ms is wall clock. Actions are in order; a caller that can't do one stops there and plans
 * again later. */
void plan_make(const struct plan_desired *d, const struct plan_dyno *dynos, size_t n_dynos,
	       int64_t now_ms, struct plan *ret);
