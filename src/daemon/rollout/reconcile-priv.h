/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the reconciler share: reconcile.c, gather.c, rollout.c, rollout/phase.c. */
#pragma once

#include "daemon/dynos/dynos.h"
#include "daemon/rollout/reconcile.h"
#include "daemon/edge/router.h"
#include "model/plan.h"

struct post_mortem;

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
	struct daemon *d;
	struct app_state **apps;
	size_t n;
};

/* gather.c: what one turn works on. */
struct turn {
	struct app_state *a;
	struct daemon *d;
	struct app app;
	struct release current, candidate; /* version 0: none */
	struct plan_type *types;
	size_t n_types;
	struct restart *restarts;
	struct plan_restart *plan_restarts;
	size_t n_restarts;
	struct dyno **dynos; /* of the formation */
	struct plan_dyno *plan_dynos;
	size_t n_dynos;
	struct plan_desired desired;
};

/* Reads what is wanted and what runs. ERROR_NOT_FOUND: the app is gone. turn_done() in any case. */
int turn_gather(struct turn *t, struct error *err);
void turn_done(struct turn *t);

/* rollout.c: what a rollout measures, tells and leaves. */
void rollout_begin(struct app_state *a, const struct release *candidate);
/* Whether the counters that the proof begins with, and ends with, are read, or can't be; else the
 * router is being asked. */
bool rollout_counted_before(struct app_state *a);
bool rollout_counted(struct app_state *a);
/* A dyno of the candidate is ready. */
void rollout_note_ready(struct app_state *a, const struct dyno *dyno);
/* not_up: the process types that it was not held up by ("worker, clock"), or "". */
int rollout_commit(struct app_state *a, struct app *app, struct release *candidate,
		   const char *not_up, struct error *err);
/* Everything old is gone: completes the proof. */
void rollout_settled(struct app_state *a);
/* Marks the candidate failed; fetches the last lines of the dyno that failed first (NULL: none). */
void rollout_undo(struct app_state *a, struct release *take_candidate, const struct dyno *failed,
		  const char *reason);
/* The newest release came before those after version `after` were done: who waits for one of them
 * is told. */
void rollout_superseded(struct app_state *a, int64_t after, int64_t by);
void rollout_clear(struct app_state *a);
/* The app is gone: with what is under way for it. */
void rollout_forget(struct app_state *a);

/* rollout/phase.c: the process type `release`, run from the candidate before its dynos start. */
/* Starts it, or waits for it, or marks the phase done when there is none. */
void phase_step(struct app_state *a, const struct app *app, struct release *candidate);
/* A dyno of type release has ended. */
void phase_ended(struct app_state *a, const struct dyno *dyno);
void phase_clear(struct app_state *a);
