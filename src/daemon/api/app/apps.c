/* SPDX-License-Identifier: Apache-2.0 */
/* Apps: create, list, rename, maintenance, destroy; what these do stands in apps/apps.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "daemon/api/shapes.h"
#include "daemon/api/table.h"
#include "daemon/api/audit.h"
#include "daemon/api/authz.h"
#include "daemon/apps/apps.h"
#include "daemon/lines/drains.h"
#include "daemon/lines/lines.h"
#include "daemon/rollout/reconcile.h"
#include "model/names.h"
#include "stack/names.h"
#include "stack/stack.h"

static int api_apps_list(struct request *r, struct error *err)
{
	struct store *store = request_store(r);
	struct app *apps = NULL;
	json_t *list;
	size_t n = 0;
	int result = store_read_begin(store, err);

	if (result < 0)
		return -1;
	result = authz_app_list(r, &apps, &n, err);
	list = json_array();
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(list, api_app_json(r, &apps[i]));
		app_done(&apps[i]);
	}
	free(apps);
	store_read_end(store);
	if (result == 0)
		return request_answer_list(r, list);
	json_decref(list);
	return -1;
}

static int api_apps_get(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 200, api_app_json(r, request_app(r)));
}

static int answer_made(struct request *r, const struct app *app)
{
	audit_app(r, app);
	return request_answer(r, 201, api_app_json(r, app));
}

static int api_apps_create(struct request *r, struct error *err)
{
	struct app app = { .buildpacks = xstrdup("[]"), .branch = xstrdup("main") };
	char generated[APP_NAME_MAX + 1];
	const char *name, *stack, *region;
	int result = -1;

	if (request_string(r, "name", false, &name, err) < 0 ||
	    request_ref(r, "stack", false, &stack, err) < 0 ||
	    stack_read_name(stack, &stack, err) < 0 ||
	    request_ref(r, "region", false, &region, err) < 0 ||
	    api_read_region(region, &region, err) < 0)
		goto out;
	app.stack = xstrdup(stack);
	app.region = xstrdup(region);
	if (!name) {
		name_generate(generated, sizeof(generated));
		name = generated;
	}
	if (name_check_app(name, err) < 0)
		goto out;
	app.name = xstrdup(name);
	memcpy(app.owner_id, request_caller(r)->user_id, sizeof(app.owner_id));
	if (apps_make(request_parts(r)->apps, &app, request_caller(r), err) == 0)
		result = answer_made(r, &app);
out:
	app_done(&app);
	return result;
}

static void note_changes(struct request *r, const char *name, const char *stack)
{
	json_t *maintenance = json_object_get(request_body(r), "maintenance");
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (name)
		buf_printf(&text, "name %.100s ", name);
	if (json_is_boolean(maintenance))
		buf_printf(&text, "maintenance %s ", json_is_true(maintenance) ? "on" : "off");
	if (stack)
		buf_printf(&text, "stack %.100s ", stack);
	request_note(r, "%s", text.data ? str_trim(text.data) : "");
}

/* *ret_turned: whether maintenance has changed. */
static int set_members(struct parts *parts, struct app *app, const char *stack, bool maintenance,
		       bool *ret_turned, struct error *err)
{
	*ret_turned = maintenance != app->maintenance;
	if (!*ret_turned && (!stack || streq(stack, app->stack)))
		return 0;
	app->maintenance = maintenance;
	if (stack) {
		free(app->stack);
		app->stack = xstrdup(stack);
	}
	return store_app_update(parts->platform.store, app, err);
}

static int api_apps_update(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct app *app = request_app(r);
	const char *name, *stack;
	bool maintenance, turned;

	if (request_string(r, "name", false, &name, err) < 0 ||
	    request_ref(r, "build_stack", false, &stack, err) < 0 ||
	    (stack && stack_read_name(stack, &stack, err) < 0) ||
	    request_bool(r, "maintenance", app->maintenance, &maintenance, err) < 0)
		return -1;
	note_changes(r, name, stack);
	if (name && !streq(name, app->name) && apps_rename(parts->apps, app, name, err) < 0)
		return -1;
	drains_tell(&parts->platform, parts->logs, app->id);
	if (set_members(parts, app, stack, maintenance, &turned, err) < 0)
		return -1;
	if (turned)
		logs_append(parts->logs, app->id, "app", "api",
			    "Maintenance mode turned %s by user %s", maintenance ? "on" : "off",
			    request_caller(r)->name);
	reconcile_app(parts->reconciler, app->id);
	return request_answer(r, 200, api_app_json(r, app));
}

static int api_apps_delete(struct request *r, struct error *err)
{
	const struct app *app = request_app(r);
	json_t *j = api_app_json(r, app);

	if (apps_destroy(request_parts(r)->apps, app, request_caller(r)->name, err) == 0)
		return request_answer(r, 200, j);
	json_decref(j);
	return -1;
}

const struct api_route apps_routes[] = {
	{ "GET", "/apps", NEED_USER, api_apps_list, "all apps", .answer = "[app]" },
	{ "GET", "/users/~/apps", NEED_USER, api_apps_list, "all apps", .answer = "[app]" },
	{ "POST", "/apps", NEED_USER, api_apps_create,
	  "create an app; a name is made up when there is none; the region is us or eu, which both "
	  "are this machine, the stack debian-13, debian-12 or one of Heroku's names for them; it "
	  "keeps the names that it was given",
	  "name?:string stack?:ref region?:ref space?:none team?:none organization?:none "
	  "internal_routing?:none locked?:none feature_flags?:none kernel?:none",
	  .answer = "app" },
	{ "GET", "/apps/:app", NEED_VIEW, api_apps_get, "one app", .answer = "app" },
	{ "PATCH", "/apps/:app", NEED_MANAGE, api_apps_update,
	  "rename an app, set maintenance mode, choose the stack of the next build (`stack` is "
	  "that of the current release)",
	  "name?:string maintenance?:bool build_stack?:ref", .answer = "app" },
	{ "DELETE", "/apps/:app", NEED_OWNER, api_apps_delete,
	  "delete an app and everything that belongs to it", .answer = "app" },
	{ 0 },
};
