/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child process that works for twelved: it gets an order, writes text for people and a result for
 * us, and ends. Nothing here waits for it.
 *
 *     stdin         the order, from a sealed memory file: it may hold secrets, which are for no
 *                   argument list
 *     stdout, stderr  text, as it comes or its last bytes; ours where nobody asks for it
 *     descriptor 3  the result, where one is asked for
 *
 * The child leads a session and a process group of its own. When it ends, what is left of the group
 * is killed. It is signalled by its process ID only while it has not been reaped, and only this
 * module reaps it, so that a signal never meets another process of the same number.
 *
 *     struct child_options o = { .argv = argv, .order = order, .max_result = 65536,
 *                                .on_end = on_end, .userdata = w };
 *     if (child_start(loop, &o, &w->child, err) < 0)
 *             return -1;
 *     ...
 *     static void on_end(const struct child_end *end, void *userdata)
 *     {
 *             w->child = NULL;
 *             ... end->status, end->result ...
 *     }
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "event/loop.h"

struct child;

struct child_end {
	int status;	/* as of waitpid(2) */
	bool too_much;	/* the result exceeded max_result: it was killed, and `result` is "" */
	bool timed_out; /* it was killed after timeout_ms */
	/* Both are followed by a NUL that is not counted. Valid during the call. */
	const char *result;
	size_t n_result;
	const char *output; /* the last max_output bytes, without on_output */
	size_t n_output;
};

struct child_options {
	const char *const *argv; /* argv[0] is looked up as proc_spawn() does: "/proc/self/exe" */
	const char *const *env;	 /* NULL: ours */
	const char *dir;	 /* NULL: "/" */
	const json_t *order;	 /* on stdin as JSON; */
	const char *input;	 /* or this text; both NULL: /dev/null. Our copies are wiped */
	int stdout_fd;	       /* borrowed: becomes its stdout and replaces what follows; 0: none */
	size_t max_result;     /* 0: there is no descriptor 3 */
	bool result_on_stdout; /* the result comes on stdout instead of descriptor 3; stderr is
				  ours */
	size_t max_output;     /* 0, and no on_output: stdout and stderr are ours */
	bool quiet;	       /* stderr is /dev/null */
	int64_t timeout_ms;    /* SIGKILL to the group then; 0: it has all the time */
	bool outlives_us;      /* twelved's end does not end it */
	/* Text as it comes. Not called after on_end. */
	void (*on_output)(const char *data, size_t n, void *userdata);
	/* Called once from the loop, when the child was reaped and all its output was read; then
	 * the handle is freed. May be NULL. */
	void (*on_end)(const struct child_end *end, void *userdata);
	void *userdata;
};

/* Returns 0 and the handle (ret may be NULL). After an error there is no process, no open
 * descriptor, and no call of on_end. */
int child_start(struct loop *l, const struct child_options *o, struct child **ret,
		struct error *err);

/* Sends SIGTERM, and SIGKILL to its group if it has not ended within grace_ms; 0: SIGKILL at once.
 * on_end is called as usual. Calling it again can only shorten the time. */
void child_cancel(struct child *c, int64_t grace_ms);

/* Sends SIGKILL to its group and frees the handle; on_end is not called. NULL is allowed. Also for
 * the end of twelved: a child that was not reaped by then ends as an orphan. */
void child_abandon(struct child *c);

/* Lets it run on and frees the handle; on_end is not called. Nobody reaps it, so this is only for
 * the end of twelved. NULL is allowed. */
void child_release(struct child *c);
