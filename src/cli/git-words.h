/* SPDX-License-Identifier: Apache-2.0 */
/* What git's hook and the SSH forced command read: pure, for tests. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* "OLD NEW REF", as git tells its hooks. Points into line, which is changed. False when it is none.
 */
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
/* What git's command complains of, out of all that it wrote, without its "fatal: ". Points into
 * text, which is changed. */
const char *git_complaint(char *text);

/*
 * SSH_ORIGINAL_COMMAND: git-receive-pack, git-upload-pack or git-upload-archive, and
 * the app's repository: 'NAME.git', '/NAME.git'. *ret_app is a heap string. A command
 * that is none of these is an error with a friendly sentence.
 */
int ssh_command_parse(const char *command, const char **ret_program, char **ret_app,
		      struct error *err);
