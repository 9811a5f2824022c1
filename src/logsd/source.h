/* SPDX-License-Identifier: Apache-2.0 */
/* A dyno's pipe; see source.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "logs/record.h"
#include "logsd/handler.h"

struct app;
struct logsd;

struct source {
	struct handler handler;
	struct source *next, *prev;
	struct source *next_bucket;		    /* of those with the same hash of `inode` */
	struct source *next_unended, *prev_unended; /* in the order of `deadline_ms` */
	struct source *next_again;
	struct app *app;
	uint64_t device, inode; /* of the pipe: who it is */
	char name[LOG_NAME_MAX + 1], dyno[LOG_NAME_MAX + 1];
	uint32_t release;
	size_t unended;	     /* bytes in the pipe that are no line yet */
	int64_t deadline_ms; /* when they are shown all the same */
	bool is_unended, is_again, is_wide;
	bool cut;   /* the last line was shown without its end */
	bool ended; /* all writers are gone */
};

/* Resumes reading the app's pipes, which a blocking drain had stopped. */
void sources_unblock(struct app *a);
/* Takes the pipe's read end; a duplicate is closed. */
void source_add(struct app *a, int take_fd, const char *name, const char *dyno, uint32_t release);
void source_free(struct source *s);
/* Goes on with pipes that had more than a fair share. */
void sources_again(struct logsd *l);
/* Shows unended lines whose time has come. */
void sources_flush(struct logsd *l, int64_t now_ms);
/* Reads everything from the pipes of an ended dyno, including an incomplete line. */
void sources_take(struct app *a, const char *dyno);
/* Takes what all pipes hold: before the end. */
void sources_drain(struct logsd *l);
