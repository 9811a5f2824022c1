/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repositories that the store does not name: of apps that were destroyed, of apps that were being
 * renamed, and of apps that the database has lost. Their hook tells whose they are; only the first
 * are removed.
 */
#include "daemon/git/git.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/core/state.h"
#include "daemon/core/remove.h"

#define HOOK_MAX_BYTES 65536
#define OWNER " --app "

void git_owner(struct daemon *d, const char *name, char ret[static UUID_SIZE])
{
	_cleanup_free_ char *path =
		xasprintf("%s/git/%s/hooks/pre-receive", d->settings.state_dir, name);
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *at, *next;

	ret[0] = '\0';
	if (fs_read_file(path, HOOK_MAX_BYTES, &text) < 0 || !text.data)
		return;
	/* The last: a path before it might have such words. */
	for (at = strstr(text.data, OWNER); at && (next = strstr(at + 1, OWNER)); at = next)
		;
	if (at)
		snprintf(ret, UUID_SIZE, "%.*s", UUID_SIZE - 1, at + strlen(OWNER));
	if (!uuid_is_valid(ret))
		ret[0] = '\0';
}

static int move_to_lost(struct daemon *d, const char *name, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/lost+found", d->settings.state_dir),
			    *from = xasprintf("%s/git/%s", d->settings.state_dir, name);
	_cleanup_free_ char *to = xasprintf("%s/%lld-%s", dir, (long long)clock_wall_ms(), name);
	int r = fs_mkdirs(dir, 0700);

	if (r < 0)
		return error_set_errno(err, r, "making %s", dir);
	if (rename(from, to) < 0)
		return error_set_errno(err, errno, "moving %s to %s", from, to);
	log_warn("%s was there, of an app that is in no row of the database: it is %s now", from,
		 to);
	return 0;
}

bool git_find_renamed(struct daemon *d, const struct app *app)
{
	_cleanup_free_ char *dir = xasprintf("%s/git", d->settings.state_dir),
			    *to = git_path(daemon_platform(d), app->name);
	_cleanup_strv_ char **names = NULL;
	char owner[UUID_SIZE];

	fs_list(dir, &names);
	for (char **n = names; n && *n; n++) {
		_cleanup_free_ char *from = xasprintf("%s/%s", dir, *n);

		if ((*n)[0] == '.')
			continue;
		git_owner(d, *n, owner);
		if (!streq(owner, app->id) || rename(from, to) < 0)
			continue;
		log_info("the repository of %s was at %s", app->name, from);
		return true;
	}
	return false;
}

/* One that a renaming has left behind goes to where the app's row says. */
static bool give_back(struct daemon *d, const char *owner)
{
	struct error ignored = ERROR_INIT;
	struct app app = { 0 };
	bool given = false;

	if (store_app_get(d->store, owner, &app, &ignored) == 0) {
		_cleanup_free_ char *path = git_path(daemon_platform(d), app.name);

		given = !fs_exists(path) && git_find_renamed(d, &app);
	}
	app_done(&app);
	return given;
}

int git_make_room(struct daemon *d, const char *app_name, struct error *err)
{
	_cleanup_free_ char *path = git_path(daemon_platform(d), app_name),
			    *name = xasprintf("%s.git", app_name);
	char owner[UUID_SIZE];

	if (!fs_exists(path))
		return 0;
	git_owner(d, name, owner);
	if (owner[0] && give_back(d, owner))
		return 0;
	return owner[0] && state_is_gone(d->store, "app", owner) ? git_delete(d, app_name, err)
								 : move_to_lost(d, name, err);
}

/* Aside first: one of its name may be made while it is removed. */
static void sweep_one(struct daemon *d, const char *path, size_t i)
{
	_cleanup_free_ char *aside = xasprintf("%s/git/.%lld-%zu.old", d->settings.state_dir,
					       (long long)clock_wall_ms(), i);

	if (rename(path, aside) < 0)
		log_warn("%s can't be removed: %s", path, strerror(errno));
	else
		remove_tree_later(d, aside);
}

void git_sweep_all(struct daemon *d)
{
	_cleanup_free_ char *dir = xasprintf("%s/git", d->settings.state_dir);
	_cleanup_strv_ char **names = NULL;
	char owner[UUID_SIZE];

	fs_list(dir, &names);
	for (char **n = names; n && *n; n++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *n);
		bool ours = (*n)[0] == '.' && (str_ends(*n, ".old") || str_ends(*n, ".new"));

		if (!ours && str_ends(*n, ".git")) {
			git_owner(d, *n, owner);
			ours = owner[0] && state_is_gone(d->store, "app", owner);
		}
		if (ours)
			sweep_one(d, path, (size_t)(n - names));
	}
}
