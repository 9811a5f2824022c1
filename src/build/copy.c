/* SPDX-License-Identifier: Apache-2.0 */
/* Directories of the machine; see copy.h. */
#include "build/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/tree.h"

#define CHUNK (256 << 10)

static bool holds(const char *dir, const char *path)
{
	size_t n = strlen(dir);

	return str_starts(path, dir) && (path[n] == '/' || !path[n] || dir[n - 1] == '/');
}

static int check_apart(const char *from, const char *apart, struct error *err)
{
	char real[PATH_MAX];

	if (!apart || !realpath(apart, real) || (!holds(real, from) && !holds(from, real)))
		return 0;
	return error_set(
		err, ERROR_INVALID,
		"%s holds the platform's own state, or stands in it: put the buildpack elsewhere",
		from);
}

int copy_check(const char *from, const char *apart, struct error *err)
{
	char real[PATH_MAX];
	struct stat st;

	if (!realpath(from, real) || stat(real, &st) < 0 || !S_ISDIR(st.st_mode))
		return error_set(err, ERROR_INVALID, "There is no directory %s on this machine",
				 from);
	return check_apart(real, apart, err);
}

/* Its real path has no links: one that comes to be there meanwhile is an error. Where it led is
 * looked at again by what was opened. */
static int open_directory(const struct copy *c, struct error *err)
{
	const struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				      .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	char real[PATH_MAX], self[64], opened[PATH_MAX];
	_cleanup_fd_ int fd = -1;
	ssize_t n;

	if (copy_check(c->from, c->apart, err) < 0)
		return -1;
	if (realpath(c->from, real))
		fd = (int)syscall(SYS_openat2, AT_FDCWD, real, &how, sizeof(how));
	if (fd < 0)
		return error_set_errno(err, errno, "opening the directory %s", c->from);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	n = readlink(self, opened, sizeof(opened) - 1);
	if (n < 0)
		return error_set_errno(err, errno, "%s", self);
	opened[n] = '\0';
	return check_apart(opened, c->apart, err) < 0 ? -1 : fd_steal(&fd);
}

struct copying {
	const struct copy *c;
	uint64_t bytes, entries;
	struct error *err;
};

static int refuse(const struct copying *w, const char *path, const char *why)
{
	error_set(w->err, ERROR_INVALID, "%s/%s %s", w->c->from, path, why);
	return 1;
}

static int fail(const struct copying *w, const char *path, const char *what)
{
	error_set_errno(w->err, errno, "%s %s/%s", what, w->c->from, path);
	return 1;
}

static int check_public(const struct copying *w, const char *path, mode_t mode)
{
	mode_t needed = S_ISDIR(mode) ? 05 : 04;

	if (!w->c->public_only || (mode & needed) == needed)
		return 0;
	return refuse(w, path,
		      "can't be read by everybody on this machine, so it is not copied into a "
		      "build: chmod o+rX it, or take it away");
}

static int copy_bytes(struct copying *w, int from_fd, int to_fd, const char *path)
{
	_cleanup_free_ char *chunk = xcalloc(1, CHUNK);
	ssize_t n;

	while ((n = fd_read(from_fd, chunk, CHUNK)) > 0) {
		w->bytes += (uint64_t)n;
		if (w->bytes > w->c->max_bytes)
			return refuse(w, path,
				      "and what stands before it are larger than a build may be "
				      "(TWELVE_BUILD_DISK)");
		errno = -fd_write_all(to_fd, chunk, (size_t)n);
		if (errno)
			return fail(w, path, "copying");
	}
	errno = (int)-n;
	return n < 0 ? fail(w, path, "reading") : 0;
}

/* What was opened counts, not what was there a moment before. */
static int copy_file(struct copying *w, const struct tree_entry *e, const char *to)
{
	_cleanup_fd_ int from_fd =
				 openat(e->dir_fd, e->name,
					O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC),
			 to_fd = -1;
	struct stat st;
	int r;

	if (from_fd < 0 || fstat(from_fd, &st) < 0)
		return fail(w, e->path, "opening");
	if (!S_ISREG(st.st_mode))
		return refuse(w, e->path, "is no file any more");
	r = check_public(w, e->path, st.st_mode);
	if (r)
		return r;
	to_fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		     st.st_mode & 0111 ? 0755 : 0644);
	return to_fd < 0 ? fail(w, e->path, "copying") : copy_bytes(w, from_fd, to_fd, e->path);
}

static int copy_link(struct copying *w, const struct tree_entry *e, const char *to)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(e->dir_fd, e->name, target, sizeof(target) - 1);

	if (n < 0)
		return fail(w, e->path, "reading the link");
	target[n] = '\0';
	return symlink(target, to) < 0 ? fail(w, e->path, "copying") : 0;
}

static int copy_entry(const struct tree_entry *e, void *userdata)
{
	struct copying *w = userdata;
	_cleanup_free_ char *to = xasprintf("%s/%s", w->c->to, e->path);
	int r;

	if (++w->entries > w->c->max_entries)
		return refuse(w, e->path,
			      "and what stands before it are more files than a build may have "
			      "(TWELVE_BUILD_FILES)");
	if (S_ISREG(e->st->st_mode))
		return copy_file(w, e, to);
	if (S_ISLNK(e->st->st_mode))
		return copy_link(w, e, to);
	if (!S_ISDIR(e->st->st_mode))
		return refuse(w, e->path,
			      "is a device, a socket or a FIFO, which a buildpack can't hold");
	r = check_public(w, e->path, e->st->st_mode);
	if (r)
		return r;
	return mkdir(to, 0755) < 0 ? fail(w, e->path, "copying") : 0;
}

int copy_directory(const struct copy *c, struct error *err)
{
	struct copying w = { .c = c, .err = err };
	const struct tree_order order = { .enter = copy_entry, .userdata = &w, .sorted = true };
	_cleanup_fd_ int fd = open_directory(c, err);
	_cleanup_free_ char *top = NULL, *where = NULL;
	struct stat st;
	int r;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "%s", c->from);
	if (check_public(&w, "", st.st_mode))
		return -1;
	r = fs_mkdirs(c->to, 0755);
	if (r < 0)
		return error_set_errno(err, r, "making %s", c->to);
	top = xasprintf("/proc/self/fd/%d/.", fd);
	r = tree_walk(top, &order, &where);
	return r < 0 ? error_set_errno(err, r, "copying %s/%s", c->from, where ? where : "")
		     : -(r > 0);
}
