/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the setups module share: apps/setups.c, apps/setups-reader.c,
 * apps/setups-steps.c. */
#pragma once

#include "base/buf.h"
#include "daemon/lines/last-lines.h"
#include "daemon/apps/setups.h"

/* What a step waits for that is in nobody's row: the child that reads, the lines of the script. */
struct setup_work {
	struct setups *owner;
	char id[UUID_SIZE]; /* of the setup */
	pid_t pid;
	int fd, status;
	bool ended;
	struct buf text;
	struct watch *readable, *child;
	struct last_lines *lines;
	struct setup_work *next;
};

struct setups {
	struct daemon *d;
	struct watch *timer;
	struct setup_work *works;
};

/* NULL when there is none. */
struct setup_work *setup_work_find(struct setups *ss, const char *setup_id);
struct setup_work *setup_work_new(struct setups *ss, const char *setup_id);
void setup_work_free(struct setup_work *w);

/* Starts the child; its end is setup_manifest_read(). */
int setup_reader_start(struct setups *ss, const struct setup *s, struct error *err);
/* The text of app.json, or NULL and why not. */
void setup_manifest_read(struct setups *ss, const char *setup_id, const char *text, size_t n,
			 bool top, const char *why);
/* Writes the row; what can't be written is logged, and the step is taken again. */
int setup_save(struct setups *ss, struct setup *s);

/* A step: *ret_next, when it is done. -1: the setup fails with *err. */
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
