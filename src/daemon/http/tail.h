/* SPDX-License-Identifier: Apache-2.0 */
/* A suspended connection: one that waits for more of a growing response, or for a deferred one.
 * libmicrohttpd does not watch suspended connections, so this does: the wait ends when the client
 * goes away, or when the server stops. */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <sys/types.h>

#include "event/loop.h"

struct http_tail;

/* Those of a server. */
struct http_tails {
	struct loop *loop;
	struct watch *kick; /* makes the server look at its connections in the next turn */
	struct http_tail *first;
	bool ending; /* nothing waits any more */
};

struct http_tail {
	struct http_tails *tails;
	struct MHD_Connection *connection;
	struct watch *peer;
	bool suspended;
	bool gone; /* the client, or the server: there is nobody to answer */
	struct http_tail *next, **at;
};

void http_tail_init(struct http_tail *t, struct http_tails *all, struct MHD_Connection *c);
void http_tail_done(struct http_tail *t);
/* Suspends the connection until http_tail_wake(), or until the client has gone. */
void http_tail_wait(struct http_tail *t);
void http_tail_wake(struct http_tail *t);
/* The return value of a content reader that has nothing now: waits, or ends a response that nobody
 * reads. */
ssize_t http_tail_nothing(struct http_tail *t);
/* Ends all waits, for good. */
void http_tails_end(struct http_tails *all);
/* Something was resumed: the server has work in the next turn. */
void http_tails_kick(struct http_tails *all);
