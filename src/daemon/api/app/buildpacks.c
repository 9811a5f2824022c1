/* SPDX-License-Identifier: Apache-2.0 */
/* Buildpacks of an app. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "daemon/api/table.h"
#include "daemon/build/packs.h"

#define MAX_BUILDPACKS 20

static json_t *installations(const struct app *app)
{
	json_t *row = json_loads(app->buildpacks, 0, NULL), *names = packs_names(row),
	       *list = json_array(), *name;
	size_t i;

	json_decref(row);
	json_array_foreach (names, i, name)
		json_array_append_new(list,
				      json_pack("{s:I, s:{s:O, s:O}}", "ordinal", (json_int_t)i,
						"buildpack", "url", name, "name", name));
	json_decref(names);
	return list;
}

static int api_buildpacks_get(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 200, installations(request_app(r)));
}

static int read_buildpacks(json_t *updates, const struct packs_rules *rules, json_t *ret,
			   struct error *err)
{
	json_t *update;
	size_t i;

	if (!json_is_array(updates))
		return error_set(err, ERROR_INVALID,
				 "\"updates\" is missing: an array of {buildpack} is needed");
	json_array_foreach (updates, i, update) {
		const char *name = json_string_value(json_object_get(update, "buildpack"));
		json_t *element;

		/* What is listed has its place, which is that in the array. */
		if (api_check_members("updates", "buildpack ordinal", update, err) < 0)
			return -1;
		if (!name || !name[0] || name[0] == '-')
			return error_set(err, ERROR_INVALID,
					 "\"buildpack\" must be a name of the platform's (python, "
					 "nodejs, ...), a directory or a git URL");
		element = packs_take(name, rules, err);
		if (!element)
			return -1;
		json_array_append_new(ret, element);
	}
	if (json_array_size(ret) > MAX_BUILDPACKS)
		return error_set(err, ERROR_INVALID, "More than %d buildpacks are not taken",
				 MAX_BUILDPACKS);
	return 0;
}

/* A git URL may hold a password. */
static void note_buildpacks(struct request *r, json_t *names)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	json_t *name;
	size_t i;

	json_array_foreach (names, i, name) {
		const char *s = packs_name(name);
		bool hides = strstr(s, "://") && strchr(s, '@');

		buf_printf(&text, "%s%s", i ? ", " : "", hides ? "(a URL with credentials)" : s);
	}
	request_note(r, "buildpacks: %s", text.len ? text.data : "none");
}

static int set_buildpacks(struct request *r, const struct app *app, json_t *ret, struct error *err)
{
	const struct parts *parts = request_parts(r);
	json_t *before = json_loads(app->buildpacks, 0, NULL);
	const struct packs_rules rules = { .before = before,
					   .admin = request_caller(r)->admin,
					   .who = request_caller(r)->name,
					   .data_dir = parts->platform.settings.data_dir,
					   .state_dir = parts->platform.settings.state_dir };
	int result = read_buildpacks(json_object_get(request_body(r), "updates"), &rules, ret, err);

	json_decref(before);
	return result;
}

static int api_buildpacks_put(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	json_t *names = json_array();
	struct app *app = request_app(r);
	int result = set_buildpacks(r, app, names, err);

	if (result == 0) {
		free(app->buildpacks);
		app->buildpacks = json_dumps(names, JSON_COMPACT);
		result = store_app_update(parts->platform.store, app, err);
	}
	if (result == 0) {
		note_buildpacks(r, names);
		result = request_answer(r, 200, installations(app));
	}
	json_decref(names);
	return result;
}

const struct api_route buildpacks_routes[] = {
	{ "GET", "/apps/:app/buildpack-installations", NEED_VIEW, api_buildpacks_get, "buildpacks",
	  .answer = "[buildpack-installation]" },
	{ "PUT", "/apps/:app/buildpack-installations", NEED_DEPLOY, api_buildpacks_put,
	  "set the buildpacks", "updates:array", .answer = "[buildpack-installation]" },
	{ 0 },
};
