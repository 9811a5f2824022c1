/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thin helpers over libevent: the loop, timers, descriptors, signals and
 * children by pidfd. Handles are freed by their free function; a callback may
 * free its own handle.
 *
 * A callback that takes long holds up all others. The loop times each of them, by the place where
 * its watch was made, and tells of those that reach a limit (loop_on_hold()). That costs two
 * readings of the clock and of the thread's usage per callback, under a microsecond in all.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct loop;
struct watch;

struct loop *loop_new(void);
void loop_free(struct loop *l);
/* Runs until loop_stop(). */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
struct event_base *loop_base(struct loop *l);

/* What held up the loop. The texts are static. */
struct loop_hold {
	const char *where, *what; /* the source file and the function, or what loop_step() said */
	int64_t took_ms;
	int64_t cpu_ms;	 /* time on the CPU; the rest was spent waiting */
	int64_t n_waits; /* voluntary context switches; 0: it never waited, so the machine or the
			    code was slow */
};

struct loop_holds {
	uint64_t n; /* since the start */
	struct loop_hold longest;
};

typedef void (*loop_hold_fn)(const struct loop_hold *h, void *userdata);

/* Calls fn after each callback, or step of one, that took limit_ms or longer. One subscriber. */
void loop_on_hold(struct loop *l, int64_t limit_ms, loop_hold_fn fn, void *userdata);
struct loop_holds loop_holds(const struct loop *l);
/* Names what the running callback does from here on, until it ends or calls this again. The strings
 * must be static; NULL, NULL restores the callback's own name. Time so far counts for the previous
 * name. */
void loop_step(struct loop *l, const char *where, const char *what);

typedef void (*watch_fn)(void *userdata);
/* The status as from waitpid(2), or -1 if it is not a child of ours. */
typedef void (*child_fn)(int status, void *userdata);

/* Where a watch is made, and the name of its function. */
struct watch_origin {
	const char *file, *fn;
};

#define WATCH_ORIGIN(fn) ((struct watch_origin){ __FILE__, #fn })

/* Calls fn whenever fd is readable (or writable). Does not own fd. */
#define watch_readable(l, fd, fn, userdata) watch_fd(l, fd, false, fn, userdata, WATCH_ORIGIN(fn))
#define watch_writable(l, fd, fn, userdata) watch_fd(l, fd, true, fn, userdata, WATCH_ORIGIN(fn))
struct watch *watch_fd(struct loop *l, int fd, bool writable, watch_fn fn, void *userdata,
		       struct watch_origin from);
#define watch_signal(l, signal, fn, userdata) \
	watch_signal_from(l, signal, fn, userdata, WATCH_ORIGIN(fn))
struct watch *watch_signal_from(struct loop *l, int signal, watch_fn fn, void *userdata,
				struct watch_origin from);
/* A timer that is not armed. */
#define watch_timer(l, fn, userdata) watch_timer_from(l, fn, userdata, WATCH_ORIGIN(fn))
struct watch *watch_timer_from(struct loop *l, watch_fn fn, void *userdata,
			       struct watch_origin from);
/* Arms: fires once after delay_ms (0: in the next turn); again replaces. -1 disarms. */
void watch_arm(struct watch *w, int64_t delay_ms);
/* Reaps our child when it ends and calls fn once; then the handle is freed. */
#define watch_child(l, pid, fn, userdata, ret) \
	watch_child_from(l, pid, fn, userdata, ret, WATCH_ORIGIN(fn))
int watch_child_from(struct loop *l, pid_t pid, child_fn fn, void *userdata, struct watch **ret,
		     struct watch_origin from);
void watch_free(struct watch *w);
/* Stops calling, without freeing; and goes on. */
void watch_pause(struct watch *w, bool paused);
