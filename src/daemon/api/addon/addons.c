/* SPDX-License-Identifier: Apache-2.0 */
/* Add-ons: list, make, change, destroy. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/addon/shapes.h"
#include "daemon/api/sight.h"
#include "daemon/services/services.h"
#include "daemon/api/table.h"
#include "daemon/api/authz.h"
#include "daemon/api/find.h"
#include "daemon/lines/lines.h"

/* ---- looking ---- */

static int api_addons_get(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 200, api_addon_json(r, request_addon(r)));
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
	    store_addon_list(request_store(r), NULL, &rows, &n, err) < 0) {
		sight_done(&sight);
		json_decref(list);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		bool wanted =
			app ? is_of_app(&sight, &rows[i], app) : sight_sees_addon(&sight, &rows[i]);

		if (wanted && rows[i].state != ADDON_DEPROVISIONED)
			json_array_append_new(list, api_addon_json_in(&sight, &rows[i]));
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
	return answer_addons(r, request_app(r), err);
}

/* One row or an error: names are unique here. */
static int api_addons_resolve(struct request *r, struct error *err)
{
	const char *name, *app_name, *service;
	struct error ignored = ERROR_INIT;
	struct app app = { 0 };
	struct addon a = { 0 };
	int result;

	if (request_string(r, "addon", true, &name, err) < 0 ||
	    request_ref(r, "app", false, &app_name, err) < 0 ||
	    request_ref(r, "addon_service", false, &service, err) < 0)
		return -1;
	/* An app that the caller may not view is as good as none. */
	if (app_name)
		authz_app_named(r, app_name, NEED_VIEW, &app, &ignored);
	result = api_addon_named(r, app.name ? &app : NULL, name, NEED_VIEW, &a, err);
	if (result == 0 && service && !streq(service, a.service))
		result = error_set(err, ERROR_NOT_FOUND,
				   "Couldn't find that add-on of %.40s: %.60s", service, name);
	if (result == 0)
		result = request_answer(r, 200, json_pack("[o]", api_addon_json(r, &a)));
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
	return store_addon_update(request_store(r), a, err);
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
		taken = services_taken(request_parts(r)->services, a, service, plan);
	if (taken)
		json_object_set_new(j, "provision_message", json_text(taken));
	return j;
}

static int api_addons_update(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	const char *plan = api_plan_of(r), *colon = plan ? strchr(plan, ':') : NULL, *name;
	_cleanup_free_ char *service = colon ? xstrndup(plan, (size_t)(colon - plan)) : NULL;
	const char *size = colon ? colon + 1 : plan;
	struct addon *a = request_addon(r);

	if (request_string(r, "name", false, &name, err) < 0 ||
	    (name && rename_addon(r, a, name, err) < 0) ||
	    (size && services_set_plan(parts->services, a, service, size, err) < 0))
		return -1;
	request_note(r, "addon %s%s%s%s%s", request_param(r, "addon"), name ? ": now named " : "",
		     name ? name : "", plan ? ": plan " : "", plan ? plan : "");
	return request_answer(r, 200, updated_json(r, a, service, size));
}

static int api_addons_delete(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct addon *a = request_addon(r);
	bool force;
	json_t *j;
	int result = -1;

	if (request_bool(r, "force", false, &force, err) < 0)
		return -1;
	j = api_addon_json(r, a);
	if (services_destroy(parts->services, a, force, request_caller(r), err) == 0) {
		/* Heroku's word; what is left to do goes on without anybody. */
		json_object_set_new(j, "state", json_string("deprovisioned"));
		logs_append(parts->logs, a->app_id, "app", "api",
			    "Destroy %s:%s add-on (%s) by user %s", a->service, a->plan, a->name,
			    request_caller(r)->name);
		request_note(r, "addon %s (%s:%s)", a->name, a->service, a->plan);
		result = request_answer(r, 200, json_incref(j));
	}
	json_decref(j);
	return result;
}

const struct api_route addons_routes[] = {
	{ "GET", "/addons", NEED_USER, api_addons_list, "add-ons of all apps",
	  .answer = "[add-on]" },
	{ "GET", "/users/~/addons", NEED_USER, api_addons_list, "add-ons of all apps",
	  .answer = "[add-on]" },
	{ "GET", "/addons/:addon", NEED_VIEW, api_addons_get, "one add-on", .answer = "add-on" },
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
