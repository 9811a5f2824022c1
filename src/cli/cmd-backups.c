/* SPDX-License-Identifier: Apache-2.0 */
/* backups: list, take, schedule, restore, download, verify, delete. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/str.h"
#include "cli/cli-addons.h"

#define POLL_MS 150

/* ---- finding ---- */

/* The add-on that is named, or the only one of the app that has backups. */
static json_t *addon_with_backups(struct cli *c, const char *name, struct error *err)
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
	json_array_foreach(list, i, a)
		json_array_foreach(services, k, s) {
			if (!json_bool(s, "twelve.backups") ||
			    !streq(json_str(s, "name", ""), json_str(a, "addon_service.name", "-")))
				continue;
			buf_printf(&names, "%s%s", n++ ? ", " : "", json_str(a, "name", ""));
			found = json_array_get(list, i);
		}
	if (n == 1)
		return json_incref(found);
	if (n)
		error_set(err, ERROR_INVALID, "%s has several add-ons: name one of %s", app, names.data);
	else
		error_set(err, ERROR_NOT_FOUND, "%s has no add-on with backups", app);
	return NULL;
}

/* By id; "b3" of --addon or of the app. A new reference. */
static json_t *backup_find(struct cli *c, const char *which, struct error *err)
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

/* The newest good one of the app, when none is named. */
static json_t *backup_or_newest(struct cli *c, const char *which, struct error *err)
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
	json_array_foreach(list, i, b)
		if (streq(json_str(b, "status", ""), "succeeded"))
			return json_incref(b);
	error_set(err, ERROR_NOT_FOUND, "%s has no backup: twelve backups:capture -a %s takes one", app, app);
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
	static const char *const headings[] = { "BACKUP", "ADD-ON", "TAKEN", "SIZE", "STATUS", "KIND", "VERIFIED" };
	const char *name = cli_rest(c, 0), *app = name ? NULL : cli_app(c, err);
	_cleanup_json_ json_t *list = NULL, *a = NULL;
	_cleanup_table_ struct table t;
	const json_t *b;
	size_t i;

	table_init(&t, 7, headings);
	if (name)
		a = addon_find(c, name, err);
	if ((!a && !app) || !cli_api(c, err) ||
	    (a ? api_get(c->api, &list, err, "/addons/%s/backups", json_str(a, "id", "")) :
		 api_get(c->api, &list, err, "/apps/%s/backups", app)) < 0)
		return -1;
	if (cli_has(c, "json")) {
		print_json(list);
		return 0;
	}
	if (!json_array_size(list))
		note(c, "There are no backups. twelve backups:capture takes one.");
	json_array_foreach(list, i, b) {
		char since[SINCE_SIZE], size[DURATION_SIZE];

		table_add(&t, json_str(b, "name", ""), json_str(b, "addon.name", ""),
			  since_text(json_time(b, "created_at"), clock_wall_ms(), since),
			  bytes_text(json_i64(b, "bytes", 0), size), json_str(b, "status", ""),
			  json_str(b, "kind", ""), verified_word(b));
	}
	if (json_array_size(list))
		table_print(c, &t);
	return 0;
}

