/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Procfile: "type: command" lines, # comments, blank lines. A type twice is an
 * error. The order is kept. At most PROCFILE_TYPES_MAX types with commands of
 * PROCFILE_COMMAND_MAX bytes.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

#define PROCFILE_TYPES_MAX 100
#define PROCFILE_COMMAND_MAX 32768

struct process_type {
	char *name;
	char *command;
};

struct procfile {
	struct process_type *types;
	size_t n_types;
};

void procfile_done(struct procfile *p);
/*
 * text is NUL-terminated; `label` ("Procfile") stands for the file in messages: Procfile:3:
 * expected ... *ret is written only on success.
 */
int procfile_parse(const char *text, const char *label, struct procfile *ret, struct error *err);
/* The command of a type, or NULL. Borrowed. */
const char *procfile_get(const struct procfile *p, const char *type);
/* Adds a type that is not there yet, after checking name and command: what reading a file does with
 * each line. */
int procfile_add(struct procfile *p, const char *type, const char *command, struct error *err);
/* Adds a type, or gives it another command. */
void procfile_set(struct procfile *p, const char *type, const char *command);
/*
 * The YAML that a buildpack's bin/release prints, as far as its `default_process_types` mapping
 * goes: plain, quoted and folded scalars, which is what printf and YAML libraries write there.
 * Other keys are skipped; block scalars, anchors and flow collections with something in them are
 * refused.
 */
int procfile_parse_release(const char *yaml, struct procfile *ret, struct error *err);
/* The process types of a heroku.yml: a "run" of commands, or of mappings with a "command" (text or
 * list), and the command of its "release". */
int procfile_parse_heroku_yml(const char *yaml, struct procfile *ret, struct error *err);
