/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the input of git's hook and of the SSH forced command. Pure functions, for tests. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* Parses "OLD NEW REF", a line that git gives to its hooks. Points into line, which is modified.
 * False if it is not one. */
struct ref_update {
	const char *old_id, *new_id, *ref;
};
bool ref_update_parse(char *line, struct ref_update *ret);
/* An id of zeroes: the ref is new, or goes away. */
bool ref_id_is_zero(const char *id);

enum ref_kind {
	REF_DEPLOYS,
	REF_OTHER_BRANCH,
	REF_STORED, /* a tag, a note */
};
/* `branch` is the app's; "master" is taken for "main". */
enum ref_kind ref_kind_of(const char *ref, const char *branch);

/* "refs/heads/x" as people say it: "x". */
const char *ref_short(const char *ref);
/* The error in the output of a git command, without "fatal: ". Points into text, which is modified.
 */
const char *git_complaint(char *text);

/*
 * SSH_ORIGINAL_COMMAND: git-receive-pack, git-upload-pack or git-upload-archive, and
 * the app's repository: 'NAME.git', '/NAME.git'. *ret_app is a heap string. A command
 * that is none of these is an error with a friendly sentence.
 */
int ssh_command_parse(const char *command, const char **ret_program, char **ret_app,
		      struct error *err);
