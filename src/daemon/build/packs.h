/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buildpacks in an app's row: a JSON array of names, git URLs, and objects {"directory", "by"}
 * for directories of this machine that an administrator has set. A plain string with a path is from
 * older versions, where everybody could set one: it is shown but not used.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* As people write it; NULL for what is none. */
const char *packs_name(json_t *element);
/* The directories that administrators have set, as a new array of strings. */
json_t *packs_directories(json_t *list);
/* The names of all, as a new array of strings. */
json_t *packs_names(json_t *list);

struct packs_rules {
	json_t *before;	 /* the row's current list: directories in it may stay */
	bool admin;	 /* may set directories */
	const char *who; /* that is written beside them */
	const char *data_dir, *state_dir;
};

/* Checks a name, a URL or a directory, and returns its element: a new reference, or NULL. */
json_t *packs_take(const char *name, const struct packs_rules *rules, struct error *err);
/* Whether the platform has a buildpack of this name. */
bool packs_has(const char *data_dir, const char *name);
