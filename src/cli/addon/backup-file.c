/* SPDX-License-Identifier: Apache-2.0 */
/* backups:verify, download, delete. */
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
#include "cli/addon/addon.h"

#define POLL_MS 150

/* ---- verifying ---- */

int backup_verify(struct cli *c, json_t **b, struct error *err)
{
	_cleanup_free_ char *before = xstrdup(json_str(*b, "verified.at", "")),
			    *id = xstrdup(json_str(*b, "id", ""));

	if (api_request(c->api, "POST", json_object(), NULL, err, "/backups/%s/actions/verify",
			id) < 0)
		return -1;
	do {
		progress(c, "Restoring %s into a scratch service", json_str(*b, "name", ""));
		pause_ms(POLL_MS);
		json_decref(steal_ptr(*b));
		if (api_get(c->api, b, err, "/backups/%s", id) < 0)
			return -1;
	} while (streq(json_str(*b, "verified.at", ""), before));
	progress_clear(c);
	if (!json_bool(*b, "verified.ok"))
		return error_set(err, ERROR_UNAVAILABLE, "%s does not verify. %s",
				 json_str(*b, "name", ""), json_str(*b, "verified.message", ""));
	return 0;
}

static int verify_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *b = backup_or_newest(c, cli_rest(c, 0), err);

	if (!b || backup_verify(c, &b, err) < 0)
		return -1;
	note(c, "%s is good. %s", json_str(b, "name", ""), json_str(b, "verified.message", ""));
	return 0;
}

static const struct command cmd_backups_verify = {
	.name = "backups:verify",
	.usage = "[BACKUP]",
	.max_args = 1,
	.summary = "verify a backup by restoring it into a scratch server",
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
		return error_set(err, ERROR_CONFLICT, "%s is there already: -o gives another name",
				 file);
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
	{ "output", "FILE", "output file; - is standard output", 'o' },
	{ "addon", "ADDON", "the add-on, if several have a backup of this name", 0 },
	{ 0 },
};

static const struct command cmd_backups_download = {
	.name = "backups:download",
	.aliases = { "pg:backups:download" },
	.usage = "[BACKUP]",
	.max_args = 1,
	.summary = "download a backup",
	.flags = CMD_APP,
	.options = download_options,
	.run = download_run,
	.details = "The file has the service's own format, readable by pg_restore, redis-check-rdb "
		   "or mariadb.",
	.examples = "twelve backups:download b3 -a shop -o shop.dump",
};

static int delete_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *b = backup_find(c, cli_rest(c, 0), err);
	const char *name = json_str(b, "name", "");
	int confirmed = b ? cli_confirmed(c, name, err) : -1;

	if (confirmed < 0)
		return -1;
	if (!confirmed)
		return error_set(err, ERROR_INVALID,
				 "This deletes %s of %s permanently. To confirm: --confirm %s",
				 name, json_str(b, "addon.name", ""), name);
	if (api_request(c->api, "DELETE", NULL, NULL, err, "/backups/%s", json_str(b, "id", "")) <
	    0)
		return -1;
	note(c, "%s of %s is deleted", name, json_str(b, "addon.name", ""));
	return 0;
}

static const struct arg_option delete_options[] = {
	{ "confirm", "BACKUP", "the backup's name, to confirm", 'c' },
	{ "addon", "ADDON", "the add-on, if several have a backup of this name", 0 },
	{ 0 },
};

static const struct command cmd_backups_delete = {
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

const struct command *const backup_file_commands[] = {
	&cmd_backups_verify,
	&cmd_backups_download,
	&cmd_backups_delete,
	NULL,
};
