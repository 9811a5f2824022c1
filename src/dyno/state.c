/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine (machine.h) says is done: launches, signals, times, words. */
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/proc.h"
#include "dyno/dyno.h"
#include "dyno/machine.h"

/* A client that reads the last of its output later than this (a pager) has gone. */
#define LINGER_CLIENT_MS 600000
#define LINGER_MS 5000
#define EXIT_NOT_STARTED 126
/* An init that has not ended its processes by then was stopped by one of them. */
#define GUEST_KILL_MS 5000

static void on_event(struct dyno *d, enum machine_event event);

/* ---- actions ---- */

static void launch(struct dyno *d)
{
	d->deadline_ms = d->ran_ms = 0;
	streams_say(d, "Starting process with command `%s`", d->command);
	if (dyno_launch(d) < 0) {
		d->exit_code = EXIT_NOT_STARTED;
		streams_say(d, "The process %s", d->reason);
		on_event(d, MACHINE_LAUNCH_FAILED);
		return;
	}
	d->began_ms = clock_now_ms();
	d->limit_at_ms = d->time_limit_ms ? d->began_ms + d->time_limit_ms : 0;
	d->reason[0] = '\0';
	d->oom = false;
	on_event(d, MACHINE_LAUNCHED);
}

static void move(struct dyno *d, enum dyno_state to)
{
	const char *told = machine_word(d->state, to, d->stopped, d->exit_code);

	if (told && d->state != to)
		streams_say(d, "State changed from %s to %s", dyno_state_names[d->state], told);
	if (to == DYNO_STARTING)
		d->restarts++;
	d->state = to;
	d->since_ms = clock_wall_ms();
	control_report(d);
}

static void terminate(struct dyno *d)
{
	streams_say(d, "Stopping all processes with SIGTERM");
	dyno_signal(d, SIGTERM);
	d->deadline_ms = clock_now_ms() + d->window_ms;
}

static void tell_overdue(struct dyno *d)
{
	streams_say(d,
		    "Error R12 (Exit timeout) -> At least one process failed to exit within %lld "
		    "seconds of SIGTERM",
		    (long long)d->window_ms / 1000);
	streams_say(d, "Stopping remaining processes with SIGKILL");
	d->stopped = "was killed: it did not exit in time after SIGTERM";
}

static void kill_now(struct dyno *d)
{
	d->deadline_ms = dyno_kill(d) ? clock_now_ms() + GUEST_KILL_MS : 0;
	d->killed = true;
}

static void end_session(struct dyno *d)
{
	session_end(d);
	d->limit_at_ms = 0;
	d->deadline_ms = clock_now_ms() + (session_is_settled(d) ? LINGER_MS : LINGER_CLIENT_MS);
}

static void tell_nobody(struct dyno *d)
{
	snprintf(d->reason, sizeof(d->reason), "was not started: nobody attached within %d s",
		 DYNO_ATTACH_WAIT_S);
	d->exit_code = EXIT_NOT_STARTED;
}

static void act(struct dyno *d, enum machine_action action, const struct machine_step *s)
{
	switch (action) {
	case MACHINE_NOTHING:
		break;
	case MACHINE_LAUNCH_IT:
		launch(d);
		break;
	case MACHINE_MOVE:
		move(d, s->to);
		break;
	case MACHINE_SIGTERM:
		terminate(d);
		break;
	case MACHINE_TELL_OVERDUE:
		tell_overdue(d);
		break;
	case MACHINE_SIGKILL:
		kill_now(d);
		break;
	case MACHINE_PAUSE:
		d->pause_ms = s->pause_ms;
		d->deadline_ms = clock_now_ms() + d->pause_ms;
		break;
	case MACHINE_TELL_WHY:
		if (!d->reason[0])
			snprintf(d->reason, sizeof(d->reason), "%s", d->stopped);
		break;
	case MACHINE_TELL_NOBODY:
		tell_nobody(d);
		break;
	case MACHINE_END_SESSION:
		end_session(d);
		break;
	case MACHINE_STOP_WAITING:
		d->deadline_ms = 0;
		break;
	}
}

static void on_event(struct dyno *d, enum machine_event event)
{
	const struct machine_facts f = { .restart = d->restart,
					 .killed = d->killed,
					 .pause_ms = d->pause_ms,
					 .ran_ms = d->ran_ms };
	const struct machine_step s = machine_step(d->state, event, &f);

	for (const enum machine_action *a = s.actions; *a; a++)
		act(d, *a, &s);
}

/* ---- events ---- */

void dyno_start(struct dyno *d)
{
	on_event(d, MACHINE_GO);
}

void dyno_attached(struct dyno *d, const struct ipc_msg *m, int take_fd)
{
	bool first = d->state == DYNO_STARTING;

	if (take_fd >= 0 && session_attach(d, m, take_fd) && first)
		dyno_start(d);
}

void dyno_stop(struct dyno *d, int64_t window_ms, const char *why)
{
	if (!d->stopped)
		d->stopped = why;
	if (d->state == DYNO_UP) {
		d->window_ms = window_ms;
		d->limit_at_ms = 0;
	}
	on_event(d, window_ms > 0 ? MACHINE_STOP : MACHINE_KILL);
}

void dyno_on_deadline(struct dyno *d)
{
	d->deadline_ms = 0;
	on_event(d, MACHINE_DEADLINE);
}

void dyno_process_ended(struct dyno *d, int status)
{
	d->exit_code = proc_exit_code(status);
	d->ran_ms = clock_now_ms() - d->began_ms;
	d->deadline_ms = d->limit_at_ms = 0;
	dyno_delete(d);
	machine_reason(&(struct machine_end){ .exit_code = d->exit_code,
					      .oom = d->oom,
					      .ran_ms = d->ran_ms,
					      .memory_bytes = d->memory_bytes,
					      .stopped = d->stopped },
		       d->reason);
	if (d->oom)
		streams_say(d, "Error R15 (Memory quota vastly exceeded)");
	streams_say(d, "Process exited with status %d", d->exit_code);
	on_event(d, MACHINE_ENDED);
}

bool dyno_is_done(const struct dyno *d)
{
	if (d->state != DYNO_EXITED)
		return false;
	return !d->deadline_ms ||
	       (d->end_was_told && session_is_settled(d) && streams_are_settled(d));
}
