/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Promotions: a slug that runs in one app of a pipeline becomes a release of others, with their
 * own config. Nothing is built. All targets are looked at before the first release is made; what a
 * promotion is like afterwards is read from the releases.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/authz.h"
#include "daemon/api/team/pipeline-shapes.h"
#include "daemon/api/table.h"
#include "daemon/wanted/base.h"
#include "daemon/wanted/releases.h"
#include "daemon/api/shapes.h"

#define TARGETS_MAX 100

/* ---- shapes ---- */

/* What a target came to: its status, and the reason when it failed (heap, or NULL). */
static const char *status_of(struct request *r, const struct promotion_target *t, char **ret_reason)
{
	struct error ignored = ERROR_INIT;
	struct release release = { 0 };
	const char *status = "failed";

	*ret_reason = t->error ? xstrdup(t->error) : NULL;
	if (!t->release_id[0])
		return t->error ? "failed" : "pending";
	if (store_release_by_id(request_store(r), t->release_id, &release, &ignored) < 0 ||
	    releases_follow(request_parts(r)->wanted, &release, &ignored) < 0) {
		*ret_reason = xstrdup("The app was destroyed");
	} else if (release.status == RELEASE_PENDING) {
		status = "pending";
	} else if (release.status == RELEASE_SUCCEEDED) {
		status = "succeeded";
	} else {
		*ret_reason = release.reason
				      ? xstrdup(release.reason)
				      : xstrdup("A newer release came before this one was live");
	}
	release_done(&release);
	return status;
}

static json_t *target_json(struct request *r, const struct promotion_target *t)
{
	_cleanup_free_ char *reason = NULL;
	const char *status = status_of(r, t, &reason);

	return json_pack("{s:s, s:{s:s}, s:{s:s}, s:o, s:s, s:o}", "id", t->id, "app", "id",
			 t->app_id, "pipeline_promotion", "id", t->promotion_id, "release",
			 t->release_id[0] ? json_pack("{s:s}", "id", t->release_id) : json_null(),
			 "status", status, "error_message", json_text(reason));
}

static json_t *promotion_json(struct request *r, const struct promotion *p, struct error *err)
{
	struct promotion_target *targets = NULL;
	bool pending = false;
	size_t n = 0;

	if (store_promotion_targets(request_store(r), p->id, &targets, &n, err) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *reason = NULL;

		pending = pending || streq(status_of(r, &targets[i], &reason), "pending");
	}
	promotion_target_free_array(targets, n);
	return json_pack("{s:s, s:{s:s}, s:{s:{s:s}, s:{s:s}}, s:s, s:o, s:o}", "id", p->id,
			 "pipeline", "id", p->pipeline_id, "source", "app", "id", p->app_id,
			 "release", "id", p->release_id, "status",
			 pending ? "pending" : "completed", "created_at", json_time(p->created_ms),
			 "updated_at", json_time(p->created_ms));
}

/* ---- making one ---- */

struct plan {
	struct pipeline pipeline;
	struct app source;
	struct release release;
	struct app *targets;
	size_t n;
};

static void plan_done(struct plan *p)
{
	pipeline_done(&p->pipeline);
	app_done(&p->source);
	release_done(&p->release);
	for (size_t i = 0; i < p->n; i++)
		app_done(&p->targets[i]);
	free(p->targets);
}

static int check_coupled(struct request *r, const struct plan *p, const struct app *app,
			 struct error *err)
{
	struct error own = ERROR_INIT;
	struct coupling c = { 0 };
	bool in = store_coupling_get(request_store(r), app->id, &c, &own) == 0 &&
		  streq(c.pipeline_id, p->pipeline.id);

	coupling_done(&c);
	if (in)
		return 0;
	if (own.kind != ERROR_NONE && own.kind != ERROR_NOT_FOUND)
		return error_set(err, own.kind, "%s", own.message);
	return error_set(err, ERROR_INVALID, "%s is not in the pipeline %s", app->name,
			 p->pipeline.name);
}

