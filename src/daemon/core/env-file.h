/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `twelved --env-file FILE`: reads settings from a file, for machines without a service manager
 * that does.
 *
 * The format is that of systemd's EnvironmentFile= (systemd.exec(5)): NAME=VALUE lines. Empty lines
 * and lines that begin with "#" or ";" are ignored, and so are blanks around a value. Within "..."
 * a backslash escapes \ " $ and `; within '...' nothing is special; outside of quotes a backslash
 * escapes any character. A backslash at the end of a line joins the next line, and quotes may span
 * lines.
 */
#pragma once

#include "base/error.h"

#define ENV_FILE_MAX_BYTES (1 << 20)

/* Appends "NAME=VALUE" for each variable, in order, to the strv. ERROR_INVALID names `file` and the
 * line. */
int env_file_parse(const char *text, const char *file, char ***assignments, struct error *err);

/* Sets the file's variables that the environment lacks: a variable that was set on the command line
 * wins. */
int env_file_load(const char *path, struct error *err);
