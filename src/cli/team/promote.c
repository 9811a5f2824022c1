/* SPDX-License-Identifier: Apache-2.0 */
/* pipelines:promote, pipelines:diff. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/team/team.h"
#include "cli/cli.h"

/* Where Heroku's CLI promotes to from each stage. */
static const char *next_stage(const char *stage)
{
	static const char *const order[] = { "development", "staging", "production" };

	for (size_t i = 0; i + 1 < ARRAY_SIZE(order); i++)
		if (streq(order[i], stage))
			return order[i + 1];
	return streq(stage, "review") ? order[0] : NULL;
}

struct pipeline_view {
	json_t *own, *all; /* the app's coupling; those of its pipeline */
};

static void view_done(struct pipeline_view *v)
{
	json_decref(v->own);
	json_decref(v->all);
}
#define _cleanup_view_ __attribute__((cleanup(view_done)))

static int look(struct cli *c, struct pipeline_view *ret, struct error *err)
{
	const char *app = cli_app(c, err);

	if (!app || !cli_api(c, err) ||
	    api_get(c->api, &ret->own, err, "/apps/%s/pipeline-couplings", app) < 0)
		return -1;
	return api_get(c->api, &ret->all, err, "/pipelines/%s/pipeline-couplings",
		       json_str(ret->own, "pipeline.id", ""));
}

