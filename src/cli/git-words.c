/* SPDX-License-Identifier: Apache-2.0 */
/* See git-words.h. */
#include "cli/git-words.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

bool ref_update_parse(char *line, struct ref_update *ret)
{
	char *save = NULL;

	line[strcspn(line, "\n")] = '\0';
	ret->old_id = strtok_r(line, " ", &save);
	ret->new_id = strtok_r(NULL, " ", &save);
	ret->ref = strtok_r(NULL, "", &save);
	return ret->old_id && ret->new_id && ret->ref && str_starts(ret->ref, "refs/");
}

bool ref_id_is_zero(const char *id)
{
	return id[strspn(id, "0")] == '\0';
}

enum ref_kind ref_kind_of(const char *ref, const char *branch)
{
	if (!str_starts(ref, "refs/heads/"))
		return REF_STORED;
	ref += strlen("refs/heads/");
	if (streq(ref, branch) || (streq(branch, "main") && streq(ref, "master")))
		return REF_DEPLOYS;
	return REF_OTHER_BRANCH;
}

const char *ref_short(const char *ref)
{
	const char *slash = strchr(ref, '/');

	slash = slash ? strchr(slash + 1, '/') : NULL;
	return slash ? slash + 1 : ref;
}

const char *git_complaint(char *text)
{
	char *at = strstr(text, "fatal: ");

	if (at)
		at += strlen("fatal: ");
	else
		at = text;
	if (str_starts(at, "prepare: "))
		at += strlen("prepare: ");
	at[strcspn(at, "\n")] = '\0';
	return at;
}

static int unknown_repository(struct error *err)
{
	return error_set(err, ERROR_INVALID,
			 "Which app? The address of a repository ends in APP.git, such as "
			 "ssh://twelve@machine/shop.git");
}

/* 'NAME.git' within quotes or without, as git and people write it. */
static int parse_repository(const char *word, char **ret_app, struct error *err)
{
	_cleanup_free_ char *text = xstrdup(word);
	char *name = str_trim(text);
	size_t len = strlen(name);

	if (len >= 2 && name[0] == '\'' && name[len - 1] == '\'') {
		name[len - 1] = '\0';
		name++;
	}
	name += strspn(name, "/");
	len = strlen(name);
	while (len && name[len - 1] == '/')
		name[--len] = '\0';
	if (str_ends(name, ".git"))
		name[len - 4] = '\0';
	if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] || name[0] == '-')
		return unknown_repository(err);
	*ret_app = xstrdup(name);
	return 0;
}

int ssh_command_parse(const char *command, const char **ret_program, char **ret_app,
		      struct error *err)
{
	static const char *const programs[] = { "git-receive-pack", "git-upload-pack",
						"git-upload-archive" };

	if (!command || !*command)
		return error_set(err, ERROR_FORBIDDEN,
				 "Your key is known here. There is no shell: git push and git "
				 "clone work, for anything else use twelve --host");
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		size_t n = strlen(programs[i]);

		if (strncmp(command, programs[i], n) != 0 || command[n] != ' ')
			continue;
		*ret_program = programs[i];
		return parse_repository(command + n + 1, ret_app, err);
	}
	return error_set(
		err, ERROR_FORBIDDEN,
		"Your key is known here, but it is for git only: git push and git clone work");
}
