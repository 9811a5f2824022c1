/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events (HTML standard, section 9.2.6), as log sessions use them:
 * events without a name, one or several data lines each, ids to resume from.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

struct sse {
	struct buf pending; /* what came and is no whole line yet */
	struct buf data;    /* of the event that is being read */
	char *id;	    /* of it, or NULL */
	char *last_id;	    /* of the last whole event, or NULL */
	bool named;	    /* it has a name: not for us */
};

#define SSE_INIT ((struct sse){ .pending = BUF_INIT, .data = BUF_INIT })

typedef void (*sse_line_fn)(const char *line, void *userdata);

/* Parses a chunk; calls fn for each data line of each complete event. */
void sse_feed(struct sse *s, const char *chunk, size_t n, sse_line_fn fn, void *userdata);
/* For a new connection: discards a partial event and keeps last_id. */
void sse_restart(struct sse *s);
void sse_done(struct sse *s);

/* Splits a line in Heroku's format: "STAMP source[dyno]: text". Pointers into line, with lengths.
 * False if it is not one. */
struct log_line {
	const char *stamp, *source, *dyno, *text;
	int stamp_len, source_len, dyno_len;
};
bool log_line_split(const char *line, struct log_line *ret);
