/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the platform's folders and in no row; see lost.h. */
#include "daemon/apps/lost.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/core/state.h"
#include "daemon/dynos/dynos.h"
#include "daemon/git/git.h"
#include "store/gone.h"

struct known {
	char **repositories, **addons, **backups, **slugs;
};

static void known_done(struct known *k)
{
	strv_free(k->repositories);
	strv_free(k->addons);
	strv_free(k->backups);
	strv_free(k->slugs);
}

static int read_known(struct platform *p, struct known *k, struct error *err)
{
	struct backup *backups = NULL;
	struct addon *addons = NULL;
	struct app *apps = NULL;
	size_t n_apps = 0, n_addons = 0, n_backups = 0;
	int r = store_app_list(p->store, &apps, &n_apps, err);

	if (r == 0)
		r = store_addon_list(p->store, NULL, &addons, &n_addons, err);
	if (r == 0)
		r = store_backup_list(p->store, NULL, NULL, &backups, &n_backups, err);
	if (r == 0)
		r = store_slugs_known(p->store, &k->slugs, err);
	for (size_t i = 0; i < n_apps; i++) {
		_cleanup_free_ char *name = xasprintf("%s.git", apps[i].name);

		strv_push(&k->repositories, name);
		app_done(&apps[i]);
	}
	for (size_t i = 0; i < n_addons; i++)
		strv_push(&k->addons, addons[i].id);
	for (size_t i = 0; i < n_backups; i++)
		strv_push(&k->backups, backups[i].id);
	free(apps);
	addon_free_array(addons, n_addons);
	backup_free_array(backups, n_backups);
	return r;
}

static bool is_lost(struct platform *p, const struct known *k, const struct state_place *at,
		    const char *name)
{
	char owner[UUID_SIZE];

	if (streq(at->folder, "git")) {
		git_owner(p, name, owner);
		return !strv_has(k->repositories, name) &&
		       !(owner[0] && state_is_gone(p->store, "app", owner));
	}
	if (streq(at->folder, "volumes"))
		return !strv_has(k->addons, name) && !state_is_gone(p->store, "addon", name);
	if (streq(at->folder, "backups"))
		return !strv_has(k->backups, name) && !state_is_gone(p->store, "backup", name);
	return streq(at->folder, "lost+found") || !strv_has(k->slugs, name);
}

static void add_files(struct platform *p, const struct known *k, const struct state_place *at,
		      json_t *list)
{
	_cleanup_free_ char *dir = xasprintf("%s/%s", p->settings.state_dir, at->folder);
	_cleanup_strv_ char **names = NULL;

	fs_list(dir, &names);
	for (char **name = names; name && *name; name++)
		if (at->is_one(*name) && is_lost(p, k, at, *name))
			json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "kind", at->one,
							      "id", *name, "path",
							      json_sprintf("%s/%s", dir, *name)));
}

static void add_dynos(struct platform *p, struct dynos *ds, json_t *list)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n = dynos_list(ds, NULL, &dynos);

	for (size_t i = 0; i < n; i++) {
		struct error err = ERROR_INIT;
		struct addon addon = { 0 };
		struct app app = { 0 };
		int r = dynos[i]->addon ? store_addon_get(p->store, dynos[i]->app_id, &addon, &err)
					: store_app_get(p->store, dynos[i]->app_id, &app, &err);

		if (r < 0 && err.kind == ERROR_NOT_FOUND)
			json_array_append_new(list, json_pack("{s:s, s:s, s:n, s:s}", "kind",
							      "dyno", "id", dynos[i]->id, "path",
							      "name", dynos[i]->name));
		addon_done(&addon);
		app_done(&app);
	}
}

json_t *lost_list(struct platform *p, struct dynos *ds)
{
	struct known k = { 0 };
	struct error err = ERROR_INIT;
	json_t *list = json_array();

	if (read_known(p, &k, &err) < 0)
		log_error("looking for what is in no row: %s", err.message);
	else
		for (size_t i = 0; i < N_STATE_PLACES; i++)
			if (!state_places[i].in_run)
				add_files(p, &k, &state_places[i], list);
	add_dynos(p, ds, list);
	known_done(&k);
	return list;
}
