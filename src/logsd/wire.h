/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream to a receiver: plain TCP, which is ours (dial.h), or over TLS, which is libcurl's
 * and is loaded for the first one.
 */
#pragma once

#include "logsd/drains.h"

struct wire {
	struct handler handler; /* with TLS, its descriptor is curl's */
	struct drain *drain;
	struct dial *dial; /* while it connects */
	void *secure;	   /* with TLS: curl.h's, from wire_open() to wire_close() */
	bool open, watched;
	uint32_t events;
	uint64_t base; /* bytes of the TCP stream that were not ours: handshakes */
	void (*on_open)(struct wire *w);
	void (*on_events)(struct wire *w, uint32_t events);
};

/* Begins to connect; on_open() is called when that has worked, drain_fail() when not. */
void wire_open(struct wire *w, struct drain *d);
void wire_close(struct wire *w);
/* It is open, or on its way. */
bool wire_is_used(const struct wire *w);
void wire_watch(struct wire *w, bool for_writing);
/* Bytes, -EAGAIN, or another negative errno. With TLS, what -EAGAIN was the answer to has to come
 * again as it was. */
ssize_t wire_send(struct wire *w, const char *data, size_t n);
/* Bytes, 0 at the end, -EAGAIN, or another negative errno. */
ssize_t wire_recv(struct wire *w, char *data, size_t n);
/*
 * Bytes that the peer's kernel has acknowledged, and those that ours was given, since on_open().
 * With TLS they are of its records: more than what was sent.
 */
void wire_progress(const struct wire *w, uint64_t *ret_acked, uint64_t *ret_given);

/* For who made the connection: it stands. */
void wire_connected(struct wire *w, int fd);
