/* SPDX-License-Identifier: Apache-2.0 */
/* releases, releases:info, releases:output, rollback. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"
#include "model/action.h"

#define DEFAULT_LINES 15

static const char *with_slug(const json_t *r, struct buf *text)
{
	buf_printf(text, "%s%s", json_str(r, "description", ""),
		   json_bool(r, "twelve.slug_gone") ? " (its slug is gone)" : "");
	return text->data;
}

static int releases_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "V", "STATUS", "DESCRIPTION", "USER", "WHEN" };
	const char *app = cli_app(c, err);
	_cleanup_free_ char *range = NULL;
	_cleanup_json_ json_t *list = NULL;
	_cleanup_table_ struct table t;
	const json_t *r;
	int64_t n;
	size_t i;

	table_init(&t, 5, headings);
	if (args_number(&c->args, "num", 1, 1000, DEFAULT_LINES, &n, err) < 0 || !app ||
	    !cli_api(c, err))
		return -1;
	range = xasprintf("version ..; order=desc,max=%lld", (long long)n);
	if (api_get_range(c->api, range, &list, err, "/apps/%s/releases", app) < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, r) {
		_cleanup_free_ char *v = xasprintf("v%lld", (long long)json_i64(r, "version", 0));
		_cleanup_buf_ struct buf description = BUF_INIT;
		char since[SINCE_SIZE];

		table_add(&t, v, json_bool(r, "current") ? "current" : json_str(r, "status", ""),
			  with_slug(r, &description), json_str(r, "user.email", ""),
			  since_text(json_time(r, "created_at"), clock_wall_ms(), since));
	}
	table_print(c, &t);
	return 0;
}

static const struct arg_option releases_options[] = {
	{ "num", "N", "number of releases (15)", 'n' }, { 0 }
};

static const struct command cmd_releases = {
	.name = "releases",
	.usage = "",
	.summary = "list the releases of an app, newest first",
	.flags = CMD_APP | CMD_JSON,
	.options = releases_options,
	.run = releases_run,
	.examples = "twelve releases -a shop\ntwelve releases -n 100 --json",
};

/* The release that was named, or the newest. */
static json_t *get_release(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	json_t *release = NULL;
	int64_t version;

	if (!app || !cli_api(c, err))
		return NULL;
	if (cli_rest(c, 0) ? version_parse(cli_rest(c, 0), &version, err) < 0
			   : newest_release(c, app, &version, err) < 0)
		return NULL;
	if (api_get(c->api, &release, err, "/apps/%s/releases/%lld", app, (long long)version) < 0)
		return NULL;
	return release;
}

static void print_dynos(const json_t *proof)
{
	const json_t *dyno;
	size_t i;

	json_array_foreach (json_object_get(proof, "dynos"), i, dyno) {
		char took[DURATION_SIZE];

		printf("  %s was ready after %s\n", json_str(dyno, "dyno", ""),
		       duration_text(json_i64(dyno, "ready_ms", 0), took));
	}
}

static void print_proof(const json_t *release)
{
	const json_t *proof = json_at(release, "twelve.proof"), *line;
	int64_t requests = json_i64(proof, "requests", -1),
		drain_ms = json_i64(proof, "drain_ms", -1);
	char took[DURATION_SIZE];
	size_t i;

	if (!json_is_object(proof))
		return;
	puts("Rollout:");
	print_dynos(proof);
	if (json_i64(proof, "rollout_ms", -1) >= 0)
		printf("  it took %s\n", duration_text(json_i64(proof, "rollout_ms", 0), took));
	if (requests >= 0)
		printf("  requests served meanwhile: %lld, failed: %lld\n", (long long)requests,
		       (long long)json_i64(proof, "failed", 0));
	if (drain_ms >= 0)
		printf("  the old dynos were drained after %s\n", duration_text(drain_ms, took));
	json_array_foreach (json_object_get(proof, "last_lines"), i, line) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		buf_put_clean(&b, json_string_value(line));
		printf("  | %s\n", b.data);
	}
}

static void print_processes(const json_t *release)
{
	json_t *types = (json_t *)json_at(release, "twelve.processes"), *command;
	const char *type;

	if (!json_object_size(types))
		return;
	puts("Processes:");
	json_object_foreach (types, type, command)
		printf("  %s: %s\n", type,
		       json_string_value(command) ? json_string_value(command) : "");
}

/* What the audit trail has about it: the release is there without. */
static void add_audit(struct cli *c, const json_t *release, struct table *t)
{
	struct error ignored = ERROR_INIT;
	_cleanup_json_ json_t *list = NULL;
	_cleanup_free_ char *text = NULL, *what = NULL;
	const json_t *row;

	if (api_get(c->api, &list, &ignored, "/apps/%s/audit?release=%lld&max=1", c->app,
		    (long long)json_i64(release, "version", 0)) < 0 ||
	    !(row = json_array_get(list, 0)))
		return;
	what = action_sentence(json_str(row, "action", ""), json_str(row, "note", ""));
	text = xasprintf("%s by %s%s%s", what, json_str(row, "user.name", ""),
			 json_str(row, "from", "")[0] ? " from " : "", json_str(row, "from", ""));
	table_add(t, "Audit:", text);
}

