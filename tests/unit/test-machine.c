/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a dyno: each cell of (state, event), the pauses, the sentences, and random lives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "dyno/machine.h"

#define STARTING DYNO_STARTING
#define UP DYNO_UP
#define CRASHED DYNO_CRASHED
#define STOPPING DYNO_STOPPING
#define EXITED DYNO_EXITED

static const char *const event_names[_MACHINE_EVENT_MAX] = {
	[MACHINE_GO] = "go",
	[MACHINE_LAUNCHED] = "launched",
	[MACHINE_LAUNCH_FAILED] = "launch failed",
	[MACHINE_STOP] = "stop",
	[MACHINE_KILL] = "kill",
	[MACHINE_DEADLINE] = "deadline",
	[MACHINE_ENDED] = "ended",
};

struct cell {
	enum dyno_state to;
	enum machine_action actions[MACHINE_ACTIONS_MAX + 1];
};

#define NONE(state)                     \
	{                               \
		state,                  \
		{                       \
			MACHINE_NOTHING \
		}                       \
	}
#define FINISH                                            \
	{                                                 \
		EXITED,                                   \
		{                                         \
			MACHINE_END_SESSION, MACHINE_MOVE \
		}                                         \
	}
#define LET_GO                                                              \
	{                                                                   \
		EXITED,                                                     \
		{                                                           \
			MACHINE_TELL_WHY, MACHINE_END_SESSION, MACHINE_MOVE \
		}                                                           \
	}
#define CRASH                                       \
	{                                           \
		CRASHED,                            \
		{                                   \
			MACHINE_PAUSE, MACHINE_MOVE \
		}                                   \
	}
#define KILL                            \
	{                               \
		STOPPING,               \
		{                       \
			MACHINE_SIGKILL \
		}                       \
	}

/* clang-format off */
static const struct cell one_off[_DYNO_STATE_MAX][_MACHINE_EVENT_MAX] = {
	[STARTING] = {
		[MACHINE_GO] = { STARTING, { MACHINE_LAUNCH_IT } },
		[MACHINE_LAUNCHED] = { UP, { MACHINE_MOVE } },
		[MACHINE_LAUNCH_FAILED] = FINISH,
		[MACHINE_STOP] = LET_GO,
		[MACHINE_KILL] = LET_GO,
		[MACHINE_DEADLINE] = { EXITED, { MACHINE_TELL_NOBODY, MACHINE_END_SESSION, MACHINE_MOVE } },
		[MACHINE_ENDED] = NONE(STARTING),
	},
	[UP] = {
		[MACHINE_GO] = NONE(UP),
		[MACHINE_LAUNCHED] = NONE(UP),
		[MACHINE_LAUNCH_FAILED] = NONE(UP),
		[MACHINE_STOP] = { STOPPING, { MACHINE_MOVE, MACHINE_SIGTERM } },
		[MACHINE_KILL] = { STOPPING, { MACHINE_MOVE, MACHINE_SIGKILL } },
		[MACHINE_DEADLINE] = NONE(UP),
		[MACHINE_ENDED] = FINISH,
	},
	[CRASHED] = {
		[MACHINE_GO] = NONE(CRASHED),
		[MACHINE_LAUNCHED] = NONE(CRASHED),
		[MACHINE_LAUNCH_FAILED] = NONE(CRASHED),
		[MACHINE_STOP] = LET_GO,
		[MACHINE_KILL] = LET_GO,
		[MACHINE_DEADLINE] = { STARTING, { MACHINE_MOVE, MACHINE_LAUNCH_IT } },
		[MACHINE_ENDED] = NONE(CRASHED),
	},
	[STOPPING] = {
		[MACHINE_GO] = NONE(STOPPING),
		[MACHINE_LAUNCHED] = NONE(STOPPING),
		[MACHINE_LAUNCH_FAILED] = NONE(STOPPING),
		[MACHINE_STOP] = NONE(STOPPING),
		[MACHINE_KILL] = KILL,
		[MACHINE_DEADLINE] = { STOPPING, { MACHINE_TELL_OVERDUE, MACHINE_SIGKILL } },
		[MACHINE_ENDED] = FINISH,
	},
	[EXITED] = {
		[MACHINE_GO] = NONE(EXITED),
		[MACHINE_LAUNCHED] = NONE(EXITED),
		[MACHINE_LAUNCH_FAILED] = NONE(EXITED),
		[MACHINE_STOP] = { EXITED, { MACHINE_STOP_WAITING } },
		[MACHINE_KILL] = { EXITED, { MACHINE_STOP_WAITING } },
		[MACHINE_DEADLINE] = NONE(EXITED),
		[MACHINE_ENDED] = NONE(EXITED),
	},
};
/* clang-format on */

