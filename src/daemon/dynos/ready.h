/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a dyno that has started is ready: a web dyno when the socket on its $PORT is its own and
 * a request there gets an HTTP answer; another when it has run for a second. It is looked at until
 * it is; what is missing meanwhile is said as a sentence.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/dynos/listen.h"
#include "event/loop.h"

/* All of these are borrowed for the call of ready_new(), but where.pid_fd, which stays open until
 * ready_free(). */
struct ready_options {
	struct listen_where where; /* where its sockets are */
	uint16_t port;		   /* 0: none */
	const char *host;	   /* the app's own name, of the request */
	const char *check_path;	   /* or NULL: any answer to a request for / will do */
	bool port_only;		   /* to listen is enough */
	int64_t until_ms;  /* wall clock: how long the request may take, some seconds at least */
	int64_t settle_ms; /* without a port: what is left of its second */
	bool said; /* something is said of it already: the first sentence waits for a closer look */
};

/* `sentence` says what is missing, "" when it is ready; then there is no other call. */
typedef void (*ready_fn)(bool ready, const char *sentence, void *userdata);

struct ready;
/* fn is called from the loop, never from within a call of these. */
struct ready *ready_new(struct loop *l, const struct ready_options *o, ready_fn fn, void *userdata);
/* Stops looking. NULL is fine; so is a call from within fn. */
void ready_free(struct ready *r);

/* Whether a connection to the port would get to a socket of the dyno's, asked now. */
bool ready_is_bound(const struct listen_where *where, uint16_t port);
