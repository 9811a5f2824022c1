/* SPDX-License-Identifier: Apache-2.0 */
/* App setups: ask for an app out of an archive with an app.json; see how it goes. The work is in
 * apps/setups.c. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/shapes.h"
#include "daemon/api/team/setups.h"
#include "daemon/api/table.h"
#include "daemon/api/audit.h"
#include "daemon/api/authz.h"
#include "daemon/api/source.h"
#include "daemon/apps/apps.h"
#include "daemon/apps/setups.h"
#include "model/app-json.h"
#include "model/names.h"
#include "stack/names.h"
#include "stack/stack.h"

/* Of an app that was never made: the nil UUID (RFC 9562), for an id there has to be. */
#define NO_APP "00000000-0000-0000-0000-000000000000"

/* ---- shapes ---- */

static json_t *build_of(struct request *r, const struct setup *s)
{
	const char *status = json_string_value(json_object_get(s->data, "build_status"));
	const char *stream = json_string_value(json_object_get(s->data, "stream"));
	_cleanup_free_ char *url = stream ? request_url(r, "/streams/%s", stream) : NULL;

	if (!s->build_id[0])
		return json_null();
	return json_pack("{s:s, s:s, s:s?}", "id", s->build_id, "status",
			 status ? status : "pending", "output_stream_url", url);
}

static json_t *postdeploy_of(const struct setup *s)
{
	json_t *output = json_object_get(s->data, "output"),
	       *code = json_object_get(s->data, "exit_code");

	if (!output || !code)
		return json_null();
	return json_pack("{s:O, s:O}", "output", output, "exit_code", code);
}

/* A path is one of the app's, a URL stands for itself. */
static json_t *success_url(struct request *r, const struct setup *s)
{
	const char *path =
		json_string_value(json_object_get(json_object_get(s->data, "plan"), "success_url"));
	_cleanup_free_ char *app = NULL;

	if (!path || !streq(s->step, "succeeded"))
		return json_null();
	if (strstr(path, "://"))
		return json_string(path);
	app = api_app_url(request_parts(r), s->app_name);
	return json_sprintf("%s%s", app, path[0] == '/' ? path + 1 : path);
}

static json_t *setup_json(struct request *r, const struct setup *s)
{
	bool ended = streq(s->step, "succeeded") || streq(s->step, "failed");
	json_t *errors = json_object_get(s->data, "manifest_errors");

	return json_pack(
		"{s:s, s:o, s:o, s:s, s:o, s:{s:s, s:s}, s:o, s:o, s:o, s:o}", "id", s->id,
		"created_at", json_time(s->created_ms), "updated_at", json_time(s->updated_ms),
		"status", ended ? s->step : "pending", "failure_message", json_text(s->failure),
		"app", "id", s->app_id[0] ? s->app_id : NO_APP, "name", s->app_name, "build",
		build_of(r, s), "manifest_errors", errors ? json_incref(errors) : json_array(),
		"postdeploy", postdeploy_of(s), "resolved_success_url", success_url(r, s));
}

/* ---- what is asked for ---- */

static int check_env(json_t *env, struct error *err)
{
	const char *key;
	json_t *v;

	if (env && !json_is_null(env) && !json_is_object(env))
		return error_set(err, ERROR_INVALID,
				 "\"overrides.env\" must be an object of strings");
	json_object_foreach (env, key, v) {
		if (name_check_config_key(key, err) < 0)
			return error_prefix(err, "\"overrides.env\"");
		if (!json_is_string(v))
			return error_set(err, ERROR_INVALID,
					 "\"overrides.env.%.100s\" must be a string", key);
		if (name_check_config_value(key, json_string_value(v), err) < 0)
			return -1;
	}
	return 0;
}

