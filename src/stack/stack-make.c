/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a stack in STATE/stacks/tmp/SPEC: a base with our mount points and the user, or a layer on
 * another stack; the list of what is in it, and one rename.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "sandbox/sandbox.h"
#include "stack/stack-priv.h"

#define CACHE_MAX_BYTES (2ULL << 30)

static int append(const char *rootfs, const char *file, const char *line)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", rootfs, file);
	_cleanup_fd_ int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

	return fd < 0 ? -errno : fd_write_all(fd, line, strlen(line));
}

/* What a stack has besides its packages: see stack.h. */
static int furnish(const char *rootfs)
{
	static const char *const dirs[] = {
		"app", "cache", "env", "source", "buildpacks", ".twelve"
	};
	_cleanup_free_ char *passwd =
		xasprintf(SANDBOX_USER ":x:%d:%d::/app:/bin/bash\n", SANDBOX_UID, SANDBOX_GID);
	_cleanup_free_ char *group = xasprintf(SANDBOX_USER ":x:%d:\n", SANDBOX_GID);
	const char *const files[][2] = {
		{ "etc/passwd", passwd },
		{ "etc/group", group },
		{ "etc/resolv.conf", "" },
		{ "etc/hosts", "" },
		{ ".twelve/init", "" },
		{ "etc/ssl/certs/ca-certificates.crt", "" },
		/* Its package makes a cluster, 40 MB that nobody uses. */
		{ "etc/postgresql-common/createcluster.d/twelve.conf",
		  "create_main_cluster = false\n" },
	};
	_cleanup_free_ char *postgresql =
		xasprintf("%s/etc/postgresql-common/createcluster.d", rootfs);
	int r = fs_mkdirs(postgresql, 0755);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", rootfs, dirs[i]);

		r = fs_mkdirs(path, 0755);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++)
		r = append(rootfs, files[i][0], files[i][1]);
	return r;
}

/* Package caches and lists are of no use in a root that is never written again. */
static void strip(const char *rootfs)
{
	static const char *const trees[] = { "var/cache/apt/archives", "var/lib/apt/lists",
					     "var/log" };

	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", rootfs, trees[i]);

		fs_remove_tree(path);
		fs_mkdirs(path, 0755);
	}
}

static int address(const char *dir, const char *name, char digest[static DIGEST_HEX_SIZE],
		   struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/packages", dir);
	_cleanup_buf_ struct buf list = BUF_INIT;
	struct digest *d;
	int r = fs_read_file(path, STACK_PACKAGES_MAX_BYTES, &list);

	if (r < 0)
		return error_set_errno(err, r, "reading %s", path);
	d = digest_new();
	digest_update_str(d, STACK_FORMAT);
	digest_update_str(d, name);
	digest_update(d, list.data, list.len);
	digest_finish(d, digest);
	digest_free(d);
	return 0;
}

/* ---- the cache of packages ---- */

static int lock_cache(const char *state_dir, int how, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/stacks/cache.lock", state_dir);
	_cleanup_fd_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, how) < 0)
		return error_set_errno(err, errno, "locking %s", path);
	return fd_steal(&fd);
}

/* Not while another stack is made from it. */
static void trim_cache(const char *state_dir)
{
	_cleanup_free_ char *cache = xasprintf("%s/stacks/cache", state_dir);
	struct error busy = ERROR_INIT;
	_cleanup_fd_ int lock_fd = lock_cache(state_dir, LOCK_EX | LOCK_NB, &busy);
	uint64_t bytes;

	if (lock_fd >= 0 && fs_tree_size(cache, &bytes) == 0 && bytes > CACHE_MAX_BYTES)
		fs_remove_tree(cache);
}

