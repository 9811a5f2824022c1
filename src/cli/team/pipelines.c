/* SPDX-License-Identifier: Apache-2.0 */
/* pipelines, pipelines:create, :info, :add, :update, :remove, :rename, :transfer, :destroy; see
 * promote.c as well. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/team/team.h"
#include "cli/cli.h"

static int pipelines_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *list = NULL;
	const json_t *p;
	size_t i;

	if (!cli_api(c, err) || api_get(c->api, &list, err, "/pipelines") < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, p) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		buf_put_clean(&b, json_str(p, "name", ""));
		puts(b.data);
	}
	if (!json_array_size(list))
		note(c, "There are no pipelines: twelve pipelines:create makes one.");
	return 0;
}

static const struct command cmd_pipelines = {
	.name = "pipelines",
	.usage = "",
	.summary = "list pipelines",
	.flags = CMD_JSON,
	.run = pipelines_run,
	.details = "A pipeline groups the deployments of one codebase, each in a stage: review, "
		   "development, staging, production. pipelines:promote releases a slug to the "
		   "next stage without a build.",
	.examples = "twelve pipelines",
};

/* The stage that was named; there is no good guess. */
static const char *stage(struct cli *c, struct error *err)
{
	const char *s = cli_get(c, "stage");

	if (!s)
		error_set(err, ERROR_INVALID,
			  "In which stage? Say -s review, -s development, -s staging or -s "
			  "production");
	return s;
}

static int couple(struct cli *c, const char *pipeline, json_t **ret, struct error *err)
{
	const char *app = cli_app(c, err), *in = app ? stage(c, err) : NULL;

	if (!in || !cli_api(c, err))
		return -1;
	return api_request(
		c->api, "POST",
		json_pack("{s:s, s:s, s:s}", "app", app, "pipeline", pipeline, "stage", in), ret,
		err, "/pipeline-couplings");
}

static const struct arg_option stage_options[] = {
	{ "stage", "STAGE", "review, development, staging or production", 's' },
	{ 0 },
};

static int create_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *p = NULL;
	_cleanup_free_ char *path = NULL;
	struct error ignored = ERROR_INIT;

	if (!cli_app(c, err) || !stage(c, err) || !cli_api(c, err) ||
	    api_request(c->api, "POST", json_pack("{s:s}", "name", cli_rest(c, 0)), &p, err,
			"/pipelines") < 0)
		return -1;
	if (couple(c, json_str(p, "id", ""), NULL, err) < 0) {
		/* Made for this app; without it nobody wants it. */
		path = api_escape(json_str(p, "id", ""));
		api_request(c->api, "DELETE", NULL, NULL, &ignored, "/pipelines/%s", path);
		return -1;
	}
	if (cli_has(c, "json"))
		print_json(p);
	else
		note(c, "Created the pipeline %s with %s in %s", cli_rest(c, 0), c->app,
		     cli_get(c, "stage"));
	return 0;
}

static const struct command cmd_pipelines_create = {
	.name = "pipelines:create",
	.usage = "NAME",
	.min_args = 1,
	.max_args = 1,
	.summary = "create a pipeline with an app in it",
	.flags = CMD_APP | CMD_JSON,
	.options = stage_options,
	.run = create_run,
	.examples = "twelve pipelines:create shop -a shop-staging -s staging",
};

static int add_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *j = NULL;

	if (couple(c, cli_rest(c, 0), &j, err) < 0)
		return -1;
	if (cli_has(c, "json"))
		print_json(j);
	else
		note(c, "Added %s to the pipeline %s as %s", c->app, cli_rest(c, 0),
		     cli_get(c, "stage"));
	return 0;
}

static const struct command cmd_pipelines_add = {
	.name = "pipelines:add",
	.usage = "PIPELINE",
	.min_args = 1,
	.max_args = 1,
	.summary = "add an app to a pipeline",
	.flags = CMD_APP | CMD_JSON,
	.options = stage_options,
	.run = add_run,
	.details = "You need the manage permission for the app, and must own the pipeline or "
		   "manage an app in it. Apps of a pipeline share their slugs.",
	.examples = "twelve pipelines:add shop -a shop-production -s production",
};

/* The coupling of the app. NULL with *err. */
static json_t *coupling_of(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	json_t *j = NULL;

	if (!app || !cli_api(c, err) ||
	    api_get(c->api, &j, err, "/apps/%s/pipeline-couplings", app) < 0)
		return NULL;
	return j;
}

static int update_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *coupling = stage(c, err) ? coupling_of(c, err) : NULL;

	if (!coupling ||
	    api_request(c->api, "PATCH", json_pack("{s:s}", "stage", cli_get(c, "stage")), NULL,
			err, "/pipeline-couplings/%s", json_str(coupling, "id", "")) < 0)
		return -1;
	note(c, "%s is in %s now", c->app, cli_get(c, "stage"));
	return 0;
}

static const struct command cmd_pipelines_update = {
	.name = "pipelines:update",
	.usage = "",
	.summary = "move an app to another stage of its pipeline",
	.flags = CMD_APP,
	.options = stage_options,
	.run = update_run,
	.examples = "twelve pipelines:update -a shop-staging -s production",
};