/* In the plain form: they are held to the rules of the file that they stand above. */
static json_t *read_overrides(json_t *overrides, struct error *err)
{
	json_t *env = json_object_get(overrides, "env"), *errors = json_array();
	json_t *file =
		json_pack("{s:O?, s:O?}", "buildpacks", json_object_get(overrides, "buildpacks"),
			  "formation", json_object_get(overrides, "formation"));
	_cleanup_free_ char *text = json_dumps(file, 0);
	json_t *parsed = app_json_parse(text, strlen(text), NULL, errors), *ret = NULL;
	int understood = api_check_members("overrides", "env buildpacks formation", overrides, err);

	if (!parsed)
		error_set(err, ERROR_INVALID, "\"overrides\": %s",
			  json_string_value(json_array_get(errors, 0)) + strlen("app.json: "));
	else if (understood == 0 && check_env(env, err) == 0)
		ret = json_pack("{s:O?, s:O?, s:O?}", "env", json_is_object(env) ? env : NULL,
				"buildpacks",
				json_is_array(json_object_get(file, "buildpacks"))
					? json_object_get(parsed, "buildpacks")
					: NULL,
				"formation",
				json_is_object(json_object_get(file, "formation"))
					? json_object_get(parsed, "formation")
					: NULL);
	json_decref(parsed);
	json_decref(errors);
	json_decref(file);
	return ret;
}

static int text_in(json_t *object, const char *label, const char *key, const char **ret,
		   struct error *err)
{
	json_t *v = json_object_get(object, key);

	if (v && !json_is_null(v) && !json_is_string(v))
		return error_set(err, ERROR_INVALID, "\"%s.%s\" must be a string", label, key);
	*ret = json_string_value(v);
	return 0;
}

/* An app of the caller's, which is not there yet. */
static int plan_app(struct request *r, const char *name, struct app *app, struct error *err)
{
	char generated[APP_NAME_MAX + 1];

	if (!name) {
		name_generate(generated, sizeof(generated));
		name = generated;
	}
	if (name_check_app(name, err) < 0)
		return -1;
	*app = (struct app){ .name = xstrdup(name),
			     .stack = xstrdup(STACK_DEFAULT),
			     .region = xstrdup(API_REGION),
			     .buildpacks = xstrdup("[]"),
			     .branch = xstrdup("main") };
	memcpy(app->owner_id, request_caller(r)->user_id, sizeof(app->owner_id));
	return 0;
}

/* The archive is taken last: what was wrong before leaves it for another try. */
static int read_setup(struct request *r, const struct app *app, json_t *overrides, json_t *extra,
		      struct setup *s, struct error *err)
{
	json_t *plain = read_overrides(overrides, err);
	struct source source = { 0 };

	if (!plain)
		return -1;
	if (source_find(r, &source, err) < 0) {
		json_decref(plain);
		return -1;
	}
	s->data = json_pack("{s:o, s:s, s:s, s:s}", "overrides", plain, "user",
			    request_caller(r)->name, "checksum", source.sha256, "version",
			    source.commit);
	if (source.url)
		json_object_set_new(s->data, "url", json_string(source.url));
	json_object_update(s->data, extra);
	s->app_name = xstrdup(app->name);
	s->step = xstrdup("making");
	memcpy(s->user_id, app->owner_id, sizeof(s->user_id));
	/* ".../ID.tar" */
	snprintf(s->source_id, sizeof(s->source_id), "%.36s", strrchr(source.path, '/') + 1);
	free(source.path);
	return 0;
}

/* The row comes first: should the app be made and nobody be told, it says so. */
int api_setup_begin(struct request *r, const char *name, json_t *overrides, json_t *take_extra,
		    struct setup *s, struct app *app, struct error *err)
{
	int result = plan_app(r, name, app, err);

	if (result == 0)
		result = read_setup(r, app, overrides, take_extra, s, err);
	if (result == 0)
		result = store_setup_create(request_store(r), s, err);
	json_decref(take_extra);
	return result;
}