/* What is otherwise with a dyno that is started again, and after a SIGKILL. */
static struct cell expected(enum dyno_state state, enum machine_event event,
			    const struct machine_facts *f)
{
	static const struct cell crash = CRASH, kill = KILL;
	bool failed = (state == STARTING && event == MACHINE_LAUNCH_FAILED) ||
		      (state == UP && event == MACHINE_ENDED);

	if (f->restart && failed)
		return crash;
	if (f->killed && state == STOPPING && event == MACHINE_DEADLINE)
		return kill;
	return one_off[state][event];
}

static void check_cell(enum dyno_state state, enum machine_event event,
		       const struct machine_facts *f)
{
	struct machine_step s = machine_step(state, event, f);
	struct cell c = expected(state, event, f);

	if (s.to != c.to || memcmp(s.actions, c.actions, sizeof(c.actions)) != 0)
		fail_msg("%s, %s, restart %d, killed %d: to %s", dyno_state_names[state],
			 event_names[event], f->restart, f->killed, dyno_state_names[s.to]);
}

static void each_cell_is_as_drawn(void **state)
{
	(void)state;
	for (int s = 0; s < _DYNO_STATE_MAX; s++)
		for (int e = 0; e < _MACHINE_EVENT_MAX; e++)
			for (int i = 0; i < 4; i++)
				check_cell(s, e,
					   &(struct machine_facts){ .restart = i & 1,
								    .killed = i & 2 });
}

