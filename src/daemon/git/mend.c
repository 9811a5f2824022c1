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

void git_owner(const struct platform *p, const char *name, char ret[static UUID_SIZE])
{
	_cleanup_free_ char *path =
		xasprintf("%s/git/%s/hooks/pre-receive", p->settings.state_dir, name);
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

static int move_to_lost(const struct platform *p, const char *name, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/lost+found", p->settings.state_dir),
			    *from = xasprintf("%s/git/%s", p->settings.state_dir, name);
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

bool git_find_renamed(const struct platform *p, const struct app *app)
{
	_cleanup_free_ char *dir = xasprintf("%s/git", p->settings.state_dir),
			    *to = git_path(p, app->name);
	_cleanup_strv_ char **names = NULL;
	char owner[UUID_SIZE];

	fs_list(dir, &names);
	for (char **n = names; n && *n; n++) {
		_cleanup_free_ char *from = xasprintf("%s/%s", dir, *n);

		if ((*n)[0] == '.')
			continue;
		git_owner(p, *n, owner);
		if (!streq(owner, app->id) || rename(from, to) < 0)
			continue;
		log_info("the repository of %s was at %s", app->name, from);
		return true;
	}
	return false;
}

/* One that a renaming has left behind goes to where the app's row says. */
static bool give_back(const struct platform *p, const char *owner)
{
	struct error ignored = ERROR_INIT;
	struct app app = { 0 };
	bool given = false;

	if (store_app_get(p->store, owner, &app, &ignored) == 0) {
		_cleanup_free_ char *path = git_path(p, app.name);

		given = !fs_exists(path) && git_find_renamed(p, &app);
	}
	app_done(&app);
	return given;
}

int git_make_room(const struct platform *p, const char *app_name, struct error *err)
{
	_cleanup_free_ char *path = git_path(p, app_name), *name = xasprintf("%s.git", app_name);
	char owner[UUID_SIZE];

	if (!fs_exists(path))
		return 0;
	git_owner(p, name, owner);
	if (owner[0] && give_back(p, owner))
		return 0;
	return owner[0] && state_is_gone(p->store, "app", owner) ? git_delete(p, app_name, err)
								 : move_to_lost(p, name, err);
}

/* Aside first: one of its name may be made while it is removed. */
static void sweep_one(const struct platform *p, const char *path, size_t i)
{
	_cleanup_free_ char *aside = xasprintf("%s/git/.%lld-%zu.old", p->settings.state_dir,
					       (long long)clock_wall_ms(), i);

	if (rename(path, aside) < 0)
		log_warn("%s can't be removed: %s", path, strerror(errno));
	else
		remove_tree_later(p, aside);
}

void git_sweep_all(const struct platform *p)
{
	_cleanup_free_ char *dir = xasprintf("%s/git", p->settings.state_dir);
	_cleanup_strv_ char **names = NULL;
	char owner[UUID_SIZE];

	fs_list(dir, &names);
	for (char **n = names; n && *n; n++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *n);
		bool ours = (*n)[0] == '.' && (str_ends(*n, ".old") || str_ends(*n, ".new"));

		if (!ours && str_ends(*n, ".git")) {
			git_owner(p, *n, owner);
			ours = owner[0] && state_is_gone(p->store, "app", owner);
		}
		if (ours)
			sweep_one(p, path, (size_t)(n - names));
	}
}