const struct command cmd_backups = {
	.name = "backups",
	.aliases = { "pg:backups" },
	.usage = "[ADDON]",
	.max_args = 1,
	.summary = "list the backups of an app's add-ons",
	.flags = CMD_APP | CMD_JSON,
	.run = backups_run,
	.details = "Those of add-ons that were destroyed are there too, until they expire.",
	.examples = "twelve backups -a shop",
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

static const struct arg_option of_addon[] = {
	{ "addon", "ADDON", "whose backup it is, when several have one of this name", 0 },
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

const struct command cmd_backups_info = {
	.name = "backups:info",
	.usage = "[BACKUP]",
	.max_args = 1,
	.summary = "tell about one backup",
	.flags = CMD_APP | CMD_JSON,
	.options = of_addon,
	.run = info_run,
	.details = "BACKUP is a name such as b3, or an id; without it, the newest.",
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

const struct command cmd_backups_capture = {
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
	if (api_request(c->api, "PUT", json_pack("{s:s, s:I}", "at", cli_get(c, "at"), "keep", (json_int_t)keep),
			&s, err, "/addons/%s/backup-schedule", json_str(a, "id", "")) < 0)
		return -1;
	note(c, "%s is backed up daily at %s UTC; the newest %lld are kept", json_str(a, "name", ""),
	     json_str(s, "at", ""), (long long)json_i64(s, "keep", 0));
	return 0;
}

static const struct arg_option schedule_options[] = {
	{ "at", "HH:MM", "the time of the day, UTC", 0 },
	{ "keep", "N", "how many of these are kept (7)", 0 },
	{ 0 },
};

const struct command cmd_backups_schedule = {
	.name = "backups:schedule",
	.aliases = { "pg:backups:schedule" },
	.usage = "[ADDON] --at HH:MM",
	.max_args = 1,
	.summary = "take a backup every day",
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

const struct command cmd_backups_unschedule = {
	.name = "backups:unschedule",
	.aliases = { "pg:backups:unschedule" },
	.usage = "[ADDON]",
	.max_args = 1,
	.summary = "end a schedule",
	.flags = CMD_APP,
	.run = unschedule_run,
	.examples = "twelve backups:unschedule DATABASE -a shop",
};

static int schedules_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "ADD-ON", "DAILY AT (UTC)", "KEPT" };
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *list = NULL;
	_cleanup_table_ struct table t;
	_cleanup_json_ json_t *schedules = json_array();
	const json_t *a;
	size_t i;

	table_init(&t, 3, headings);
	if (!app || !cli_api(c, err) || api_get(c->api, &list, err, "/apps/%s/addons", app) < 0)
		return -1;
	json_array_foreach(list, i, a) {
		json_int_t n = (json_int_t)json_i64(a, "twelve.schedule.keep", 0);
		_cleanup_free_ char *keep = xasprintf("%lld", (long long)n);
		const char *name = json_str(a, "name", ""), *at = json_str(a, "twelve.schedule.at", NULL);

		if (!at)
			continue;
		table_add(&t, name, at, keep);
		json_array_append_new(schedules, json_pack("{s:{s:s, s:s}, s:s, s:I}", "addon", "id", json_str(a, "id", ""), "name",
							   name, "at", at, "keep", n));
	}
	if (cli_has(c, "json"))
		print_json(schedules);
	else
		table_print(c, &t);
	return 0;
}

const struct command cmd_backups_schedules = {
	.name = "backups:schedules",
	.aliases = { "pg:backups:schedules" },
	.usage = "",
	.summary = "list the schedules of backups",
	.flags = CMD_APP | CMD_JSON,
	.run = schedules_run,
	.examples = "twelve backups:schedules -a shop",
};

/* ---- restoring ---- */

static int wait_restored(struct cli *c, const char *id, struct error *err)
{
	for (;;) {
		_cleanup_json_ json_t *a = NULL;

		if (api_get(c->api, &a, err, "/addons/%s", id) < 0)
			return -1;
		if (!json_bool(a, "twelve.restoring")) {
			progress_clear(c);
			if (json_str(a, "twelve.reason", NULL))
				return error_set(err, ERROR_UNAVAILABLE, "%s: %s", json_str(a, "name", ""),
						 json_str(a, "twelve.reason", ""));
			note(c, "%s is restored", json_str(a, "name", ""));
			return 0;
		}
		progress(c, "%s is being restored", json_str(a, "name", ""));
		pause_ms(POLL_MS);
	}
}

/* The add-on was destroyed: another one like it, under the same name in the app. */
static int restore_as_new(struct cli *c, const json_t *b, struct error *err)
{
	_cleanup_free_ char *plan = xasprintf("%s:%s", json_str(b, "service", ""), json_str(b, "plan", ""));
	const char *app = cli_app(c, err), *name = json_str(b, "attachment", "");

	if (!app)
		return -1;
	note(c, "%s was destroyed: making another one from its backup", json_str(b, "addon.name", ""));
	return addon_create(c, app,
			    json_pack("{s:{s:s}, s:{s:s*}, s:{s:s}}", "plan", "name", plan, "attachment",
				      "name", name[0] ? name : NULL, "config", "from_backup",
				      json_str(b, "id", "")),
			    true, err);
}

static int check_restore(struct cli *c, const json_t *a, struct error *err)
{
	const char *owner = json_str(a, "app.name", ""), *confirm = cli_get(c, "confirm");

	if (confirm && streq(confirm, owner))
		return 0;
	return error_set(err, ERROR_INVALID,
			 "This puts the backup in the place of all that %s holds now. To go on: --confirm %s",
			 json_str(a, "name", ""), owner);
}

/* An add-on that was just destroyed: its last backup is the one that is meant. */
static int wait_for_running(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);

	for (;;) {
		_cleanup_json_ json_t *list = NULL;

		if (!app || !cli_api(c, err) || api_get(c->api, &list, err, "/apps/%s/backups", app) < 0)
			return -1;
		if (!streq(json_str(json_array_get(list, 0), "status", ""), "running"))
			return 0;
		progress(c, "Waiting for %s", json_str(json_array_get(list, 0), "name", ""));
		pause_ms(POLL_MS);
	}
}

static int restore_run(struct cli *c, struct error *err)
{
	const char *which = cli_rest(c, 0), *given = cli_rest(c, 1);
	_cleanup_json_ json_t *b = NULL, *a = NULL;

	if (!which && wait_for_running(c, err) < 0)
		return -1;
	b = backup_or_newest(c, which, err);
	if (!b)
		return -1;
	a = addon_find(c, given ? given : json_str(b, "addon.id", ""), err);
	if (!given && (a ? !streq(json_str(a, "state", ""), "provisioned") : err->kind == ERROR_NOT_FOUND)) {
		*err = ERROR_INIT;
		return restore_as_new(c, b, err);
	}
	if (!a || check_restore(c, a, err) < 0 ||
	    api_request(c->api, "POST", json_pack("{s:s}", "addon", json_str(a, "id", "")), NULL, err,
			"/backups/%s/actions/restore", json_str(b, "id", "")) < 0)
		return -1;
	return wait_restored(c, json_str(a, "id", ""), err);
}

static const struct arg_option restore_options[] = {
	{ "confirm", "APP", "the app that owns the add-on", 'c' },
	{ "addon", "ADDON", "whose backup it is, when several have one of this name", 0 },
	{ 0 },
};

const struct command cmd_backups_restore = {
	.name = "backups:restore",
	.aliases = { "pg:backups:restore" },
	.usage = "[BACKUP] [ADDON]",
	.max_args = 2,
	.summary = "put a backup in the place of what an add-on holds",
	.flags = CMD_APP | CMD_WAIT,
	.options = restore_options,
	.run = restore_run,
	.details = "What is there stays if the backup is not good. When its add-on was destroyed, "
		   "another is made from it and attached under the same name.",
	.examples = "twelve backups:restore b3 -a shop --confirm shop",
};

/* ---- verifying ---- */

static int verify_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *b = backup_or_newest(c, cli_rest(c, 0), err);
	_cleanup_free_ char *before = b ? xstrdup(json_str(b, "verified.at", "")) : NULL;
	_cleanup_free_ char *id = b ? xstrdup(json_str(b, "id", "")) : NULL;

	if (!b || api_request(c->api, "POST", json_object(), NULL, err, "/backups/%s/actions/verify", id) < 0)
		return -1;
	do {
		progress(c, "Restoring %s into a scratch service", json_str(b, "name", ""));
		pause_ms(POLL_MS);
		json_decref(steal_ptr(b));
		if (api_get(c->api, &b, err, "/backups/%s", id) < 0)
			return -1;
	} while (streq(json_str(b, "verified.at", ""), before));
	progress_clear(c);
	if (!json_bool(b, "verified.ok"))
		return error_set(err, ERROR_UNAVAILABLE, "%s does not verify. %s", json_str(b, "name", ""),
				 json_str(b, "verified.message", ""));
	note(c, "%s is good. %s", json_str(b, "name", ""), json_str(b, "verified.message", ""));
	return 0;
}

