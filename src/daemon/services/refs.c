/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What refers to add-ons and credentials: the releases that run, that wait to run,
 * and that dynos still run from. Read from the store whenever something changed; never
 * remembered over a kill.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"
#include "daemon/lines/lines.h"
#include "daemon/wanted/base.h"

static void add_all(json_t *set, json_t *list)
{
	struct attachment a;

	for (size_t i = 0; attach_at(list, i, &a); i++) {
		json_object_set_new(set, a.addon, json_true());
		if (a.credential[0])
			json_object_set_new(set, a.credential, json_true());
	}
}

static int add_release(struct services *sv, json_t *set, const char *app_id, int64_t version,
		       struct error *err)
{
	struct error own = ERROR_INIT;
	json_t *list;

	if (!version)
		return 0;
	if (store_release_attachments(sv->platform->store, app_id, version, &list, &own) < 0) {
		/* Of an app that was just destroyed. */
		if (own.kind == ERROR_NOT_FOUND)
			return 0;
		*err = own;
		return -1;
	}
	add_all(set, list);
	json_decref(list);
	return 0;
}

static int add_dynos(struct services *sv, json_t *set, struct error *err)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n = dynos_list(sv->dynos, NULL, &dynos);

	for (size_t i = 0; i < n; i++)
		if (!dynos[i]->addon &&
		    add_release(sv, set, dynos[i]->app_id, dynos[i]->release, err) < 0)
			return -1;
	return 0;
}

/* The version whose attachments are an app's now: a pending release's, or the current one's. */
static int base_version(struct services *sv, const struct app *app, int64_t *ret, struct error *err)
{
	struct release base = { 0 };
	struct error own = ERROR_INIT;

	*ret = 0;
	if (releases_base(sv->wanted, app, &base, &own) == 0)
		*ret = base.version;
	else if (own.kind != ERROR_NOT_FOUND)
		return error_set(err, own.kind, "%s", own.message);
	release_done(&base);
	return 0;
}

static void note_links(json_t *links, const char *app_id, json_t *list)
{
	struct attachment a;

	for (size_t i = 0; attach_at(list, i, &a); i++) {
		json_t *apps = json_object_get(links, a.addon);

		if (!apps) {
			apps = json_array();
			json_object_set_new(links, a.addon, apps);
		}
		json_array_append_new(apps, json_string(app_id));
	}
}

static int add_app(struct services *sv, json_t *set, json_t *links, const struct app *app,
		   struct error *err)
{
	int64_t version;
	json_t *list;

	if (base_version(sv, app, &version, err) < 0 ||
	    add_release(sv, set, app->id, app->current_version, err) < 0)
		return -1;
	if (!version)
		return 0;
	if (store_release_attachments(sv->platform->store, app->id, version, &list, err) < 0)
		return -1;
	add_all(set, list);
	note_links(links, app->id, list);
	json_decref(list);
	return 0;
}

static void tell_links(struct services *sv, json_t *links)
{
	for (size_t i = 0; i < sv->n; i++) {
		json_t *apps = json_object_get(links, sv->list[i]->id), *id;
		_cleanup_strv_ char **ids = NULL;
		size_t k;

		json_array_foreach (apps, k, id)
			strv_push(&ids, json_string_value(id));
		strv_sort_unique(ids);
		logs_link(sv->logs, sv->list[i]->id, ids);
	}
}

int references_read(struct services *sv, struct error *err)
{
	json_t *set = json_object(), *links = json_object();
	struct app *apps = NULL;
	size_t n = 0;
	int r = store_app_list(sv->platform->store, &apps, &n, err);

	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = add_app(sv, set, links, &apps[i], err);
		app_done(&apps[i]);
	}
	free(apps);
	if (r == 0)
		r = add_dynos(sv, set, err);
	if (r == 0) {
		json_decref(sv->references);
		sv->references = json_incref(set);
		sv->references_old = false;
		tell_links(sv, links);
	}
	json_decref(set);
	json_decref(links);
	return r;
}

/* Before the first reading everything counts as referred to: nothing is revoked on a guess. */
bool reference_has(const struct services *sv, const char *id)
{
	return !sv->references || json_object_get(sv->references, id);
}

/* One that nothing refers to may be on its way out at this moment. */
bool services_credential_lives(struct services *sv, const char *credential_id)
{
	struct error err = ERROR_INIT;
	struct credential c = { 0 };
	bool there;

	if ((!sv->references || sv->references_old) && references_read(sv, &err) < 0)
		return false;
	there = store_credential_get(sv->platform->store, credential_id, &c, &err) == 0;
	credential_done(&c);
	return there && reference_has(sv, credential_id);
}

int references_apps(struct services *sv, const char *addon_id, char ***ret, struct error *err)
{
	struct app *apps = NULL;
	size_t n = 0;
	int r = store_app_list(sv->platform->store, &apps, &n, err);

	for (size_t i = 0; i < n; i++) {
		json_t *list = NULL;

		if (r == 0)
			r = services_attachments(sv, &apps[i], &list, err);
		if (r == 0 && attach_has_addon(list, addon_id))
			strv_push(ret, apps[i].name);
		json_decref(list);
		app_done(&apps[i]);
	}
	free(apps);
	return r;
}

static void add_names(json_t *names, const struct app *app, json_t *list, const char *addon_id)
{
	struct attachment at;

	for (size_t i = 0; attach_at(list, i, &at); i++)
		if (streq(at.addon, addon_id))
			json_array_append_new(names,
					      json_pack("{s:s, s:s, s:s}", "app", app->id,
							"app_name", app->name, "name", at.name));
}

json_t *services_names_of(struct services *sv, const struct addon *a)
{
	const char *noted = json_string_value(json_object_get(a->secret, "attached"));
	json_t *names = noted && a->state != ADDON_PROVISIONED ? json_loads(noted, 0, NULL) : NULL;
	struct error err = ERROR_INIT;
	struct app *apps = NULL;
	size_t n = 0;

	if (names)
		return names;
	names = json_array();
	if (store_app_list(sv->platform->store, &apps, &n, &err) < 0)
		log_error("the attachments of %s: %s", a->name, err.message);
	for (size_t i = 0; i < n; i++) {
		json_t *list = NULL;

		if (services_attachments(sv, &apps[i], &list, &err) == 0)
			add_names(names, &apps[i], list, a->id);
		json_decref(list);
		app_done(&apps[i]);
	}
	free(apps);
	return names;
}

int services_attachments(struct services *sv, const struct app *app, json_t **ret,
			 struct error *err)
{
	int64_t version;

	if (base_version(sv, app, &version, err) < 0)
		return -1;
	if (!version) {
		*ret = json_array();
		return 0;
	}
	return store_release_attachments(sv->platform->store, app->id, version, ret, err);
}
