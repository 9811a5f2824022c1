/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a dyno and what moves it from one to the next; see dyno.h for the drawing. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/proc.h"
#include "dyno/dyno.h"

#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 60000
#define GOOD_RUN_MS 60000
/* A client that reads the last of its output later than this (a pager) has gone. */
#define LINGER_CLIENT_MS 600000
#define LINGER_MS 5000
#define EXIT_NOT_STARTED 126
/* An init that has not ended its processes by then was stopped by one of them. */
#define GUEST_KILL_MS 5000

/* As Heroku's log tells it: a stopped dyno is down, a one-off that ended well is complete. */
static const char *state_for_log(const struct dyno *d, enum dyno_state to)
{
	if (to == DYNO_STOPPING)
		return "down";
	if (to != DYNO_EXITED)
		return dyno_state_names[to];
	if (d->state == DYNO_STOPPING)
		return NULL;
	if (d->stopped)
		return "down";
	return d->exit_code == 0 ? "complete" : "crashed";
}

static void set_state(struct dyno *d, enum dyno_state state)
{
	const char *told = state_for_log(d, state);

	if (told && d->state != state)
		streams_say(d, "State changed from %s to %s", dyno_state_names[d->state], told);
	d->state = state;
	d->since_ms = clock_wall_ms();
	control_report(d);
}

/* ---- the end ---- */

static void finish(struct dyno *d)
{
	session_end(d);
	d->limit_at_ms = 0;
	d->deadline_ms = clock_now_ms() + (session_is_settled(d) ? LINGER_MS : LINGER_CLIENT_MS);
	set_state(d, DYNO_EXITED);
}

bool dyno_is_done(const struct dyno *d)
{
	if (d->state != DYNO_EXITED)
		return false;
	return !d->deadline_ms ||
	       (d->end_was_told && session_is_settled(d) && streams_are_settled(d));
}

/* ---- starting ---- */

static void crash(struct dyno *d)
{
	if (!d->restart) {
		finish(d);
		return;
	}
	d->pause_ms = d->pause_ms ? d->pause_ms * 2 : PAUSE_FIRST_MS;
	if (d->pause_ms > PAUSE_MAX_MS)
		d->pause_ms = PAUSE_MAX_MS;
	d->deadline_ms = clock_now_ms() + d->pause_ms;
	set_state(d, DYNO_CRASHED);
}

void dyno_start(struct dyno *d)
{
	d->deadline_ms = 0;
	if (d->state != DYNO_STARTING) {
		d->restarts++;
		set_state(d, DYNO_STARTING);
	}
	streams_say(d, "Starting process with command `%s`", d->command);
	if (dyno_launch(d) < 0) {
		d->exit_code = EXIT_NOT_STARTED;
		streams_say(d, "The process %s", d->reason);
		crash(d);
		return;
	}
	d->began_ms = clock_now_ms();
	d->limit_at_ms = d->time_limit_ms ? d->began_ms + d->time_limit_ms : 0;
	d->reason[0] = '\0';
	d->oom = false;
	set_state(d, DYNO_UP);
}

void dyno_attached(struct dyno *d, const struct ipc_msg *m, int take_fd)
{
	bool first = d->state == DYNO_STARTING;

	if (take_fd >= 0 && session_attach(d, m, take_fd) && first)
		dyno_start(d);
}

/* ---- stopping ---- */

static void kill_now(struct dyno *d)
{
	d->deadline_ms = dyno_kill(d) ? clock_now_ms() + GUEST_KILL_MS : 0;
	d->killed = true;
}

static void stop_running(struct dyno *d, int64_t window_ms)
{
	d->window_ms = window_ms;
	d->limit_at_ms = 0;
	set_state(d, DYNO_STOPPING);
	if (window_ms <= 0) {
		kill_now(d);
		return;
	}
	streams_say(d, "Stopping all processes with SIGTERM");
	dyno_signal(d, SIGTERM);
	d->deadline_ms = clock_now_ms() + window_ms;
}

void dyno_stop(struct dyno *d, int64_t window_ms, const char *why)
{
	if (!d->stopped)
		d->stopped = why;
	switch (d->state) {
	case DYNO_STARTING:
	case DYNO_CRASHED:
		/* What a crash left as the reason stays. */
		if (!d->reason[0])
			snprintf(d->reason, sizeof(d->reason), "%s", why);
		finish(d);
		break;
	case DYNO_UP:
		stop_running(d, window_ms);
		break;
	case DYNO_STOPPING:
		if (window_ms <= 0)
			kill_now(d);
		break;
	case DYNO_EXITED:
		/* Asked once more: there is no waiting for slow readers then. */
		d->deadline_ms = 0;
		break;
	case _DYNO_STATE_MAX:
		break;
	}
}

static void window_over(struct dyno *d)
{
	streams_say(d,
		    "Error R12 (Exit timeout) -> At least one process failed to exit within %lld "
		    "seconds of SIGTERM",
		    (long long)d->window_ms / 1000);
	streams_say(d, "Stopping remaining processes with SIGKILL");
	d->stopped = "was killed: it did not exit in time after SIGTERM";
	kill_now(d);
}

void dyno_on_deadline(struct dyno *d)
{
	d->deadline_ms = 0;
	if (d->state == DYNO_STARTING) {
		snprintf(d->reason, sizeof(d->reason),
			 "was not started: nobody attached within %d s", DYNO_ATTACH_WAIT_S);
		d->exit_code = EXIT_NOT_STARTED;
		finish(d);
	} else if (d->state == DYNO_CRASHED) {
		dyno_start(d);
	} else if (d->state == DYNO_STOPPING && d->killed) {
		kill_now(d);
	} else if (d->state == DYNO_STOPPING) {
		window_over(d);
	}
}

/* ---- the process ended ---- */

static void describe_end(struct dyno *d)
{
	double ran_s = (double)(clock_now_ms() - d->began_ms) / 1000;
	long long limit_mb = (long long)d->memory_bytes >> 20;
	int code = d->exit_code;

	if (d->stopped)
		snprintf(d->reason, sizeof(d->reason), "%s", d->stopped);
	else if (d->oom && code == 128 + SIGKILL)
		snprintf(d->reason, sizeof(d->reason),
			 "was killed by signal 9 (Killed) after %.1f s: it used more than its %lld "
			 "MB of memory",
			 ran_s, limit_mb);
	else if (d->oom)
		snprintf(d->reason, sizeof(d->reason),
			 "exited with status %d after %.1f s; a process of it was killed for more "
			 "than %lld MB of memory",
			 code, ran_s, limit_mb);
	else if (code > 128 && code < 128 + NSIG)
		snprintf(d->reason, sizeof(d->reason), "was killed by signal %d (%s) after %.1f s",
			 code - 128, strsignal(code - 128), ran_s);
	else
		snprintf(d->reason, sizeof(d->reason), "exited with status %d after %.1f s", code,
			 ran_s);
}

void dyno_process_ended(struct dyno *d, int status)
{
	bool stopping = d->state == DYNO_STOPPING;

	d->exit_code = proc_exit_code(status);
	d->deadline_ms = d->limit_at_ms = 0;
	dyno_delete(d);
	describe_end(d);
	if (d->oom)
		streams_say(d, "Error R15 (Memory quota vastly exceeded)");
	streams_say(d, "Process exited with status %d", d->exit_code);
	if (stopping) {
		finish(d);
		return;
	}
	if (clock_now_ms() - d->began_ms > GOOD_RUN_MS)
		d->pause_ms = 0;
	crash(d);
}
