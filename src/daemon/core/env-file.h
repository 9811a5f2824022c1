/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `twelved --env-file FILE`: settings out of a file, for machines without a service manager that
 * reads it.
 *
 * The format is that of systemd's EnvironmentFile= (systemd.exec(5)): NAME=VALUE a line; lines that
 * are empty or begin with "#" or ";" say nothing; blanks around a value are not part of it; within
 * "..." a backslash takes the next character as it is when that is one of \ " $ `, within '...'
 * nothing is special, outside of quotes it takes any; a backslash at the end of a line joins the
 * next one, and quotes may span lines.
 */
#pragma once

#include "base/error.h"

#define ENV_FILE_MAX_BYTES (1 << 20)

/* Appends "NAME=VALUE" for each variable, in order, to the strv. ERROR_INVALID names `file` and the
 * line. */
int env_file_parse(const char *text, const char *file, char ***assignments, struct error *err);

/* Sets what the file has and the environment lacks: who gives a variable on the command line means
 * it. */
int env_file_load(const char *path, struct error *err);