static int releases_info_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *r = get_release(c, err);
	const char *reason = json_str(r, "twelve.reason", NULL);
	_cleanup_table_ struct table t;
	char since[SINCE_SIZE];

	table_init(&t, 2, NULL);
	if (!r)
		return -1;
	if (printed_json(c, r))
		return 0;
	printf("%s=== v%lld%s\n", style_on(c->color, STYLE_BOLD),
	       (long long)json_i64(r, "version", 0), style_off(c->color));
	table_add(&t, "Change:", json_str(r, "description", ""));
	table_add(&t, "Status:", json_bool(r, "current") ? "current" : json_str(r, "status", ""));
	if (reason)
		table_add(&t, "Reason:", reason);
	table_add(&t, "By:", json_str(r, "user.email", ""));
	add_audit(c, r, &t);
	table_add(&t, "When:", since_text(json_time(r, "created_at"), clock_wall_ms(), since));
	table_add(&t, "Commit:", json_str(r, "twelve.commit", ""));
	table_add(&t, "Slug:",
		  json_bool(r, "twelve.slug_gone") ? "gone: push its commit again to run it"
						   : json_str(r, "slug.id", "none"));
	table_print(c, &t);
	print_processes(r);
	print_proof(r);
	return 0;
}

static const struct command cmd_releases_info = {
	.name = "releases:info",
	.usage = "[vN]",
	.max_args = 1,
	.summary = "show a release and how its rollout went",
	.flags = CMD_APP | CMD_JSON,
	.run = releases_info_run,
	.examples = "twelve releases:info -a shop\ntwelve releases:info v7",
};

static int releases_output_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *r = get_release(c, err);
	const char *url = json_str(r, "output_stream_url", NULL);

	if (!r)
		return -1;
	if (url)
		return print_stream(c, url, err);
	note(c, "v%lld has no release command, so there is no output.",
	     (long long)json_i64(r, "version", 0));
	return 0;
}

static const struct command cmd_releases_output = {
	.name = "releases:output",
	.usage = "[vN]",
	.max_args = 1,
	.summary = "print the output of a release command",
	.flags = CMD_APP,
	.run = releases_output_run,
	.examples = "twelve releases:output -a shop",
};

/* The newest release before the current one that ran well. */
static int previous_good(struct cli *c, const char *app, int64_t *ret, struct error *err)
{
	_cleanup_json_ json_t *list = NULL;
	int64_t current = INT64_MAX, best = 0;
	const json_t *r;
	size_t i;

	if (api_get(c->api, &list, err, "/apps/%s/releases", app) < 0)
		return -1;
	json_array_foreach (list, i, r)
		if (json_bool(r, "current"))
			current = json_i64(r, "version", 0);
	json_array_foreach (list, i, r) {
		int64_t v = json_i64(r, "version", 0);

		if (json_bool(r, "eligible_for_rollback") && v < current && v > best)
			best = v;
	}
	if (!best)
		return error_set(err, ERROR_CONFLICT,
				 "There is no release of %s before this one to go back to", app);
	*ret = best;
	return 0;
}

static int rollback_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err), *given = cli_rest(c, 0);
	_cleanup_json_ json_t *release = NULL;
	_cleanup_free_ char *target = NULL;
	int64_t version, made;

	if (!app || !cli_api(c, err))
		return -1;
	if (given ? version_parse(given, &version, err) < 0
		  : previous_good(c, app, &version, err) < 0)
		return -1;
	target = xasprintf("%lld", (long long)version);
	if (api_request(c->api, "POST", json_pack("{s:s}", "release", target), &release, err,
			"/apps/%s/releases", app) < 0)
		return -1;
	made = json_i64(release, "version", 0);
	note(c, "Rolling back to v%lld: v%lld", (long long)version, (long long)made);
	if (cli_has(c, "no-wait"))
		return 0;
	return wait_for_release(c, app, made, err);
}

static const struct command cmd_rollback = {
	.name = "rollback",
	.aliases = { "releases:rollback" },
	.usage = "[vN]",
	.max_args = 1,
	.summary = "go back to an earlier release: code, config, process types and add-ons",
	.flags = CMD_APP | CMD_WAIT,
	.run = rollback_run,
	.details = "Default: the last successful release before the current one. The result is a "
		   "new release.",
	.examples = "twelve rollback -a shop\ntwelve rollback v7",
};

const struct command *const releases_commands[] = {
	&cmd_releases, &cmd_releases_info, &cmd_releases_output, &cmd_rollback, NULL,
};
