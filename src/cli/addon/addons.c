/* SPDX-License-Identifier: Apache-2.0 */
/* addons: list, make, look at, change and end add-ons. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/addon/addon.h"

#define POLL_MS 100
#define URL_MAX_BYTES 8192

/* ---- the list ---- */

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

/* ---- one ---- */

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

/* ---- making ---- */

/* Until it is made or has failed: the add-on then, or NULL. */
static json_t *wait_until_made(struct cli *c, const char *id, struct error *err)
{
	for (;;) {
		json_t *a = NULL;

		if (api_get(c->api, &a, err, "/addons/%s", id) < 0)
			return NULL;
		if (!streq(json_str(a, "state", ""), "provisioning"))
			return a;
		progress(c, "%s %s", json_str(a, "name", ""), json_str(a, "twelve.status", ""));
		json_decref(a);
		pause_ms(POLL_MS);
	}
}

static int tell_failure(const json_t *a, struct error *err)
{
	const char *reason = json_str(a, "twelve.reason", "no reason was given");
	size_t line = strcspn(reason, "\n");

	error_set(err, ERROR_UNAVAILABLE, "%s could not be made: %.*s", json_str(a, "name", ""),
		  (int)line, reason);
	/* Its server's last lines. */
	if (reason[line])
		fprintf(stderr, "%s\n", reason + line + 1);
	return -1;
}

static int tell_made(struct cli *c, const char *app, const json_t *a, int64_t began_ms,
		     struct error *err)
{
	_cleanup_buf_ struct buf vars = BUF_INIT;
	char took[DURATION_SIZE];
	int64_t version = 0;
	const json_t *var;
	size_t i;

	progress_clear(c);
	json_array_foreach (json_at(a, "config_vars"), i, var)
		buf_printf(&vars, "%s%s", i ? ", " : "", json_string_value(var));
	note(c, "%s is ready after %s and gives %s", json_str(a, "name", ""),
	     duration_text(clock_now_ms() - began_ms, took), vars.data);
	if (newest_release(c, app, &version, err) < 0)
		return -1;
	return wait_for_release(c, app, version, err);
}

/* --url URL, --url - or the environment, so that a password need not stand in an argument list. */
static char *given_url(struct cli *c, struct error *err)
{
	const char *url = cli_get(c, "url");
	char buf[URL_MAX_BYTES];

	if (!url)
		url = getenv("TWELVE_EXTERNAL_URL");
	if (!url || !streq(url, "-"))
		return url ? xstrdup(url) : NULL;
	if (!fgets(buf, sizeof(buf), stdin)) {
		error_set(err, ERROR_INVALID, "--url -: standard input has no line");
		return NULL;
	}
	return xstrdup(str_trim(buf));
}

static json_t *creation(struct cli *c, struct error *err)
{
	_cleanup_free_ char *url = given_url(c, err);
	json_t *config, *body;

	if (err->kind != ERROR_NONE)
		return NULL;
	config = json_pack("{s:s*, s:s*, s:s*, s:s*}", "url", url, "from_backup",
			   cli_get(c, "from-backup"), "skip_check",
			   cli_has(c, "no-check") ? "true" : NULL, "tls",
			   cli_has(c, "tls") ? "true" : NULL);
	body = json_pack("{s:{s:s}, s:{s:s*}, s:o, s:s*, s:s*}", "plan", "name", cli_rest(c, 0),
			 "attachment", "name", cli_get(c, "as"), "config", config, "name",
			 cli_get(c, "name"), "confirm", cli_get(c, "confirm"));
	if (!body)
		error_set(err, ERROR_INVALID, "The arguments must be UTF-8");
	return body;
}

int addon_create(struct cli *c, const char *app, json_t *take_body, bool wait, struct error *err)
{
	return addon_create_named(c, app, take_body, wait, NULL, err);
}

int addon_create_named(struct cli *c, const char *app, json_t *take_body, bool wait, char **ret_id,
		       struct error *err)
{
	_cleanup_json_ json_t *a = NULL, *made = NULL;
	int64_t began_ms = clock_now_ms();

	progress(c, "Making the add-on");
	if (api_request(c->api, "POST", take_body, &a, err, "/apps/%s/addons", app) < 0)
		return -1;
	if (ret_id)
		*ret_id = xstrdup(json_str(a, "id", ""));
	printf("%s\n", json_str(a, "name", ""));
	fflush(stdout);
	if (json_str(a, "provision_message", "")[0])
		note(c, "%s", json_str(a, "provision_message", ""));
	if (!wait) {
		note(c, "It is being made: twelve addons:wait %s waits for it",
		     json_str(a, "name", ""));
		return 0;
	}
	made = wait_until_made(c, json_str(a, "id", ""), err);
	if (!made)
		return -1;
	if (!streq(json_str(made, "state", ""), "provisioned")) {
		progress_clear(c);
		return tell_failure(made, err);
	}
	return tell_made(c, app, made, began_ms, err);
}

