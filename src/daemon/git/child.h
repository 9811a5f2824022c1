/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs `git upload-pack` or `git receive-pack` with a pipe at each end, in the event loop, to serve
 * git over HTTP (api/app/git.c). No call blocks, and buffers are bounded: GIT_CHILD_EARLY_MAX of
 * output before the end of the input, and what one gzip'd kilobyte can expand to.
 *
 * If twelved is killed, the child ends when it sees that its pipes are closed. git_sweep()
 * (git/git.h) removes what it leaves of a push.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "event/loop.h"

#define GIT_CHILD_EARLY_MAX (8 << 20)
/* At once, of all apps. */
#define GIT_CHILDREN_MAX 100
/* Of these, per user, so that pushes that hang leave room for others. */
#define GIT_CHILDREN_MAX_USER 25

struct git_child;

struct git_child_options {
	const char *const *argv;
	const char *app;      /* its name, for the log */
	const char *user;     /* who asks: $TWELVE_USER of the hook */
	const char *protocol; /* $GIT_PROTOCOL, or NULL */
	bool gzip;	      /* what is written to it is gzip'd */
	/* Called when more can be written or read, or when it has ended. */
	void (*ready)(void *userdata);
	void *userdata;
};

/* All that run. */
struct git_children;
struct git_children *git_children_new(struct loop *l);
/* At the end of twelved: releases children that have not been reaped. */
void git_children_free(struct git_children *g);

int git_child_start(struct git_children *g, const struct git_child_options *o,
		    struct git_child **ret, struct error *err);
/* Returns how many of n bytes were taken; if not all, ready() is called when there is room. Input
 * that the child will not read is dropped. */
ssize_t git_child_write(struct git_child *c, const char *data, size_t n, struct error *err);
/* No more comes. */
int git_child_end_input(struct git_child *c, struct error *err);
/* Reads output, after the end of the input. The number of bytes; 0 at the end; -EAGAIN: ready() is
 * called when there is more. */
ssize_t git_child_read(struct git_child *c, char *data, size_t n);
/* 1 if there is something to read, 0 at the end, -EAGAIN as above. */
int git_child_peek(struct git_child *c);
/* Stops it so that it can clean up, within half a minute. */
void git_child_stop(struct git_child *c);
/* Releases it: if it has not ended, it is stopped, then reaped. NULL is allowed. */
void git_child_release(struct git_child *c);