/* The cache is not trimmed as long as the descriptor is open. */
static int use_cache(const char *state_dir, struct error *err)
{
	_cleanup_free_ char *cache = xasprintf("%s/stacks/cache", state_dir);
	_cleanup_fd_ int lock_fd = lock_cache(state_dir, LOCK_SH, err);
	int r = lock_fd < 0 ? 0 : fs_mkdirs(cache, 0755);

	if (lock_fd < 0)
		return -1;
	return r < 0 ? error_set_errno(err, r, "making %s", cache) : fd_steal(&lock_fd);
}

/* ---- making ---- */

static int make_root(const struct stack_options *o, const struct stack_plan *p, const char *dir,
		     struct error *err)
{
	_cleanup_free_ char *rootfs = xasprintf("%s/rootfs", dir);
	int r;

	if (stack_debootstrap(o, rootfs, p->packages, err) < 0)
		return -1;
	r = furnish(rootfs);
	if (r < 0)
		return error_set_errno(err, r, "furnishing %s", rootfs);
	stack_apt_take_lists(o, rootfs);
	strip(rootfs);
	return stack_list_packages(dir, rootfs, err);
}

static int make_layer(const struct stack_options *o, const struct stack_plan *p, const char *dir,
		      struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/below", dir),
			    *line = xasprintf("%s\n", p->below.digest);
	int r = stack_layer(o, p, dir, err);

	if (r == STACK_NO_LAYERS) {
		stack_say(o, "       overlayfs can't write here: the whole is recreated\n");
		return make_root(o, p, dir, err);
	}
	if (r < 0)
		return -1;
	r = fs_write_atomic(path, 0644, line, strlen(line));
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

/* The same packages by another request: one of the two is enough, unless the one that is there has
 * lost what it stands on. */
static int give_address(const char *state_dir, const char *dir, const char *digest)
{
	_cleanup_free_ char *final = xasprintf("%s/stacks/%s", state_dir, digest);
	int r = rename(dir, final) < 0 ? -errno : 0;

	if (r != -EEXIST && r != -ENOTEMPTY)
		return r;
	if (stack_is_whole(state_dir, digest))
		return 0;
	r = fs_remove_tree(final);
	return r == 0 && rename(dir, final) < 0 ? -errno : r;
}

static int make_in(const struct stack_options *o, const struct stack_plan *p, const char *dir,
		   char digest[static DIGEST_HEX_SIZE], struct error *err)
{
	_cleanup_fd_ int cache_fd = -1;
	int r = fs_mkdirs(dir, 0755);

	if (r < 0)
		return error_set_errno(err, r, "making %s", dir);
	cache_fd = use_cache(o->state_dir, err);
	if (cache_fd < 0)
		return -1;
	r = p->below.layers ? make_layer(o, p, dir, err) : make_root(o, p, dir, err);
	if (r < 0 || address(dir, o->name, digest, err) < 0)
		return -1;
	r = fs_sync_tree(dir);
	if (r < 0)
		return error_set_errno(err, r, "writing %s to the disk", dir);
	r = give_address(o->state_dir, dir, digest);
	return r < 0 ? error_set_errno(err, r, "renaming %s", dir) : 0;
}

int stack_make(const struct stack_options *o, const struct stack_plan *p,
	       char digest[static DIGEST_HEX_SIZE], struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/stacks/tmp/%s", o->state_dir, p->spec);
	int64_t began_ms = clock_now_ms();
	size_t more = strv_len(o->packages);
	int r;

	/* What a maker left that was killed: it held the lock that we hold now. */
	r = fs_remove_tree(dir);
	if (r < 0)
		return error_set_errno(err, r, "removing the half-made stack %s", dir);
	stack_say(o, "-----> Making the %s stack %s", o->build ? "build" : "run", o->name);
	if (more)
		stack_say(o, " with %zu more package%s", more, more > 1 ? "s" : "");
	stack_say(o, " (once; later builds have it)\n");
	r = make_in(o, p, dir, digest, err);
	fs_remove_tree(dir);
	trim_cache(o->state_dir);
	if (r == 0)
		stack_say(o, "       Done in %lld s\n",
			  (long long)(clock_now_ms() - began_ms) / 1000);
	return r;
}
