/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of Fluentd's forward protocol, version 1
 * (github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1), without I/O:
 *
 *     no shared key:  READY
 *     shared key:     HELO ─▶ we answer PING ─▶ PONG ─▶ READY
 *     READY:          {"ack": CHUNK} for each chunk
 *
 * A batch becomes one message per tag, in CompressedPackedForward mode:
 *     [TAG, gzip of entries, {"size": N, "chunk": ID-I, "compressed": "gzip"}]
 */
#pragma once

#include "logs/drain.h"

struct forward_session;

enum forward_event {
	FORWARD_MORE,  /* nothing is whole yet: feed */
	FORWARD_SEND,  /* `out` holds what is to be sent */
	FORWARD_READY, /* chunks may be sent now */
	FORWARD_ACK,   /* of the chunk `id` */
	FORWARD_BAD,   /* *err says why; the connection is of no use */
};

#define FORWARD_CHUNK_MAX 64

/* `target` is borrowed. `host` is our name, which must differ from the server's. */
struct forward_session *forward_session_new(const struct drain_target *target, const char *host);
void forward_session_free(struct forward_session *s);
void forward_session_feed(struct forward_session *s, const char *data, size_t n);
/* The next event; call until FORWARD_MORE. ERROR_UNAUTHORIZED if the server refuses us. */
enum forward_event forward_session_next(struct forward_session *s, struct buf *out,
					char id[static FORWARD_CHUNK_MAX], struct error *err);
/* True when the handshake is over. */
bool forward_session_is_ready(const struct forward_session *s);

/* The id of the i-th message of a batch. */
void forward_chunk_id(const struct batch *b, size_t i, char id[static FORWARD_CHUNK_MAX]);
