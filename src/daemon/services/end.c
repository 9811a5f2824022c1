/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending add-ons, as people ask for it: taken from every app, then wanted away. What is done about
 * that is in services/act.c.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"

static int check_others(struct services *sv, const struct addon *a, const char *instead,
			struct error *err)
{
	_cleanup_strv_ char **apps = NULL;
	_cleanup_buf_ struct buf others = BUF_INIT;
	struct app owner = { 0 };
	struct error ignored = ERROR_INIT;

	if (references_apps(sv, a->id, &apps, err) < 0)
		return -1;
	store_app_get(sv->platform->store, a->app_id, &owner, &ignored);
	for (char **name = apps; name && *name; name++)
		if (!owner.name || !streq(*name, owner.name))
			buf_printf(&others, "%s%s", others.len ? ", " : "", *name);
	app_done(&owner);
	if (!others.len)
		return 0;
	return error_set(err, ERROR_INVALID,
			 "%s is attached to %s as well: detach it there first (twelve "
			 "addons:detach NAME -a APP), or %s",
			 a->name, others.data, instead);
}

/* One release for all attachments that an app has of it. */
static int detach_from(struct services *sv, struct app *app, const struct addon *a,
		       const struct caller *who, struct error *err)
{
	_cleanup_buf_ struct buf names = BUF_INIT;
	json_t *list = NULL, *left, *next;
	struct attachment at;
	int r = 0;

	if (services_attachments(sv, app, &list, err) < 0)
		return -1;
	left = json_incref(list);
	for (size_t i = 0; attach_at(list, i, &at); i++) {
		if (!streq(at.addon, a->id))
			continue;
		buf_printf(&names, "%s%s", names.len ? ", " : "", at.name);
		next = attach_remove(left, at.id);
		json_decref(left);
		left = next;
	}
	if (names.len)
		r = services_detach(sv, app, left, names.data, a->name, who, err);
	json_decref(left);
	json_decref(list);
	return r;
}

/* Who has it under which names, for its last backup: when that is taken they are gone. In `secret`,
 * as JSON in text. */
static void note_all_attachments(struct services *sv, struct addon *a)
{
	json_t *list = services_names_of(sv, a);
	char *text = json_dumps(list, JSON_COMPACT);

	if (text && json_array_size(list))
		json_object_set_new(a->secret, "attached", json_string(text));
	free(text);
	json_decref(list);
}

/* For its last backup: the name under which a restore attaches it again. The usual one, if the
 * owner has it so. */
static void note_attachment(struct services *sv, struct addon *a)
{
	const struct service *s = addon_is_server(a) ? services_service_of(sv, a) : NULL;
	struct error ignored = ERROR_INIT;
	struct app owner = { 0 };
	const char *name = NULL;
	struct attachment at;
	json_t *list = NULL;

	if (s && store_app_get(sv->platform->store, a->app_id, &owner, &ignored) == 0 &&
	    services_attachments(sv, &owner, &list, &ignored) == 0)
		for (size_t i = 0; attach_at(list, i, &at); i++)
			if (streq(at.addon, a->id) && (!name || streq(at.name, s->attachment)))
				name = at.name;
	if (name) {
		free(a->attachment);
		a->attachment = xstrdup(name);
	}
	json_decref(list);
	app_done(&owner);
}

static int detach_everywhere(struct services *sv, const struct addon *a, const struct caller *who,
			     struct error *err)
{
	struct app *apps = NULL;
	size_t n = 0;
	int r = store_app_list(sv->platform->store, &apps, &n, err);

	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = detach_from(sv, &apps[i], a, who, err);
		app_done(&apps[i]);
	}
	free(apps);
	return r;
}

/* It is wanted away from here on: a kill between this and the releases leaves attachments, which
 * the next try takes. */
static int begin_end(struct services *sv, struct addon *a, bool force, struct error *err)
{
	const struct service *s = addon_is_server(a) ? services_service_of(sv, a) : NULL;

	a->keep_last = !force && s && s->backup && a->state == ADDON_PROVISIONED;
	a->state = ADDON_DEPROVISIONING;
	if (store_addon_update(sv->platform->store, a, err) < 0)
		return -1;
	services_kick(sv);
	services_kick_one(sv, a->id);
	return 0;
}

int services_destroy(struct services *sv, struct addon *a, bool force, const struct caller *who,
		     struct error *err)
{
	if (a->state == ADDON_DEPROVISIONED)
		return store_addon_delete(sv->platform->store, a->id, err);
	if (!force && check_others(sv, a, "use --force", err) < 0)
		return -1;
	note_attachment(sv, a);
	note_all_attachments(sv, a);
	if (store_addon_update(sv->platform->store, a, err) < 0)
		return -1;
	if (detach_everywhere(sv, a, who, err) < 0)
		return -1;
	return begin_end(sv, a, force, err);
}

int services_check_app_delete(struct services *sv, const struct app *app, struct error *err)
{
	struct addon *list = NULL;
	size_t n = 0;
	int r = store_addon_list(sv->platform->store, app->id, &list, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (list[i].state != ADDON_DEPROVISIONED)
			r = check_others(sv, &list[i],
					 "end it for all with twelve addons:destroy --force", err);
	/* After the app's row there are none to note. */
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (list[i].state != ADDON_PROVISIONED)
			continue;
		note_attachment(sv, &list[i]);
		note_all_attachments(sv, &list[i]);
		r = store_addon_update(sv->platform->store, &list[i], err);
	}
	addon_free_array(list, n);
	return r;
}

void services_app_deleted(struct services *sv, const struct app *app)
{
	struct addon *list = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0;

	if (store_addon_list(sv->platform->store, app->id, &list, &n, &err) < 0)
		log_error("add-ons of %s: %s", app->name, err.message);
	for (size_t i = 0; i < n; i++)
		if (list[i].state == ADDON_DEPROVISIONED
			    ? store_addon_delete(sv->platform->store, list[i].id, &err)
			    : begin_end(sv, &list[i], false, &err))
			log_error("add-on %s: %s", list[i].name, err.message);
	addon_free_array(list, n);
	services_kick(sv);
}