const struct command cmd_backups_verify = {
	.name = "backups:verify",
	.usage = "[BACKUP]",
	.max_args = 1,
	.summary = "prove a backup by restoring it into a scratch service",
	.flags = CMD_APP,
	.options = of_addon,
	.run = verify_run,
	.examples = "twelve backups:verify -a shop",
};

/* ---- downloading ---- */

struct download {
	int fd;
	struct digest *digest;
	int64_t bytes;
	int failed; /* errno of a write */
};

static bool on_chunk(const char *data, size_t n, void *userdata)
{
	struct download *d = userdata;
	int r = fd_write_all(d->fd, data, n);

	digest_update(d->digest, data, n);
	d->bytes += (int64_t)n;
	d->failed = r;
	return r == 0;
}

static int fetch(struct cli *c, const json_t *b, int fd, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("/backups/%s/content", json_str(b, "id", ""));
	struct download d = { .fd = fd, .digest = digest_new() };
	struct api_stream o = { .url = path, .fn = on_chunk, .userdata = &d };
	char hex[DIGEST_HEX_SIZE];
	int r = api_stream(c->api, &o, err);

	digest_finish(d.digest, hex);
	digest_free(d.digest);
	if (d.failed)
		return error_set_errno(err, d.failed, "writing the backup");
	if (r == 0 && !streq(hex, json_str(b, "sha256", "")))
		return error_set(err, ERROR_SYSTEM,
				 "What came is not the backup: its SHA-256 is %s, expected %s", hex,
				 json_str(b, "sha256", "none"));
	return r;
}

