/* SPDX-License-Identifier: Apache-2.0 */
/* What is done with a backup: restore, verify, download, delete. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/str.h"
#include "cli/cli-addons.h"

#define POLL_MS 150

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
	.options = backup_options,
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
