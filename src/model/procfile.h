/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Procfile: "type: command" lines, # comments, blank lines. A type twice is an
 * error. The order is kept.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

struct process_type {
	char *name;
	char *command;
};

struct procfile {
	struct process_type *types;
	size_t n_types;
};

void procfile_done(struct procfile *p);
/* text is NUL-terminated; `label` ("Procfile") stands for the file in messages: Procfile:3: expected ... */
int procfile_parse(const char *text, const char *label, struct procfile *ret, struct error *err);
/* The command of a type, or NULL. */
const char *procfile_get(const struct procfile *p, const char *type);
void procfile_set(struct procfile *p, const char *type, const char *command);
/* The YAML that a buildpack's bin/release prints, as far as its `default_process_types` mapping of scalars goes. */
int procfile_parse_release(const char *yaml, struct procfile *ret, struct error *err);
