/* SPDX-License-Identifier: Apache-2.0 */
/* A backup of the platform back into its state directory; see backup.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/apps/archive.h"
#include "daemon/apps/backup.h"
#include "daemon/core/platform.h"
#include "store/store.h"

#define TEMP "restore.tmp"
#define READY "restore.ready"

/* ---- moving what was checked to its place ---- */

/* Beside it first: what a kill leaves there is no part of anything, and is begun again. */
static int copy_one(const char *from, const char *to, struct error *err)
{
	_cleanup_free_ char *beside = xasprintf("%s.part", to);
	const char *const copy[] = { "cp", "-a", "--", from, beside, NULL };
	int r = fs_remove_tree(beside);

	if (r == 0 && proc_run_simple(copy, err) < 0)
		return -1;
	if (r == 0)
		r = fs_sync_tree(beside);
	if (r == 0 && rename(beside, to) < 0 && errno != ENOTEMPTY && errno != EEXIST)
		r = -errno;
	if (r == 0)
		r = fs_remove_tree(beside);
	return r < 0 ? error_set_errno(err, r, "copying %s to %s", from, to) : 0;
}

static int move_one(const char *from, const char *to, struct error *err)
{
	if (rename(from, to) == 0)
		return 0;
	/* STATE/stacks may lead to another file system. */
	if (errno == EXDEV)
		return copy_one(from, to, err);
	return errno == ENOTEMPTY || errno == EEXIST
		       ? 0
		       : error_set_errno(err, errno, "moving %s to %s", from, to);
}

/* Folders that are there already, empty or not, get what the backup has of them, part by part. */
static int move_into(const char *from, const char *to, bool deeper, struct error *err)
{
	_cleanup_strv_ char **names = NULL;
	int r = fs_list(from, &names);
	struct stat st;

	if (r < 0)
		return error_set_errno(err, r, "reading %s", from);
	for (char **n = names; n && *n; n++) {
		_cleanup_free_ char *source = xasprintf("%s/%s", from, *n),
				    *target = xasprintf("%s/%s", to, *n);
		bool merge = deeper && stat(target, &st) == 0 && S_ISDIR(st.st_mode);

		if ((merge ? move_into(source, target, false, err)
			   : move_one(source, target, err)) < 0)
			return -1;
	}
	return 0;
}

int restore_finish(const char *state_dir, struct error *err)
{
	_cleanup_free_ char *ready = xasprintf("%s/" READY, state_dir),
			    *temp = xasprintf("%s/" TEMP, state_dir);
	_cleanup_free_ char *manifest = xasprintf("%s/" ARCHIVE_MANIFEST, ready);
	int r;

	fs_remove_tree(temp);
	if (!fs_exists(ready))
		return 0;
	unlink(manifest);
	if (move_into(ready, state_dir, true, err) < 0)
		return error_prefix(err, "restoring %s", state_dir);
	r = fs_sync_tree(state_dir);
	if (r == 0)
		r = fs_remove_tree(ready);
	return r < 0 ? error_set_errno(err, r, "restoring %s", state_dir) : 0;
}

/* ---- unpacking and checking ---- */

/* What a first start makes without a platform in it, and what a mount point has. */
static bool may_be_there(const char *state_dir, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", state_dir, name);
	_cleanup_strv_ char **inside = NULL;

	return streq(name, "lock") || streq(name, "stacks") || streq(name, TEMP) ||
	       (fs_list(path, &inside) == 0 && !inside);
}

static int check_empty(const char *state_dir, struct error *err)
{
	_cleanup_strv_ char **names = NULL;
	int r = fs_list(state_dir, &names);

	if (r < 0)
		return error_set_errno(err, r, "reading %s", state_dir);
	if (strv_has(names, READY))
		return error_set(err, ERROR_CONFLICT,
				 "%s has a restore that was cut off when it was checked and whole: "
				 "start twelved, which ends it",
				 state_dir);
	for (char **n = names; n && *n; n++)
		if (!may_be_there(state_dir, *n))
			return error_set(
				err, ERROR_CONFLICT,
				"%s is not empty: it has %s. A backup is restored into an empty "
				"directory: move this one away, or set TWELVE_STATE_DIR to another",
				state_dir, *n);
	return 0;
}

