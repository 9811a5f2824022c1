/* SPDX-License-Identifier: Apache-2.0 */
/* Moves an app from another platform with the same API (Heroku) to this one: a series of steps,
 * each of which compares both sides, says what it would change, and changes it. Existing things are
 * left alone, so a second run continues where the first one stopped. */
#pragma once

#include "cli/cli.h"

struct import {
	struct cli *c;
	struct api *from, *to;
	const char *app; /* escaped, the same on both sides */
	bool dry_run, domains, no_scale;
	size_t n_left; /* things that the user has to do */
};

struct import_step {
	const char *name;
	int (*run)(struct import *m, struct error *err);
};
/* In execution order; ends with a NULL name. */
extern const struct import_step import_steps[];

/* A line of the plan: "  config      set A, B". */
void import_tell(const struct import *m, const char *step, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for what is not done here: counted. */
void import_left(struct import *m, const char *step, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
