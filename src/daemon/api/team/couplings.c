/* SPDX-License-Identifier: Apache-2.0 */
/* Which apps are in a pipeline, in which stage; who may change that is in pipeline-shapes.h. */
#include <string.h>

#include "base/str.h"
#include "daemon/api/authz.h"
#include "daemon/api/team/pipeline-shapes.h"
#include "daemon/api/table.h"
#include "model/names.h"

/* Those whose app the caller may view. */
static int answer_seen(struct request *r, const char *pipeline_id, struct error *err)
{
	struct error ignored = ERROR_INIT;
	struct coupling *rows = NULL;
	json_t *list = json_array();
	size_t n = 0;

	if (store_coupling_list(request_store(r), pipeline_id, &rows, &n, err) < 0) {
		json_decref(list);
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		if (authz_allow_id(r, rows[i].app_id, NEED_VIEW, &ignored) == 0)
			json_array_append_new(list, coupling_json(&rows[i]));
	coupling_free_array(rows, n);
	return request_answer_list(r, list);
}

static int api_couplings_list(struct request *r, struct error *err)
{
	return answer_seen(r, NULL, err);
}

static int api_couplings_of_pipeline(struct request *r, struct error *err)
{
	struct pipeline p = { 0 };
	int result = pipeline_in_path(r, &p, err);

	if (result == 0)
		result = answer_seen(r, p.id, err);
	pipeline_done(&p);
	return result;
}

static int api_coupling_of_app(struct request *r, struct error *err)
{
	struct error own = ERROR_INIT;
	struct coupling c = { 0 };
	const struct app *app = request_app(r);
	int result;

	if (store_coupling_get(request_store(r), app->id, &c, &own) == 0)
		result = request_answer(r, 200, coupling_json(&c));
	else if (own.kind == ERROR_NOT_FOUND)
		result = error_set(err, ERROR_NOT_FOUND,
				   "%s is in no pipeline: add it to one with pipelines:add",
				   app->name);
	else
		result = error_set(err, own.kind, "%s", own.message);
	coupling_done(&c);
	return result;
}

static int read_stage(struct request *r, enum stage *ret, struct error *err)
{
	const char *word;
	char excerpt[NAME_EXCERPT_SIZE];

	if (request_string(r, "stage", true, &word, err) < 0)
		return -1;
	*ret = stage_parse(word);
	if (*ret < _STAGE_MAX)
		return 0;
	return error_set(err, ERROR_INVALID,
			 "\"stage\" is review, development, staging or production, not \"%s\"",
			 name_excerpt(excerpt, word));
}

static int api_couplings_create(struct request *r, struct error *err)
{
	const char *app_name, *pipeline_name;
	struct pipeline p = { 0 };
	struct coupling c = { 0 };
	struct app app = { 0 };
	int result = -1;

	if (request_ref(r, "app", true, &app_name, err) == 0 &&
	    request_ref(r, "pipeline", true, &pipeline_name, err) == 0 &&
	    read_stage(r, &c.stage, err) == 0 &&
	    authz_app_named(r, app_name, NEED_MANAGE, &app, err) == 0 &&
	    store_pipeline_get(request_store(r), pipeline_name, &p, err) == 0 &&
	    pipeline_may_add(r, &p, err) == 0) {
		memcpy(c.app_id, app.id, UUID_SIZE);
		memcpy(c.pipeline_id, p.id, UUID_SIZE);
		result = store_coupling_create(request_store(r), &c, err);
	}
	if (result == 0) {
		request_note(r, "in %s as %s", p.name, stage_names[c.stage]);
		result = request_answer(r, 201, coupling_json(&c));
	}
	coupling_done(&c);
	pipeline_done(&p);
	app_done(&app);
	return result;
}

/* The one in the path, whose app the caller may view. */
static int find(struct request *r, struct coupling *ret, struct error *err)
{
	struct coupling c = { 0 };

	if (store_coupling_get(request_store(r), request_param(r, "coupling"), &c, err) < 0)
		return -1;
	if (authz_allow_id(r, c.app_id, NEED_VIEW, err) < 0) {
		coupling_done(&c);
		return -1;
	}
	*ret = c;
	return 0;
}

static int may_change(struct request *r, const struct coupling *c, struct error *err)
{
	struct error own = ERROR_INIT, ignored = ERROR_INIT;
	struct pipeline p = { 0 };
	struct app app = { 0 };
	int result = store_app_get(request_store(r), c->app_id, &app, err);

	if (result == 0 && authz_allow(r, &app, NEED_MANAGE, &own) < 0 &&
	    (store_pipeline_get(request_store(r), c->pipeline_id, &p, &ignored) < 0 ||
	     pipeline_may_change(r, &p, &ignored) < 0))
		result = error_set(err, own.kind, "%s", own.message);
	pipeline_done(&p);
	app_done(&app);
	return result;
}

static int api_couplings_get(struct request *r, struct error *err)
{
	struct coupling c = { 0 };
	int result = find(r, &c, err);

	if (result == 0)
		result = request_answer(r, 200, coupling_json(&c));
	coupling_done(&c);
	return result;
}

static int api_couplings_update(struct request *r, struct error *err)
{
	struct store *s = request_store(r);
	struct coupling c = { 0 }, now = { 0 };
	enum stage stage;
	int result = -1;

	if (find(r, &c, err) == 0 && may_change(r, &c, err) == 0 &&
	    read_stage(r, &stage, err) == 0 && store_coupling_set_stage(s, c.id, stage, err) == 0)
		result = store_coupling_get(s, c.id, &now, err);
	if (result == 0) {
		request_note(r, "in %s as %s", now.pipeline_name, stage_names[now.stage]);
		result = request_answer(r, 200, coupling_json(&now));
	}
	coupling_done(&now);
	coupling_done(&c);
	return result;
}

static int api_couplings_delete(struct request *r, struct error *err)
{
	struct coupling c = { 0 };
	int result = -1;

	if (find(r, &c, err) == 0 && may_change(r, &c, err) == 0)
		result = store_coupling_delete(request_store(r), c.id, err);
	if (result == 0) {
		request_note(r, "out of %s", c.pipeline_name);
		result = request_answer(r, 200, coupling_json(&c));
	}
	coupling_done(&c);
	return result;
}

const struct api_route couplings_of_pipeline_routes[] = {
	{ "GET", "/pipelines/:pipeline/pipeline-couplings", NEED_USER, api_couplings_of_pipeline,
	  "apps in a pipeline", .answer = "[pipeline-coupling]" },
	{ 0 },
};

const struct api_route couplings_routes[] = {
	{ "GET", "/pipeline-couplings", NEED_USER, api_couplings_list, "all apps in pipelines",
	  .answer = "[pipeline-coupling]" },
	{ "GET", "/users/~/pipeline-couplings", NEED_USER, api_couplings_list,
	  "all apps in pipelines", .answer = "[pipeline-coupling]" },
	{ "POST", "/pipeline-couplings", NEED_USER, api_couplings_create,
	  "add an app to a pipeline; for who may manage both", "app:ref pipeline:ref stage:string",
	  .answer = "pipeline-coupling" },
	{ "GET", "/pipeline-couplings/:coupling", NEED_USER, api_couplings_get,
	  "one coupling, by id", .answer = "pipeline-coupling" },
	{ "PATCH", "/pipeline-couplings/:coupling", NEED_USER, api_couplings_update,
	  "change the stage; for who may manage the app or owns the pipeline", "stage:string",
	  .answer = "pipeline-coupling" },
	{ "DELETE", "/pipeline-couplings/:coupling", NEED_USER, api_couplings_delete,
	  "remove an app from its pipeline", .answer = "pipeline-coupling" },
	{ "GET", "/apps/:app/pipeline-couplings", NEED_VIEW, api_coupling_of_app,
	  "the pipeline and stage of an app", .answer = "pipeline-coupling" },
	{ 0 },
};