static void pauses_grow_and_a_good_run_ends_them(void **state)
{
	static const struct {
		int64_t pause_ms, ran_ms, next_ms;
	} cases[] = {
		{ 0, 0, 1000 },		{ 1000, 0, 2000 },    { 2000, 300, 4000 },
		{ 32000, 10, 60000 },	{ 60000, 10, 60000 }, { 60000, 60000, 60000 },
		{ 60000, 60001, 1000 }, { 0, 3600000, 1000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine_step s =
			machine_step(UP, MACHINE_ENDED,
				     &(struct machine_facts){ .restart = true,
							      .pause_ms = cases[i].pause_ms,
							      .ran_ms = cases[i].ran_ms });

		assert_int_equal(s.pause_ms, cases[i].next_ms);
	}
}

static void reasons_are_sentences(void **state)
{
	static const struct {
		struct machine_end end;
		const char *reason;
	} cases[] = {
		{ { .exit_code = 1, .ran_ms = 1240 }, "exited with status 1 after 1.2 s" },
		{ { .exit_code = 0, .ran_ms = 60000 }, "exited with status 0 after 60.0 s" },
		{ { .exit_code = 143, .ran_ms = 100 },
		  "was killed by signal 15 (Terminated) after 0.1 s" },
		{ { .exit_code = 255 }, "exited with status 255 after 0.0 s" },
		{ { .exit_code = 137, .oom = true, .ran_ms = 500, .memory_bytes = 512 << 20 },
		  "was killed by signal 9 (Killed) after 0.5 s: it used more than its 512 MB of "
		  "memory" },
		{ { .exit_code = 1, .oom = true, .ran_ms = 500, .memory_bytes = 512 << 20 },
		  "exited with status 1 after 0.5 s; a process of it was killed for more than 512 "
		  "MB of memory" },
		{ { .exit_code = 137, .oom = true, .stopped = "was stopped" }, "was stopped" },
	};
	char text[MACHINE_REASON_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		machine_reason(&cases[i].end, text);
		assert_string_equal(text, cases[i].reason);
	}
}

static void the_log_has_herokus_words(void **state)
{
	(void)state;
	assert_string_equal(machine_word(STARTING, UP, false, -1), "up");
	assert_string_equal(machine_word(UP, CRASHED, false, 1), "crashed");
	assert_string_equal(machine_word(UP, STOPPING, true, -1), "down");
	assert_null(machine_word(STOPPING, EXITED, true, 0));
	assert_string_equal(machine_word(CRASHED, EXITED, true, 1), "down");
	assert_string_equal(machine_word(UP, EXITED, false, 0), "complete");
	assert_string_equal(machine_word(UP, EXITED, false, 3), "crashed");
}

/* ---- random lives ---- */

struct life {
	enum dyno_state state;
	struct machine_facts facts;
	bool process; /* runs */
	unsigned n_moves;
};

static bool may_happen(const struct life *l, enum machine_event e)
{
	/* A process ends that runs; a launch ends in the step that began it. */
	return e == MACHINE_ENDED ? l->process
				  : e != MACHINE_LAUNCHED && e != MACHINE_LAUNCH_FAILED;
}

static void live(struct life *l, enum machine_event event, bool launches);

static void act(struct life *l, enum machine_action a, const struct machine_step *s, bool launches)
{
	switch (a) {
	case MACHINE_LAUNCH_IT:
		assert_false(l->process);
		l->process = launches;
		live(l, launches ? MACHINE_LAUNCHED : MACHINE_LAUNCH_FAILED, launches);
		break;
	case MACHINE_MOVE:
		assert_int_not_equal(l->state, s->to);
		assert_int_not_equal(l->state, EXITED);
		l->state = s->to;
		l->n_moves++;
		break;
	case MACHINE_SIGTERM:
	case MACHINE_SIGKILL:
		assert_true(l->process);
		l->facts.killed |= a == MACHINE_SIGKILL;
		break;
	case MACHINE_PAUSE:
		assert_in_range(s->pause_ms, 1000, 60000);
		l->facts.pause_ms = s->pause_ms;
		break;
	default:
		break;
	}
}

static void live(struct life *l, enum machine_event event, bool launches)
{
	const struct machine_step s = machine_step(l->state, event, &l->facts);
	bool moves = false;

	for (const enum machine_action *a = s.actions; *a; a++)
		moves |= *a == MACHINE_MOVE;
	assert_int_equal(moves, s.to != l->state);
	for (const enum machine_action *a = s.actions; *a; a++)
		act(l, *a, &s, launches);
	/* A process runs in UP and STOPPING, and in no other state. */
	assert_int_equal(l->process, l->state == UP || l->state == STOPPING);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void a_life_of_any_events_keeps_its_promises(void **state)
{
	uint32_t seed = 12;
	unsigned n_exited = 0;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct life l = { .facts.restart = next_random(&seed) & 1 };

		for (int n = 0; n < 60; n++) {
			enum machine_event e = next_random(&seed) % _MACHINE_EVENT_MAX;

			/* A client attaches once while it starts. */
			if (!may_happen(&l, e) || (e == MACHINE_GO && l.state != STARTING))
				continue;
			if (e == MACHINE_ENDED)
				l.process = false;
			l.facts.ran_ms = next_random(&seed) % 120000;
			live(&l, e, next_random(&seed) % 4);
		}
		n_exited += l.state == EXITED;
	}
	assert_true(n_exited > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cell_is_as_drawn),
		cmocka_unit_test(pauses_grow_and_a_good_run_ends_them),
		cmocka_unit_test(reasons_are_sentences),
		cmocka_unit_test(the_log_has_herokus_words),
		cmocka_unit_test(a_life_of_any_events_keeps_its_promises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
