/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Review apps: an app setup whose app.json is read with its "review" environment, and whose app
 * stands in a pipeline's stage of that name from the first step on. Whoever has the code (a CI job,
 * say) brings the archive; nothing here watches a repository.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/audit.h"
#include "daemon/api/authz.h"
#include "daemon/api/team/pipeline-shapes.h"
#include "daemon/api/table.h"
#include "daemon/apps/apps.h"
#include "daemon/apps/setups.h"
#include "model/names.h"
#include "store/review.h"
#include "daemon/api/team/setups.h"

#define BRANCH_MAX 255
#define NAME_STEM 15

/* ---- shapes ---- */

static const char *status_of(struct request *r, const struct review *v, const struct setup *s,
			     bool *ret_there)
{
	struct error ignored = ERROR_INIT;
	struct app app = { 0 };

	*ret_there =
		s->app_id[0] && store_app_get(request_store(r), s->app_id, &app, &ignored) == 0;
	app_done(&app);
	if (v->deleted)
		return "deleted";
	if (streq(s->step, "failed"))
		return "errored";
	if (streq(s->step, "succeeded"))
		return *ret_there ? "created" : "deleted";
	return streq(s->step, "making") ? "pending" : "creating";
}

static json_t *review_json(struct request *r, const struct review *v, const struct setup *s)
{
	bool there;
	const char *status = status_of(r, v, s, &there);
	json_t *j = json_pack(
		"{s:s, s:o, s:{s:s}, s:s, s:{s:s}, s:s, s:{s:s}, s:b, s:n, s:n}", "id", v->id,
		"app", there ? json_pack("{s:s}", "id", s->app_id) : json_null(), "app_setup", "id",
		s->id, "branch", v->branch, "pipeline", "id", v->pipeline_id, "status", status,
		"creator", "id", s->user_id, "wait_for_ci", 0, "message", "fork_repo");

	json_object_update_new(
		j,
		json_pack("{s:o, s:o, s:o, s:o}", "created_at", json_time(v->created_ms),
			  "updated_at",
			  json_time(v->updated_ms > s->updated_ms ? v->updated_ms : s->updated_ms),
			  "error_status", json_text(s->failure), "pr_number",
			  v->pr_number ? json_integer(v->pr_number) : json_null()));
	return j;
}

static int answer(struct request *r, int status, const struct review *v, struct error *err)
{
	struct setup s = { 0 };
	int result = store_setup_get(request_store(r), v->setup_id, &s, err);

	if (result == 0)
		result = request_answer(r, status, review_json(r, v, &s));
	setup_done(&s);
	return result;
}

/* ---- looking ---- */

/* One of a pipeline that the caller may not see is not there. */
static int find(struct request *r, struct review *ret, struct pipeline *ret_pipeline,
		struct error *err)
{
	const char *id = request_param(r, "review_app");
	char excerpt[NAME_EXCERPT_SIZE];

	if (store_review_get(request_store(r), id, ret, err) < 0)
		return -1;
	if (!streq(ret->id, id) || pipeline_named(r, ret->pipeline_id, ret_pipeline, err) < 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that review app: %s",
				 name_excerpt(excerpt, id));
	return 0;
}

static int api_reviews_get(struct request *r, struct error *err)
{
	struct pipeline p = { 0 };
	struct review v = { 0 };
	int result = find(r, &v, &p, err);

	if (result == 0)
		result = answer(r, 200, &v, err);
	pipeline_done(&p);
	review_done(&v);
	return result;
}

static int api_review_of_app(struct request *r, struct error *err)
{
	struct review v = { 0 };
	const struct app *app = request_app(r);
	int result = store_review_get(request_store(r), app->id, &v, err);

	if (result == 0)
		result = answer(r, 200, &v, err);
	review_done(&v);
	return result;
}

static int list_into(struct request *r, const struct pipeline *p, json_t *list, struct error *err)
{
	struct review *rows = NULL;
	size_t n = 0;
	int result = store_review_list(request_store(r), p->id, &rows, &n, err);

	for (size_t i = 0; result == 0 && i < n; i++) {
		struct setup s = { 0 };
		bool there;

		result = store_setup_get(request_store(r), rows[i].setup_id, &s, err);
		if (result == 0 && !streq(status_of(r, &rows[i], &s, &there), "deleted"))
			json_array_append_new(list, review_json(r, &rows[i], &s));
		setup_done(&s);
	}
	review_free_array(rows, n);
	return result;
}

static int api_reviews_of_pipeline(struct request *r, struct error *err)
{
	json_t *list = json_array();
	struct pipeline p = { 0 };
	int result = pipeline_in_path(r, &p, err);

	if (result == 0)
		result = list_into(r, &p, list, err);
	pipeline_done(&p);
	if (result == 0)
		return request_answer_list(r, list);
	json_decref(list);
	return -1;
}

/* ---- making one ---- */

/*
 * "shop-pr-7-3fa9c1": of the pipeline, and of no other app. With a base name what Heroku makes of
 * it, which can be told in advance: "base-pr-7"; without a pull request "base-3fa9c1". Heap.
 */
static char *make_name(const struct pipeline *p, const char *base, int64_t pr)
{
	char stem[NAME_STEM + 1] = "", hex[7];
	size_t n = 0;

	random_hex(hex, 3);
	if (base)
		return pr ? xasprintf("%s-pr-%lld", base, (long long)pr)
			  : xasprintf("%s-%s", base, hex);
	for (const char *c = p->name; *c && n < NAME_STEM; c++)
		if ((*c >= 'a' && *c <= 'z') || (n && ((*c >= '0' && *c <= '9') || *c == '-')))
			stem[n++] = *c;
	while (n && stem[n - 1] == '-')
		n--;
	stem[n] = '\0';
	if (pr && pr < 10000)
		return xasprintf("%s-pr-%d-%s", n ? stem : "review", (int)pr, hex);
	return xasprintf("%s-%s", n ? stem : "review", hex);
}

