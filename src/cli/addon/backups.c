/* SPDX-License-Identifier: Apache-2.0 */
/* backups: list, take, schedule; see restore.c for what is done with one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/addon/addon.h"

#define POLL_MS 150

/* ---- finding ---- */

/* The add-on that is named, or the only one of the app that has backups. */
json_t *addon_with_backups(struct cli *c, const char *name, struct error *err)
{
	const char *app;
	_cleanup_json_ json_t *list = NULL, *services = NULL;
	_cleanup_buf_ struct buf names = BUF_INIT;
	const json_t *a, *s;
	json_t *found = NULL;
	size_t i, k, n = 0;

	if (name)
		return addon_find(c, name, err);
	app = cli_app(c, err);
	if (!app || !cli_api(c, err) || api_get(c->api, &list, err, "/apps/%s/addons", app) < 0 ||
	    api_get(c->api, &services, err, "/addon-services") < 0)
		return NULL;
	json_array_foreach (list, i, a)
		json_array_foreach (services, k, s) {
			if (!json_bool(s, "twelve.backups") ||
			    !streq(json_str(s, "name", ""), json_str(a, "addon_service.name", "-")))
				continue;
			buf_printf(&names, "%s%s", n++ ? ", " : "", json_str(a, "name", ""));
			found = json_array_get(list, i);
		}
	if (n == 1)
		return json_incref(found);
	if (n)
		error_set(err, ERROR_INVALID, "%s has several add-ons: name one of %s", app,
			  names.data);
	else
		error_set(err, ERROR_NOT_FOUND, "%s has no add-on with backups", app);
	return NULL;
}

json_t *backup_find(struct cli *c, const char *which, struct error *err)
{
	_cleanup_free_ char *name = api_escape(which), *place = NULL;
	const char *addon = cli_get(c, "addon"), *app;
	json_t *b = NULL;

	if (!cli_api(c, err))
		return NULL;
	if (which[0] != 'b' || strspn(which + 1, "0123456789") != strlen(which + 1)) {
		api_get(c->api, &b, err, "/backups/%s", name);
		return b;
	}
	if (addon) {
		_cleanup_json_ json_t *a = addon_find(c, addon, err);

		if (!a)
			return NULL;
		place = api_escape(json_str(a, "id", ""));
	} else {
		app = cli_app(c, err);
		if (!app)
			return NULL;
		place = api_escape(app);
	}
	api_get(c->api, &b, err, "/backups/%s?%s=%s", name, addon ? "addon" : "app", place);
	return b;
}

bool backup_is_own(const json_t *b)
{
	return streq(json_str(b, "status", ""), "succeeded") &&
	       !streq(json_str(b, "kind", ""), "uploaded");
}

int backup_none(const char *app, struct error *err)
{
	return error_set(err, ERROR_NOT_FOUND,
			 "%s has no backup: twelve backups:capture -a %s takes one", app, app);
}

json_t *backup_or_newest(struct cli *c, const char *which, struct error *err)
{
	const char *app;
	_cleanup_json_ json_t *list = NULL;
	json_t *b;
	size_t i;

	if (which)
		return backup_find(c, which, err);
	app = cli_app(c, err);
	if (!app || !cli_api(c, err) || api_get(c->api, &list, err, "/apps/%s/backups", app) < 0)
		return NULL;
	json_array_foreach (list, i, b)
		if (backup_is_own(b))
			return json_incref(b);
	backup_none(app, err);
	return NULL;
}

/* ---- looking ---- */

static const char *verified_word(const json_t *b)
{
	if (!json_is_object(json_at(b, "verified")))
		return "-";
	return json_bool(b, "verified.ok") ? "yes" : "NO";
}

static int backups_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "BACKUP", "ADD-ON", "TAKEN",   "SIZE",
						"STATUS", "KIND",   "VERIFIED" };
	static const char *const of_destroyed[] = { "ID",   "APP",    "ADD-ON", "TAKEN",
						    "SIZE", "STATUS", "KIND",	"KEPT TO" };
	const char *name = cli_rest(c, 0),
		   *app = name || cli_has(c, "destroyed") ? NULL : cli_app(c, err);
	bool destroyed = cli_has(c, "destroyed");
	_cleanup_json_ json_t *list = NULL, *a = NULL;
	_cleanup_table_ struct table t;
	const json_t *b;
	size_t i;

	table_init(&t, destroyed ? 8 : 7, destroyed ? of_destroyed : headings);
	if (name && destroyed)
		return error_set(
			err, ERROR_INVALID,
			"--destroyed lists the backups of apps that are gone: name no add-on");
	if (name)
		a = addon_find(c, name, err);
	if ((!a && !app && !destroyed) || !cli_api(c, err) ||
	    (destroyed ? api_get(c->api, &list, err, "/backups")
	     : a       ? api_get(c->api, &list, err, "/addons/%s/backups", json_str(a, "id", ""))
		       : api_get(c->api, &list, err, "/apps/%s/backups", app)) < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	if (!json_array_size(list))
		note(c, destroyed ? "There are no backups of destroyed apps."
				  : "There are no backups. twelve backups:capture takes one.");
	json_array_foreach (list, i, b) {
		char since[SINCE_SIZE], size[DURATION_SIZE];

		if (destroyed) {
			table_add(&t, json_str(b, "id", ""), json_str(b, "app.name", ""),
				  json_str(b, "addon.name", ""),
				  since_text(json_time(b, "created_at"), clock_wall_ms(), since),
				  bytes_text(json_i64(b, "bytes", 0), size),
				  json_str(b, "status", ""), json_str(b, "kind", ""),
				  json_str(b, "expires_at", "for good"));
			continue;
		}
		table_add(&t, json_str(b, "name", ""), json_str(b, "addon.name", ""),
			  since_text(json_time(b, "created_at"), clock_wall_ms(), since),
			  bytes_text(json_i64(b, "bytes", 0), size), json_str(b, "status", ""),
			  json_str(b, "kind", ""), verified_word(b));
	}
	if (json_array_size(list))
		table_print(c, &t);
	return 0;
}

