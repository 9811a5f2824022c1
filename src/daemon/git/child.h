/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `git upload-pack` or `git receive-pack` with a pipe at each end, in the loop: what
 * serves git over HTTP (api/app/git.c). Neither side waits for the other within a call, and
 * what is held of either is bounded: GIT_CHILD_EARLY_MAX of what it says before its
 * input has ended, and what one gzip'd kilobyte may stand for.
 *
 * It outlives a twelved that is killed, for as long as it needs to see that its pipes
 * are closed. What it then leaves of a push is removed by git_sweep() (git/git.h).
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "event/loop.h"

#define GIT_CHILD_EARLY_MAX (8 << 20)
/* At once, of all apps. */
#define GIT_CHILDREN_MAX 100
/* Of these, for one user: pushes that stand still leave room for others'. */
#define GIT_CHILDREN_MAX_USER 25

struct git_child;

struct git_child_options {
	const char *const *argv;
	const char *app;      /* its name, for the log */
	const char *user;     /* who asks: $TWELVE_USER of the hook */
	const char *protocol; /* $GIT_PROTOCOL, or NULL */
	bool gzip;	      /* what is written to it is gzip'd */
	/* Called when more can be written, or read, or it has ended. */
	void (*ready)(void *userdata);
	void *userdata;
};

/* All that run. */
struct git_children;
struct git_children *git_children_new(struct loop *l);
/* At the end of twelved: lets go of those that have not been reaped. */
void git_children_free(struct git_children *g);

int git_child_start(struct git_children *g, const struct git_child_options *o,
		    struct git_child **ret, struct error *err);
/* How many of n bytes were taken; when not all, ready() is called when more can be. What the child
 * will not read is dropped. */
ssize_t git_child_write(struct git_child *c, const char *data, size_t n, struct error *err);
/* No more comes. */
int git_child_end_input(struct git_child *c, struct error *err);
/* After the end of its input. Bytes; 0 at the end; -EAGAIN: ready() is called when there is more.
 */
ssize_t git_child_read(struct git_child *c, char *data, size_t n);
/* 1 when there is something to read, 0 at the end, -EAGAIN as above. */
int git_child_peek(struct git_child *c);
/* Ends it, so that it removes what it has begun; in half a minute at most. */
void git_child_stop(struct git_child *c);
/* The caller is done with it: what has not ended is stopped, then reaped. NULL is allowed. */
void git_child_release(struct git_child *c);