static int find_release(struct request *r, struct plan *p, struct error *err)
{
	json_t *source = json_object_get(request_body(r), "source");
	const char *id =
		json_string_value(json_object_get(json_object_get(source, "release"), "id"));
	struct store *s = request_store(r);
	int result = id ? store_release_by_id(s, id, &p->release, err)
			: store_release_get(s, p->source.id, p->source.current_version, &p->release,
					    err);

	if (result == 0 && !streq(p->release.app_id, p->source.id))
		return error_set(err, ERROR_NOT_FOUND, "%s has no release %s", p->source.name, id);
	if (result == 0 && (!p->release.slug || p->release.status != RELEASE_SUCCEEDED))
		return error_set(err, ERROR_INVALID, "v%lld of %s can't be promoted: %s",
				 (long long)p->release.version, p->source.name,
				 p->release.slug ? "it never ran" : "nothing was deployed in it");
	return result;
}

static int add_target(struct request *r, struct plan *p, const json_t *item, struct error *err)
{
	const char *name = json_ref(json_object_get(item, "app"));
	struct app *app = &p->targets[p->n];

	if (!name)
		return error_set(err, ERROR_INVALID,
				 "\"targets\" must be a list of {\"app\": {\"id\": \"...\"}}");
	if (authz_app_named(r, name, NEED_DEPLOY, app, err) < 0)
		return -1;
	p->n++;
	if (streq(app->id, p->source.id))
		return error_set(err, ERROR_INVALID, "%s can't be promoted to itself", app->name);
	for (size_t i = 0; i + 1 < p->n; i++)
		if (streq(p->targets[i].id, app->id))
			return error_set(err, ERROR_INVALID, "%s is a target twice", app->name);
	return check_coupled(r, p, app, err);
}

static int read_targets(struct request *r, struct plan *p, struct error *err)
{
	json_t *list = json_object_get(request_body(r), "targets"), *item;
	size_t n = json_array_size(list), i;

	if (!n || n > TARGETS_MAX)
		return error_set(err, ERROR_INVALID, "\"targets\" must have 1 to %d apps",
				 TARGETS_MAX);
	p->targets = xcalloc(n, sizeof(*p->targets));
	json_array_foreach (list, i, item)
		if (add_target(r, p, item, err) < 0)
			return -1;
	return 0;
}

static int read_plan(struct request *r, struct plan *p, struct error *err)
{
	const char *name, *source = json_ref(json_object_get(
				  json_object_get(request_body(r), "source"), "app"));

	if (!source)
		return error_set(err, ERROR_INVALID,
				 "\"source\" must be {\"app\": {\"id\": \"...\"}}");
	if (request_ref(r, "pipeline", true, &name, err) < 0 ||
	    pipeline_named(r, name, &p->pipeline, err) < 0 ||
	    authz_app_named(r, source, NEED_VIEW, &p->source, err) < 0 ||
	    check_coupled(r, p, &p->source, err) < 0 || find_release(r, p, err) < 0)
		return -1;
	return read_targets(r, p, err);
}

/* One target: its release, or why there is none. */
static void promote_to(struct request *r, const struct plan *p, struct app *app,
		       const struct promotion_target *t)
{
	struct parts *parts = request_parts(r);
	struct error err = ERROR_INIT, later = ERROR_INIT;
	struct release release = { 0 };

	if (releases_promote(parts->wanted, app, &p->source, &p->release, t, request_caller(r),
			     &release, &err) < 0)
		/* Should this not work either, the next start says that it did not. */
		store_promotion_target_set(parts->platform.store, t->id, NULL, err.message, &later);
	release_done(&release);
}

