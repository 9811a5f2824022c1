/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kill can leave of apps: a row without a repository (it was being made), a build
 * cache without a row (it was being destroyed), objects of a push, uploads of builds that ended
 * with twelved. The store says which apps there are, and which were destroyed (core/state.h): of an
 * app that it knows nothing of nothing is removed.
 */
#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/core/state.h"
#include "daemon/git/git.h"
#include "daemon/apps/apps.h"
#include "daemon/core/remove.h"
#include "store/pipeline.h"
#include "store/setup.h"
#include "store/slug.h"

#define SOURCE_LIFE_S 86400

static int mend_repositories(struct platform *p, char ***ret_ids, struct error *err)
{
	struct app *apps = NULL;
	size_t n = 0;
	int result = 0;

	if (store_app_list(p->store, &apps, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *path = git_path(p, apps[i].name);

		if (result == 0 && !fs_exists(path) && !git_find_renamed(p, &apps[i]))
			log_info("making the repository of %s, which is missing", apps[i].name);
		/* One that is there gets the hooks of this twelved: it may stand elsewhere than the
		 * one that made it. */
		if (result == 0)
			result = git_create(p, &apps[i], err);
		if (result == 0)
			result = git_sweep(p, apps[i].name, err);
		strv_push(ret_ids, apps[i].id);
		app_done(&apps[i]);
	}
	free(apps);
	return result;
}

static int remove_sources(struct platform *p, char *const *known, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/sources", p->settings.state_dir);
	_cleanup_strv_ char **names = NULL;
	int r = fs_list(dir, &names);

	for (char **n = names; r == 0 && n && *n; n++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *n);
		struct stat st;

		if (strv_has(known, *n) || lstat(path, &st) < 0 ||
		    st.st_mtime > time(NULL) - SOURCE_LIFE_S)
			continue;
		log_info("removing %s, which was not built for a day", path);
		r = fs_remove_tree(path);
	}
	return r < 0 && r != -ENOENT ? error_set_errno(err, r, "looking through %s", dir) : 0;
}

/* What builds of apps kept that were destroyed. */
static int remove_kept(struct platform *p, const char *folder, char *const *apps, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/%s", p->settings.state_dir, folder);
	_cleanup_strv_ char **names = NULL;
	int r = fs_list(dir, &names);

	for (char **n = names; r == 0 && n && *n; n++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *n);

		if (strv_has(apps, *n) || !state_is_gone(p->store, "app", *n))
			continue;
		log_info("removing %s, whose app was destroyed", path);
		remove_tree_later(p, path);
	}
	return r < 0 && r != -ENOENT ? error_set_errno(err, r, "looking through %s", dir) : 0;
}

/* The files that are awaited, or have come, for slugs. */
static int list_uploads(struct platform *p, char ***ret, struct error *err)
{
	_cleanup_strv_ char **ids = NULL;

	if (store_slug_uploads(p->store, &ids, err) < 0)
		return -1;
	for (char **id = ids; id && *id; id++) {
		_cleanup_free_ char *awaited = xasprintf("%s.awaited", *id),
				    *come = xasprintf("%s.tar", *id);

		strv_push(ret, awaited);
		strv_push(ret, come);
	}
	return 0;
}

/* The archives of app setups that go on. */
static int list_setups(struct platform *p, char ***ret, struct error *err)
{
	struct setup *rows = NULL;
	size_t n = 0;
	int r = store_setup_list_pending(p->store, &rows, &n, err);

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *come = xasprintf("%s.tar", rows[i].source_id);

		strv_push(ret, come);
	}
	setup_free_array(rows, n);
	return r;
}

int apps_mend(struct platform *p, struct error *err)
{
	_cleanup_strv_ char **ids = NULL, **uploads = NULL;

	if (mend_repositories(p, &ids, err) < 0 || remove_kept(p, "cache", ids, err) < 0 ||
	    remove_kept(p, "slugs/keys", ids, err) < 0 ||
	    remove_kept(p, "known-hosts", ids, err) < 0 ||
	    store_promotion_fail_pending(
		    p->store, "twelved was restarted before its turn came: promote again", err) <
		    0 ||
	    list_uploads(p, &uploads, err) < 0 || list_setups(p, &uploads, err) < 0)
		return -1;
	git_sweep_all(p);
	/* Those of app setups stay, and slugs that were brought and not released yet. */
	return remove_sources(p, uploads, err);
}
