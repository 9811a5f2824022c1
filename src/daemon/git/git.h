/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Git: a bare repository per app, STATE/git/NAME.git, whose hooks are
 * `twelve git-hook` (src/cli); and the authorized_keys file for the
 * SSH user, STATE/ssh/authorized_keys, whose forced command is `twelve git-shell`.
 */
#pragma once

#include "daemon/core/platform.h"

/* Creates the repository, or completes a partial or older one: hooks, configuration, attributes.
 * Idempotent. */
int git_create(const struct platform *p, const struct app *app, struct error *err);
/* The ID of the app that owns a repository, from its hook; "" if unknown. `name` is a name in
 * STATE/git. */
void git_owner(const struct platform *p, const char *name, char ret[static UUID_SIZE]);
/* Makes room for a new app's repository. An existing one of that name is removed if its app was
 * destroyed, renamed to its app's name if an interrupted rename left it behind, or moved to
 * STATE/lost+found if the database does not know it. */
int git_make_room(const struct platform *p, const char *app_name, struct error *err);
/* For an app whose repository is missing, because a kill interrupted a rename. True if it was found
 * and renamed. */
bool git_find_renamed(const struct platform *p, const struct app *app);
/* At start: removes repositories whose creation or removal was interrupted, and those of destroyed
 * apps. */
void git_sweep_all(const struct platform *p);
int git_rename(const struct platform *p, const char *old_name, const struct app *app,
	       struct error *err);
/* Moves it away at once; a child process removes it. It need not exist. */
int git_delete(const struct platform *p, const char *app_name, struct error *err);
/* Removes leftovers of interrupted pushes from a repository, if they are a day old: newer ones may
 * be in progress. */
int git_sweep(const struct platform *p, const char *app_name, struct error *err);
/* Removes a branch's lock files that a killed git left: those that are a minute old, as git holds
 * them only briefly. */
void git_sweep_locks(const char *repo, const char *branch);
/* Rewrites authorized_keys from the store. Atomic. */
int git_write_authorized_keys(const struct platform *p, struct error *err);
/* The local path for `git remote add twelve PATH`, as a heap string. */
char *git_path(const struct platform *p, const char *app_name);
/* Checks a public key line (model/ssh-key.h); gives its fingerprint and comment. */
int git_check_key(const char *public_key, char **ret_fingerprint, char **ret_comment,
		  struct error *err);
