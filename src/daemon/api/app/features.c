/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Features that can be turned on and off at Heroku. Of an app there are those that mean something
 * here, and these are always on: to turn one on again is fine, to turn it off is refused with the
 * reason. Of an account there are none; but that one is off is told of the one that the heroku
 * command asks for before it configures review apps: without an answer it would turn to Heroku's
 * own service for repositories.
 */
#include "base/json.h"
#include "base/str.h"
#include "daemon/api/table.h"
#include "model/names.h"

static const struct feature {
	const char *name, *title, *description, *why;
} features[] = {
	{ "preboot", "Preboot",
	  "New dynos take requests before the old ones are stopped; always on.",
	  "each rollout makes before it breaks" },
	{ "runtime-dyno-metadata", "Dyno metadata",
	  "HEROKU_APP_NAME, HEROKU_SLUG_COMMIT and the like in each dyno; always on.",
	  "every dyno gets the variables" },
};

static const struct feature repositories = { "dashboard-repositories-api", "Repositories",
					     "Pipelines know their repository on GitHub; never on.",
					     "" };

static json_t *feature_json(struct request *r, const struct feature *f, bool enabled)
{
	json_t *since = json_time(request_parts(r)->platform.started_ms);
	char id[UUID_SIZE];
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:O, s:O}", "id",
			      name_uuid("feature", f->name, id), "name", f->name, "display_name",
			      f->title, "description", f->description, "enabled", enabled, "state",
			      "general", "created_at", since, "updated_at", since);

	json_decref(since);
	json_object_update_new(j, json_pack("{s:s, s:s}", "doc_url",
					    "https://devcenter.heroku.com/articles/preboot",
					    "feedback_email", "root@localhost"));
	return j;
}

static int api_features_list(struct request *r, struct error *err)
{
	json_t *list = json_array();

	(void)err;
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		json_array_append_new(list, feature_json(r, &features[i], true));
	return request_answer_list(r, list);
}

static const struct feature *find(struct request *r, struct error *err)
{
	const char *which = request_param(r, "feature");
	char id[UUID_SIZE], excerpt[NAME_EXCERPT_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		if (streq(features[i].name, which) ||
		    streq(name_uuid("feature", features[i].name, id), which))
			return &features[i];
	if (streq(which, "log-runtime-metrics")) {
		error_set(err, ERROR_NOT_FOUND,
			  "log-runtime-metrics is not supported: memory and load of dynos are not "
			  "written to the log; an app can write what it finds in /sys/fs/cgroup");
		return NULL;
	}
	error_set(err, ERROR_NOT_FOUND, "Couldn't find that app feature: %s",
		  name_excerpt(excerpt, which));
	return NULL;
}

static int api_features_get(struct request *r, struct error *err)
{
	const struct feature *f = find(r, err);

	return f ? request_answer(r, 200, feature_json(r, f, true)) : -1;
}

static int api_features_update(struct request *r, struct error *err)
{
	const struct feature *f = find(r, err);
	bool enabled;

	if (!f || request_bool(r, "enabled", true, &enabled, err) < 0)
		return -1;
	if (!enabled)
		return error_set(err, ERROR_INVALID, "%s can't be turned off: %s", f->name, f->why);
	return request_answer(r, 200, feature_json(r, f, true));
}

static int api_account_features_list(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 200, json_array());
}

static int api_no_account_feature(struct request *r, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];

	return error_set(err, ERROR_NOT_FOUND, "Couldn't find that account feature: %s",
			 name_excerpt(excerpt, request_param(r, "feature")));
}

static int api_account_feature(struct request *r, struct error *err)
{
	if (streq(request_param(r, "feature"), repositories.name))
		return request_answer(r, 200, feature_json(r, &repositories, false));
	return api_no_account_feature(r, err);
}

const struct api_route features_routes[] = {
	{ "GET", "/apps/:app/features", NEED_VIEW, api_features_list,
	  "features of an app; all of them are always on", .answer = "[app-feature]" },
	{ "GET", "/apps/:app/features/:feature", NEED_VIEW, api_features_get,
	  "one feature, by name or id", .answer = "app-feature" },
	{ "PATCH", "/apps/:app/features/:feature", NEED_OPERATE, api_features_update,
	  "turn a feature on; none can be turned off", "enabled:bool", .answer = "app-feature" },
	{ "GET", "/account/features", NEED_USER, api_account_features_list,
	  "features of the account; none", .answer = "[account-feature]" },
	{ "GET", "/account/features/:feature", NEED_USER, api_account_feature,
	  "a feature of the account; none is on", .answer = "account-feature" },
	{ "PATCH", "/account/features/:feature", NEED_USER, api_no_account_feature,
	  "a feature of the account; there are none", "enabled:bool", .answer = "account-feature" },
	{ 0 },
};
