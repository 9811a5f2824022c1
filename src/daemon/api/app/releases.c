/* SPDX-License-Identifier: Apache-2.0 */
/* Config vars and releases. */
#include <stdlib.h>

#include "base/str.h"
#include "daemon/services/services.h"
#include "daemon/api/app/slugs.h"
#include "daemon/api/find.h"
#include "daemon/api/shapes.h"
#include "daemon/api/table.h"
#include "daemon/http/range.h"
#include "daemon/wanted/base.h"
#include "daemon/wanted/releases.h"

#define NOTE_MAX 1000

static int api_config_get(struct request *r, struct error *err)
{
	struct release base = { 0 };
	const struct app *app = request_app(r);
	int result = -1;

	if (releases_base(request_parts(r)->wanted, app, &base, err) == 0)
		result = request_answer(r, 200, json_incref(base.config));
	release_done(&base);
	return result;
}

/* "set GREETING, unset OLD": names, never values. */
static void note_config(struct request *r, json_t *changes)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *name;
	json_t *value;

	json_object_foreach (changes, name, value)
		buf_printf(&text, "%s%s %s", text.len ? ", " : "",
			   json_is_null(value) ? "unset" : "set", name);
	request_note(r, "%.*s", NOTE_MAX, text.data ? text.data : "");
}

static int api_config_update(struct request *r, struct error *err)
{
	struct release release = { 0 };
	struct app *app = request_app(r);
	bool changed;
	int result = -1;

	if (releases_set_config(request_parts(r)->wanted, app, request_body(r), request_caller(r),
				&release, &changed, err) == 0) {
		note_config(r, request_body(r));
		result = request_answer(r, 200, json_incref(release.config));
	}
	release_done(&release);
	return result;
}

static int api_config_of_release(struct request *r, struct error *err)
{
	struct release release = { 0 };
	const struct app *app = request_app(r);
	int result = -1;

	if (api_release_find(r, app, request_param(r, "version"), &release, err) == 0)
		result = request_answer(r, 200, json_incref(release.config));
	release_done(&release);
	return result;
}

static int api_releases_list(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct release *rows = NULL;
	const struct app *app = request_app(r);
	struct range range;
	json_t *list;
	size_t n = 0, max;
	bool newest;

	/* Most ask for the newest few; one more tells that there is another page. */
	if (range_parse(request_header(r, "Range"), &range, err) < 0)
		return -1;
	newest = range.descending && !range.start[0] && !range.end[0] &&
		 (!range.property[0] || streq(range.property, "version"));
	max = newest ? range.max + 1 : 0;
	if (store_release_list(parts->platform.store, app->id, max, &rows, &n, err) < 0)
		return -1;
	list = json_array();
	/* The store gives the newest first, lists go up. */
	for (size_t i = n; i-- > 0;) {
		json_array_append_new(list, api_release_json(r, app, &rows[i]));
		release_done(&rows[i]);
	}
	free(rows);
	return request_answer_list(r, list);
}

static int api_releases_get(struct request *r, struct error *err)
{
	struct release release = { 0 };
	const struct app *app = request_app(r);
	int result = -1;

	if (api_release_find(r, app, request_param(r, "version"), &release, err) == 0)
		result = request_answer(r, 200, api_release_json(r, app, &release));
	release_done(&release);
	return result;
}

/* ---- rollback ---- */

/* A rollback that waits for credentials. */
struct waiting {
	struct request *request;
	struct services *services;
	bool done, deferred;
	struct error err;
	int64_t version;
};

static void waiting_free(void *work)
{
	struct waiting *w = work;

	services_abandon(w->services, w);
	free(w);
}

static int answer(struct request *r, const struct waiting *w, struct error *err)
{
	if (w->err.kind == ERROR_NONE)
		return api_answer_release(r, w->version, err);
	*err = w->err;
	return -1;
}

static int answer_rollback(struct request *r, struct error *err)
{
	return answer(r, request_work(r), err);
}

static void on_rolled_back(struct error *err, const char *attachment_id, int64_t version,
			   void *userdata)
{
	struct waiting *w = userdata;

	(void)attachment_id;
	w->done = true;
	w->version = version;
	if (err)
		w->err = *err;
	if (w->deferred)
		request_resume(w->request);
}

/* Answers at once, or when the credentials that it needs are there. */
static int roll_back(struct request *r, int64_t version, struct error *err)
{
	struct waiting *w = xcalloc(1, sizeof(*w));
	struct addon_change c = {
		.app = request_app(r), .who = request_caller(r), .fn = on_rolled_back, .userdata = w
	};
	int result = 0;

	*w = (struct waiting){ .request = r, .services = request_parts(r)->services };
	services_rollback(w->services, &c, version);
	if (w->done) {
		result = answer(r, w, err);
		waiting_free(w);
		return result;
	}
	w->deferred = true;
	request_defer(r, answer_rollback, w, waiting_free);
	return 0;
}

static int check_no_description(struct request *r, struct error *err)
{
	const char *description =
		json_string_value(json_object_get(request_body(r), "description"));

	return description && *description ? error_set(err, ERROR_INVALID,
						       "\"description\" goes with a slug: a "
						       "rollback says by itself what it is")
					   : 0;
}

static int api_releases_create(struct request *r, struct error *err)
{
	struct release target = { 0 };
	const char *which;
	int result = -1;

	if (!json_is_null(json_object_get(request_body(r), "slug")) &&
	    json_object_get(request_body(r), "slug"))
		return api_slug_release(r, err);
	if (request_string(r, "release", true, &which, err) == 0 &&
	    check_no_description(r, err) == 0 &&
	    api_release_find(r, request_app(r), which, &target, err) == 0) {
		request_note(r, "rollback to v%lld", (long long)target.version);
		result = roll_back(r, target.version, err);
	}
	release_done(&target);
	return result;
}

const struct api_route releases_routes[] = {
	{ "GET", "/apps/:app/config-vars", NEED_OPERATE, api_config_get, "config vars",
	  .flags = API_SECRET, .answer = "config-vars" },
	{ "PATCH", "/apps/:app/config-vars", NEED_OPERATE, api_config_update,
	  "set (strings) and unset (null) config vars in a new release", "*:any",
	  .flags = API_SECRET, .answer = "config-vars" },
	{ "GET", "/apps/:app/releases/:version/config-vars", NEED_OPERATE, api_config_of_release,
	  "config vars of a release", .flags = API_SECRET, .answer = "config-vars" },
	{ "GET", "/apps/:app/releases", NEED_VIEW, api_releases_list, "releases",
	  .answer = "[release]" },
	{ "POST", "/apps/:app/releases", NEED_DEPLOY, api_releases_create,
	  "release a slug, or roll back to a release: an id or a version",
	  "release?:string slug?:ref description?:string oci_image?:none", .answer = "release" },
	{ "GET", "/apps/:app/releases/:version", NEED_VIEW, api_releases_get,
	  "one release, with the proof of its rollout", .answer = "release" },
	{ 0 },
};
