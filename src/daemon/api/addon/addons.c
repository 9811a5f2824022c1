/* SPDX-License-Identifier: Apache-2.0 */
/* Add-ons: list, make, change, destroy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addon/room.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/api/addon/sight.h"
#include "model/names.h"
#include "daemon/api/api-priv.h"
#include "daemon/api/table.h"
#include "daemon/api/authz.h"
#include "daemon/lines/lines.h"

/* ---- shapes ---- */

json_t *api_addon_ref(const struct addon *a)
{
	return json_pack("{s:s, s:s, s:{s:s, s:s}}", "id", a->id, "name", a->name, "app", "id",
			 a->app_id, "name", a->app_name);
}

static json_t *schedule_json(const struct addon *a)
{
	char at[8];

	if (a->schedule_minute < 0)
		return json_null();
	snprintf(at, sizeof(at), "%02d:%02d", (int)(a->schedule_minute / 60),
		 (int)(a->schedule_minute % 60));
	return json_pack("{s:s, s:I}", "at", at, "keep", (json_int_t)a->schedule_keep);
}

static const char *kind_of(const struct addon *a)
{
	if (addon_is_server(a))
		return "server";
	return json_object_get(a->secret, "provider") ? "provider" : "external";
}

static json_t *extra(struct sight *sight, const struct addon *a)
{
	struct services *services = request_daemon(sight->r)->services;
	const struct service *s = addon_is_server(a) ? services_service_of(services, a) : NULL;
	const struct service_plan *p = s ? service_plan(s, a->plan) : NULL;
	const char *url = json_string_value(json_object_get(a->secret, "url"));
	_cleanup_free_ char *shown = url ? addon_shown_url(url) : NULL;
	struct addon_status now;
	json_t *j;

	services_status(services, a, &now);
	j = json_pack("{s:s, s:s, s:b, s:o, s:s?, s:I, s:b, s:b, s:b, s:o, s:s?}", "kind",
		      kind_of(a), "status", now.word, "healthy", (int)now.healthy, "reason",
		      json_text(a->reason), "version", s ? s->version : NULL, "port",
		      (json_int_t)a->first_port, "full", a->full != ROOM_FREE, "restoring",
		      (int)(a->restoring != NULL), "backing_up", (int)now.backing_up, "schedule",
		      schedule_json(a), "shown_url", shown);
	json_object_set_new(j, "changing", json_boolean(now.changing));
	json_object_set_new(j, "room", json_string(room_word((enum room_level)a->full)));
	json_object_update_new(j, json_pack("{s:b, s:b}", "last_backup_due", (int)a->keep_last,
					    "has_backups", (int)(s && s->backup)));
	json_object_update_new(
		j,
		json_pack("{s:I, s:I, s:o, s:I, s:I}", "memory_bytes",
			  (json_int_t)(p ? p->memory_bytes : 0), "disk_quota_bytes",
			  (json_int_t)(p ? p->disk_bytes : 0), "disk_used_bytes",
			  now.disk_used_bytes < 0 ? json_null() : json_integer(now.disk_used_bytes),
			  "backups", (json_int_t)sight_count_backups(sight, a->id), "attachments",
			  (json_int_t)sight_count_attachments(sight, a->id)));
	return j;
}

static json_t *service_ref(struct request *r, const struct addon *a)
{
	const struct service *s = services_service_of(request_daemon(r)->services, a);
	char id[UUID_SIZE];

	return json_pack("{s:s, s:s, s:s}", "id", name_uuid("service", a->service, id), "name",
			 a->service, "human_name", s ? s->human_name : a->service);
}

static json_t *addon_json(struct sight *sight, const struct addon *a)
{
	_cleanup_free_ char *plan = xasprintf("%s:%s", a->service, a->plan);
	char plan_id[UUID_SIZE];
	json_t *j = json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:o, s:{s:s, s:s, s:o}}", "id", a->id,
			      "name", a->name, "state", addon_state_names[a->state], "app", "id",
			      a->app_id, "name", a->app_name, "addon_service",
			      service_ref(sight->r, a), "plan", "id",
			      name_uuid("plan", plan, plan_id), "name", plan, "price", api_price());

	json_object_update_new(j, json_pack("{s:o, s:{s:s, s:s, s:s}, s:o, s:s, s:s, s:n, s:[]}",
					    "billed_price", api_price(), "billing_entity", "id",
					    a->app_id, "name", a->app_name, "type", "app",
					    "config_vars", sight_config_vars(sight, a),
					    "provider_id", a->provider_id ? a->provider_id : a->id,
					    "provision_message", "", "web_url", "actions"));
	json_object_update_new(j, json_pack("{s:o, s:o, s:o}", "created_at",
					    json_time(a->created_ms), "updated_at",
					    json_time(a->updated_ms), "twelve", extra(sight, a)));
	return j;
}

json_t *api_addon_json(struct request *r, const struct addon *a)
{
	struct error err = ERROR_INIT;
	struct sight sight = { .r = r };
	json_t *j;

	/* What was done is answered all the same, without its counts. */
	if (sight_open(r, a->id, &sight, &err) < 0)
		log_error("add-on %s: %s", a->name, err.message);
	j = addon_json(&sight, a);
	sight_done(&sight);
	return j;
}

