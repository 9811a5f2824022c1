/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines, who owns them, and which apps are in them. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/authz.h"
#include "daemon/api/team/pipeline-shapes.h"
#include "daemon/api/table.h"
#include "model/names.h"
#include "stack/stack.h"
#include "daemon/api/shapes.h"

/* ?eq[name]=x, with its brackets as they are or encoded: libmicrohttpd is told to leave names
 * alone. */
static const char *wanted_name(struct request *r)
{
	static const char *const forms[] = { "eq[name]", "eq%5Bname%5D", "eq%5bname%5d" };
	const char *name = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(forms) && !name; i++)
		name = request_query(r, forms[i]);
	return name;
}

static int api_pipelines_list(struct request *r, struct error *err)
{
	const char *name = wanted_name(r);
	struct pipeline *rows = NULL;
	json_t *list = json_array();
	size_t n = 0;

	if (store_pipeline_list(request_store(r), &rows, &n, err) < 0) {
		json_decref(list);
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		if ((!name || streq(rows[i].name, name)) && pipeline_is_seen(r, &rows[i]))
			json_array_append_new(list, pipeline_json(&rows[i]));
	pipeline_free_array(rows, n);
	return request_answer_list(r, list);
}

static int api_pipelines_get(struct request *r, struct error *err)
{
	struct pipeline p = { 0 };
	int result = pipeline_in_path(r, &p, err);

	if (result == 0)
		result = request_answer(r, 200, pipeline_json(&p));
	pipeline_done(&p);
	return result;
}

/* A user, by {id, type}; teams there are none. */
static int find_owner(struct request *r, json_t *owner, char ret_id[static UUID_SIZE],
		      struct error *err)
{
	const char *type = json_string_value(json_object_get(owner, "type"));
	const char *id = json_string_value(json_object_get(owner, "id"));
	struct user u = { 0 };

	if (!id || (type && !streq(type, "user")))
		return error_set(err, ERROR_INVALID,
				 "A pipeline is owned by a user: {\"id\": \"...\", \"type\": "
				 "\"user\"} is needed");
	if (store_user_get(request_store(r), id, &u, err) < 0)
		return -1;
	memcpy(ret_id, u.id, UUID_SIZE);
	user_done(&u);
	return 0;
}

static int first_owner(struct request *r, struct pipeline *p, struct error *err)
{
	json_t *owner = json_object_get(request_body(r), "owner");

	memcpy(p->owner_id, request_caller(r)->user_id, UUID_SIZE);
	if (!owner || json_is_null(owner))
		return 0;
	if (find_owner(r, owner, p->owner_id, err) < 0)
		return -1;
	if (streq(p->owner_id, request_caller(r)->user_id))
		return 0;
	return authz_admin(r, err);
}

/* The heroku command says which of Heroku's two generations it means; this platform is like the
 * first. */
static int check_generation(struct request *r, struct error *err)
{
	const char *given = json_ref(json_object_get(request_body(r), "generation"));
	char id[UUID_SIZE];

	return !given || streq(given, "cedar") || streq(given, name_uuid("generation", "cedar", id))
		       ? 0
		       : error_set(err, ERROR_INVALID,
				   "\"generation\" must be cedar: there is no other here");
}

static int api_pipelines_create(struct request *r, struct error *err)
{
	struct pipeline p = { 0 };
	const char *name;
	int result = -1;

	if (request_string(r, "name", true, &name, err) == 0 && name_check_app(name, err) == 0 &&
	    check_generation(r, err) == 0 && first_owner(r, &p, err) == 0) {
		p.name = xstrdup(name);
		result = store_pipeline_create(request_store(r), &p, err);
	}
	if (result == 0) {
		request_note(r, "pipeline %s", p.name);
		result = request_answer(r, 201, pipeline_json(&p));
	}
	pipeline_done(&p);
	return result;
}

static int api_pipelines_update(struct request *r, struct error *err)
{
	struct pipeline p = { 0 };
	const char *name;
	int result = -1;

	if (pipeline_in_path(r, &p, err) == 0 && pipeline_may_change(r, &p, err) == 0 &&
	    request_string(r, "name", false, &name, err) == 0 &&
	    (!name || name_check_app(name, err) == 0)) {
		request_note(r, "pipeline %s", p.name);
		if (name) {
			free(p.name);
			p.name = xstrdup(name);
		}
		result = store_pipeline_update(request_store(r), &p, err);
	}
	if (result == 0)
		result = request_answer(r, 200, pipeline_json(&p));
	pipeline_done(&p);
	return result;
}

static int api_pipelines_delete(struct request *r, struct error *err)
{
	struct pipeline p = { 0 };
	int result = -1;

	if (pipeline_in_path(r, &p, err) == 0 && pipeline_may_change(r, &p, err) == 0) {
		request_note(r, "pipeline %s", p.name);
		result = store_pipeline_delete(request_store(r), p.id, err);
	}
	if (result == 0)
		result = request_answer(r, 200, pipeline_json(&p));
	pipeline_done(&p);
	return result;
}

static int api_pipelines_stack(struct request *r, struct error *err)
{
	struct pipeline p = { 0 };
	int result = pipeline_in_path(r, &p, err);

	if (result == 0)
		result = request_answer(r, 200,
					json_pack("{s:o}", "stack", api_stack_ref(STACK_DEFAULT)));
	pipeline_done(&p);
	return result;
}

static json_t *owner_json(const char *id)
{
	return id[0] ? json_pack("{s:s, s:s}", "id", id, "type", "user") : json_null();
}

static int api_pipelines_transfer(struct request *r, struct error *err)
{
	json_t *owner = json_object_get(request_body(r), "new_owner"), *before = NULL;
	struct pipeline p = { 0 };
	const char *name;
	int result = -1;

	if (request_ref(r, "pipeline", true, &name, err) == 0 &&
	    pipeline_named(r, name, &p, err) == 0 && pipeline_may_change(r, &p, err) == 0) {
		before = owner_json(p.owner_id);
		result = find_owner(r, owner, p.owner_id, err);
	}
	if (result == 0)
		result = store_pipeline_update(request_store(r), &p, err);
	if (result == 0) {
		request_note(r, "pipeline %s to %s", p.name, p.owner_id);
		result = request_answer(r, 201,
					json_pack("{s:{s:s}, s:O, s:o}", "pipeline", "id", p.id,
						  "previous_owner", before, "new_owner",
						  owner_json(p.owner_id)));
	}
	json_decref(before);
	pipeline_done(&p);
	return result;
}

/* ---- the newest releases of its apps ---- */

static void append_newest(struct request *r, const struct coupling *c, json_t *list)
{
	struct error ignored = ERROR_INIT;
	struct release release = { 0 };
	struct app app = { 0 };

	if (authz_app_named(r, c->app_id, NEED_VIEW, &app, &ignored) == 0 &&
	    store_release_get(request_store(r), app.id, app.last_version, &release, &ignored) == 0)
		json_array_append_new(list, api_release_json(r, &app, &release));
	release_done(&release);
	app_done(&app);
}

static int api_pipelines_releases(struct request *r, struct error *err)
{
	struct coupling *rows = NULL;
	struct pipeline p = { 0 };
	json_t *list = json_array();
	size_t n = 0;
	int result = pipeline_in_path(r, &p, err);

	if (result == 0)
		result = store_coupling_list(request_store(r), p.id, &rows, &n, err);
	for (size_t i = 0; i < n; i++)
		append_newest(r, &rows[i], list);
	coupling_free_array(rows, n);
	pipeline_done(&p);
	if (result == 0)
		return request_answer_list(r, list);
	json_decref(list);
	return -1;
}

const struct api_route pipelines_routes[] = {
	{ "GET", "/pipelines", NEED_USER, api_pipelines_list,
	  "pipelines that you own or have an app in; ?eq[name]=", .answer = "[pipeline]" },
	{ "POST", "/pipelines", NEED_USER, api_pipelines_create, "create a pipeline",
	  "name:string owner?:object generation?:ref", .answer = "pipeline" },
	{ "GET", "/pipelines/:pipeline", NEED_USER, api_pipelines_get,
	  "one pipeline, by name or id", .answer = "pipeline" },
	{ "PATCH", "/pipelines/:pipeline", NEED_USER, api_pipelines_update,
	  "rename a pipeline; for its owner", "name?:string", .answer = "pipeline" },
	{ "DELETE", "/pipelines/:pipeline", NEED_USER, api_pipelines_delete,
	  "delete a pipeline, but not its apps; for its owner", .answer = "pipeline" },
	{ 0 },
};

const struct api_route pipeline_releases_routes[] = {
	{ "GET", "/pipelines/:pipeline/pipeline-stack", NEED_USER, api_pipelines_stack,
	  "the stack of new apps", .answer = "pipeline-stack" },
	{ "GET", "/pipelines/:pipeline/latest-releases", NEED_USER, api_pipelines_releases,
	  "the newest release of each app", .answer = "[release]" },
	{ "GET", "/pipelines/:pipeline/latest-deployments", NEED_USER, api_pipelines_releases,
	  "the newest release of each app", .answer = "[release]" },
	{ "POST", "/pipeline-transfers", NEED_USER, api_pipelines_transfer,
	  "transfer a pipeline to another user; for its owner", "pipeline:ref new_owner:object",
	  .answer = "pipeline-transfer" },
	{ 0 },
};