static const struct arg_option backups_options[] = {
	{ "destroyed", NULL, "list backups of destroyed apps", 0 }, { 0 }
};

static const struct command cmd_backups = {
	.name = "backups",
	.aliases = { "pg:backups" },
	.usage = "[ADDON]",
	.max_args = 1,
	.summary = "list the backups of an app's add-ons",
	.flags = CMD_APP | CMD_JSON,
	.options = backups_options,
	.run = backups_run,
	.details = "Includes backups of destroyed add-ons until they expire. With --destroyed it "
		   "lists those of apps that you owned and destroyed; backups:restore ID -a APP "
		   "restores one as an add-on of another app.",
	.examples = "twelve backups -a shop\ntwelve backups --destroyed",
};

static void print_backup(const struct cli *c, const json_t *b)
{
	char text[SINCE_SIZE], size[DURATION_SIZE];

	printf("%s%s of %s%s\n", style_on(c->color, STYLE_BOLD), json_str(b, "name", ""),
	       json_str(b, "addon.name", ""), style_off(c->color));
	printf("Id:       %s\n", json_str(b, "id", ""));
	printf("Taken:    %s, %s\n", since_text(json_time(b, "created_at"), clock_wall_ms(), text),
	       json_str(b, "kind", ""));
	printf("Status:   %s\n", json_str(b, "status", ""));
	if (json_str(b, "error", NULL))
		printf("Error:    %s\n", json_str(b, "error", ""));
	printf("Size:     %s\n", bytes_text(json_i64(b, "bytes", 0), size));
	if (json_str(b, "summary", NULL))
		printf("Holds:    %s\n", json_str(b, "summary", ""));
	if (json_str(b, "sha256", NULL))
		printf("SHA-256:  %s\n", json_str(b, "sha256", ""));
	if (json_is_object(json_at(b, "verified")))
		printf("Verified: %s, %s\n", json_bool(b, "verified.ok") ? "yes" : "NO",
		       json_str(b, "verified.message", ""));
	if (json_time(b, "expires_at"))
		printf("Kept to:  %s\n", json_str(b, "expires_at", ""));
}

const struct arg_option backup_options[] = {
	{ "addon", "ADDON", "the add-on, if several have a backup of this name", 0 },
	{ 0 },
};

static int info_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *b = backup_or_newest(c, cli_rest(c, 0), err);

	if (!b)
		return -1;
	if (cli_has(c, "json"))
		print_json(b);
	else
		print_backup(c, b);
	return 0;
}

static const struct command cmd_backups_info = {
	.name = "backups:info",
	.usage = "[BACKUP]",
	.max_args = 1,
	.summary = "show a backup",
	.flags = CMD_APP | CMD_JSON,
	.options = backup_options,
	.run = info_run,
	.details = "BACKUP is a name such as b3, or an id. Default: the newest.",
	.examples = "twelve backups:info b3 -a shop",
};

/* ---- taking ---- */

static int capture_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *a = addon_with_backups(c, cli_rest(c, 0), err), *b = NULL;
	char size[DURATION_SIZE], took[DURATION_SIZE];

	if (!a || api_request(c->api, "POST", json_object(), &b, err, "/addons/%s/backups",
			      json_str(a, "id", "")) < 0)
		return -1;
	printf("%s\n", json_str(b, "name", ""));
	fflush(stdout);
	while (streq(json_str(b, "status", ""), "running")) {
		_cleanup_free_ char *id = xstrdup(json_str(b, "id", ""));

		if (cli_has(c, "no-wait"))
			return 0;
		progress(c, "Taking a backup of %s", json_str(a, "name", ""));
		pause_ms(POLL_MS);
		json_decref(steal_ptr(b));
		if (api_get(c->api, &b, err, "/backups/%s", id) < 0)
			return -1;
	}
	progress_clear(c);
	if (!streq(json_str(b, "status", ""), "succeeded"))
		return error_set(err, ERROR_UNAVAILABLE, "The backup failed: %s",
				 json_str(b, "error", "no reason was given"));
	note(c, "%s of %s: %s in %s; %s", json_str(b, "name", ""), json_str(a, "name", ""),
	     bytes_text(json_i64(b, "bytes", 0), size),
	     duration_text(json_i64(b, "duration_ms", 0), took), json_str(b, "summary", ""));
	return 0;
}