static int remove_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *coupling = coupling_of(c, err);

	if (!coupling || api_request(c->api, "DELETE", NULL, NULL, err, "/pipeline-couplings/%s",
				     json_str(coupling, "id", "")) < 0)
		return -1;
	note(c, "Took %s out of the pipeline %s", c->app, json_str(coupling, "pipeline.name", ""));
	return 0;
}

static const struct command cmd_pipelines_remove = {
	.name = "pipelines:remove",
	.usage = "",
	.summary = "remove an app from its pipeline",
	.flags = CMD_APP,
	.run = remove_run,
	.details = "The app itself does not change.",
	.examples = "twelve pipelines:remove -a shop-staging",
};

static int info_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "APP", "STAGE" };
	_cleanup_free_ char *name = api_escape(cli_rest(c, 0));
	_cleanup_json_ json_t *p = NULL, *list = NULL;
	_cleanup_table_ struct table t;
	const json_t *item;
	size_t i;

	table_init(&t, 2, headings);
	if (!cli_api(c, err) || api_get(c->api, &p, err, "/pipelines/%s", name) < 0 ||
	    api_get(c->api, &list, err, "/pipelines/%s/pipeline-couplings", name) < 0)
		return -1;
	if (cli_has(c, "json")) {
		_cleanup_json_ json_t *all = json_pack("{s:O, s:O}", "pipeline", p, "apps", list);

		print_json(all);
		return 0;
	}
	printf("%s=== %s%s\n", style_on(c->color, STYLE_BOLD), json_str(p, "name", ""),
	       style_off(c->color));
	json_array_foreach (list, i, item)
		table_add(&t, json_str(item, "app.name", ""), json_str(item, "stage", ""));
	table_print(c, &t);
	return 0;
}

static const struct command cmd_pipelines_info = {
	.name = "pipelines:info",
	.usage = "PIPELINE",
	.min_args = 1,
	.max_args = 1,
	.summary = "show the apps and stages of a pipeline",
	.flags = CMD_JSON,
	.run = info_run,
	.examples = "twelve pipelines:info shop",
};

static int rename_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *name = api_escape(cli_rest(c, 0));

	if (!cli_api(c, err) ||
	    api_request(c->api, "PATCH", json_pack("{s:s}", "name", cli_rest(c, 1)), NULL, err,
			"/pipelines/%s", name) < 0)
		return -1;
	note(c, "The pipeline %s is called %s now", cli_rest(c, 0), cli_rest(c, 1));
	return 0;
}

static const struct command cmd_pipelines_rename = {
	.name = "pipelines:rename",
	.usage = "PIPELINE NAME",
	.min_args = 2,
	.max_args = 2,
	.summary = "rename a pipeline",
	.run = rename_run,
	.examples = "twelve pipelines:rename shop store",
};

static int transfer_run(struct cli *c, struct error *err)
{
	const char *pipeline = cli_get(c, "pipeline");

	if (!pipeline)
		return error_set(err, ERROR_INVALID, "Which pipeline? Say -p PIPELINE");
	if (!cli_api(c, err) ||
	    api_request(c->api, "POST",
			json_pack("{s:{s:s}, s:{s:s, s:s}}", "pipeline", "id", pipeline,
				  "new_owner", "id", cli_rest(c, 0), "type", "user"),
			NULL, err, "/pipeline-transfers") < 0)
		return -1;
	note(c, "The pipeline %s is %s's now", pipeline, cli_rest(c, 0));
	return 0;
}

static const struct arg_option transfer_options[] = {
	{ "pipeline", "PIPELINE", "the pipeline", 'p' },
	{ 0 },
};

static const struct command cmd_pipelines_transfer = {
	.name = "pipelines:transfer",
	.usage = "USER",
	.min_args = 1,
	.max_args = 1,
	.summary = "transfer a pipeline to another user",
	.options = transfer_options,
	.run = transfer_run,
	.details = "The apps keep their owners.",
	.examples = "twelve pipelines:transfer bob@example.com -p shop",
};

static int destroy_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *name = api_escape(cli_rest(c, 0));

	if (!cli_api(c, err) ||
	    api_request(c->api, "DELETE", NULL, NULL, err, "/pipelines/%s", name) < 0)
		return -1;
	note(c, "Destroyed the pipeline %s; its apps stay", cli_rest(c, 0));
	return 0;
}

static const struct command cmd_pipelines_destroy = {
	.name = "pipelines:destroy",
	.usage = "PIPELINE",
	.min_args = 1,
	.max_args = 1,
	.summary = "delete a pipeline, but not its apps",
	.run = destroy_run,
	.examples = "twelve pipelines:destroy shop",
};

const struct command *const pipelines_commands[] = {
	&cmd_pipelines,		&cmd_pipelines_create,
	&cmd_pipelines_add,	&cmd_pipelines_update,
	&cmd_pipelines_remove,	&cmd_pipelines_info,
	&cmd_pipelines_rename,	&cmd_pipelines_transfer,
	&cmd_pipelines_destroy, NULL,
};
