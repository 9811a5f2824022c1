/* SPDX-License-Identifier: Apache-2.0 */
/* Files and trees; see fs.h. */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/tree.h"

#define CHUNK 8192

int fs_read_file(const char *path, size_t max_bytes, struct buf *b)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t total = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t r = fd_read(fd, buf_reserve(b, CHUNK), CHUNK);

		if (r <= 0)
			return (int)r;
		total += (size_t)r;
		if (total > max_bytes)
			return -EFBIG;
		buf_added(b, (size_t)r);
	}
}

static int sync_parent(const char *path)
{
	_cleanup_free_ char *dir = xstrdup(path);
	_cleanup_fd_ int fd = -1;
	char *slash = strrchr(dir, '/');

	if (slash == dir)
		slash[1] = '\0';
	else if (slash)
		*slash = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int write_file(int fd, mode_t mode, const void *data, size_t n, bool durable)
{
	int r = fd_write_all(fd, data, n);

	if (r < 0)
		return r;
	if (fchmod(fd, mode) < 0 || (durable && fsync(fd) < 0))
		return -errno;
	return 0;
}

static int replace_file(const char *path, mode_t mode, const void *data, size_t n, bool durable)
{
	_cleanup_free_ char *temp = xasprintf("%s.XXXXXX", path);
	_cleanup_fd_ int fd = mkostemp(temp, O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = write_file(fd, mode, data, n, durable);
	if (r == 0 && rename(temp, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temp);
		return r;
	}
	return durable ? sync_parent(path) : 0;
}

int fs_write_atomic(const char *path, mode_t mode, const void *data, size_t n)
{
	return replace_file(path, mode, data, n, true);
}

int fs_write_fleeting(const char *path, mode_t mode, const void *data, size_t n)
{
	return replace_file(path, mode, data, n, false);
}

bool fs_file_holds(const char *path, const void *data, size_t n)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	bool same;

	/* Once, so that growing leaves no half of it behind unwiped. */
	buf_reserve(&text, n + 2 * CHUNK);
	same = fs_read_file(path, n, &text) == 0 && text.len == n &&
	       memcmp(text.data, data, n) == 0;
	explicit_bzero(text.data, n + CHUNK);
	return same;
}

int fs_mkdirs(const char *path, mode_t mode)
{
	_cleanup_free_ char *copy = xstrdup(path);

	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(copy, mode) < 0 && errno != EEXIST ? -errno : 0;
}

int fs_remove_tree(const char *path)
{
	return tree_remove(path);
}

struct owner {
	uid_t uid;
	gid_t gid;
};

static int chown_one(const struct tree_entry *e, void *userdata)
{
	const struct owner *o = userdata;

	if (e->st->st_uid == o->uid && e->st->st_gid == o->gid)
		return 0;
	return fchownat(e->dir_fd, e->name, o->uid, o->gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int fs_chown_tree(const char *path, uid_t uid, gid_t gid)
{
	struct owner owner = { .uid = uid, .gid = gid };
	const struct tree_order o = { .leave = chown_one, .userdata = &owner };

	return tree_walk(path, &o, NULL);
}

static int add_size(const struct tree_entry *e, void *userdata)
{
	uint64_t *bytes = userdata;

	*bytes += (uint64_t)e->st->st_blocks * 512;
	return 0;
}

int fs_tree_size(const char *path, uint64_t *ret_bytes)
{
	uint64_t bytes = 0;
	const struct tree_order o = { .leave = add_size, .userdata = &bytes, .vanishing = true };
	int r = tree_walk(path, &o, NULL);

	if (r == 0)
		*ret_bytes = bytes;
	return r;
}

int fs_sync_tree(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* One call for the file system is many times faster than one for each of ten thousand
	 * files. */
	return fd < 0 || syncfs(fd) < 0 ? -errno : 0;
}

int fs_free_bytes(const char *path, uint64_t *ret_bytes)
{
	struct statvfs st;

	if (statvfs(path, &st) < 0)
		return -errno;
	*ret_bytes = (uint64_t)st.f_bavail * st.f_frsize;
	return 0;
}

bool fs_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

int fs_list(const char *path, char ***ret_names)
{
	DIR *d = opendir(path);
	int r;

	if (!d)
		return -errno;
	r = tree_names(d, ret_names);
	closedir(d);
	return r;
}

bool fs_find_program(const char *name, char **ret_path)
{
	_cleanup_free_ char *dirs = NULL;
	const char *env = getenv("PATH");
	char *save = NULL;

	if (strchr(name, '/')) {
		if (access(name, X_OK) < 0)
			return false;
		if (ret_path)
			*ret_path = xstrdup(name);
		return true;
	}
	/* Daemons may be started with a PATH that lacks sbin, where haproxy and runc live. */
	dirs = xasprintf("%s:/usr/local/sbin:/usr/sbin:/sbin", env ? env : "/usr/bin:/bin");
	for (char *dir = strtok_r(dirs, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);

		if (access(path, X_OK) < 0)
			continue;
		if (ret_path)
			*ret_path = steal_ptr(path);
		return true;
	}
	return false;
}
