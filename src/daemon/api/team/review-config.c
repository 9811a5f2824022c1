/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a pipeline's review apps are made and how long they stay: Heroku's "review-app-config". There
 * is one or none, and POST /review-apps works without. Nothing here watches a repository, so what
 * would need that can't be turned on; the repository's name is kept for whoever asks.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/team/pipeline-shapes.h"
#include "daemon/api/table.h"
#include "daemon/apps/stale.h"
#include "model/names.h"
#include "model/stale.h"
#include "store/review.h"
#include "daemon/api/shapes.h"

#define REPO_MAX 255
#define BASE_MAX 20 /* room for "-pr-12345" in an app's name */

/* Heroku's is GitHub's number of the repository; here one that is made from the name, the same each
 * time. */
static json_int_t number_of(const char *repo)
{
	char id[UUID_SIZE];

	return (json_int_t)strtoul(name_uuid("repo", repo, id), NULL, 16);
}

static json_t *config_json(const struct review_config *c)
{
	json_t *j = json_pack("{s:s, s:b, s:b, s:b, s:I, s:o}", "pipeline_id", c->pipeline_id,
			      "automatic_review_apps", 0, "wait_for_ci", 0, "destroy_stale_apps",
			      c->destroy_stale, "stale_days", (json_int_t)c->stale_days,
			      "base_name", json_text(c->base_name));

	json_object_set_new(j, "deploy_target",
			    c->target ? json_pack("{s:s, s:s}", "id", c->target, "type", "region")
				      : json_null());
	if (c->repo) {
		json_object_set_new(j, "repo", json_pack("{s:I}", "id", number_of(c->repo)));
		json_object_set_new(j, "twelve", json_pack("{s:o}", "repo", json_text(c->repo)));
	}
	return j;
}

/* The pipeline in the path, and its configuration when it is to be there. */
static int find(struct request *r, struct pipeline *p, struct review_config *ret, struct error *err)
{
	int n;

	if (pipeline_in_path(r, p, err) < 0)
		return -1;
	n = store_review_config_get(request_store(r), p->id, ret, err);
	if (n == 0)
		return error_set(err, ERROR_NOT_FOUND,
				 "Review apps of the pipeline %s are not configured: POST the "
				 "configuration first",
				 p->name);
	return n < 0 ? -1 : 0;
}

/* ---- what is asked for ---- */

static int refuse_watching(struct request *r, struct error *err)
{
	bool automatic, wait;

	if (request_bool(r, "automatic_review_apps", false, &automatic, err) < 0 ||
	    request_bool(r, "wait_for_ci", false, &wait, err) < 0)
		return -1;
	if (!automatic && !wait)
		return 0;
	return error_set(err, ERROR_INVALID,
			 "\"%s\" can't be true here: twelved watches no repository; have a CI job "
			 "make review apps, with "
			 "POST /review-apps",
			 automatic ? "automatic_review_apps" : "wait_for_ci");
}

/* A member that is null takes the value away, one that is not there leaves it. */
static int take_text(struct request *r, const char *key, char **value, struct error *err)
{
	const char *text;

	if (!json_object_get(request_body(r), key))
		return 0;
	if (request_string(r, key, false, &text, err) < 0)
		return -1;
	free(*value);
	*value = text ? xstrdup(text) : NULL;
	return 0;
}

static int take_target(struct request *r, struct review_config *c, struct error *err)
{
	json_t *target = json_object_get(request_body(r), "deploy_target");
	const char *id = json_string_value(json_object_get(target, "id"));
	const char *type = json_string_value(json_object_get(target, "type"));

	if (!target)
		return 0;
	if (!json_is_null(target)) {
		if (!id || !type || !streq(type, "region"))
			return error_set(err, ERROR_INVALID,
					 "\"deploy_target\" must be {\"type\": \"region\", \"id\": "
					 "\"" API_REGION "\"} here: there are no spaces");
		if (api_read_region(id, &id, err) < 0)
			return error_prefix(err, "\"deploy_target\"");
	}
	free(c->target);
	c->target = id ? xstrdup(id) : NULL;
	return 0;
}

static int check_texts(const struct review_config *c, struct error *err)
{
	if (c->repo && (!c->repo[0] || strlen(c->repo) > REPO_MAX))
		return error_set(err, ERROR_INVALID, "\"repo\" must have 1 to %d bytes", REPO_MAX);
	if (c->base_name && strlen(c->base_name) > BASE_MAX)
		return error_set(err, ERROR_INVALID,
				 "\"base_name\" is too long: %d characters at most, so that "
				 "\"-pr-12345\" fits behind it",
				 BASE_MAX);
	if (c->base_name && name_check_app(c->base_name, err) < 0)
		return error_prefix(err, "\"base_name\"");
	return 0;
}

