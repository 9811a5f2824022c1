/* SPDX-License-Identifier: Apache-2.0 */
/* A build from source to slug, in its steps; see build.h. */
#include "build/fetch.h"
#include "build/build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/tree.h"
#include "build/build-priv.h"
#include "build/pack.h"

/* Part of every key: changes when builds of the same input shall be made again. */
#define KEY_FORMAT "twelve-build-2"

/* ---- preparing ---- */

static int check_disk(struct build *b, uint64_t *ret_room, struct error *err)
{
	uint64_t free_bytes;
	int r = fs_free_bytes(b->o->state_dir, &free_bytes);

	if (r < 0)
		return error_set_errno(err, r, "asking for the free space of %s", b->o->state_dir);
	if (free_bytes < b->o->reserve_bytes)
		return error_set(err, ERROR_UNAVAILABLE,
				 "The build was refused: the disk has %llu MB free and %llu MB are "
				 "reserved (TWELVE_DISK_RESERVE); \"twelve gc\" deletes unused "
				 "files and shows disk usage",
				 (unsigned long long)free_bytes >> 20,
				 (unsigned long long)b->o->reserve_bytes >> 20);
	*ret_room = free_bytes - b->o->reserve_bytes;
	return 0;
}

/* What builds left there for an owner before, or when an app had one place for all of them. */
static int sweep_cache(const struct build *b)
{
	_cleanup_free_ char *dir = xasprintf("%s/cache/%s", b->o->state_dir, b->o->app_id);
	const char *own = strrchr(b->cache, '/') + 1;
	_cleanup_strv_ char **names = NULL;
	int r = fs_list(dir, &names);

	for (char **n = names; r == 0 && n && *n; n++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *n);

		if (!streq(*n, own))
			r = fs_remove_tree(path);
	}
	if (r == 0 && chown(dir, 0, 0) < 0)
		r = -errno;
	return r == -ENOENT ? 0 : r;
}

static int make_folders(const struct build *b, struct error *err)
{
	int r = fs_mkdirs(b->app, 0755);

	if (r == 0)
		r = sweep_cache(b);
	if (r == 0)
		r = fs_mkdirs(b->cache, 0755);
	if (r == 0 && chown(b->cache, SANDBOX_UID, SANDBOX_GID) < 0)
		r = -errno;
	return r < 0 ? error_set_errno(err, r, "making the folders of the build") : 0;
}

/* Out of the way by a rename: removing it is no work of the build, nor does it count for it. */
static int drop_cache(const struct build *b, struct error *err)
{
	_cleanup_free_ char *away = xasprintf("%s" BUILD_OLD_CACHE, b->work);

	if (rename(b->cache, away) < 0)
		return error_set_errno(err, errno, "emptying the build cache");
	return 0;
}

/* A cache that leaves no room for the build would fail every build from now on. */
static int trim_cache(const struct build *b, struct error *err)
{
	const struct tree_usage max = { .bytes = b->o->disk_bytes / 2,
					.entries = b->o->max_files / 2 };
	struct tree_usage usage = { 0 };

	if (!b->o->no_cache) {
		if (tree_measure(b->cache, &max, &usage) == TREE_FITS)
			return 0;
		build_say(b,
			  "-----> The build cache has more than %llu MB, %llu files or %d levels: "
			  "it is emptied\n",
			  (unsigned long long)max.bytes >> 20, (unsigned long long)max.entries,
			  TREE_MAX_DEPTH);
	}
	return drop_cache(b, err) < 0 ? -1 : make_folders(b, err);
}

static int check_cancelled(struct error *err)
{
	return build_cancelled() ? error_set(err, ERROR_CONFLICT, "The build was cancelled") : 0;
}

static int fetch_source(const struct build *b, struct error *err)
{
	const struct fetch f = { .url = b->o->url,
				 .path = b->o->source,
				 .max_bytes = b->o->url_max_bytes,
				 .reserve_bytes = b->o->reserve_bytes,
				 .private_too = b->o->private_sources,
				 .should_stop = build_cancelled };
	_cleanup_free_ char *shown = NULL;

	if (!b->o->url)
		return 0;
	shown = fetch_url_for_show(b->o->url);
	build_say(b, "-----> Fetching %s\n", shown);
	if (fetch_archive(&f, err) == 0)
		return 0;
	check_cancelled(err);
	return -1;
}