static int create_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	json_t *body;

	if (!app || !cli_api(c, err))
		return -1;
	body = creation(c, err);
	return body ? addon_create(c, app, body, !cli_has(c, "no-wait"), err) : -1;
}

static const struct arg_option create_options[] = {
	{ "as", "NAME", "name of the attachment; the config var is NAME_URL", 0 },
	{ "name", "NAME", "name of the add-on", 0 },
	{ "url", "URL", "URL of an external service; - reads it from standard input", 0 },
	{ "no-check", NULL, "attach an external service even if it does not respond", 0 },
	{ "from-backup", "BACKUP", "fill it from the backup with this id", 0 },
	{ "tls", NULL, "set the URL for TLS (rediss://)", 0 },
	{ "confirm", "APP", "accepted for compatibility with heroku", 0 },
	{ 0 },
};

static const struct command cmd_addons_create = {
	.name = "addons:create",
	.usage = "SERVICE[:PLAN]",
	.min_args = 1,
	.max_args = 1,
	.summary = "create an add-on and attach it to an app",
	.flags = CMD_APP | CMD_WAIT,
	.options = create_options,
	.run = create_run,
	.details = "Waits until the add-on is ready and its release is live. Heroku's names work: "
		   "heroku-postgresql:essential-0 selects the smallest plan of postgresql. The "
		   "service \"external\" attaches a server of your own by its URL, given by --url "
		   "or $TWELVE_EXTERNAL_URL.",
	.examples = "twelve addons:create postgresql -a shop\n"
		    "twelve addons:create redis:standard --as CACHE -a shop\n"
		    "twelve addons:create external --url postgres://... --as DATABASE -a shop",
};

static int wait_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *a = NULL, *list = NULL;
	const char *name = cli_rest(c, 0), *app;
	const json_t *one;
	size_t i;

	if (name) {
		list = json_array();
		a = addon_find(c, name, err);
		if (!a)
			return -1;
		json_array_append(list, a);
	} else {
		app = cli_app(c, err);
		if (!app || !cli_api(c, err) ||
		    api_get(c->api, &list, err, "/apps/%s/addons", app) < 0)
			return -1;
	}
	json_array_foreach (list, i, one) {
		_cleanup_json_ json_t *made = wait_until_made(c, json_str(one, "id", ""), err);

		if (!made)
			return -1;
		progress_clear(c);
		if (!streq(json_str(made, "state", ""), "provisioned"))
			return tell_failure(made, err);
		note(c, "%s %s", json_str(made, "name", ""), json_str(made, "twelve.status", ""));
	}
	return 0;
}

static const struct command cmd_addons_wait = {
	.name = "addons:wait",
	.usage = "[ADDON]",
	.max_args = 1,
	.summary = "wait until add-ons are ready",
	.flags = CMD_APP,
	.run = wait_run,
	.examples = "twelve addons:wait -a shop",
};

/* ---- changing ---- */

static int update(struct cli *c, const json_t *a, json_t *take_body, json_t **ret,
		  struct error *err)
{
	return api_request(c->api, "PATCH", take_body, ret, err, "/apps/%s/addons/%s",
			   json_str(a, "app.name", ""), json_str(a, "id", ""));
}

/* Its server starts anew with another plan. */
static int wait_until_healthy(struct cli *c, const char *id, struct error *err)
{
	int64_t deadline_ms = clock_now_ms() + 120000;

	while (clock_now_ms() < deadline_ms) {
		_cleanup_json_ json_t *a = NULL;

		if (api_get(c->api, &a, err, "/addons/%s", id) < 0)
			return -1;
		if (json_str(a, "twelve.reason", NULL))
			return error_set(err, ERROR_UNAVAILABLE, "%s",
					 json_str(a, "twelve.reason", ""));
		if (json_bool(a, "twelve.healthy") && !json_bool(a, "twelve.changing"))
			return 0;
		pause_ms(POLL_MS);
		progress(c, "%s %s", json_str(a, "name", ""), json_str(a, "twelve.status", ""));
	}
	return error_set(err, ERROR_UNAVAILABLE,
			 "It is not up after 2 minutes: twelve addons:info tells more");
}

