/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory against the database; see state.h. */
#include "daemon/core/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/dynos/dynos.h"
#include "daemon/git/git.h"
#include "store/gone.h"

/* ---- what the directory shows ---- */

static bool is_repository(const char *name)
{
	return name[0] != '.' && str_ends(name, ".git");
}

static bool is_digest(const char *name)
{
	return strlen(name) == DIGEST_HEX_SIZE - 1 &&
	       strspn(name, "0123456789abcdef") == DIGEST_HEX_SIZE - 1;
}

static const struct place {
	const char *folder, *one, *many;
	bool in_run;
	bool (*is_one)(const char *name);
} places[] = {
	{ "git", "repository", "repositories", false, is_repository },
	{ "volumes", "volume", "volumes", false, uuid_is_valid },
	{ "backups", "backup", "backups", false, uuid_is_valid },
	{ "slugs", "slug", "slugs", false, is_digest },
	{ "lost+found", "repository", "found repositories", false, is_repository },
	{ "dynos", "dyno", "dynos", true, uuid_is_valid },
};

static size_t count(const struct settings *s, const struct place *p)
{
	_cleanup_free_ char *dir =
		xasprintf("%s/%s", p->in_run ? s->run_dir : s->state_dir, p->folder);
	_cleanup_strv_ char **names = NULL;
	size_t n = 0;

	fs_list(dir, &names);
	for (char **name = names; name && *name; name++)
		n += p->is_one(*name);
	return n;
}

int state_open(struct daemon *d, struct error *err)
{
	_cleanup_buf_ struct buf shows = BUF_INIT;
	int64_t began_ms = clock_wall_ms();

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		size_t n = count(&d->settings, &places[i]);

		if (n)
			buf_printf(&shows, "%s%zu %s", shows.len ? ", " : "", n,
				   n == 1 ? places[i].one : places[i].many);
	}
	if (store_open_beside(d->settings.state_dir, shows.len ? shows.data : NULL, &d->store,
			      err) < 0)
		return -1;
	if (store_put_back_ms(d->store) >= began_ms)
		log_warn(
			"the database was put back from before changes that this directory has "
			"seen: \"twelve doctor\" lists what it does not know; "
			"nothing of that is removed, and what goes by its age does so from now on");
	return store_gone_forget(d->store, clock_wall_ms() - GONE_KEEP_MS, err);
}

bool state_is_gone(struct store *s, const char *kind, const char *id)
{
	struct error err = ERROR_INIT;
	bool gone = false;

	if (store_gone(s, kind, id, &gone, &err) < 0)
		log_error("looking whether %s %s is gone: %s", kind, id, err.message);
	return gone;
}

/* ---- what is lost ---- */

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

static int read_known(struct daemon *d, struct known *k, struct error *err)
{
	struct backup *backups = NULL;
	struct addon *addons = NULL;
	struct app *apps = NULL;
	size_t n_apps = 0, n_addons = 0, n_backups = 0;
	int r = store_app_list(d->store, &apps, &n_apps, err);

	if (r == 0)
		r = store_addon_list(d->store, NULL, &addons, &n_addons, err);
	if (r == 0)
		r = store_backup_list(d->store, NULL, NULL, &backups, &n_backups, err);
	if (r == 0)
		r = store_slugs_known(d->store, &k->slugs, err);
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

static bool is_lost(struct daemon *d, const struct known *k, const struct place *p,
		    const char *name)
{
	char owner[UUID_SIZE];

	if (streq(p->folder, "git")) {
		git_owner(d, name, owner);
		return !strv_has(k->repositories, name) &&
		       !(owner[0] && state_is_gone(d->store, "app", owner));
	}
	if (streq(p->folder, "volumes"))
		return !strv_has(k->addons, name) && !state_is_gone(d->store, "addon", name);
	if (streq(p->folder, "backups"))
		return !strv_has(k->backups, name) && !state_is_gone(d->store, "backup", name);
	return streq(p->folder, "lost+found") || !strv_has(k->slugs, name);
}

static void add_files(struct daemon *d, const struct known *k, const struct place *p, json_t *list)
{
	_cleanup_free_ char *dir = xasprintf("%s/%s", d->settings.state_dir, p->folder);
	_cleanup_strv_ char **names = NULL;

	fs_list(dir, &names);
	for (char **name = names; name && *name; name++)
		if (p->is_one(*name) && is_lost(d, k, p, *name))
			json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "kind", p->one,
							      "id", *name, "path",
							      json_sprintf("%s/%s", dir, *name)));
}

static void add_dynos(struct daemon *d, json_t *list)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n = dynos_list(d->dynos, NULL, &dynos);

	for (size_t i = 0; i < n; i++) {
		struct error err = ERROR_INIT;
		struct addon addon = { 0 };
		struct app app = { 0 };
		int r = dynos[i]->addon ? store_addon_get(d->store, dynos[i]->app_id, &addon, &err)
					: store_app_get(d->store, dynos[i]->app_id, &app, &err);

		if (r < 0 && err.kind == ERROR_NOT_FOUND)
			json_array_append_new(list, json_pack("{s:s, s:s, s:n, s:s}", "kind",
							      "dyno", "id", dynos[i]->id, "path",
							      "name", dynos[i]->name));
		addon_done(&addon);
		app_done(&app);
	}
}

json_t *state_lost(struct daemon *d)
{
	struct known k = { 0 };
	struct error err = ERROR_INIT;
	json_t *list = json_array();

	if (read_known(d, &k, &err) < 0)
		log_error("looking for what is in no row: %s", err.message);
	else
		for (size_t i = 0; i < ARRAY_SIZE(places); i++)
			if (!places[i].in_run)
				add_files(d, &k, &places[i], list);
	add_dynos(d, list);
	known_done(&k);
	return list;
}
