/* SPDX-License-Identifier: Apache-2.0 */
/* audit: who did what. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/team/team.h"
#include "cli/cli.h"
#include "model/action.h"

#define DEFAULT_LINES 30

static void result_of(const json_t *row, char buf[static 32])
{
	int64_t status = json_i64(row, "status", 0), version = json_i64(row, "release.version", 0);

	if (version)
		snprintf(buf, 32, "v%lld", (long long)version);
	else if (status < 400)
		snprintf(buf, 32, "done");
	else
		snprintf(buf, 32, "%s (%lld)",
			 status == 401 || status == 403 ? "refused" : "failed", (long long)status);
}

static void add_row(struct table *t, const json_t *row)
{
	_cleanup_free_ char *what =
		action_sentence(json_str(row, "action", ""), json_str(row, "note", ""));
	char since[SINCE_SIZE], result[32];

	result_of(row, result);
	table_add(t, since_text(json_time(row, "at"), clock_wall_ms(), since),
		  json_str(row, "user.name", ""), json_str(row, "app.name", ""), result,
		  json_str(row, "from", ""), what);
}

static int audit_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "WHEN", "WHO", "APP", "RESULT", "FROM", "WHAT" };
	_cleanup_free_ char *app = cli_get(c, "app") ? api_escape(cli_get(c, "app")) : NULL;
	_cleanup_json_ json_t *list = NULL;
	_cleanup_table_ struct table t;
	const json_t *row;
	int64_t n;
	size_t i;
	int r;

	table_init(&t, 6, headings);
	if (args_number(&c->args, "num", 1, 1000, DEFAULT_LINES, &n, err) < 0 || !cli_api(c, err))
		return -1;
	r = app ? api_get(c->api, &list, err, "/apps/%s/audit?max=%lld", app, (long long)n)
		: api_get(c->api, &list, err, "/twelve/audit?max=%lld", (long long)n);
	if (r < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, row)
		add_row(&t, row);
	if (json_array_size(list))
		table_print(c, &t);
	else
		note(c, "Nothing was done yet.");
	return 0;
}

static const struct arg_option audit_options[] = {
	{ "app", "APP", "show what was done to this app", 'a' },
	{ "num", "N", "number of entries (30)", 'n' },
	{ 0 },
};

static const struct command cmd_audit = {
	.name = "audit",
	.usage = "",
	.summary = "show who did what, newest first",
	.options = audit_options,
	.flags = CMD_JSON,
	.run = audit_run,
	.details = "With -a, what was done to an app that you may view. Without it, everything for "
		   "administrators, and your own actions for others. Includes refused requests. "
		   "Names of config vars are shown, values never.",
	.examples = "twelve audit -a shop\ntwelve audit -n 100 --json",
};

const struct command *const audit_commands[] = {
	&cmd_audit,
	NULL,
};
