/* SPDX-License-Identifier: Apache-2.0 */
/* addons, addons:info, and how other commands find an add-on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/addon/addon.h"

static void put_vars(struct buf *to, const json_t *from)
{
	const json_t *var;
	size_t i;

	json_array_foreach (json_at(from, "config_vars"), i, var)
		buf_printf(to, "%s%s", to->len ? " " : "", json_string_value(var));
}

/* "up" of "is up": the API's status is the predicate of a sentence. */
static const char *state_text(const json_t *addon)
{
	const char *status = json_str(addon, "twelve.status", json_str(addon, "state", ""));

	return str_starts(status, "is ") ? status + 3 : status;
}

/* An add-on has the config vars of its owner; another app that it is attached to has those of its
 * `attachments`. */
static void add_row(struct table *t, const json_t *addon, const json_t *attachments)
{
	_cleanup_buf_ struct buf vars = BUF_INIT;
	const json_t *a;
	size_t i;

	if (!attachments)
		put_vars(&vars, addon);
	json_array_foreach (attachments, i, a)
		if (streq(json_str(a, "addon.id", ""), json_str(addon, "id", "")))
			put_vars(&vars, a);
	table_add(t, json_str(addon, "name", ""), json_str(addon, "plan.name", ""),
		  json_str(addon, "app.name", ""), state_text(addon), vars.len ? vars.data : "-");
}

static int addons_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "ADD-ON", "PLAN", "OWNER", "STATE", "CONFIG VARS" };
	bool all = cli_has(c, "all");
	const char *app = all ? "" : cli_app(c, err);
	_cleanup_json_ json_t *list = NULL, *attachments = NULL;
	_cleanup_table_ struct table t;
	const json_t *a;
	size_t i;

	table_init(&t, 5, headings);
	if (!app || !cli_api(c, err) ||
	    (all ? api_get(c->api, &list, err, "/addons")
		 : api_get(c->api, &list, err, "/apps/%s/addons", app)) < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	if (!json_array_size(list)) {
		note(c, "There are no add-ons. twelve addons:services lists what there can be.");
		return 0;
	}
	if (!all && api_get(c->api, &attachments, err, "/apps/%s/addon-attachments", app) < 0)
		return -1;
	json_array_foreach (list, i, a)
		add_row(&t, a, attachments);
	table_print(c, &t);
	return 0;
}

static const struct arg_option all_options[] = {
	{ "all", NULL, "of all apps", 'A' },
	{ 0 },
};

static const struct command cmd_addons = {
	.name = "addons",
	.usage = "",
	.summary = "list the add-ons of an app",
	.flags = CMD_APP | CMD_JSON,
	.options = all_options,
	.run = addons_run,
	.examples = "twelve addons -a shop\ntwelve addons --all",
};

json_t *addon_find(struct cli *c, const char *name, struct error *err)
{
	_cleanup_free_ char *escaped = api_escape(name);
	struct error ignored = ERROR_INIT;
	json_t *addon = NULL;
	const char *app;

	if (!cli_api(c, err))
		return NULL;
	/* The name of an attachment will do where the app is known. */
	app = cli_app(c, &ignored);
	if (app && api_get(c->api, &addon, err, "/apps/%s/addons/%s", app, escaped) == 0)
		return addon;
	if (app && err->kind != ERROR_NOT_FOUND)
		return NULL;
	*err = ERROR_INIT;
	return api_get(c->api, &addon, err, "/addons/%s", escaped) == 0 ? addon : NULL;
}

static const char *room_text(const json_t *a)
{
	static const char *const texts[][2] = {
		{ "full", ", full: writes are refused" },
		{ "hard", ", beyond its hard limit: apps are let in no more" },
		{ "closed", ", far beyond its hard limit: nobody is let in" }
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (streq(json_str(a, "twelve.room", ""), texts[i][0]))
			return texts[i][1];
	return "";
}

static void print_disk(const json_t *a)
{
	char used[DURATION_SIZE], quota[DURATION_SIZE];

	if (!json_i64(a, "twelve.disk_quota_bytes", 0))
		return;
	printf("Disk:         %s of %s%s\n",
	       bytes_text(json_i64(a, "twelve.disk_used_bytes", 0), used),
	       bytes_text(json_i64(a, "twelve.disk_quota_bytes", 0), quota), room_text(a));
	printf("Memory:       at most %s\n",
	       bytes_text(json_i64(a, "twelve.memory_bytes", 0), quota));
	if (json_str(a, "twelve.schedule.at", NULL))
		printf("Backups:      %lld, daily at %s UTC, %lld kept\n",
		       (long long)json_i64(a, "twelve.backups", 0),
		       json_str(a, "twelve.schedule.at", ""),
		       (long long)json_i64(a, "twelve.schedule.keep", 0));
	else
		printf("Backups:      %lld\n", (long long)json_i64(a, "twelve.backups", 0));
}

static int info_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *a = addon_find(c, cli_rest(c, 0), err), *list = NULL;
	const json_t *at;
	char since[SINCE_SIZE];
	size_t i;

	if (!a ||
	    api_get(c->api, &list, err, "/addons/%s/addon-attachments", json_str(a, "id", "")) < 0)
		return -1;
	if (printed_json(c, a))
		return 0;
	printf("%s%s%s\n", style_on(c->color, STYLE_BOLD), json_str(a, "name", ""),
	       style_off(c->color));
	printf("Plan:         %s\n", json_str(a, "plan.name", ""));
	printf("Owner:        %s\n", json_str(a, "app.name", ""));
	printf("State:        %s\n", state_text(a));
	if (json_str(a, "twelve.reason", NULL))
		printf("Reason:       %s\n", json_str(a, "twelve.reason", ""));
	if (json_str(a, "twelve.shown_url", NULL))
		printf("At:           %s\n", json_str(a, "twelve.shown_url", ""));
	printf("Created:      %s\n",
	       since_text(json_time(a, "created_at"), clock_wall_ms(), since));
	print_disk(a);
	json_array_foreach (list, i, at)
		printf("%s %s::%s\n",
		       i ? "             " : "Attachments: ", json_str(at, "app.name", ""),
		       json_str(at, "name", ""));
	return 0;
}

static const struct command cmd_addons_info = {
	.name = "addons:info",
	.usage = "ADDON",
	.min_args = 1,
	.max_args = 1,
	.summary = "show an add-on",
	.flags = CMD_APP | CMD_JSON,
	.run = info_run,
	.details = "ADDON is the add-on's name, or the name of one of the app's attachments, such "
		   "as DATABASE.",
	.examples = "twelve addons:info DATABASE -a shop",
};

const struct command *const addons_commands[] = {
	&cmd_addons,
	&cmd_addons_info,
	NULL,
};
