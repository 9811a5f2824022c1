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

/* What the current release and the one that changes start from refer to. */
static void add_app(const struct services *sv, json_t *set, const struct services_links *l,
		    const struct app *app)
{
	const struct release *current = links_head(l, app, app->current_version);
	const struct release *base = links_base(sv, l, app);

	if (current)
		add_all(set, current->attachments);
	if (base && base != current)
		add_all(set, base->attachments);
}

static void tell_links(struct services *sv, const struct services_links *l)
{
	for (size_t i = 0; i < sv->n; i++) {
		const struct services_link *link;
		_cleanup_strv_ char **ids = NULL;
		size_t n;

		link = services_links_of(l, sv->list[i]->id, &n);
		for (size_t k = 0; k < n; k++)
			strv_push(&ids, link[k].app->id);
		strv_sort_unique(ids);
		logs_link(sv->logs, sv->list[i]->id, ids);
	}
}

int references_read(struct services *sv, struct error *err)
{
	struct services_links *l = NULL;
	json_t *set;
	int r;

	if (services_links_read(sv, &l, err) < 0)
		return -1;
	set = json_object();
	for (size_t i = 0; i < l->n_apps; i++)
		add_app(sv, set, l, &l->apps[i]);
	r = add_dynos(sv, set, err);
	if (r == 0) {
		json_decref(sv->references);
		sv->references = json_incref(set);
		sv->references_old = false;
		tell_links(sv, l);
	}
	json_decref(set);
	services_links_free(l);
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
	const struct services_link *link;
	struct services_links *l = NULL;
	size_t n;

	if (services_links_read(sv, &l, err) < 0)
		return -1;
	link = services_links_of(l, addon_id, &n);
	for (size_t i = 0; i < n; i++)
		if (!i || link[i].app != link[i - 1].app)
			strv_push(ret, link[i].app->name);
	services_links_free(l);
	return 0;
}

json_t *services_names_of(struct services *sv, const struct addon *a)
{
	const char *noted = json_string_value(json_object_get(a->secret, "attached"));
	json_t *names = noted && a->state != ADDON_PROVISIONED ? json_loads(noted, 0, NULL) : NULL;
	const struct services_link *link;
	struct services_links *l = NULL;
	struct error err = ERROR_INIT;
	size_t n;

	if (names)
		return names;
	names = json_array();
	if (services_links_read(sv, &l, &err) < 0) {
		log_error("the attachments of %s: %s", a->name, err.message);
		return names;
	}
	link = services_links_of(l, a->id, &n);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(names, json_pack("{s:s, s:s, s:s}", "app", link[i].app->id,
						       "app_name", link[i].app->name, "name",
						       link[i].at.name));
	services_links_free(l);
	return names;
}

/* Of the head with this version; none for 0. Of an app that was read before its newest release was
 * made, those of that one. */
static json_t *attachments_of(struct release *heads, size_t n, int64_t version)
{
	for (size_t i = 0; i < n; i++)
		if (heads[i].version == version)
			return json_incref(heads[i].attachments);
	return version && n ? json_incref(heads[0].attachments) : json_array();
}

int services_attachments(struct services *sv, const struct app *app, json_t **ret,
			 struct error *err)
{
	struct release *heads = NULL;
	size_t n = 0;

	if (store_release_heads(sv->platform->store, app->id, &heads, &n, err) < 0)
		return -1;
	*ret = attachments_of(heads, n,
			      n ? releases_base_version(sv->wanted, app, heads[0].status) : 0);
	release_free_array(heads, n);
	return 0;
}
