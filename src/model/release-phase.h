/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The release phase of a candidate, as a pure function: (state, event, facts) to (state, action).
 * rollout/phase.c finds the facts and does the actions.
 *
 *          LOOK: START, FOLLOW         EXIT: ASK_REST
 *   IDLE ──────────────────────▶ RUNS ─────────────────▶ ENDED
 *    ▲                                                    │ TOLD: PASS, FAIL, FORGET
 *    └────────────────────────────────────────────────────┘
 */
#pragma once

#include <stdbool.h>

enum release_phase_state {
	RELEASE_PHASE_IDLE,  /* no command is followed */
	RELEASE_PHASE_RUNS,  /* and its output is followed */
	RELEASE_PHASE_ENDED, /* the rest of its output is awaited */
	_RELEASE_PHASE_STATE_MAX,
};

enum release_phase_event {
	RELEASE_PHASE_LOOK, /* a turn of the reconciler, with a candidate whose phase is not done */
	RELEASE_PHASE_EXIT, /* the command that is followed has ended */
	RELEASE_PHASE_TOLD, /* all of its output is there */
	_RELEASE_PHASE_EVENT_MAX,
};

enum release_phase_action {
	RELEASE_PHASE_NOTHING,
	RELEASE_PHASE_SKIP,	/* the candidate has no release command: its phase is done */
	RELEASE_PHASE_WAIT,	/* for an older release's command: two never run at once */
	RELEASE_PHASE_START,	/* the command, and follow it */
	RELEASE_PHASE_FOLLOW,	/* one that was started before twelved was */
	RELEASE_PHASE_ASK_REST, /* of its output */
	RELEASE_PHASE_PASS,	/* the phase is done */
	RELEASE_PHASE_FAIL,	/* undo the candidate */
	RELEASE_PHASE_FORGET,	/* it was superseded meanwhile, so its result does not matter */
};

struct release_phase_facts {
	bool has_command; /* of the candidate */
	bool older_runs;  /* a command of another release runs or is followed */
	bool runs;	  /* the candidate's own does */
	bool pending;	  /* the release whose command ended is still waiting to go live */
	bool succeeded;	  /* that command did */
};

struct release_phase_step {
	enum release_phase_state to;
	enum release_phase_action action;
};

struct release_phase_step release_phase_next(enum release_phase_state state,
					     enum release_phase_event event,
					     const struct release_phase_facts *f);
