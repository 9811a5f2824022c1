/* SPDX-License-Identifier: Apache-2.0 */
/* Files and trees; see fs.h. */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

int fs_read_file(const char *path, size_t max_bytes, struct buf *b)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t total = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t r = fd_read(fd, buf_reserve(b, 8192), 8192);

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

static int write_and_sync(int fd, mode_t mode, const void *data, size_t n)
{
	int r = fd_write_all(fd, data, n);

	if (r < 0)
		return r;
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

int fs_write_atomic(const char *path, mode_t mode, const void *data, size_t n)
{
	_cleanup_free_ char *temp = xasprintf("%s.XXXXXX", path);
	_cleanup_fd_ int fd = mkostemp(temp, O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = write_and_sync(fd, mode, data, n);
	if (r == 0 && rename(temp, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temp);
		return r;
	}
	return sync_parent(path);
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

static int remove_at(int parent_fd, const char *name, dev_t dev);

static int remove_children(int fd, dev_t dev)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!d) {
		r = -errno;
		fd_close(fd);
		return r;
	}
	while (r == 0 && (e = readdir(d)))
		if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
			r = remove_at(dirfd(d), e->d_name, dev);
	closedir(d);
	return r;
}

static int remove_at(int parent_fd, const char *name, dev_t dev)
{
	struct stat st;
	int fd, r;

	if (unlinkat(parent_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || (dev && st.st_dev != dev)) {
		fd_close(fd);
		return -EXDEV;
	}
	r = remove_children(fd, st.st_dev);
	if (r < 0)
		return r;
	return unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int fs_remove_tree(const char *path)
{
	return remove_at(AT_FDCWD, path, 0);
}

/*
 * nftw(3) has no user pointer. The walks below are single-threaded and never
 * nest, so one thread-local slot carries it.
 */
static _Thread_local struct {
	uid_t uid;
	gid_t gid;
	uint64_t bytes;
} walk;

static int walk_chown(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)type;
	(void)ftw;
	if (st->st_uid == walk.uid && st->st_gid == walk.gid)
		return 0;
	return lchown(path, walk.uid, walk.gid) < 0 ? -errno : 0;
}

static int walk_size(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	if (type != FTW_NS)
		walk.bytes += (uint64_t)st->st_blocks * 512;
	return 0;
}

static int do_walk(const char *path, __nftw_func_t fn, int flags)
{
	int r = nftw(path, fn, 32, FTW_PHYS | FTW_MOUNT | flags);

	return r == -1 ? -errno : r;
}

int fs_chown_tree(const char *path, uid_t uid, gid_t gid)
{
	walk.uid = uid;
	walk.gid = gid;
	return do_walk(path, walk_chown, 0);
}

int fs_tree_size(const char *path, uint64_t *ret_bytes)
{
	int r;

	walk.bytes = 0;
	r = do_walk(path, walk_size, 0);
	if (r < 0)
		return r;
	*ret_bytes = walk.bytes;
	return 0;
}

int fs_sync_tree(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* One call for the file system is many times faster than one for each of ten thousand files. */
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
	_cleanup_strv_ char **names = NULL;
	struct dirent *e;
	DIR *d = opendir(path);

	if (!d)
		return -errno;
	while ((e = readdir(d)))
		if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
			strv_push(&names, e->d_name);
	closedir(d);
	strv_sort_unique(names);
	*ret_names = steal_ptr(names);
	return 0;
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
