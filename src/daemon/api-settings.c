/* SPDX-License-Identifier: Apache-2.0 */
/* Buildpacks of an app. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "daemon/api-priv.h"

#define MAX_BUILDPACKS 20

static json_t *installations(const struct app *app)
{
	json_t *names = json_loads(app->buildpacks, 0, NULL), *list = json_array(), *name;
	size_t i;

	json_array_foreach (names, i, name)
		json_array_append_new(list,
				      json_pack("{s:I, s:{s:O, s:O}}", "ordinal", (json_int_t)i,
						"buildpack", "url", name, "name", name));
	json_decref(names);
	return list;
}

int api_buildpacks_get(struct request *r, struct error *err)
{
	struct app app = { 0 };
	json_t *list;

	if (api_app(r, &app, err) < 0)
		return -1;
	list = installations(&app);
	app_done(&app);
	return request_answer(r, 200, list);
}

static int read_buildpacks(struct daemon *d, json_t *updates, json_t *names, struct error *err)
{
	json_t *update;
	size_t i;

	if (!json_is_array(updates))
		return error_set(err, ERROR_INVALID,
				 "\"updates\" is missing: an array of {buildpack} is needed");
	json_array_foreach (updates, i, update) {
		json_t *name = json_object_get(update, "buildpack");

		if (!json_is_string(name) || !json_string_value(name)[0] ||
		    json_string_value(name)[0] == '-')
			return error_set(
				err, ERROR_INVALID,
				"\"buildpack\" has to be a name of the platform's (python, nodejs), a directory "
				"or a git URL");
		/* A path or a URL may come to be there until the build; a name doesn't. */
		if (!strpbrk(json_string_value(name), "/:") && !api_has_buildpack(d, json_string_value(name)))
			return error_set(err, ERROR_INVALID,
					 "The platform has no buildpack %.100s: give a name that it has (python, nodejs, c, plain), a directory "
					 "or a git URL", json_string_value(name));
		json_array_append(names, name);
	}
	if (json_array_size(names) > MAX_BUILDPACKS)
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
		const char *s = json_string_value(name);
		bool hides = strstr(s, "://") && strchr(s, '@');

		buf_printf(&text, "%s%s", i ? ", " : "", hides ? "(a URL with credentials)" : s);
	}
	request_note(r, "buildpacks: %s", text.len ? text.data : "none");
}

int api_buildpacks_put(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);
	json_t *names = json_array();
	struct app app = { 0 };
	int result = api_app(r, &app, err);

	if (result == 0)
		result = read_buildpacks(d, json_object_get(request_body(r), "updates"), names, err);
	if (result == 0) {
		free(app.buildpacks);
		app.buildpacks = json_dumps(names, JSON_COMPACT);
		result = store_app_update(d->store, &app, err);
	}
	if (result == 0) {
		note_buildpacks(r, names);
		result = request_answer(r, 200, installations(&app));
	}
	json_decref(names);
	app_done(&app);
	return result;
}