int api_setup_go(struct request *r, struct setup *s, struct app *app, int result, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct error ignored = ERROR_INIT;

	if (result < 0 || apps_make(request_parts(r)->apps, app, request_caller(r), err) < 0) {
		store_setup_delete(parts->platform.store, s->id, &ignored);
		return -1;
	}
	memcpy(s->app_id, app->id, sizeof(s->app_id));
	free(s->step);
	s->step = xstrdup("reading");
	setups_kick(parts->setups);
	return store_setup_update(parts->platform.store, s, err);
}

/* The stack that was asked for stands before the one in app.json. */
static int take_places(struct setup *s, struct app *app, const char *stack, const char *region)
{
	free(app->region);
	app->region = xstrdup(region);
	if (!stack)
		return 0;
	free(app->stack);
	app->stack = xstrdup(stack);
	return json_object_set_new(s->data, "stack", json_string(stack));
}

/* Heroku's apps may be of an organization and the like: here there is none. */
static int check_app(json_t *asked, struct error *err)
{
	static const char *const none[] = { "organization", "personal", "space", "locked",
					    "internal_routing" };

	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		const json_t *v = json_object_get(asked, none[i]);

		if (v && !json_is_null(v) && !json_is_false(v) &&
		    !(streq(none[i], "personal") && json_is_true(v)))
			return error_set(
				err, ERROR_INVALID,
				"\"app.%s\" must be null or false: this platform has no such thing",
				none[i]);
	}
	return api_check_members(
		"app", "name stack region organization personal space locked internal_routing",
		asked, err);
}

static int api_setups_create(struct request *r, struct error *err)
{
	json_t *asked = json_object_get(request_body(r), "app");
	const char *name = NULL, *stack = NULL, *region = NULL, *stack_name, *region_name;
	struct setup s = { 0 };
	struct app app = { 0 };
	int result = -1;

	if (check_app(asked, err) == 0 && text_in(asked, "app", "name", &name, err) == 0 &&
	    text_in(asked, "app", "stack", &stack, err) == 0 &&
	    stack_read_name(stack, &stack_name, err) == 0 &&
	    text_in(asked, "app", "region", &region, err) == 0 &&
	    api_read_region(region, &region_name, err) == 0 &&
	    api_setup_begin(r, name, json_object_get(request_body(r), "overrides"), NULL, &s, &app,
			    err) == 0 &&
	    take_places(&s, &app, stack ? stack_name : NULL, region_name) == 0 &&
	    api_setup_go(r, &s, &app, 0, err) == 0) {
		audit_app(r, &app);
		request_note(r, "setup from app.json");
		result = request_answer(r, 202, setup_json(r, &s));
	}
	setup_done(&s);
	app_done(&app);
	return result;
}

/* Who asked for it, administrators, and who may view the app. Others are told what is told of none.
 */
static bool may_see(struct request *r, const struct setup *s)
{
	const struct caller *who = request_caller(r);
	struct error ignored = ERROR_INIT;

	return who->admin || streq(who->user_id, s->user_id) ||
	       (s->app_id[0] && authz_allow_id(r, s->app_id, NEED_VIEW, &ignored) == 0);
}

static int api_setups_get(struct request *r, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];
	struct setup s = { 0 };
	int result = store_setup_get(request_store(r), request_param(r, "setup"), &s, err);

	if (result == 0 && !may_see(r, &s))
		result = error_set(err, ERROR_NOT_FOUND, "Couldn't find that app setup: %s",
				   name_excerpt(excerpt, request_param(r, "setup")));
	if (result == 0)
		result = request_answer(r, 200, setup_json(r, &s));
	setup_done(&s);
	return result;
}

const struct api_route setups_routes[] = {
	{ "POST", "/app-setups", NEED_USER, api_setups_create,
	  "create an app from an archive with an app.json",
	  "source_blob:object app?:object overrides?:object", .answer = "app-setup" },
	{ "GET", "/app-setups/:setup", NEED_USER, api_setups_get,
	  "status of a setup; for who started it or may view the app", .answer = "app-setup" },
	{ 0 },
};
