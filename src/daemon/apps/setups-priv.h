/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the setups module share. Each uses those below it:
 *
 *     setups.c          the turns
 *     setups-steps.c    what each step does
 *     setups-reader.c   app.json out of the archive
 *     setup-work.c      the row, and what is waited for
 */
#pragma once

#include "daemon/core/child.h"
#include "daemon/lines/last-lines.h"
#include "daemon/apps/setups.h"

/* What the reader has found. */
struct setup_manifest {
	const char *setup_id;
	const char *text; /* n bytes; NULL: it could not be read, and `why` says why */
	size_t n;
	bool top; /* app.json stands in a top folder of the archive */
	const char *why;
};

/* What a step waits for that is not in the database: the reading child, the script's output. */
struct setup_work {
	struct setups *owner;
	char id[UUID_SIZE]; /* of the setup */
	struct child *reader;
	void (*on_manifest)(struct setups *ss, const struct setup_manifest *m);
	struct last_lines *lines;
	struct setup_work *next;
};

struct setups {
	struct setups_options o;
	struct watch *timer;
	struct setup_work *works;
};

/* NULL when there is none. */
struct setup_work *setup_work_find(struct setups *ss, const char *setup_id);
struct setup_work *setup_work_new(struct setups *ss, const char *setup_id);
void setup_work_free(struct setup_work *w);

/* Starts the child; fn is called at its end, unless the work is freed before. */
int setup_reader_start(struct setups *ss, const struct setup *s,
		       void (*fn)(struct setups *ss, const struct setup_manifest *m),
		       struct error *err);
/* Makes the plan from what was read, or lets the setup fail. */
void setup_manifest_read(struct setups *ss, const struct setup_manifest *m);
/* Writes the row; a failure is logged, and the step is repeated. */
int setup_save(struct setups *ss, struct setup *s);
/* The same, with its next step. */
int setup_go_to(struct setups *ss, struct setup *s, const char *step);

/* A step. Sets *ret_next when it is done. -1: the setup fails with *err. */
typedef int (*setup_step_fn)(struct setups *ss, struct setup *s, struct app *app,
			     const char **ret_next, struct error *err);
int setup_prepare(struct setups *ss, struct setup *s, struct app *app, const char **ret_next,
		  struct error *err);
int setup_addons(struct setups *ss, struct setup *s, struct app *app, const char **ret_next,
		 struct error *err);
int setup_build(struct setups *ss, struct setup *s, struct app *app, const char **ret_next,
		struct error *err);
int setup_release(struct setups *ss, struct setup *s, struct app *app, const char **ret_next,
		  struct error *err);
int setup_run(struct setups *ss, struct setup *s, struct app *app, const char **ret_next,
	      struct error *err);
