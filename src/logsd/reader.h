/* SPDX-License-Identifier: Apache-2.0 */
/* A tail; see reader.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "logs/record.h"
#include "logsd/app.h"
#include "logsd/handler.h"

struct reader {
	struct handler handler;
	struct reader *next;
	struct app *app;
	struct log_filter filter;
	uint64_t at;	/* the cursor: the next record to show */
	uint64_t until; /* where a reader that does not follow ends; UINT64_MAX: it follows */
	uint64_t lost;	/* lines that were evicted before they were shown and not told yet, and */
	uint64_t lost_seq; /* the last one's number */
	struct buf rest;   /* what the pipe did not take: the end of one line */
	bool waiting;	   /* until it can be written to */
};

struct read_options {
	struct log_filter filter;
	uint64_t lines; /* of the newest */
	uint64_t after; /* when not 0: from the line after this one instead */
	bool tail;
};
void reader_add(struct app *a, int take_fd, const struct read_options *o);
void reader_free(struct reader *r);
extern const struct follower readers_follow;
