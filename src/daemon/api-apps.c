/* SPDX-License-Identifier: Apache-2.0 */
/* Apps: create, list, rename, maintenance, destroy. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/api-priv.h"
#include "daemon/builds.h"
#include "daemon/git.h"
#include "daemon/logs-client.h"
#include "daemon/reconcile.h"
#include "daemon/releases.h"
#include "model/names.h"
#include "stack/stack.h"

int api_apps_list(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);
	json_t *list = json_array();
	struct app *apps = NULL;
	size_t n = 0;

	if (store_app_list(d->store, &apps, &n, err) < 0) {
		json_decref(list);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(list, api_app_json(d, &apps[i]));
		app_done(&apps[i]);
	}
	free(apps);
	return request_answer_list(r, list);
}

int api_apps_get(struct request *r, struct error *err)
{
	struct app app = { 0 };
	json_t *j;

	if (api_app(r, &app, err) < 0)
		return -1;
	j = api_app_json(request_daemon(r), &app);
	app_done(&app);
	return request_answer(r, 200, j);
}

/* The row first, then what can be made again; the reconciler gives it its error page. */
static int make_app(struct request *r, struct app *app, struct error *err)
{
	struct daemon *d = request_daemon(r);

	if (store_app_create(d->store, app, err) < 0)
		return -1;
	if (git_create(d, app, err) < 0 || releases_initial(d, app, request_caller(r), err) < 0) {
		struct error ignored = ERROR_INIT;

		store_app_delete(d->store, app->id, &ignored);
		git_delete(d, app->name, &ignored);
		return -1;
	}
	return 0;
}

int api_apps_create(struct request *r, struct error *err)
{
	struct app app = { .stack = xstrdup(STACK_DEFAULT), .buildpacks = xstrdup("[]"), .branch = xstrdup("main") };
	char generated[APP_NAME_MAX + 1];
	const char *name, *stack;
	int result = -1;
	json_t *j;

	if (request_string(r, "name", false, &name, err) < 0 || request_string(r, "stack", false, &stack, err) < 0)
		goto out;
	if (stack && !streq(stack, STACK_DEFAULT) && !str_starts(stack, "heroku-")) {
		error_set(err, ERROR_INVALID, "There is no stack \"%.50s\": this platform has " STACK_DEFAULT, stack);
		goto out;
	}
	if (!name) {
		name_generate(generated, sizeof(generated));
		name = generated;
	}
	if (name_check_app(name, err) < 0)
		goto out;
	app.name = xstrdup(name);
	if (make_app(r, &app, err) < 0)
		goto out;
	j = api_app_json(request_daemon(r), &app);
	result = request_answer(r, 201, j);
out:
	app_done(&app);
	return result;
}

static int rename_app(struct request *r, struct app *app, const char *name, struct error *err)
{
	struct daemon *d = request_daemon(r);
	_cleanup_free_ char *old = xstrdup(app->name);

	if (name_check_app(name, err) < 0)
		return -1;
	free(app->name);
	app->name = xstrdup(name);
	if (store_app_update(d->store, app, err) < 0)
		return -1;
	return git_rename(d, old, app, err);
}

int api_apps_update(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);
	struct app app = { 0 };
	const char *name;
	bool maintenance;
	int result = -1;

	if (api_app(r, &app, err) < 0)
		return -1;
	if (request_string(r, "name", false, &name, err) < 0 ||
	    request_bool(r, "maintenance", app.maintenance, &maintenance, err) < 0)
		goto out;
	if (name && !streq(name, app.name) && rename_app(r, &app, name, err) < 0)
		goto out;
	if (maintenance != app.maintenance) {
		app.maintenance = maintenance;
		if (store_app_update(d->store, &app, err) < 0)
			goto out;
		logs_append(d->logs, app.id, "app", "api", "Maintenance mode turned %s by %s", maintenance ? "on" : "off",
			    request_caller(r)->name);
	}
	reconcile_app(d->reconciler, app.id);
	result = request_answer(r, 200, api_app_json(d, &app));
out:
	app_done(&app);
	return result;
}

/* The row goes first: what is left of the rest after a kill is found and removed at the next start. */
int api_apps_delete(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);
	struct error ignored = ERROR_INIT;
	struct app app = { 0 };
	_cleanup_free_ char *cache = NULL;
	const char *build;
	json_t *j;

	if (api_app(r, &app, err) < 0)
		return -1;
	build = builds_running(d->builds, app.id);
	if (build && builds_cancel(d->builds, build, &ignored) < 0)
		log_warn("destroying %s: %s", app.name, ignored.message);
	j = api_app_json(d, &app);
	if (store_app_delete(d->store, app.id, err) < 0) {
		json_decref(j);
		app_done(&app);
		return -1;
	}
	reconcile_forget(d->reconciler, app.id);
	if (git_delete(d, app.name, &ignored) < 0)
		log_warn("destroying %s: %s", app.name, ignored.message);
	cache = xasprintf("%s/cache/%s", d->settings.state_dir, app.id);
	fs_remove_tree(cache);
	logs_forget(d->logs, app.id);
	app_done(&app);
	return request_answer(r, 200, j);
}

int api_collaborators(struct request *r, struct error *err)
{
	struct app app = { 0 };
	json_t *list;

	if (api_app(r, &app, err) < 0)
		return -1;
	list = json_pack("[{s:s, s:o, s:o, s:[], s:s, s:o, s:o}]", "id", app.id, "app", api_app_ref(&app), "user", api_user_ref(NULL),
			 "permissions", "role", "owner", "created_at", api_time(app.created_ms), "updated_at",
			 api_time(app.created_ms));
	app_done(&app);
	return request_answer(r, 200, list);
}
