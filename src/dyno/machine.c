/* SPDX-License-Identifier: Apache-2.0 */
/* See machine.h. */
#include "dyno/machine.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 60000
#define GOOD_RUN_MS 60000

#define STEP(state, ...) ((struct machine_step){ .to = (state), .actions = { __VA_ARGS__ } })

static int64_t next_pause_ms(const struct machine_facts *f)
{
	int64_t ms = f->pause_ms && f->ran_ms <= GOOD_RUN_MS ? f->pause_ms * 2 : PAUSE_FIRST_MS;

	return ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : ms;
}

static struct machine_step crash(const struct machine_facts *f)
{
	struct machine_step s = STEP(DYNO_CRASHED, MACHINE_PAUSE, MACHINE_MOVE);

	if (!f->restart)
		return STEP(DYNO_EXITED, MACHINE_END_SESSION, MACHINE_MOVE);
	s.pause_ms = next_pause_ms(f);
	return s;
}

static struct machine_step starting(enum machine_event event, const struct machine_facts *f)
{
	switch (event) {
	case MACHINE_GO:
		return STEP(DYNO_STARTING, MACHINE_LAUNCH_IT);
	case MACHINE_LAUNCHED:
		return STEP(DYNO_UP, MACHINE_MOVE);
	case MACHINE_LAUNCH_FAILED:
		return crash(f);
	case MACHINE_STOP:
	case MACHINE_KILL:
		return STEP(DYNO_EXITED, MACHINE_TELL_WHY, MACHINE_END_SESSION, MACHINE_MOVE);
	case MACHINE_DEADLINE:
		return STEP(DYNO_EXITED, MACHINE_TELL_NOBODY, MACHINE_END_SESSION, MACHINE_MOVE);
	default:
		return STEP(DYNO_STARTING, MACHINE_NOTHING);
	}
}

static struct machine_step up(enum machine_event event, const struct machine_facts *f)
{
	switch (event) {
	case MACHINE_STOP:
		return STEP(DYNO_STOPPING, MACHINE_MOVE, MACHINE_SIGTERM);
	case MACHINE_KILL:
		return STEP(DYNO_STOPPING, MACHINE_MOVE, MACHINE_SIGKILL);
	case MACHINE_ENDED:
		return crash(f);
	default:
		return STEP(DYNO_UP, MACHINE_NOTHING);
	}
}

static struct machine_step crashed(enum machine_event event)
{
	switch (event) {
	case MACHINE_STOP:
	case MACHINE_KILL:
		/* What the crash left as the reason stays. */
		return STEP(DYNO_EXITED, MACHINE_TELL_WHY, MACHINE_END_SESSION, MACHINE_MOVE);
	case MACHINE_DEADLINE:
		return STEP(DYNO_STARTING, MACHINE_MOVE, MACHINE_LAUNCH_IT);
	default:
		return STEP(DYNO_CRASHED, MACHINE_NOTHING);
	}
}

static struct machine_step stopping(enum machine_event event, const struct machine_facts *f)
{
	switch (event) {
	case MACHINE_KILL:
		return STEP(DYNO_STOPPING, MACHINE_SIGKILL);
	case MACHINE_DEADLINE:
		if (f->killed)
			return STEP(DYNO_STOPPING, MACHINE_SIGKILL);
		return STEP(DYNO_STOPPING, MACHINE_TELL_OVERDUE, MACHINE_SIGKILL);
	case MACHINE_ENDED:
		return STEP(DYNO_EXITED, MACHINE_END_SESSION, MACHINE_MOVE);
	default:
		return STEP(DYNO_STOPPING, MACHINE_NOTHING);
	}
}

static struct machine_step exited(enum machine_event event)
{
	if (event == MACHINE_STOP || event == MACHINE_KILL)
		return STEP(DYNO_EXITED, MACHINE_STOP_WAITING);
	return STEP(DYNO_EXITED, MACHINE_NOTHING);
}

struct machine_step machine_step(enum dyno_state state, enum machine_event event,
				 const struct machine_facts *f)
{
	switch (state) {
	case DYNO_STARTING:
		return starting(event, f);
	case DYNO_UP:
		return up(event, f);
	case DYNO_CRASHED:
		return crashed(event);
	case DYNO_STOPPING:
		return stopping(event, f);
	default:
		return exited(event);
	}
}

void machine_reason(const struct machine_end *e, char text[static MACHINE_REASON_MAX])
{
	double ran_s = (double)e->ran_ms / 1000;
	long long limit_mb = (long long)e->memory_bytes >> 20;
	int code = e->exit_code;

	if (e->stopped)
		snprintf(text, MACHINE_REASON_MAX, "%s", e->stopped);
	else if (e->oom && code == 128 + SIGKILL)
		snprintf(text, MACHINE_REASON_MAX,
			 "was killed by signal 9 (Killed) after %.1f s: it used more than its %lld "
			 "MB of memory",
			 ran_s, limit_mb);
	else if (e->oom)
		snprintf(text, MACHINE_REASON_MAX,
			 "exited with status %d after %.1f s; a process of it was killed for more "
			 "than %lld MB of memory",
			 code, ran_s, limit_mb);
	else if (code > 128 && code < 128 + NSIG)
		snprintf(text, MACHINE_REASON_MAX, "was killed by signal %d (%s) after %.1f s",
			 code - 128, strsignal(code - 128), ran_s);
	else
		snprintf(text, MACHINE_REASON_MAX, "exited with status %d after %.1f s", code,
			 ran_s);
}

/* A stopped dyno is down, a one-off that ended well is complete. */
const char *machine_word(enum dyno_state from, enum dyno_state to, bool stopped, int exit_code)
{
	if (to == DYNO_STOPPING)
		return "down";
	if (to != DYNO_EXITED)
		return dyno_state_names[to];
	if (from == DYNO_STOPPING)
		return NULL;
	if (stopped)
		return "down";
	return exit_code == 0 ? "complete" : "crashed";
}