/* What tells a source's top: what twelve reads itself, and what buildpacks look for. */
static bool looks_like_app(const char *dir)
{
	static const char *const names[] = {
		"Procfile",	"app.json",	    ".buildpacks",	"Aptfile",
		"package.json", "requirements.txt", "pyproject.toml",	"uv.lock",
		"poetry.lock",	"Pipfile",	    "setup.py",		".python-version",
		"runtime.txt",	"CMakeLists.txt",   "Makefile",		"makefile",
		"GNUmakefile",	"Gemfile",	    "go.mod",		"Cargo.toml",
		"pom.xml",	"build.gradle",	    "build.gradle.kts", "composer.json",
		"index.php",	"build.sbt",	    "project.clj",	"mix.exs",
		"deno.json",	"project.toml",	    "deno.jsonc",	"deno.lock",
		"static.json",	"Dockerfile",	    "index.html",	"go.work",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, names[i]);

		if (fs_exists(path))
			return true;
	}
	return false;
}

/* What archivers put beside the files, and nobody wrote. */
static bool is_litter(const char *name)
{
	return str_starts(name, "._") || streq(name, "__MACOSX") || streq(name, ".DS_Store") ||
	       streq(name, "pax_global_header");
}

/* The one folder that holds everything, or NULL. */
static char *lone_folder(const struct build *b, char *const *names)
{
	const char *lone = NULL;
	char *path = NULL;
	struct stat st;

	for (; names && *names; names++) {
		if (is_litter(*names))
			continue;
		if (lone)
			return NULL;
		lone = *names;
	}
	if (lone)
		path = xasprintf("%s/%s", b->app, lone);
	if (path && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return path;
	free(path);
	return NULL;
}

/*
 * When one folder holds everything, that is the source: always, of an archive that stands
 * elsewhere; of an upload, when it looks like an app, since an app may have but one folder.
 */
static int strip_lone_folder(const struct build *b, struct error *err)
{
	_cleanup_free_ char *away = xasprintf("%s/lone", b->work),
			    *rest = xasprintf("%s/beside", b->work), *folder = NULL;
	_cleanup_strv_ char **names = NULL;
	int r = fs_list(b->app, &names);

	if (r < 0)
		return error_set_errno(err, r, "reading the source");
	folder = lone_folder(b, names);
	if (!folder || narrow_is_in(b, b->app) ||
	    (!b->o->url && !looks_like_app(folder) && !narrow_is_in(b, folder)))
		return 0;
	if (rename(folder, away) < 0 || rename(b->app, rest) < 0 || rename(away, b->app) < 0)
		return error_set_errno(err, errno, "moving the source");
	return 0;
}

static int unpack_source(struct build *b, uint64_t room, struct error *err)
{
	const struct pack_limits limits = { .max_bytes = room < b->o->disk_bytes ? room
										 : b->o->disk_bytes,
					    .max_entries = b->o->max_files,
					    .should_stop = build_cancelled };
	uint64_t size;

	if (pack_extract(b->o->source, b->app, b->o->strip_top, &limits, err) < 0)
		return -1;
	if ((b->o->url || b->o->unwrap) && strip_lone_folder(b, err) < 0)
		return -1;
	if (submodules_fetch(b, err) < 0 || narrow_watch(b, err) < 0 || narrow_folder(b, err) < 0 ||
	    slugignore_apply(b, err) < 0 || lfs_tell(b, err) < 0 ||
	    pack_normalise(b->app, SANDBOX_UID, SANDBOX_GID, PACK_EPOCH, err) < 0)
		return -1;
	return pack_digest(b->app, b->o->disk_bytes, b->source_digest, &size, err);
}

static const char *where_from(const char *package, void *userdata)
{
	struct build *b = userdata;
	int line = stack_find_package(b->aptfile.data, package);

	if (!line)
		return NULL;
	snprintf(b->where, sizeof(b->where), "Aptfile:%d", line);
	return b->where;
}

static int ensure_stack(struct build *b, bool build, char *const *packages, struct stack *ret,
			struct error *err)
{
	struct stack_options o = { .state_dir = b->o->state_dir,
				   .data_dir = b->o->data_dir,
				   .name = b->o->stack_name,
				   .build = build,
				   .packages = packages,
				   .output_fd = b->o->output_fd,
				   .where = where_from,
				   .userdata = b };

	return stack_ensure(&o, ret, err);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * What a build gives depends on its cache, which builds of the app have filled as they liked: it is
 * the app's alone, and no longer its own once it has another owner (docs/decisions/0030).
 */
static void add_tenant(const struct build *b, struct digest *d)
{
	digest_update_str(d, b->o->app_id);
	digest_update_str(d, b->o->owner_id);
}

static void make_key(const struct build *b, char key[static DIGEST_HEX_SIZE])
{
	size_t n = strv_len(b->o->env);
	_cleanup_free_ char **env = xcalloc(n + 1, sizeof(*env));
	struct digest *d = digest_new();

	digest_update_str(d, KEY_FORMAT);
	add_tenant(b, d);
	digest_update_str(d, b->watched_digest[0] ? b->watched_digest : b->source_digest);
	digest_update_str(d, b->packs_digest);
	digest_update_str(d, b->run.digest);
	digest_update_str(d, b->build.digest);
	for (size_t i = 0; i < b->n_packs; i++)
		digest_update_str(d, b->packs[i].folder);
	if (n)
		memcpy(env, b->o->env, n * sizeof(*env));
	qsort(env, n, sizeof(*env), compare);
	for (size_t i = 0; i < n; i++)
		digest_update_str(d, env[i]);
	digest_finish(d, key);
	digest_free(d);
}

/* ---- the steps ---- */

static int prepare(struct build *b, struct error *err)
{
	uint64_t room = 0;

	if (check_disk(b, &room, err) < 0 || make_folders(b, err) < 0 || trim_cache(b, err) < 0 ||
	    unpack_source(b, room, err) < 0 || types_read_procfile(b, err) < 0 ||
	    packs_fetch(b, err) < 0 || ensure_stack(b, false, NULL, &b->base, err) < 0 ||
	    steps_mount_env(b, err) < 0)
		return -1;
	return check_cancelled(err);
}

static int find_stacks(struct build *b, struct error *err)
{
	hints_tell(b);
	if (packs_detect(b, err) < 0)
		return -1;
	hints_tell_packs(b);
	if (unsupported_files(b, err) < 0 || types_check_defaults(b, err) < 0)
		return -1;
	if (packs_packages(b, err) < 0 ||
	    ensure_stack(b, false, b->packages_run, &b->run, err) < 0 ||
	    ensure_stack(b, true, b->packages_build, &b->build, err) < 0)
		return -1;
	return check_cancelled(err);
}

static int check_digest(const struct build *b, char hex[static DIGEST_HEX_SIZE], struct error *err)
{
	_cleanup_fd_ int fd = open(b->o->source, O_RDONLY | O_CLOEXEC);
	struct digest *d = digest_new();
	char chunk[65536];
	ssize_t n = 1;

	while (fd >= 0 && (n = fd_read(fd, chunk, sizeof(chunk))) > 0)
		digest_update(d, chunk, (size_t)n);
	digest_finish(d, hex);
	digest_free(d);
	if (fd < 0 || n < 0)
		return error_set_errno(err, fd < 0 ? errno : (int)n, "reading the archive");
	if (!b->o->sha256 || streq(b->o->sha256, hex))
		return 0;
	return error_set(err, ERROR_INVALID,
			 "The archive is not the one that was announced: its checksum is "
			 "SHA256:%s, not SHA256:%s",
			 hex, b->o->sha256);
}

static int run_steps(struct build *b, struct build_result *ret, struct error *err)
{
	char key[DIGEST_HEX_SIZE];
	struct procfile types = { 0 };
	int r;

	if (fetch_source(b, err) < 0 || (b->o->sha256 && check_digest(b, key, err) < 0) ||
	    prepare(b, err) < 0 || find_stacks(b, err) < 0)
		return -1;
	make_key(b, key);
	if (!b->o->no_cache && slug_find(b, key, ret)) {
		build_say(b,
			  "-----> Nothing %shas changed since an earlier build: its slug %.12s is "
			  "used\n",
			  b->watched_digest[0] ? "that TWELVE_WATCH_PATHS names " : "", ret->slug);
		return 0;
	}
	if (compile_packs(b, err) < 0 || types_collect(b, &types, err) < 0)
		return -1;
	r = slug_keep(b, key, &types, ret, err);
	procfile_done(&types);
	return r;
}

/* ---- a slug that was built elsewhere ---- */

/* work/unpacked/app becomes work/app. */
static int unpack_slug(struct build *b, uint64_t room, struct error *err)
{
	const struct pack_limits limits = { .max_bytes = room < b->o->disk_bytes ? room
										 : b->o->disk_bytes,
					    .max_entries = b->o->max_files,
					    .should_stop = build_cancelled };
	_cleanup_free_ char *dir = xasprintf("%s/unpacked", b->work),
			    *app = xasprintf("%s/app", dir);
	_cleanup_strv_ char **names = NULL;
	struct stat st;
	int r = fs_mkdirs(dir, 0755);

	if (r < 0)
		return error_set_errno(err, r, "making %s", dir);
	if (pack_extract(b->o->source, dir, false, &limits, err) < 0)
		return -1;
	r = fs_list(dir, &names);
	if (r < 0)
		return error_set_errno(err, r, "reading %s", dir);
	if (strv_len(names) != 1 || !streq(names[0], "app") || lstat(app, &st) < 0 ||
	    !S_ISDIR(st.st_mode))
		return error_set(err, ERROR_INVALID,
				 "A slug is a tar file with one folder, ./app, that has "
				 "everything: this one holds \"%.50s\"%s",
				 names[0], strv_len(names) > 1 ? " and more" : "");
	return rename(app, b->app) < 0 ? error_set_errno(err, errno, "moving the slug") : 0;
}

/* The key of an import: the same bytes with the same types are the same slug. */
static void import_key(const struct build *b, const char *sha256, char key[static DIGEST_HEX_SIZE])
{
	struct digest *d = digest_new();

	digest_update_str(d, "twelve-slug-2");
	add_tenant(b, d);
	digest_update_str(d, sha256);
	digest_update_str(d, b->run.digest);
	for (size_t i = 0; i < b->o->import->n_types; i++) {
		digest_update_str(d, b->o->import->types[i].name);
		digest_update_str(d, b->o->import->types[i].command);
	}
	digest_finish(d, key);
	digest_free(d);
}

static int import_slug(struct build *b, struct build_result *ret, struct error *err)
{
	char sha256[DIGEST_HEX_SIZE], key[DIGEST_HEX_SIZE];
	uint64_t room = 0;
	int r;

	if (check_disk(b, &room, err) < 0)
		return -1;
	r = fs_mkdirs(b->work, 0755);
	if (r < 0)
		return error_set_errno(err, r, "making %s", b->work);
	if (check_digest(b, sha256, err) < 0 || ensure_stack(b, false, NULL, &b->run, err) < 0)
		return -1;
	import_key(b, sha256, key);
	if (slug_find(b, key, ret))
		return 0;
	if (unpack_slug(b, room, err) < 0 || check_cancelled(err) < 0)
		return -1;
	return slug_keep(b, key, b->o->import, ret, err);
}

/* The work is removed by a child of twelved's (daemon/core/remove.h): half a million files shall
 * not keep the next build waiting. */
static void clean_up(const struct build *b)
{
	if (b->env_mounted)
		umount2(b->env_dir, MNT_DETACH);
}

static void build_done(struct build *b)
{
	for (size_t i = 0; i < b->n_packs; i++) {
		free(b->packs[i].folder);
		free(b->packs[i].label);
		free(b->packs[i].name);
		free(b->packs[i].why);
	}
	free(b->packs);
	buf_done(&b->aptfile);
	strv_free(b->packages_run);
	strv_free(b->packages_build);
	stack_done(&b->base);
	stack_done(&b->run);
	stack_done(&b->build);
	stack_done(&b->fetch);
	procfile_done(&b->procfile);
	free(b->work);
	free(b->app);
	free(b->packs_dir);
	free(b->env_dir);
	free(b->cache);
}

int build_run(const struct build_options *o, struct build_result *ret, struct error *err)
{
	struct build b = { .o = o, .aptfile = BUF_INIT };
	int r;

	build_take_signals();
	b.work = xasprintf("%s/builds/%s", o->state_dir, o->id);
	b.app = xasprintf("%s/app", b.work);
	b.packs_dir = xasprintf("%s/packs", b.work);
	b.env_dir = xasprintf("%s/env", b.work);
	b.cache = xasprintf("%s/cache/%s/%s", o->state_dir, o->app_id,
			    o->owner_id[0] ? o->owner_id : "platform");
	r = o->import ? import_slug(&b, ret, err) : run_steps(&b, ret, err);
	clean_up(&b);
	build_done(&b);
	return r;
}