static const struct command cmd_backups_capture = {
	.name = "backups:capture",
	.aliases = { "pg:backups:capture" },
	.usage = "[ADDON]",
	.max_args = 1,
	.summary = "take a backup",
	.flags = CMD_APP | CMD_WAIT,
	.run = capture_run,
	.examples = "twelve backups:capture -a shop",
};

/* ---- schedules ---- */

static int schedule_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *a = addon_with_backups(c, cli_rest(c, 0), err), *s = NULL;
	int64_t keep;

	if (!a || args_number(&c->args, "keep", 1, 365, 7, &keep, err) < 0)
		return -1;
	if (!cli_get(c, "at"))
		return error_set(err, ERROR_INVALID, "When? --at HH:MM, in UTC");
	if (api_request(c->api, "PUT",
			json_pack("{s:s, s:I}", "at", cli_get(c, "at"), "keep", (json_int_t)keep),
			&s, err, "/addons/%s/backup-schedule", json_str(a, "id", "")) < 0)
		return -1;
	note(c, "%s is backed up daily at %s UTC; the newest %lld are kept",
	     json_str(a, "name", ""), json_str(s, "at", ""), (long long)json_i64(s, "keep", 0));
	return 0;
}

static const struct arg_option schedule_options[] = {
	{ "at", "HH:MM", "time of day in UTC", 0 },
	{ "keep", "N", "number of scheduled backups to keep (7)", 0 },
	{ 0 },
};

static const struct command cmd_backups_schedule = {
	.name = "backups:schedule",
	.aliases = { "pg:backups:schedule" },
	.usage = "[ADDON] --at HH:MM",
	.max_args = 1,
	.summary = "schedule a daily backup",
	.flags = CMD_APP,
	.options = schedule_options,
	.run = schedule_run,
	.examples = "twelve backups:schedule DATABASE --at 02:30 --keep 14 -a shop",
};

static int unschedule_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *a = addon_with_backups(c, cli_rest(c, 0), err);

	if (!a || api_request(c->api, "DELETE", NULL, NULL, err, "/addons/%s/backup-schedule",
			      json_str(a, "id", "")) < 0)
		return -1;
	note(c, "%s is not backed up by schedule any more", json_str(a, "name", ""));
	return 0;
}

static const struct command cmd_backups_unschedule = {
	.name = "backups:unschedule",
	.aliases = { "pg:backups:unschedule" },
	.usage = "[ADDON]",
	.max_args = 1,
	.summary = "remove a backup schedule",
	.flags = CMD_APP,
	.run = unschedule_run,
	.examples = "twelve backups:unschedule DATABASE -a shop",
};

static int schedules_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "ADD-ON", "DAILY AT (UTC)", "KEPT" };
	_cleanup_json_ json_t *list = get_of_app(c, "addons", err);
	_cleanup_table_ struct table t;
	_cleanup_json_ json_t *schedules = json_array();
	const json_t *a;
	size_t i;

	table_init(&t, 3, headings);
	if (!list)
		return -1;
	json_array_foreach (list, i, a) {
		json_int_t n = (json_int_t)json_i64(a, "twelve.schedule.keep", 0);
		_cleanup_free_ char *keep = xasprintf("%lld", (long long)n);
		const char *name = json_str(a, "name", ""),
			   *at = json_str(a, "twelve.schedule.at", NULL);

		if (!at)
			continue;
		table_add(&t, name, at, keep);
		json_array_append_new(schedules, json_pack("{s:{s:s, s:s}, s:s, s:I}", "addon",
							   "id", json_str(a, "id", ""), "name",
							   name, "at", at, "keep", n));
	}
	if (cli_has(c, "json"))
		print_json(schedules);
	else
		table_print(c, &t);
	return 0;
}

static const struct command cmd_backups_schedules = {
	.name = "backups:schedules",
	.aliases = { "pg:backups:schedules" },
	.usage = "",
	.summary = "list backup schedules",
	.flags = CMD_APP | CMD_JSON,
	.run = schedules_run,
	.examples = "twelve backups:schedules -a shop",
};

const struct command *const backups_commands[] = {
	&cmd_backups,
	&cmd_backups_info,
	&cmd_backups_capture,
	&cmd_backups_schedule,
	&cmd_backups_unschedule,
	&cmd_backups_schedules,
	NULL,
};