static int download_to(struct cli *c, const json_t *b, const char *file, struct error *err)
{
	_cleanup_free_ char *part = xasprintf("%s.part", file);
	_cleanup_fd_ int fd = -1;
	char size[DURATION_SIZE];

	if (access(file, F_OK) == 0)
		return error_set(err, ERROR_CONFLICT, "%s is there already: -o gives another name", file);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set_errno(err, errno, "opening %s", part);
	progress(c, "Downloading %s", file);
	if (fetch(c, b, fd, err) < 0) {
		unlink(part);
		return -1;
	}
	progress_clear(c);
	if (rename(part, file) < 0)
		return error_set_errno(err, errno, "renaming %s", part);
	printf("%s\n", file);
	note(c, "%s, and its SHA-256 is that of the backup",
	     bytes_text(json_i64(b, "bytes", 0), size));
	return 0;
}

static int download_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *b = backup_or_newest(c, cli_rest(c, 0), err);
	const char *out = cli_get(c, "output");
	_cleanup_free_ char *usual = NULL;

	if (!b)
		return -1;
	if (out && streq(out, "-"))
		return fetch(c, b, STDOUT_FILENO, err);
	usual = xasprintf("%s-%s.%s", json_str(b, "addon.name", ""), json_str(b, "name", ""),
			  json_str(b, "extension", "backup"));
	return download_to(c, b, out ? out : usual, err);
}

static const struct arg_option download_options[] = {
	{ "output", "FILE", "where to; - is standard output", 'o' },
	{ "addon", "ADDON", "whose backup it is, when several have one of this name", 0 },
	{ 0 },
};

const struct command cmd_backups_download = {
	.name = "backups:download",
	.aliases = { "pg:backups:download" },
	.usage = "[BACKUP]",
	.max_args = 1,
	.summary = "fetch the file of a backup",
	.flags = CMD_APP,
	.options = download_options,
	.run = download_run,
	.details = "It is in the service's own format: pg_restore, redis-check-rdb or mariadb read it.",
	.examples = "twelve backups:download b3 -a shop -o shop.dump",
};

static int delete_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *b = backup_find(c, cli_rest(c, 0), err);
	const char *name = json_str(b, "name", ""), *confirm = cli_get(c, "confirm");

	if (!b)
		return -1;
	if (!confirm || !streq(confirm, name))
		return error_set(err, ERROR_INVALID, "This deletes %s of %s for good. To do so: --confirm %s",
				 name, json_str(b, "addon.name", ""), name);
	if (api_request(c->api, "DELETE", NULL, NULL, err, "/backups/%s", json_str(b, "id", "")) < 0)
		return -1;
	note(c, "%s of %s is deleted", name, json_str(b, "addon.name", ""));
	return 0;
}

static const struct arg_option delete_options[] = {
	{ "confirm", "BACKUP", "its name again, to say that you mean it", 'c' },
	{ "addon", "ADDON", "whose backup it is, when several have one of this name", 0 },
	{ 0 },
};

const struct command cmd_backups_delete = {
	.name = "backups:delete",
	.aliases = { "pg:backups:delete" },
	.usage = "BACKUP",
	.min_args = 1,
	.max_args = 1,
	.summary = "delete a backup",
	.flags = CMD_APP,
	.options = delete_options,
	.run = delete_run,
	.examples = "twelve backups:delete b3 -a shop --confirm b3",
};
