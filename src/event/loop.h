/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thin helpers over libevent: the loop, timers, descriptors, signals and
 * children by pidfd. Handles are freed by their free function; a callback may
 * free its own handle.
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

typedef void (*watch_fn)(void *userdata);
/* The status is as of waitpid(2), or -1 when the child was not ours to wait for. */
typedef void (*child_fn)(int status, void *userdata);

/* Calls fn whenever fd is readable (or writable). Does not own fd. */
struct watch *watch_readable(struct loop *l, int fd, watch_fn fn, void *userdata);
struct watch *watch_writable(struct loop *l, int fd, watch_fn fn, void *userdata);
struct watch *watch_signal(struct loop *l, int signal, watch_fn fn, void *userdata);
/* A timer that is not armed. */
struct watch *watch_timer(struct loop *l, watch_fn fn, void *userdata);
/* Arms: fires once after delay_ms (0: in the next turn); again replaces. -1 disarms. */
void watch_arm(struct watch *w, int64_t delay_ms);
/* Reaps the child of ours when it ends and calls fn once; the handle is freed after. */
int watch_child(struct loop *l, pid_t pid, child_fn fn, void *userdata, struct watch **ret);
void watch_free(struct watch *w);
/* Stops calling, without freeing; and goes on. */
void watch_pause(struct watch *w, bool paused);