static int lock(const char *state_dir, int *ret_fd, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/lock", state_dir);
	_cleanup_fd_ int fd = -1;
	int r = fs_mkdirs(state_dir, 0755);

	if (r < 0)
		return error_set_errno(err, r, "making %s", state_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set_errno(err, errno, "opening %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return error_set(err, ERROR_CONFLICT,
				 "A twelved runs with the state in %s: end it first", state_dir);
	*ret_fd = fd_steal(&fd);
	return 0;
}

static int unpack(const char *file, const char *temp, struct error *err)
{
	const char *const argv[] = { "tar",	     "-C",   temp, "--numeric-owner",
				     "--same-owner", "-xpf", file, NULL };
	int r = fs_remove_tree(temp);

	if (r == 0)
		r = fs_mkdirs(temp, 0700);
	if (r < 0)
		return error_set_errno(err, r, "making %s", temp);
	return proc_run_simple(argv, err) < 0 ? error_prefix(err, "unpacking %s", file) : 0;
}

/* That the database opens, is of this identity and sealed with this key is found out as twelved
 * does. */
static int check(const char *temp, json_t **ret_manifest, struct error *err)
{
	struct store *s = NULL;

	if (archive_check(temp, ret_manifest, err) < 0 || store_open(temp, &s, err) < 0)
		return -1;
	store_close(s);
	return 0;
}

/* The next start takes it for what it is: of before whatever its rows do not know. */
static int mark_put_back(const char *temp, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" STORE_CHANGES, temp),
			    *text = xasprintf("%lld\n", (long long)INT64_MAX);
	int r = fs_write_atomic(path, 0600, text, strlen(text));

	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

static void tell(const char *state_dir, const json_t *manifest)
{
	const json_t *files = json_object_get(manifest, "files");
	bool slugs = false, backups = false;
	const char *path;
	json_t *digest;

	json_object_foreach ((json_t *)files, path, digest) {
		slugs |= str_starts(path, "slugs/");
		backups |= str_starts(path, "backups/");
	}
	printf("Restored %s into %s\n", json_string_value(json_object_get(manifest, "identity")),
	       state_dir);
	if (!slugs)
		puts("It has no slugs: push each app again, and it runs.");
	puts(backups ? "Add-ons whose volumes are not there say so: twelve backups:restore brings "
		       "each one's newest backup back."
		     : "It has no data of add-ons: those whose volumes are not there say so.");
}

static int restore(const char *file, const char *state_dir, struct error *err)
{
	_cleanup_free_ char *temp = xasprintf("%s/" TEMP, state_dir),
			    *ready = xasprintf("%s/" READY, state_dir);
	_cleanup_fd_ int lock_fd = -1;
	json_t *manifest = NULL;
	int r = lock(state_dir, &lock_fd, err);

	if (r == 0)
		r = check_empty(state_dir, err);
	if (r == 0 && (unpack(file, temp, err) < 0 || check(temp, &manifest, err) < 0)) {
		fs_remove_tree(temp);
		r = -1;
	}
	if (r == 0 && mark_put_back(temp, err) < 0)
		r = -1;
	if (r == 0 && (fs_sync_tree(temp) < 0 || rename(temp, ready) < 0))
		r = error_set_errno(err, errno, "renaming %s", temp);
	if (r == 0)
		r = restore_finish(state_dir, err);
	if (r == 0)
		tell(state_dir, manifest);
	json_decref(manifest);
	return r;
}

int restore_main(const char *file)
{
	struct settings settings = { 0 };
	struct error err = ERROR_INIT;
	int r = -1;

	log_init("twelved");
	umask(022);
	if (geteuid() != 0)
		error_set(&err, ERROR_FORBIDDEN,
			  "The files of a backup have owners: restore it as root");
	else if (settings_load(&settings, &err) == 0)
		r = restore(file, settings.state_dir, &err);
	if (r < 0)
		log_error("%s", err.message);
	settings_done(&settings);
	return r < 0 ? error_exit_code(err.kind) : 0;
}
