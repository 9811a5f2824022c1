/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a stack: Debian's packages into STATE/stacks/tmp/SPEC, our mount points
 * and the user, the list of what is in it, and one rename.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "sandbox/sandbox.h"
#include "stack/stack-priv.h"

#define CACHE_MAX_BYTES (2ULL << 30)

__attribute__((format(printf, 2, 3))) static void say(const struct stack_options *o,
						      const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	if (o->output_fd < 0)
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	/* Nobody may be listening any more; the stack is of use all the same. */
	if (fd_write_all(o->output_fd, text.data, text.len) < 0)
		return;
}

static char *join(char *const *a, char *const *b)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	for (; a && *a; a++)
		buf_printf(&text, "%s%s", text.len ? "," : "", *a);
	for (; b && *b; b++)
		buf_printf(&text, "%s%s", text.len ? "," : "", *b);
	return buf_steal(&text);
}

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
		{ "etc/passwd", passwd },  { "etc/group", group },
		{ "etc/resolv.conf", "" }, { "etc/hosts", "" },
		{ ".twelve/init", "" },	   { "etc/ssl/certs/ca-certificates.crt", "" },
	};
	int r = 0;

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

static int list_packages(const char *dir, const char *rootfs, const char *name,
			 char digest[static DIGEST_HEX_SIZE], struct error *err)
{
	_cleanup_free_ char *admin = xasprintf("--admindir=%s/var/lib/dpkg", rootfs);
	_cleanup_free_ char *path = xasprintf("%s/packages", dir);
	const char *const argv[] = { "dpkg-query", admin, "-W", "-f", "${Package}=${Version}\n",
				     NULL };
	struct proc_options p = { .argv = argv, .die_with_us = true, .max_output = 4 << 20 };
	_cleanup_buf_ struct buf list = BUF_INIT;
	struct digest *d;
	int status, r;

	if (proc_run(&p, &list, &status, err) < 0)
		return -1;
	if (status != 0)
		return error_set(err, ERROR_SYSTEM,
				 "dpkg-query could not list the packages of the stack");
	r = fs_write_atomic(path, 0644, list.data, list.len);
	if (r < 0)
		return error_set_errno(err, r, "writing %s", path);
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

static int debootstrap(const struct stack_options *o, const char *rootfs, const char *packages,
		       struct error *err)
{
	_cleanup_free_ char *cache = xasprintf("%s/stacks/cache", o->state_dir);
	_cleanup_fd_ int lock_fd = lock_cache(o->state_dir, LOCK_SH, err);
	int r = lock_fd < 0 ? 0 : fs_mkdirs(cache, 0755);

	if (lock_fd < 0)
		return -1;
	if (r < 0)
		return error_set_errno(err, r, "making %s", cache);
	return stack_debootstrap(o, rootfs, packages, err);
}

/* ---- making ---- */

static int make_in(const struct stack_options *o, const char *dir, const char *packages,
		   char digest[static DIGEST_HEX_SIZE], struct error *err)
{
	_cleanup_free_ char *rootfs = xasprintf("%s/rootfs", dir);
	_cleanup_free_ char *final = NULL;
	int r = fs_mkdirs(dir, 0755);

	if (r < 0)
		return error_set_errno(err, r, "making %s", dir);
	if (debootstrap(o, rootfs, packages, err) < 0)
		return -1;
	r = furnish(rootfs);
	if (r < 0)
		return error_set_errno(err, r, "furnishing %s", rootfs);
	strip(rootfs);
	if (list_packages(dir, rootfs, o->name, digest, err) < 0)
		return -1;
	r = fs_sync_tree(dir);
	if (r < 0)
		return error_set_errno(err, r, "writing %s to the disk", dir);
	final = xasprintf("%s/stacks/%s", o->state_dir, digest);
	/* The same packages by another request: one of the two trees is enough. */
	if (rename(dir, final) < 0 && errno != EEXIST && errno != ENOTEMPTY)
		return error_set_errno(err, errno, "renaming %s", dir);
	return 0;
}

int stack_make(const struct stack_options *o, char *const *base, const char *spec,
	       char digest[static DIGEST_HEX_SIZE], struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/stacks/tmp/%s", o->state_dir, spec);
	_cleanup_free_ char *packages = join(base, o->packages);
	int64_t began_ms = clock_now_ms();
	size_t more = strv_len(o->packages);
	int r;

	/* What a maker left that was killed: it held the lock that we hold now. */
	r = fs_remove_tree(dir);
	if (r < 0)
		return error_set_errno(err, r, "removing the half-made stack %s", dir);
	say(o, "-----> Making the %s stack %s", o->build ? "build" : "run", o->name);
	if (more)
		say(o, " with %zu more package%s", more, more > 1 ? "s" : "");
	say(o, " (once; later builds have it)\n");
	r = make_in(o, dir, packages, digest, err);
	fs_remove_tree(dir);
	trim_cache(o->state_dir);
	if (r == 0)
		say(o, "       Done in %lld s\n", (long long)(clock_now_ms() - began_ms) / 1000);
	return r;
}
