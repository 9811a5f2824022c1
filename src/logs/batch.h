/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch: lines of the ring, encoded for a receiver, and kept until the receiver accepts them.
 *
 * The same lines always give the same bytes and the same ID, also in another process. So a batch
 * that was in flight when twelve-logs was killed is sent again unchanged, and a receiver that
 * checks IDs (Logplex-Frame-Id, chunk) can tell that it has it already.
 */
#pragma once

#include <jansson.h>

#include "base/digest.h"
#include "logs/record.h"

struct drain_target;

/* What the encoders know of the app. Borrowed. */
struct batch_app {
	const char *name, *id;
	const char *drain_id, *token; /* "d.UUID" */
	const char *host;	      /* of this machine */
};

struct batch_line {
	const struct log_record *record;
	const char *commit; /* "" when it is not known */
	json_t *fields;	    /* the line as a JSON object, if it is to be sent as one; or NULL */
};

/* Lines that are grouped by a key of the driver: a tag, a set of labels. */
struct batch_group {
	char key[2 * LOG_NAME_MAX + 32];
	struct buf bytes;
	size_t n;
};

struct batch {
	const struct drain_target *target;
	const struct batch_app *app;
	bool records;	     /* JSON lines as fields */
	uint64_t first, end; /* sequence numbers: [first, end) */
	uint64_t n_lines;
	uint64_t lost; /* told by the notice in front */
	int64_t lost_since_ns, notice_ns;
	char id[33];	 /* 32 hex digits */
	struct buf raw;	 /* the body before compression */
	uint32_t *items; /* where each line begins in raw */
	size_t n_items, max_items;
	struct batch_group *groups;
	size_t n_groups, max_groups, last_group;
	size_t n_group_bufs;	 /* those from n_groups on are empty, and have memory */
	struct buf body;	 /* what is sent */
	char channel[UUID_SIZE]; /* Splunk's */
	int64_t ack_id;		 /* Splunk's, -1: none */
	struct log_formatter formatter;
	/* The last line's source, dyno and release, encoded once for the lines that share them. */
	struct buf meta;
	/* For the driver: a prefix that all lines of the batch share, and scratch space for a line.
	 */
	struct buf prefix, scratch[2];
	char meta_names[2 * LOG_NAME_MAX]; /* source and dyno */
	size_t meta_source_len, meta_dyno_len;
	uint32_t meta_release;
	bool has_meta;
	struct libdeflate_compressor *compressor; /* from the first batch that needs it */
};

void batch_init(struct batch *b, const struct drain_target *t, const struct batch_app *app,
		bool records);
void batch_done(struct batch *b);
/* Empties it, for lines from `first` on. Keeps its memory for the next batch. */
void batch_begin(struct batch *b, uint64_t first);
/* Gives the memory of an empty one back. */
void batch_rest(struct batch *b);
/* The notice about lost lines; only before the first line. */
void batch_put_notice(struct batch *b, uint64_t lost, int64_t since_ns, int64_t now_ns);
void batch_put(struct batch *b, const struct log_record *r, const char *commit);
bool batch_is_full(const struct batch *b);
/* Ends the batch: creates the ID and the body. 0 or -ENOMEM. */
int batch_end(struct batch *b);
/* Keeps the marked items of raw (n_items flags), drops the others, and rebuilds the body. */
int batch_keep(struct batch *b, const bool *keep);

/* ---- for the drivers ---- */

/* Where a line begins. */
void batch_item(struct batch *b);
struct batch_group *batch_group(struct batch *b, const char *key);
/* True if b->meta is valid for lines of the same source, dyno and release; else it is empty and
 * must be filled. Always false if the driver has cleared has_meta. */
bool batch_meta(struct batch *b, const struct batch_line *line);
/* "web" of "web.1". */
void batch_type(const struct log_record *r, char type[static LOG_NAME_MAX + 1]);

/* gzip (RFC 1952), level 1; appended. -ENOMEM, or 0. */
int batch_gzip(struct batch *b, const struct buf *data, struct buf *out);

/* text.c: a number. */
void text_put_decimal(struct buf *out, uint64_t v, int min_digits);
/* A string in quotes; bytes that are not UTF-8 become U+FFFD. */
void text_put_json(struct buf *out, const char *s, size_t n);
/*
 * The line as an object of fields, or NULL when it is none, one with a name of ours ("twelve"), or
 * one that is nested deeper than this. Elasticsearch refuses a document of more than 20 levels;
 * others (VictoriaLogs at 300, readers of protobuf at 100, of which a level takes three) refuse the
 * whole batch. A new reference.
 */
#define TEXT_FIELDS_DEPTH 20
json_t *text_fields(const char *s, size_t n);