/* Whether a comma-separated list has this name or id. */
static bool listed(const char *list, const json_t *coupling)
{
	while (*list) {
		size_t n = strcspn(list, ",");
		_cleanup_free_ char *word = xstrndup(list, n);

		if (streq(word, json_str(coupling, "app.name", "")) ||
		    streq(word, json_str(coupling, "app.id", "")))
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

static size_t count_words(const char *list)
{
	size_t n = 1;

	for (; *list; list++)
		n += *list == ',';
	return n;
}

/* The couplings of what is promoted to: those named with --to, or all of the next stage. A new
 * reference; NULL with *err. */
static json_t *downstream(struct cli *c, const struct pipeline_view *v, struct error *err)
{
	const char *to = cli_get(c, "to"), *from = json_str(v->own, "stage", ""),
		   *next = next_stage(from);
	json_t *found = json_array();
	json_t *item;
	size_t i;

	json_array_foreach (v->all, i, item) {
		if (streq(json_str(item, "id", ""), json_str(v->own, "id", "")))
			continue;
		if (to ? listed(to, item) : next && streq(json_str(item, "stage", ""), next))
			json_array_append(found, item);
	}
	if (json_array_size(found) && (!to || json_array_size(found) == count_words(to)))
		return found;
	json_decref(found);
	if (to)
		error_set(err, ERROR_INVALID, "Not all of %s are other apps of the pipeline %s", to,
			  json_str(v->own, "pipeline.name", ""));
	else if (!next)
		error_set(err, ERROR_INVALID, "%s is in %s, the last stage: say --to APP", c->app,
			  from);
	else
		error_set(err, ERROR_INVALID, "The pipeline %s has no app in %s to promote to",
			  json_str(v->own, "pipeline.name", ""), next);
	return NULL;
}

static json_t *promote(struct cli *c, const struct pipeline_view *v, const json_t *to,
		       struct error *err)
{
	json_t *targets = json_array(), *made = NULL;
	const json_t *item;
	size_t i;

	json_array_foreach (to, i, item)
		json_array_append_new(
			targets, json_pack("{s:{s:s}}", "app", "id", json_str(item, "app.id", "")));
	if (api_request(c->api, "POST",
			json_pack("{s:{s:s}, s:{s:{s:s}}, s:o}", "pipeline", "id",
				  json_str(v->own, "pipeline.id", ""), "source", "app", "id",
				  json_str(v->own, "app.id", ""), "targets", targets),
			&made, err, "/pipeline-promotions") < 0)
		return NULL;
	return made;
}

/* Waits for the release that a target got. -1: it failed, which has been told. */
static int wait_for_target(struct cli *c, const json_t *target, const char *name, struct error *err)
{
	const char *id = json_str(target, "release.id", NULL);
	_cleanup_json_ json_t *release = NULL;
	int64_t version;

	if (!id)
		return error_set(err, ERROR_CONFLICT, "%s: %s", name,
				 json_str(target, "error_message", "it failed"));
	if (api_get(c->api, &release, err, "/apps/%s/releases/%s", json_str(target, "app.id", ""),
		    id) < 0)
		return -1;
	version = json_i64(release, "version", 0);
	note(c, "Promoting to %s: v%lld", name, (long long)version);
	if (cli_has(c, "no-wait"))
		return 0;
	return wait_for_release(c, json_str(target, "app.id", ""), version, err);
}

static const char *name_of(const json_t *couplings, const char *app_id)
{
	const json_t *item;
	size_t i;

	json_array_foreach (couplings, i, item)
		if (streq(json_str(item, "app.id", ""), app_id))
			return json_str(item, "app.name", app_id);
	return app_id;
}

/* All of them are waited for, unless a signal came; the last failure is the command's. */
static int wait_for_targets(struct cli *c, const json_t *promotion, const json_t *couplings,
			    struct error *err)
{
	const char *id = json_str(promotion, "id", "");
	_cleanup_json_ json_t *targets = NULL, *after = NULL;
	const json_t *target;
	int result = 0;
	size_t i;

	if (api_get(c->api, &targets, err, "/pipeline-promotions/%s/promotion-targets", id) < 0)
		return -1;
	json_array_foreach (targets, i, target) {
		int r = wait_for_target(c, target,
					name_of(couplings, json_str(target, "app.id", "")), err);

		if (r > 0)
			return r;
		result = r < 0 ? -1 : result;
	}
	if (!cli_has(c, "json"))
		return result;
	if (api_get(c->api, &after, err, "/pipeline-promotions/%s/promotion-targets", id) < 0)
		return -1;
	print_json(after);
	return result;
}

static int promote_run(struct cli *c, struct error *err)
{
	_cleanup_view_ struct pipeline_view v = { 0 };
	_cleanup_json_ json_t *to = NULL, *made = NULL;

	if (look(c, &v, err) < 0)
		return -1;
	to = downstream(c, &v, err);
	if (to)
		made = promote(c, &v, to, err);
	return made ? wait_for_targets(c, made, to, err) : -1;
}

static const struct arg_option promote_options[] = {
	{ "to", "APP,APP", "these apps instead of all apps of the next stage", 't' },
	{ 0 },
};

static const struct command cmd_pipelines_promote = {
	.name = "pipelines:promote",
	.usage = "",
	.summary = "release an app's slug to the next stage of its pipeline",
	.flags = CMD_APP | CMD_JSON | CMD_WAIT,
	.options = promote_options,
	.run = promote_run,
	.details = "The target keeps its config vars and attachments; nothing is built. A release "
		   "command runs there first.",
	.examples = "twelve pipelines:promote -a shop-staging\ntwelve pipelines:promote -a "
		    "shop-staging --to "
		    "shop-production,shop-demo",
};

/* ---- diff ---- */

/* The release that runs in an app. NULL with *err when there is none. */
static json_t *running(struct cli *c, const char *app, struct error *err)
{
	_cleanup_json_ json_t *list = NULL;
	json_t *item;
	size_t i;

	if (api_get(c->api, &list, err, "/apps/%s/releases", app) < 0)
		return NULL;
	json_array_foreach (list, i, item)
		if (json_bool(item, "current") && json_str(item, "slug.id", NULL))
			return json_incref(item);
	error_set(err, ERROR_INVALID, "Nothing is deployed to %s yet", app);
	return NULL;
}

static void print_log(const char *from, const char *to)
{
	_cleanup_free_ char *span = xasprintf("%s..%s", to, from), *text = NULL;
	const char *const argv[] = { "git", "log", "--oneline", "--no-decorate", "--end-of-options",
				     span,  "--",  NULL };

	/* Without the repository, or the commits in it, there is no more to tell. */
	if (from[0] && to[0])
		text = git_output(".", argv);
	if (text && text[0])
		printf("%s\n", text);
}

static int diff_one(struct cli *c, const json_t *mine, const json_t *coupling, json_t *json,
		    struct error *err)
{
	const char *name = json_str(coupling, "app.name", ""),
		   *from = json_str(mine, "twelve.commit", "");
	_cleanup_json_ json_t *theirs = running(c, name, err);
	const char *to = json_str(theirs, "twelve.commit", "");
	bool same = streq(json_str(mine, "slug.id", ""), json_str(theirs, "slug.id", "-"));

	if (!theirs)
		return -1;
	if (json) {
		json_array_append_new(json, json_pack("{s:s, s:b, s:s, s:s}", "app", name, "same",
						      (int)same, "from", from, "to", to));
		return 0;
	}
	if (same) {
		printf("%s and %s run the same slug\n", c->app, name);
		return 0;
	}
	printf("%s runs %.8s (v%lld), %s runs %.8s (v%lld)\n", c->app,
	       from[0] ? from : "another slug", (long long)json_i64(mine, "version", 0), name,
	       to[0] ? to : "another slug", (long long)json_i64(theirs, "version", 0));
	print_log(from, to);
	return 0;
}

static int diff_run(struct cli *c, struct error *err)
{
	_cleanup_view_ struct pipeline_view v = { 0 };
	_cleanup_json_ json_t *to = NULL, *mine = NULL,
			      *json = cli_has(c, "json") ? json_array() : NULL;
	const json_t *item;
	size_t i;

	if (look(c, &v, err) < 0)
		return -1;
	to = downstream(c, &v, err);
	if (to)
		mine = running(c, c->app, err);
	if (!mine)
		return -1;
	json_array_foreach (to, i, item)
		if (diff_one(c, mine, item, json, err) < 0)
			return -1;
	if (json)
		print_json(json);
	return 0;
}

static const struct command cmd_pipelines_diff = {
	.name = "pipelines:diff",
	.usage = "",
	.summary = "compare an app with the next stage of its pipeline",
	.flags = CMD_APP | CMD_JSON,
	.options = promote_options,
	.run = diff_run,
	.details = "In a repository that has the commits, lists those in between.",
	.examples = "twelve pipelines:diff -a shop-staging",
};

const struct command *const promote_commands[] = {
	&cmd_pipelines_promote,
	&cmd_pipelines_diff,
	NULL,
};