static int upgrade_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *a = addon_find(c, cli_rest(c, 0), err), *now = NULL;

	if (!a ||
	    update(c, a, json_pack("{s:{s:s}}", "plan", "name", cli_rest(c, 1)), &now, err) < 0)
		return -1;
	note(c, "%s is %s now", json_str(now, "name", ""), json_str(now, "plan.name", ""));
	if (json_str(now, "provision_message", "")[0])
		note(c, "%s", json_str(now, "provision_message", ""));
	if (streq(json_str(a, "plan.name", ""), json_str(now, "plan.name", "")))
		return 0;
	return wait_until_healthy(c, json_str(a, "id", ""), err);
}

static const struct command cmd_addons_upgrade = {
	.name = "addons:upgrade",
	.aliases = { "addons:downgrade" },
	.usage = "ADDON [SERVICE:]PLAN",
	.min_args = 2,
	.max_args = 2,
	.summary = "change the plan of an add-on",
	.flags = CMD_APP,
	.run = upgrade_run,
	.details = "The server restarts with the new plan's limits, which takes a second or two.",
	.examples = "twelve addons:upgrade DATABASE standard -a shop",
};

static int rename_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *a = addon_find(c, cli_rest(c, 0), err), *now = NULL;

	if (!a || update(c, a, json_pack("{s:s}", "name", cli_rest(c, 1)), &now, err) < 0)
		return -1;
	note(c, "%s is called %s now", json_str(a, "name", ""), json_str(now, "name", ""));
	return 0;
}

static const struct command cmd_addons_rename = {
	.name = "addons:rename",
	.usage = "ADDON NAME",
	.min_args = 2,
	.max_args = 2,
	.summary = "rename an add-on",
	.flags = CMD_APP,
	.run = rename_run,
	.examples = "twelve addons:rename DATABASE shop-db -a shop",
};

static int check_confirm(struct cli *c, const json_t *a, struct error *err)
{
	const char *owner = json_str(a, "app.name", "");
	int confirmed = cli_confirmed(c, owner, err);
	_cleanup_json_ json_t *list = NULL;
	_cleanup_buf_ struct buf where = BUF_INIT;
	char size[DURATION_SIZE];
	const json_t *at;
	size_t i;

	if (confirmed)
		return confirmed < 0 ? -1 : 0;
	if (api_get(c->api, &list, err, "/addons/%s/addon-attachments", json_str(a, "id", "")) < 0)
		return -1;
	json_array_foreach (list, i, at)
		buf_printf(&where, "%s%s::%s", i ? ", " : "", json_str(at, "app.name", ""),
			   json_str(at, "name", ""));
	return error_set(err, ERROR_INVALID,
			 "This destroys %s with all its data (%s)%s%s. Releases that used it can't "
			 "be rolled back to; %s. To go on: --confirm %s",
			 json_str(a, "name", ""), addon_size_text(a, size),
			 where.len ? ", and detaches " : "", where.data,
			 json_bool(a, "twelve.has_backups") ? "a last backup is kept for a week"
							    : "it has no backups",
			 owner);
}

static int destroy_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *a = addon_find(c, cli_rest(c, 0), err);
	const char *owner = json_str(a, "app.name", "");
	char size[DURATION_SIZE];
	int64_t before = 0;

	if (!a || check_confirm(c, a, err) < 0 || newest_release(c, owner, &before, err) < 0)
		return -1;
	if (api_request(c->api, "DELETE", json_pack("{s:b}", "force", (int)cli_has(c, "force")),
			NULL, err, "/apps/%s/addons/%s", owner, json_str(a, "id", "")) < 0)
		return -1;
	note(c, "%s (%s) is being removed%s%s", json_str(a, "name", ""), addon_size_text(a, size),
	     cli_has(c, "force") || !json_bool(a, "twelve.has_backups")
		     ? ""
		     : "; its last backup will be in twelve backups -a ",
	     cli_has(c, "force") || !json_bool(a, "twelve.has_backups") ? "" : owner);
	return settle_release(c, owner, before, "Released", err);
}

static const struct arg_option destroy_options[] = {
	{ "confirm", "APP", "the app that owns it", 'c' },
	{ "force", NULL, "even if other apps use it, and without a last backup", 'f' },
	{ 0 },
};

static const struct command cmd_addons_destroy = {
	.name = "addons:destroy",
	.usage = "ADDON",
	.min_args = 1,
	.max_args = 1,
	.summary = "delete an add-on and its data",
	.flags = CMD_APP | CMD_WAIT,
	.options = destroy_options,
	.run = destroy_run,
	.examples = "twelve addons:destroy DATABASE -a shop --confirm shop",
};

const struct command *const addons_commands[] = {
	&cmd_addons,	     &cmd_addons_info,	 &cmd_addons_create,  &cmd_addons_wait,
	&cmd_addons_upgrade, &cmd_addons_rename, &cmd_addons_destroy, NULL,
};