static int take_body(struct request *r, struct review_config *c, struct error *err)
{
	if (refuse_watching(r, err) < 0 || take_text(r, "repo", &c->repo, err) < 0 ||
	    take_text(r, "base_name", &c->base_name, err) < 0 || take_target(r, c, err) < 0 ||
	    check_texts(c, err) < 0)
		return -1;
	if (request_bool(r, "destroy_stale_apps", c->destroy_stale, &c->destroy_stale, err) < 0)
		return -1;
	return request_int(r, "stale_days", 1, STALE_DAYS_MAX, c->stale_days, &c->stale_days, err);
}

/* The heroku command says it twice: in the path and in the body. */
static int check_pipeline(struct request *r, const struct pipeline *p, struct error *err)
{
	const char *given = json_ref(json_object_get(request_body(r), "pipeline"));

	return !given || streq(given, p->id) || streq(given, p->name)
		       ? 0
		       : error_set(err, ERROR_INVALID,
				   "\"pipeline\" is another than the one in the path, %s", p->name);
}

static int save(struct request *r, const struct pipeline *p, struct review_config *c,
		struct error *err)
{
	struct parts *parts = request_parts(r);

	if (check_pipeline(r, p, err) < 0 || take_body(r, c, err) < 0 ||
	    store_review_config_put(parts->platform.store, c, err) < 0)
		return -1;
	stale_look(parts->stale);
	if (c->destroy_stale)
		request_note(r, "review apps of %s: stale ones are destroyed after %lld day%s",
			     p->name, (long long)c->stale_days, str_plural(c->stale_days));
	else
		request_note(r, "review apps of %s", p->name);
	return 0;
}

/* ---- the endpoints ---- */

static int api_review_config_create(struct request *r, struct error *err)
{
	struct review_config c = { 0 }, old = { 0 };
	struct pipeline p = { 0 };
	int result = -1, n = -1;

	if (pipeline_in_path(r, &p, err) == 0 && pipeline_may_change(r, &p, err) == 0)
		n = store_review_config_get(request_store(r), p.id, &old, err);
	if (n > 0)
		error_set(err, ERROR_INVALID,
			  "Review apps of the pipeline %s are configured already: PATCH changes it",
			  p.name);
	if (n == 0) {
		memcpy(c.pipeline_id, p.id, UUID_SIZE);
		c.stale_days = STALE_DAYS_DEFAULT;
		result = save(r, &p, &c, err);
	}
	if (result == 0)
		result = request_answer(r, 201, config_json(&c));
	review_config_done(&old);
	review_config_done(&c);
	pipeline_done(&p);
	return result;
}

static int api_review_config_get(struct request *r, struct error *err)
{
	struct review_config c = { 0 };
	struct pipeline p = { 0 };
	int result = find(r, &p, &c, err);

	if (result == 0)
		result = request_answer(r, 200, config_json(&c));
	review_config_done(&c);
	pipeline_done(&p);
	return result;
}

static int api_review_config_update(struct request *r, struct error *err)
{
	struct review_config c = { 0 };
	struct pipeline p = { 0 };
	int result = find(r, &p, &c, err);

	if (result == 0)
		result = pipeline_may_change(r, &p, err);
	if (result == 0)
		result = save(r, &p, &c, err);
	if (result == 0)
		result = request_answer(r, 200, config_json(&c));
	review_config_done(&c);
	pipeline_done(&p);
	return result;
}

static int api_review_config_delete(struct request *r, struct error *err)
{
	struct review_config c = { 0 };
	struct pipeline p = { 0 };
	int result = find(r, &p, &c, err);

	if (result == 0)
		result = pipeline_may_change(r, &p, err);
	if (result == 0)
		result = store_review_config_delete(request_store(r), p.id, err);
	if (result == 0) {
		request_note(r, "review apps of %s", p.name);
		result = request_answer(r, 200, config_json(&c));
	}
	review_config_done(&c);
	pipeline_done(&p);
	return result;
}

#define REVIEW_CONFIG                                                                        \
	"repo?:string automatic_review_apps?:bool destroy_stale_apps?:bool stale_days?:int " \
	"deploy_target?:object "                                                             \
	"wait_for_ci?:bool base_name?:string pipeline?:ref"

const struct api_route review_config_routes[] = {
	{ "POST", "/pipelines/:pipeline/review-app-config", NEED_USER, api_review_config_create,
	  "how review apps are made and how long they stay: the pipeline's owner", REVIEW_CONFIG,
	  .answer = "review-app-config" },
	{ "GET", "/pipelines/:pipeline/review-app-config", NEED_USER, api_review_config_get,
	  "the configuration; for who may see the pipeline", .answer = "review-app-config" },
	{ "PATCH", "/pipelines/:pipeline/review-app-config", NEED_USER, api_review_config_update,
	  "another: the pipeline's owner", REVIEW_CONFIG, .answer = "review-app-config" },
	{ "DELETE", "/pipelines/:pipeline/review-app-config", NEED_USER, api_review_config_delete,
	  "remove the configuration; for the pipeline's owner. Review apps stay",
	  .answer = "review-app-config" },
	{ 0 },
};
