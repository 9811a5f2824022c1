/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a dyno, as a pure function: (state, event, facts) to (state, actions). state.c finds
 * the facts and does the actions; tests/unit/test-machine.c goes through it cell by cell.
 *
 *              LAUNCHED               STOP, KILL
 *  STARTING ──────────────▶ UP ───────────────────────▶ STOPPING ──┐ DEADLINE (the window), KILL
 *   ▲ │ │ LAUNCH_FAILED,    │ ENDED                        │ ◀─────┘
 *   │ │ │ restart           │                              │ ENDED
 *   │ │ └──▶ CRASHED ◀───── restart? ── no ────────────▶ EXITED
 *   │ │         │  │ STOP, KILL                            ▲ ▲
 *   │ └─────────│──┴───────────────────────────────────────┘ │
 *   │  STOP, KILL, DEADLINE (nobody attached),               │
 *   │  LAUNCH_FAILED of a one-off dyno ──────────────────────┘
 *   └───────────┘ DEADLINE (the pause: 1, 2, 4 ... 60 s; again 1 s after a run of a minute)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/dyno-proto.h"

enum machine_event {
	MACHINE_GO, /* the first launch: at once, or when the client of a session is there */
	MACHINE_LAUNCHED,
	MACHINE_LAUNCH_FAILED,
	MACHINE_STOP,	  /* with a window */
	MACHINE_KILL,	  /* without one */
	MACHINE_DEADLINE, /* what was waited for did not come in time, or the pause is over */
	MACHINE_ENDED,	  /* the process */
	_MACHINE_EVENT_MAX,
};

enum machine_action {
	MACHINE_NOTHING, /* ends a list */
	MACHINE_LAUNCH_IT,
	MACHINE_MOVE,	      /* to the new state, which is reported */
	MACHINE_SIGTERM,      /* and the window begins */
	MACHINE_TELL_OVERDUE, /* that the window is over */
	MACHINE_SIGKILL,
	MACHINE_PAUSE,	      /* pause_ms begin */
	MACHINE_TELL_WHY,     /* the reason is why it was stopped, unless there is one */
	MACHINE_TELL_NOBODY,  /* the reason is that nobody attached */
	MACHINE_END_SESSION,  /* the rest of its output goes out, and then nothing more */
	MACHINE_STOP_WAITING, /* for slow readers of the end */
};
#define MACHINE_ACTIONS_MAX 4

struct machine_facts {
	bool restart;	  /* a process that ends is started again */
	bool killed;	  /* SIGKILL was sent before */
	int64_t pause_ms; /* the last one; 0: none */
	int64_t ran_ms;	  /* how long the process ran; 0: it did not start */
};

struct machine_step {
	enum dyno_state to;
	enum machine_action actions[MACHINE_ACTIONS_MAX + 1]; /* in this order */
	int64_t pause_ms;				      /* with MACHINE_PAUSE */
};

/* Events that a state does not know change nothing. */
struct machine_step machine_step(enum dyno_state state, enum machine_event event,
				 const struct machine_facts *f);

/* How a process ended. */
struct machine_end {
	int exit_code; /* as a shell tells it */
	bool oom;      /* memory ended it, or a part of it */
	int64_t ran_ms;
	int64_t memory_bytes; /* its limit */
	const char *stopped;  /* why it was stopped; NULL: nobody did */
};
#define MACHINE_REASON_MAX 256
/* The sentence for people. */
void machine_reason(const struct machine_end *e, char text[static MACHINE_REASON_MAX]);

/* The state in the log's line "State changed from X to Y", as Heroku's has it; NULL: there is no
 * such line. */
const char *machine_word(enum dyno_state from, enum dyno_state to, bool stopped, int exit_code);