/* A variable without a value is none. */
static json_t *overrides_of(json_t *environment)
{
	json_t *env = json_object(), *v;
	const char *key;

	if (environment && !json_is_null(environment) && !json_is_object(environment)) {
		json_decref(env);
		return json_pack("{s:O}", "env", environment);
	}
	json_object_foreach (environment, key, v)
		if (!json_is_null(v))
			json_object_set(env, key, v);
	return json_pack("{s:o}", "env", env);
}

static int make(struct request *r, const struct pipeline *p, const char *base, struct review *v,
		struct error *err)
{
	json_t *overrides = overrides_of(json_object_get(request_body(r), "environment"));
	_cleanup_free_ char *name = make_name(p, base, v->pr_number);
	struct setup s = { 0 };
	struct app app = { 0 };
	int result;

	result = api_setup_begin(
		r, name, overrides,
		json_pack("{s:s, s:s}", "environment", "review", "pipeline", p->id), &s, &app, err);
	if (result == 0) {
		memcpy(v->pipeline_id, p->id, UUID_SIZE);
		memcpy(v->setup_id, s.id, UUID_SIZE);
		result = store_review_create(request_store(r), v, err);
		result = api_setup_go(r, &s, &app, result, err);
	}
	if (result == 0) {
		audit_app(r, &app);
		request_note(r, "review app of %s in %s", v->branch, p->name);
	}
	json_decref(overrides);
	setup_done(&s);
	app_done(&app);
	return result;
}

static int api_reviews_create(struct request *r, struct error *err)
{
	const char *branch, *pipeline;
	struct review_config c = { 0 };
	struct pipeline p = { 0 };
	struct review v = { 0 };
	int result = -1;

	if (request_string(r, "branch", true, &branch, err) < 0 ||
	    request_ref(r, "pipeline", true, &pipeline, err) < 0 ||
	    request_int(r, "pr_number", 1, INT32_MAX, 0, &v.pr_number, err) < 0)
		return -1;
	if (!branch[0] || strlen(branch) > BRANCH_MAX)
		return error_set(err, ERROR_INVALID, "\"branch\" must have 1 to %d bytes",
				 BRANCH_MAX);
	v.branch = xstrdup(branch);
	if (pipeline_named(r, pipeline, &p, err) == 0 && pipeline_may_add(r, &p, err) == 0 &&
	    store_review_config_get(request_store(r), p.id, &c, err) >= 0 &&
	    make(r, &p, c.base_name, &v, err) == 0)
		result = answer(r, 201, &v, err);
	review_config_done(&c);
	pipeline_done(&p);
	review_done(&v);
	return result;
}

/* ---- taking one away ---- */

/* Whose app it is, and whose pipeline. */
static int may_delete(struct request *r, const struct setup *s, const struct pipeline *p,
		      struct error *err)
{
	struct error ignored = ERROR_INIT;

	if (streq(request_caller(r)->user_id, s->user_id) ||
	    (s->app_id[0] && authz_allow_id(r, s->app_id, NEED_OWNER, &ignored) == 0))
		return 0;
	return pipeline_may_change(r, p, err);
}

/* A setup that is under way finds that its app is gone, and ends. */
static int destroy(struct request *r, struct review *v, const struct setup *s, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct error own = ERROR_INIT;
	struct app app = { 0 };
	int result = 0;

	if (s->app_id[0] && store_app_get(parts->platform.store, s->app_id, &app, &own) == 0)
		result = apps_destroy(parts->apps, &app, request_caller(r)->name, err);
	else if (s->app_id[0] && own.kind != ERROR_NOT_FOUND)
		result = (*err = own, -1);
	app_done(&app);
	return result < 0 ? -1 : store_review_set_deleted(parts->platform.store, v, err);
}

static int api_reviews_delete(struct request *r, struct error *err)
{
	struct pipeline p = { 0 };
	struct review v = { 0 };
	struct setup s = { 0 };
	int result = find(r, &v, &p, err);

	if (result == 0)
		result = store_setup_get(request_store(r), v.setup_id, &s, err);
	if (result == 0)
		result = may_delete(r, &s, &p, err);
	if (result == 0)
		result = destroy(r, &v, &s, err);
	if (result == 0) {
		request_note(r, "review app %s of %s in %s", s.app_name, v.branch, p.name);
		result = answer(r, 200, &v, err);
	}
	setup_done(&s);
	pipeline_done(&p);
	review_done(&v);
	return result;
}

const struct api_route reviews_routes[] = {
	{ "POST", "/review-apps", NEED_USER, api_reviews_create,
	  "make an app out of an archive in a pipeline's stage review: who may put apps into it",
	  "branch:string pipeline:ref source_blob:object environment?:object pr_number?:int "
	  "fork_repo_id?:none",
	  .answer = "review-app" },
	{ "GET", "/review-apps/:review_app", NEED_USER, api_reviews_get,
	  "one review app, by id; for who may see the pipeline", .answer = "review-app" },
	{ "DELETE", "/review-apps/:review_app", NEED_USER, api_reviews_delete,
	  "delete a review app; for its owner and the pipeline's", .answer = "review-app" },
	{ "GET", "/pipelines/:pipeline/review-apps", NEED_USER, api_reviews_of_pipeline,
	  "the review apps of a pipeline", .answer = "[review-app]" },
	{ 0 },
};

const struct api_route review_of_app_routes[] = {
	{ "GET", "/apps/:app/review-app", NEED_VIEW, api_review_of_app, "the review app of an app",
	  .answer = "review-app" },
	{ 0 },
};
