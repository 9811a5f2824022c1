/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that waits: for more of an answer that comes bit by bit, or for
 * an answer that takes long. libmicrohttpd looks at nothing of a connection that is
 * suspended, so that it is done here: a client that goes away ends the wait, and
 * so does the end of the server.
 */
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
/* Suspends the connection: until http_tail_wake(), or until nobody is there. */
void http_tail_wait(struct http_tail *t);
void http_tail_wake(struct http_tail *t);
/* What a content reader gives when it has nothing now: waits, or ends an answer that nobody reads.
 */
ssize_t http_tail_nothing(struct http_tail *t);
/* Ends all waits, for good. */
void http_tails_end(struct http_tails *all);
/* Something was resumed: the server has work in the next turn. */
void http_tails_kick(struct http_tails *all);