static int promote(struct request *r, struct plan *p, struct error *err)
{
	struct promotion_target *targets = xcalloc(p->n, sizeof(*targets));
	struct promotion row = { 0 };
	int result;

	memcpy(row.pipeline_id, p->pipeline.id, UUID_SIZE);
	memcpy(row.app_id, p->source.id, UUID_SIZE);
	memcpy(row.release_id, p->release.id, UUID_SIZE);
	for (size_t i = 0; i < p->n; i++)
		memcpy(targets[i].app_id, p->targets[i].id, UUID_SIZE);
	result = store_promotion_create(request_store(r), &row, targets, p->n, err);
	for (size_t i = 0; result == 0 && i < p->n; i++)
		promote_to(r, p, &p->targets[i], &targets[i]);
	free(targets);
	if (result == 0) {
		json_t *j = promotion_json(r, &row, err);

		request_note(r, "v%lld of %s to %zu app%s of %s", (long long)p->release.version,
			     p->source.name, p->n, str_plural((int64_t)p->n), p->pipeline.name);
		result = j ? request_answer(r, 201, j) : -1;
	}
	return result;
}

static int api_promotions_create(struct request *r, struct error *err)
{
	struct plan plan = { 0 };
	int result = read_plan(r, &plan, err);

	if (result == 0)
		result = promote(r, &plan, err);
	plan_done(&plan);
	return result;
}

/* ---- reading ---- */

static int find(struct request *r, struct promotion *ret, struct error *err)
{
	struct pipeline p = { 0 };
	int result = store_promotion_get(request_store(r), request_param(r, "promotion"), ret, err);

	if (result == 0)
		result = pipeline_named(r, ret->pipeline_id, &p, err);
	pipeline_done(&p);
	return result;
}

static int api_promotions_get(struct request *r, struct error *err)
{
	struct promotion p;
	json_t *j;

	if (find(r, &p, err) < 0)
		return -1;
	j = promotion_json(r, &p, err);
	return j ? request_answer(r, 200, j) : -1;
}

static int api_promotions_targets(struct request *r, struct error *err)
{
	struct promotion_target *targets = NULL;
	struct promotion p;
	json_t *list;
	size_t n = 0;

	if (find(r, &p, err) < 0 ||
	    store_promotion_targets(request_store(r), p.id, &targets, &n, err) < 0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, target_json(r, &targets[i]));
	promotion_target_free_array(targets, n);
	return request_answer_list(r, list);
}

/* ---- filters ---- */

/* POST, for long lists: the apps with these ids that the caller may see. */
static int api_filter_apps(struct request *r, struct error *err)
{
	json_t *ids = json_object_get(json_object_get(request_body(r), "in"), "id"),
	       *list = json_array(), *id;
	struct error ignored = ERROR_INIT;
	size_t i;

	if (!json_is_array(ids)) {
		json_decref(list);
		return error_set(err, ERROR_INVALID, "\"in\" must be {\"id\": [ids of apps]}");
	}
	json_array_foreach (ids, i, id) {
		struct app app = { 0 };
		json_t *j;

		if (!json_is_string(id) || !uuid_is_valid(json_string_value(id)) ||
		    authz_app_named(r, json_string_value(id), NEED_VIEW, &app, &ignored) < 0)
			continue;
		j = api_app_json(r, &app);
		json_object_update_new(j, json_pack("{s:b, s:b}", "joined", 1, "locked", 0));
		json_array_append_new(list, j);
		app_done(&app);
	}
	return request_answer_list(r, list);
}

const struct api_route promotions_routes[] = {
	{ "POST", "/pipeline-promotions", NEED_USER, api_promotions_create,
	  "release the slug of one app in others; for who may view the source and deploy to the "
	  "targets",
	  "pipeline:ref source:object targets:array", .answer = "pipeline-promotion" },
	{ "GET", "/pipeline-promotions/:promotion", NEED_USER, api_promotions_get,
	  "status of a promotion", .answer = "pipeline-promotion" },
	{ "GET", "/pipeline-promotions/:promotion/promotion-targets", NEED_USER,
	  api_promotions_targets, "the release of each target, or its error",
	  .answer = "[pipeline-promotion-target]" },
	{ "POST", "/filters/apps", NEED_USER, api_filter_apps, "apps by their ids", "in:object",
	  API_QUIET, .answer = "[app]" },
	{ 0 },
};
