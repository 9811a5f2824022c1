/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output streams: text that grows while a build or a release phase runs, and
 * that any number of HTTP clients read from the start: GET /streams/ID. The ID is
 * random and is the secret, as with Heroku's output_stream_url.
 *
 * A stream is a file, STATE/streams/ID, so it can be read after the end and
 * after a restart of twelved; the oldest go when there are more than 200, and
 * one holds 4 MiB at most, with a line that says what was cut.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/digest.h"
#include "base/error.h"

struct streams;
struct stream;

int streams_new(const char *state_dir, struct streams **ret, struct error *err);
void streams_free(struct streams *s);

/* Makes one; the id is in the caller's buffer. */
int stream_create(struct streams *s, char id[static UUID_SIZE], struct stream **ret,
		  struct error *err);
/* One that still grows, or NULL. */
struct stream *stream_find(struct streams *s, const char *id);
void stream_write(struct stream *st, const void *data, size_t n);
void stream_printf(struct stream *st, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Ends the stream for its readers and frees it. */
void stream_end(struct stream *st);
/* Calls fn once when the last reader has left and the stream has not ended, as when a pusher
 * presses Ctrl-C. */
void stream_on_abandoned(struct stream *st, void (*fn)(void *userdata), void *userdata);

/* For the HTTP layer: the file to read from, and a callback for more data and for the end. */
struct stream_reader;
typedef void (*stream_more_fn)(void *userdata);
/* ERROR_NOT_FOUND when there is none. */
int stream_reader_open(struct streams *s, const char *id, stream_more_fn fn, void *userdata,
		       struct stream_reader **ret, struct error *err);
/* Bytes read; 0: nothing yet; -1: the end. */
ssize_t stream_reader_read(struct stream_reader *r, void *data, size_t n);
void stream_reader_close(struct stream_reader *r);
