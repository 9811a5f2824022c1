/* SPDX-License-Identifier: Apache-2.0 */
/* The child that writes a backup of the platform; see backup.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/apps/archive.h"
#include "daemon/apps/backup.h"
#include "store/store.h"

#define COPY_TRIES 5

/* Small, and read in place. */
static const char *const kept[] = { "secret.key", "identity", "ca", "tls", "acme", "ssh" };

struct work {
	const char *state, *dir; /* STATE; a directory of this backup's own */
	json_t *order, *manifest, *files;
	char **parts; /* paths below STATE that are read in place */
};

/* ---- repositories ---- */

/* Refs before objects would name what is not there yet: so objects come last. Then it is asked
 * whether all is there. */
static int copy_once(const char *from, const char *to, struct error *err)
{
	_cleanup_free_ char *objects = xasprintf("%s/objects", from), *into = xasprintf("%s/", to),
			    *tar = xasprintf("%s.tar", to);
	const char *const save[] = {
		"tar", "-C", from, "--exclude=./objects", "-cf", tar, ".", NULL
	};
	const char *const unpack[] = { "tar", "-C", to, "-xpf", tar, NULL };
	const char *const copy[] = { "cp", "-a", "--reflink=auto", objects, into, NULL };
	const char *const check[] = { "git",	 "-c",	     "safe.directory=*", "-C",
				      to,	 "rev-list", "--objects",	 "--all",
				      "--quiet", NULL };
	int r;

	fs_remove_tree(to);
	r = fs_mkdirs(to, 0755);
	if (r < 0)
		return error_set_errno(err, r, "making %s", to);
	r = proc_run_simple(save, err) < 0 || proc_run_simple(unpack, err) < 0 ||
	    proc_run_simple(copy, err) < 0 || proc_run_simple(check, err) < 0;
	unlink(tar);
	return r ? -1 : 0;
}

static int copy_repository(struct work *w, const char *name, struct error *err)
{
	_cleanup_free_ char *from = xasprintf("%s/git/%s", w->state, name),
			    *to = xasprintf("%s/git/%s", w->dir, name);
	int r = -1;

	/* A push or a repacking in the middle is no reason to fail, but to look again. */
	for (int i = 0; r < 0 && i < COPY_TRIES; i++)
		r = fs_exists(from) ? copy_once(from, to, err) : 0;
	return r < 0 ? error_prefix(err, "copying the repository %s", name) : 0;
}

static int copy_repositories(struct work *w, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/git", w->state);
	_cleanup_strv_ char **names = NULL;

	fs_list(dir, &names);
	for (char **n = names; n && *n; n++)
		if ((*n)[0] != '.' && str_ends(*n, ".git") && copy_repository(w, *n, err) < 0)
			return -1;
	return 0;
}

/* ---- the rest ---- */

static int add_part(struct work *w, const char *path, struct error *err)
{
	_cleanup_free_ char *full = xasprintf("%s/%s", w->state, path);

	if (!fs_exists(full))
		return 0;
	strv_push(&w->parts, path);
	return archive_add(w->files, w->state, path, err);
}

static int add_listed(struct work *w, const char *folder, struct error *err)
{
	json_t *name;
	size_t i;

	json_array_foreach (json_object_get(w->order, folder), i, name) {
		_cleanup_free_ char *path = xasprintf("%s/%s", folder, json_string_value(name));

		if (add_part(w, path, err) < 0)
			return -1;
	}
	return 0;
}

static int write_manifest(struct work *w, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" ARCHIVE_MANIFEST, w->dir);
	char *text = json_dumps(w->manifest, JSON_COMPACT | JSON_PRESERVE_ORDER);
	int r = fs_write_atomic(path, 0600, text, strlen(text));

	free(text);
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

static int pack(struct work *w, const char *to, struct error *err)
{
	static const char *const head[] = { "tar", "--numeric-owner", "--one-file-system", "-cf",
					    NULL };
	_cleanup_free_ char *git = xasprintf("%s/git", w->dir);
	_cleanup_strv_ char **argv = NULL;
	_cleanup_fd_ int fd = -1;

	for (size_t i = 0; head[i]; i++)
		strv_push(&argv, head[i]);
	strv_push(&argv, to);
	strv_push(&argv, "-C");
	strv_push(&argv, w->dir);
	strv_push(&argv, ARCHIVE_MANIFEST);
	strv_push(&argv, "twelve.db");
	if (fs_exists(git))
		strv_push(&argv, "git");
	strv_push(&argv, "-C");
	strv_push(&argv, w->state);
	for (char **p = w->parts; p && *p; p++)
		strv_push(&argv, *p);
	if (proc_run_simple((const char *const *)argv, err) < 0)
		return error_prefix(err, "writing the archive");
	fd = open(to, O_RDONLY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? error_set_errno(err, errno, "writing %s", to) : 0;
}

static int work(struct work *w, struct error *err)
{
	_cleanup_free_ char *db = xasprintf("%s/twelve.db", w->state),
			    *copy = xasprintf("%s/twelve.db", w->dir);
	int r = store_copy(db, copy, err);

	if (r == 0)
		r = archive_add(w->files, w->dir, "twelve.db", err);
	if (r == 0)
		r = copy_repositories(w, err);
	if (r == 0)
		r = archive_add(w->files, w->dir, "git", err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kept); i++)
		r = add_part(w, kept[i], err);
	if (r == 0 && (add_listed(w, "slugs", err) < 0 || add_listed(w, "stacks", err) < 0 ||
		       add_listed(w, "backups", err) < 0))
		r = -1;
	if (r == 0)
		r = write_manifest(w, err);
	return r == 0 ? pack(w, json_string_value(json_object_get(w->order, "to")), err) : -1;
}

int backup_worker_main(void)
{
	json_t *order = json_loadf(stdin, 0, NULL);
	struct work w = { .order = order,
			  .state = json_string_value(json_object_get(order, "state")),
			  .dir = json_string_value(json_object_get(order, "dir")) };
	_cleanup_free_ char *git = w.dir ? xasprintf("%s/git", w.dir) : NULL;
	struct error err = ERROR_INIT;
	int r = -1;

	log_init("twelved");
	umask(077);
	if (!w.state || !w.dir || !json_is_string(json_object_get(order, "to")))
		return 2;
	w.manifest = json_pack("{s:i, s:s, s:O?, s:I, s:{}}", "format", ARCHIVE_FORMAT, "twelve",
			       TWELVE_VERSION, "identity", json_object_get(order, "identity"),
			       "at_ms", (json_int_t)clock_wall_ms(), "files");
	w.files = json_object_get(w.manifest, "files");
	if (fs_mkdirs(git, 0700) == 0)
		r = work(&w, &err);
	else
		error_set_errno(&err, errno, "making %s", git);
	if (r < 0)
		fprintf(stderr, "%s\n", err.message);
	strv_free(w.parts);
	json_decref(w.manifest);
	json_decref(order);
	return r < 0;
}