/* ---- looking ---- */

/* By id or name; within an app also by the name of an attachment, as Heroku's tools do. */
/* To view one, an app that the caller may view and that is attached to it will do. */
static int allow_addon(struct request *r, const struct addon *a, enum need need, struct error *err)
{
	struct error own = ERROR_INIT, ignored = ERROR_INIT;
	struct sight sight = { 0 };
	bool seen;

	/* Of a destroyed app, whose last backup is still to be taken: its owner's. */
	if (authz_allow_former(r, a->app_id, a->owner_id, need, &own) == 0)
		return 0;
	seen = need == NEED_VIEW && sight_open(r, a->id, &sight, &ignored) == 0 &&
	       sight_count_attachments(&sight, a->id) > 0;
	sight_done(&sight);
	if (!seen)
		*err = own;
	return seen ? 0 : -1;
}

int api_addon_named(struct request *r, const char *name, enum need need, struct addon *ret,
		    struct error *err)
{
	struct addon a = { 0 };

	if (store_addon_get(request_daemon(r)->store, name, &a, err) < 0)
		return -1;
	if (allow_addon(r, &a, need, err) < 0) {
		addon_done(&a);
		return -1;
	}
	*ret = a;
	return 0;
}

int api_addon(struct request *r, struct addon *ret, struct error *err)
{
	struct daemon *d = request_daemon(r);
	const char *which = request_param(r, "addon");
	struct error own = ERROR_INIT;
	struct app app = { 0 };
	struct attachment at;
	json_t *list = NULL;
	int result;

	result = api_addon_named(r, which, request_need(r), ret, &own);
	if (result == 0 || own.kind != ERROR_NOT_FOUND || !request_param(r, "app")[0]) {
		if (result < 0)
			*err = own;
		return result;
	}
	if (api_app(r, &app, err) < 0)
		return -1;
	if (services_attachments(d->services, &app, &list, err) < 0)
		result = -1;
	else if (attach_find(list, which, &at))
		result = api_addon_named(r, at.addon, request_need(r), ret, err);
	else
		*err = own;
	json_decref(list);
	app_done(&app);
	return result;
}

static int api_addons_get(struct request *r, struct error *err)
{
	struct addon a = { 0 };
	int result = -1;

	if (api_addon(r, &a, err) == 0)
		result = request_answer(r, 200, api_addon_json(r, &a));
	addon_done(&a);
	return result;
}

/* Its own, or attached to it. */
static bool is_of_app(const struct sight *sight, const struct addon *a, const struct app *app)
{
	const struct services_link *link;
	size_t n;

	if (streq(a->app_id, app->id))
		return true;
	link = services_links_of(sight->links, a->id, &n);
	for (size_t i = 0; i < n; i++)
		if (streq(link[i].app->id, app->id))
			return true;
	return false;
}

static int answer_addons(struct request *r, const struct app *app, struct error *err)
{
	json_t *list = json_array();
	struct sight sight = { 0 };
	struct addon *rows = NULL;
	size_t n = 0;

	if (sight_open(r, NULL, &sight, err) < 0 ||
	    store_addon_list(request_daemon(r)->store, NULL, &rows, &n, err) < 0) {
		sight_done(&sight);
		json_decref(list);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		bool wanted =
			app ? is_of_app(&sight, &rows[i], app) : sight_sees_addon(&sight, &rows[i]);

		if (wanted && rows[i].state != ADDON_DEPROVISIONED)
			json_array_append_new(list, addon_json(&sight, &rows[i]));
	}
	addon_free_array(rows, n);
	sight_done(&sight);
	return request_answer_list(r, list);
}

static int api_addons_list(struct request *r, struct error *err)
{
	return answer_addons(r, NULL, err);
}

static int api_addons_of_app(struct request *r, struct error *err)
{
	struct app app = { 0 };
	int result = api_app(r, &app, err);

	if (result == 0)
		result = answer_addons(r, &app, err);
	app_done(&app);
	return result;
}

static int api_addons_attachments(struct request *r, struct error *err)
{
	struct addon a = { 0 };
	json_t *list = NULL;

	if (api_addon(r, &a, err) == 0)
		list = api_attachments_where(r, NULL, a.id, err);
	addon_done(&a);
	return list ? request_answer_list(r, list) : -1;
}

