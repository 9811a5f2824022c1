/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what to an app. The words are Heroku's
 * (devcenter.heroku.com/articles/app-permissions):
 *
 *     view      see the app: its dynos, releases, add-ons, log lines
 *     deploy    push, build, release, roll back
 *     operate   config vars (to read them, too), scale, restart, run, add-ons, domains, drains
 *     manage    collaborators, the app's name, maintenance
 *     owner     destroy it, give it away; all of the above
 *
 * An administrator of the platform may do all of that to every app, and has users, keys of others
 * and providers besides. Whoever may do something to an app may view it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum permission {
	PERMISSION_VIEW = 1,
	PERMISSION_DEPLOY = 2,
	PERMISSION_OPERATE = 4,
	PERMISSION_MANAGE = 8,
};
/* What a collaborator gets by default: all but manage. */
#define PERMISSIONS_DEFAULT (PERMISSION_VIEW | PERMISSION_DEPLOY | PERMISSION_OPERATE)
#define PERMISSIONS_ALL (PERMISSIONS_DEFAULT | PERMISSION_MANAGE)

struct permission_word {
	enum permission permission;
	const char *name, *description;
};
/* Ends with a NULL name. */
extern const struct permission_word permission_words[];

/* 0 for a word that is none. */
enum permission permission_parse(const char *word);

/* What a user may do to an app, or (app members false and 0) to the platform. */
struct standing {
	bool known; /* has credentials of ours */
	bool admin;
	bool owner;
	unsigned permissions;
};

/* What an endpoint asks for. */
enum need {
	NEED_NOTHING, /* the path holds the secret, or there is none */
	NEED_USER,    /* any user: it concerns themselves, or shows what they may see */
	NEED_VIEW,
	NEED_DEPLOY,
	NEED_OPERATE,
	NEED_MANAGE,
	NEED_OWNER,
	NEED_ADMIN,
	_NEED_MAX,
};
extern const char *const need_names[_NEED_MAX];

bool role_allows(enum need need, const struct standing *s);

/*
 * What a token is for, besides what its user may (devcenter.heroku.com/articles/oauth#scopes): all;
 * who it is; apps, without their secrets (config vars, a shell in a dyno, what backups hold), or
 * with them. To write is to read, too.
 */
enum scope {
	SCOPE_GLOBAL = 1,
	SCOPE_IDENTITY = 2,
	SCOPE_READ = 4,
	SCOPE_WRITE = 8,
	SCOPE_READ_PROTECTED = 16,
	SCOPE_WRITE_PROTECTED = 32,
};
#define SCOPES_ALL 63

struct scope_word {
	enum scope scope;
	const char *name;
};
/* Ends with a NULL name. */
extern const struct scope_word scope_words[];

/* 0 for a word that is none. */
enum scope scope_parse(const char *word);

/* What an endpoint is about. */
enum reach {
	REACH_NOBODY,	/* nothing that a token has to be for */
	REACH_IDENTITY, /* who the user is */
	REACH_ACCOUNT,	/* the user's tokens, keys, address; the platform */
	REACH_APPS,
	REACH_SECRETS,
};
bool scope_allows(unsigned scopes, enum reach reach, bool write);
