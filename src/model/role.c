/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what to an app; see role.h. */
#include "model/role.h"

#include "base/str.h"

const struct permission_word permission_words[] = {
	{ PERMISSION_VIEW, "view", "Can see the app: dynos, releases, add-ons, log lines" },
	{ PERMISSION_DEPLOY, "deploy", "Can push, build, release and roll back" },
	{ PERMISSION_OPERATE, "operate",
	  "Can change config vars, scale, restart, run, add-ons, domains and drains" },
	{ PERMISSION_MANAGE, "manage", "Can change collaborators, the name and maintenance mode" },
	{ 0, NULL, NULL },
};

const char *const need_names[_NEED_MAX] = {
	[NEED_NOTHING] = "nothing", [NEED_USER] = "user",	    [NEED_VIEW] = "view",
	[NEED_DEPLOY] = "deploy",   [NEED_OPERATE] = "operate",	    [NEED_MANAGE] = "manage",
	[NEED_OWNER] = "owner",	    [NEED_ADMIN] = "administrator",
};

const struct scope_word scope_words[] = {
	{ SCOPE_GLOBAL, "global" },
	{ SCOPE_IDENTITY, "identity" },
	{ SCOPE_READ, "read" },
	{ SCOPE_READ_PROTECTED, "read-protected" },
	{ SCOPE_WRITE, "write" },
	{ SCOPE_WRITE_PROTECTED, "write-protected" },
	{ 0, NULL },
};

enum scope scope_parse(const char *word)
{
	for (const struct scope_word *w = scope_words; w->name; w++)
		if (streq(w->name, word))
			return w->scope;
	return 0;
}

bool scope_allows(unsigned scopes, enum reach reach, bool write)
{
	unsigned secrets =
		write ? SCOPE_WRITE_PROTECTED : SCOPE_READ_PROTECTED | SCOPE_WRITE_PROTECTED;

	if ((scopes & SCOPE_GLOBAL) || reach == REACH_NOBODY)
		return true;
	switch (reach) {
	case REACH_IDENTITY:
		return !write && (scopes & SCOPE_IDENTITY);
	case REACH_APPS:
		return scopes & (secrets | SCOPE_WRITE | (write ? 0 : SCOPE_READ));
	case REACH_SECRETS:
		return scopes & secrets;
	default:
		return false;
	}
}

enum permission permission_parse(const char *word)
{
	for (const struct permission_word *w = permission_words; w->name; w++)
		if (streq(w->name, word))
			return w->permission;
	return 0;
}

bool role_allows(enum need need, const struct standing *s)
{
	if (need == NEED_NOTHING)
		return true;
	if (!s->known)
		return false;
	if (s->admin || need == NEED_USER)
		return true;
	if (need == NEED_ADMIN)
		return false;
	if (s->owner)
		return true;
	switch (need) {
	case NEED_VIEW:
		return s->permissions != 0;
	case NEED_DEPLOY:
		return s->permissions & PERMISSION_DEPLOY;
	case NEED_OPERATE:
		return s->permissions & PERMISSION_OPERATE;
	case NEED_MANAGE:
		return s->permissions & PERMISSION_MANAGE;
	default:
		return false;
	}
}
