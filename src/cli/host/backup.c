/* SPDX-License-Identifier: Apache-2.0 */
/* backup and restore: the state of the platform itself. Those of add-ons are addon/backups.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "cli/host/host.h"
#include "cli/cli.h"

struct saving {
	int fd;
	int64_t bytes;
	int failed; /* errno of a write */
};

static bool on_chunk(const char *data, size_t n, void *userdata)
{
	struct saving *s = userdata;

	s->failed = fd_write_all(s->fd, data, n);
	s->bytes += (int64_t)n;
	return s->failed == 0;
}

static int fetch(struct cli *c, int fd, int64_t *ret_bytes, struct error *err)
{
	_cleanup_free_ char *body = xasprintf("{\"slugs\": %s, \"volumes\": %s}",
					      cli_has(c, "slugs") ? "true" : "false",
					      cli_has(c, "volumes") ? "true" : "false");
	struct saving s = { .fd = fd };
	struct api_stream o = {
		.url = "/twelve/backup", .post = body, .fn = on_chunk, .userdata = &s
	};
	int r;

	if (!cli_api(c, err))
		return -1;
	progress(c, "Making the backup");
	r = api_stream(c->api, &o, err);
	progress_clear(c);
	if (s.failed)
		return error_set_errno(err, s.failed, "writing the backup");
	*ret_bytes = s.bytes;
	return r;
}

static void tell_secret(struct cli *c, const char *file)
{
	note(c,
	     "%s holds secret.key and the authority's key: whoever has it can read all config "
	     "vars. Keep it as you keep those.",
	     file);
	if (!cli_has(c, "volumes"))
		note(c, "It has no data of add-ons: --volumes adds the newest backup of each "
			"(twelve backups:capture takes one).");
}

static int save_to(struct cli *c, const char *file, struct error *err)
{
	_cleanup_free_ char *part = xasprintf("%s.part", file);
	_cleanup_fd_ int fd = -1;
	char size[DURATION_SIZE];
	int64_t bytes = 0;

	if (access(file, F_OK) == 0)
		return error_set(err, ERROR_CONFLICT, "%s is there already: give another name",
				 file);
	unlink(part);
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set_errno(err, errno, "opening %s", part);
	if (fetch(c, fd, &bytes, err) < 0 || fsync(fd) < 0 || rename(part, file) < 0) {
		unlink(part);
		return err->kind == ERROR_NONE ? error_set_errno(err, errno, "writing %s", file)
					       : -1;
	}
	printf("%s\n", file);
	note(c, "%s", bytes_text(bytes, size));
	tell_secret(c, file);
	return 0;
}

static int backup_run(struct cli *c, struct error *err)
{
	const char *file = cli_rest(c, 0);
	int64_t bytes;

	if (!streq(file, "-"))
		return save_to(c, file, err);
	if (isatty(STDOUT_FILENO))
		return error_set(err, ERROR_INVALID,
				 "A backup is no text: give a file, or pipe it somewhere");
	if (fetch(c, STDOUT_FILENO, &bytes, err) < 0)
		return -1;
	tell_secret(c, "It");
	return 0;
}

static const struct arg_option backup_platform_options[] = {
	{ "slugs", NULL, "include the slugs of kept releases and their stacks", 0 },
	{ "volumes", NULL, "include the newest successful backup of each add-on", 0 },
	{ 0 },
};

static const struct command cmd_backup = {
	.name = "backup",
	.usage = "FILE|-",
	.min_args = 1,
	.max_args = 1,
	.summary = "back up the state of the platform to a file",
	.options = backup_platform_options,
	.run = backup_run,
	.details = "For administrators. Saves a consistent copy of the database, the keys, the "
		   "certificate authority and the git repositories of the running platform. "
		   "Without --slugs, each app must be pushed again after a restore. The file "
		   "contains secret.key, which decrypts all config vars.",
	.examples = "twelve backup /var/backups/twelve-$(date +%F).tar\ntwelve backup - --volumes "
		    "| age -r KEY > twelve.tar.age",
};

/* ---- restore ---- */

/* Beside us, where the build has it, or where programs are. */
static char *find_twelved(void)
{
	static const char *const places[] = { "twelved", "../daemon/twelved" };
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash, *found = NULL;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	for (size_t i = 0; slash && i < ARRAY_SIZE(places); i++) {
		_cleanup_free_ char *path =
			xasprintf("%.*s/%s", (int)(slash - self), self, places[i]);

		if (access(path, X_OK) == 0)
			return steal_ptr(path);
	}
	return fs_find_program("twelved", &found) ? found : NULL;
}

static int restore_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *twelved = find_twelved();
	const char *file = cli_rest(c, 0);

	if (access(file, R_OK) < 0)
		return error_set_errno(err, errno, "%s", file);
	if (!twelved)
		return error_set(
			err, ERROR_UNAVAILABLE,
			"twelved is not here: a platform is restored on the machine that runs it");
	execl(twelved, "twelved", "restore", file, (char *)NULL);
	return error_set_errno(err, errno, "starting %s", twelved);
}

static const struct command cmd_restore = {
	.name = "restore",
	.usage = "FILE",
	.min_args = 1,
	.max_args = 1,
	.summary = "restore the platform from a backup into an empty state directory",
	.run = restore_run,
	.details = "Run it as root on the platform's machine while twelved is stopped. "
		   "TWELVE_STATE_DIR (/var/lib/twelve) must be empty. The backup is checked before "
		   "anything is written; a kill leaves nothing, or a complete restore. Apps whose "
		   "slug is not included must be pushed again; add-ons need a backup restored.",
	.examples = "sudo twelve restore /var/backups/twelve-2026-11-28.tar",
};

const struct command *const backup_commands[] = {
	&cmd_backup,
	&cmd_restore,
	NULL,
};
