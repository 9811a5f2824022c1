/* SPDX-License-Identifier: Apache-2.0 */
/* A stream to a receiver: plain TCP (dial.h), or TLS by libcurl, which is loaded when first needed.
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
	uint64_t base; /* bytes of the TCP stream that were not data: handshakes */
	void (*on_open)(struct wire *w);
	void (*on_events)(struct wire *w, uint32_t events);
};

/* Starts to connect; calls on_open() on success, drain_fail() on failure. */
void wire_open(struct wire *w, struct drain *d);
void wire_close(struct wire *w);
/* It is open, or on its way. */
bool wire_is_used(const struct wire *w);
void wire_watch(struct wire *w, bool for_writing);
/* The number of bytes, -EAGAIN, or another negative errno. With TLS, after -EAGAIN the same bytes
 * have to be sent again. */
ssize_t wire_send(struct wire *w, const char *data, size_t n);
/* The number of bytes, 0 at the end, -EAGAIN, or another negative errno. */
ssize_t wire_recv(struct wire *w, char *data, size_t n);
/* Bytes that the peer's kernel has acknowledged, and bytes given to ours, since on_open(). With TLS
 * they include its records' overhead. */
void wire_progress(const struct wire *w, uint64_t *ret_acked, uint64_t *ret_given);

/* For who made the connection: it stands. */
void wire_connected(struct wire *w, int fd);