/* One row or an error: names are unique here. */
static int api_addons_resolve(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);
	const char *name, *app_name, *service;
	struct error own = ERROR_INIT;
	struct app app = { 0 };
	struct addon a = { 0 };
	struct attachment at;
	json_t *list = NULL;
	int result = -1;

	if (request_string(r, "addon", true, &name, err) < 0 ||
	    request_ref(r, "app", false, &app_name, err) < 0 ||
	    request_ref(r, "addon_service", false, &service, err) < 0)
		return -1;
	result = api_addon_named(r, name, NEED_VIEW, &a, &own);
	if (result < 0 && app_name && own.kind == ERROR_NOT_FOUND) {
		if (authz_app_named(r, app_name, NEED_VIEW, &app, err) == 0 &&
		    services_attachments(d->services, &app, &list, err) == 0 &&
		    attach_find(list, name, &at))
			result = api_addon_named(r, at.addon, NEED_VIEW, &a, &own);
	}
	if (result == 0 && service && !streq(service, a.service)) {
		result = -1;
		error_set(&own, ERROR_NOT_FOUND, "Couldn't find that add-on of %.40s: %.60s",
			  service, name);
	}
	if (result < 0)
		*err = own;
	else
		result = request_answer(r, 200, json_pack("[o]", api_addon_json(r, &a)));
	json_decref(list);
	app_done(&app);
	addon_done(&a);
	return result;
}

/* ---- changing and ending ---- */

static int rename_addon(struct request *r, struct addon *a, const char *name, struct error *err)
{
	if (services_check_name(name, err) < 0)
		return -1;
	free(a->name);
	a->name = xstrdup(name);
	return store_addon_update(request_daemon(r)->store, a, err);
}

/* A plan that is meant by one of Heroku's is told once, to who asked. */
static json_t *updated_json(struct request *r, const struct addon *a, const char *service,
			    const char *plan)
{
	_cleanup_free_ char *taken = NULL;
	json_t *j = api_addon_json(r, a);

	if (!service || streq(service, a->service))
		service = addon_heroku_name(a);
	if (plan && !streq(plan, a->plan))
		taken = services_taken(request_daemon(r)->services, a, service, plan);
	if (taken)
		json_object_set_new(j, "provision_message", json_text(taken));
	return j;
}

static int api_addons_update(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);
	const char *plan = api_plan_of(r), *colon = plan ? strchr(plan, ':') : NULL, *name;
	_cleanup_free_ char *service = colon ? xstrndup(plan, (size_t)(colon - plan)) : NULL;
	struct addon a = { 0 };
	int result = -1;

	if (request_string(r, "name", false, &name, err) < 0 || api_addon(r, &a, err) < 0)
		return -1;
	if ((!name || rename_addon(r, &a, name, err) == 0) &&
	    (!plan ||
	     services_set_plan(d->services, &a, service, colon ? colon + 1 : plan, err) == 0)) {
		request_note(r, "addon %s%s%s%s%s", request_param(r, "addon"),
			     name ? ": now named " : "", name ? name : "", plan ? ": plan " : "",
			     plan ? plan : "");
		result = request_answer(r, 200,
					updated_json(r, &a, service, colon ? colon + 1 : plan));
	}
	addon_done(&a);
	return result;
}

static int api_addons_delete(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);
	struct addon a = { 0 };
	bool force;
	json_t *j;
	int result = -1;

	if (request_bool(r, "force", false, &force, err) < 0 || api_addon(r, &a, err) < 0)
		return -1;
	j = api_addon_json(r, &a);
	if (services_destroy(d->services, &a, force, request_caller(r), err) == 0) {
		/* Heroku's word; what is left to do goes on without anybody. */
		json_object_set_new(j, "state", json_string("deprovisioned"));
		logs_append(d->logs, a.app_id, "app", "api", "Destroy %s:%s add-on (%s) by user %s",
			    a.service, a.plan, a.name, request_caller(r)->name);
		request_note(r, "addon %s (%s:%s)", a.name, a.service, a.plan);
		result = request_answer(r, 200, json_incref(j));
	}
	json_decref(j);
	addon_done(&a);
	return result;
}

const struct api_route addons_routes[] = {
	{ "GET", "/addons", NEED_USER, api_addons_list, "add-ons of all apps",
	  .answer = "[add-on]" },
	{ "GET", "/users/~/addons", NEED_USER, api_addons_list, "add-ons of all apps",
	  .answer = "[add-on]" },
	{ "GET", "/addons/:addon", NEED_VIEW, api_addons_get, "one add-on", .answer = "add-on" },
	{ "GET", "/addons/:addon/addon-attachments", NEED_VIEW, api_addons_attachments,
	  "attachments of an add-on", .answer = "[add-on-attachment]" },
	{ "GET", "/apps/:app/addons", NEED_VIEW, api_addons_of_app,
	  "add-ons that an app owns or is attached to", .answer = "[add-on]" },
	{ 0 },
};

const struct api_route addons_of_app_routes[] = {
	{ "GET", "/apps/:app/addons/:addon", NEED_VIEW, api_addons_get, "one add-on",
	  .answer = "add-on" },
	{ "PATCH", "/apps/:app/addons/:addon", NEED_OPERATE, api_addons_update,
	  "change the plan or the name", "plan?:ref name?:string", .answer = "add-on" },
	{ "DELETE", "/apps/:app/addons/:addon", NEED_OPERATE, api_addons_delete,
	  "destroy an add-on; a last backup is kept", "force?:bool", .answer = "add-on" },
	{ "POST", "/actions/addons/resolve", NEED_USER, api_addons_resolve, "find add-ons by name",
	  "addon:string app?:ref addon_service?:ref", API_QUIET, .answer = "[add-on]" },
	{ 0 },
};
