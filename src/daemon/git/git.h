/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Git: a bare repository per app, STATE/git/NAME.git, whose hooks are
 * `twelve git-hook` (src/cli); and the authorized_keys file for the
 * SSH user, STATE/ssh/authorized_keys, whose forced command is `twelve git-shell`.
 */
#pragma once

#include "daemon/core/platform.h"

/* Makes the repository (or completes a half-made one, or one of an older twelved): hooks,
 * configuration, attributes. Idempotent. */
int git_create(const struct platform *p, const struct app *app, struct error *err);
/*
 * The app whose repository this is, by its hook; "" when that can't be told. `name` is a name in
 * STATE/git.
 */
void git_owner(const struct platform *p, const char *name, char ret[static UUID_SIZE]);
/*
 * Room for a new app's repository: what stands at its name is removed if its app was destroyed,
 * moved to its app's name if a renaming has left it behind, and to STATE/lost+found if the database
 * knows nothing of it.
 */
int git_make_room(const struct platform *p, const char *app_name, struct error *err);
/* For an app whose repository is missing: a kill may have cut a renaming off. True when it was found
 * and has its name now. */
bool git_find_renamed(const struct platform *p, const struct app *app);
/* At start: what a kill left of repositories that were being made or removed, and those of apps
 * that were destroyed. */
void git_sweep_all(const struct platform *p);
int git_rename(const struct platform *p, const char *old_name, const struct app *app,
	       struct error *err);
/* It is out of the way when this returns; another process removes it. What is not there is fine. */
int git_delete(const struct platform *p, const char *app_name, struct error *err);
/* Removes what pushes that were cut off have left in a repository, after a day: they may yet be
 * under way. */
int git_sweep(const struct platform *p, const char *app_name, struct error *err);
/* Removes the locks of a branch that a git has left that was killed: a minute old, where git holds
 * one for a moment. */
void git_sweep_locks(const char *repo, const char *branch);
/* Rewrites authorized_keys from the store. Atomic. */
int git_write_authorized_keys(const struct platform *p, struct error *err);
/* The local path for `git remote add twelve PATH`, as a heap string. */
char *git_path(const struct platform *p, const char *app_name);
/* Checks a public key line (model/ssh-key.h); gives its fingerprint and comment. */
int git_check_key(const char *public_key, char **ret_fingerprint, char **ret_comment,
		  struct error *err);
