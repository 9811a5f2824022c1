/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory as a tar stream, by tar(1) as a child: in a git work tree the
 * files that git knows or would add, so that .gitignore is kept to; elsewhere
 * all but .git. (libarchive would do it too, but loading it costs each short
 * command 6 ms.)
 */
#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/cli.h"

#define MAX_NAMES (64 << 20)
#define MAX_DEPTH 20

static int add_files(const char *dir, const char *prefix, unsigned depth, struct buf *kept,
		     struct error *err);

/* Of the names that git gives, those that are there: what was deleted and not yet committed is not.
 * A folder is a submodule, whose files count. */
static int keep_existing(const char *dir, const char *prefix, unsigned depth,
			 const struct buf *names, struct buf *kept, struct error *err)
{
	for (size_t i = 0; i < names->len; i += strlen(names->data + i) + 1) {
		const char *name = names->data + i;
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, name),
				    *shown = xasprintf("%s%s", prefix, name),
				    *git = xasprintf("%s/.git", path);
		struct stat st;

		if (!*name || lstat(path, &st) < 0)
			continue;
		buf_append(kept, shown, strlen(shown) + 1);
		if (S_ISDIR(st.st_mode) && access(git, F_OK) == 0) {
			_cleanup_free_ char *below =
				xasprintf("%s%s", shown, str_ends(shown, "/") ? "" : "/");

			if (add_files(path, below, depth + 1, kept, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int add_files(const char *dir, const char *prefix, unsigned depth, struct buf *kept,
		     struct error *err)
{
	const char *const argv[] = { "git",	      "ls-files", "-z", "-co", "--exclude-standard",
				     "--deduplicate", NULL };
	struct proc_options o = {
		.argv = argv, .dir = dir, .max_output = MAX_NAMES, .stderr_fd = STDERR_FILENO
	};
	_cleanup_buf_ struct buf names = BUF_INIT;
	int status = 0;

	if (depth > MAX_DEPTH)
		return error_set(err, ERROR_INVALID,
				 "%s: submodules in submodules, more than %d deep", dir, MAX_DEPTH);
	if (proc_run(&o, &names, &status, err) < 0)
		return -1;
	if (status != 0 || names.len >= MAX_NAMES)
		return error_set(err, ERROR_SYSTEM, "git ls-files did not list the files of %s",
				 dir);
	return keep_existing(dir, prefix, depth, &names, kept, err);
}

/* The names for tar, NUL after each, in a memory file. */
static int list_files(const char *dir, int *ret_fd, struct error *err)
{
	_cleanup_buf_ struct buf kept = BUF_INIT;
	int fd;

	if (add_files(dir, "", 0, &kept, err) < 0)
		return -1;
	fd = fd_memfile("files", kept.data, kept.len);
	if (fd < 0)
		return error_set_errno(err, fd, "a memory file");
	*ret_fd = fd;
	return 0;
}

int tar_spawn(const char *dir, pid_t *ret_pid, int *ret_fd, struct error *err)
{
	const char *const listed[] = { "tar",
				       "--create",
				       "--file=-",
				       "--null",
				       "--no-recursion",
				       "--verbatim-files-from",
				       "--mode=u+rwX,go+rX,go-w",
				       "--files-from=-",
				       NULL };
	const char *const all[] = { "tar", "--create", "--file=-", "--exclude=./.git", ".", NULL };
	_cleanup_fd_ int names_fd = -1, out_fd = -1, in_fd = -1;
	struct proc_options o = { .argv = all, .dir = dir };
	struct stat st;
	int fds[2];

	if (stat(dir, &st) < 0)
		return error_set(err, ERROR_INVALID, "%s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return error_set(err, ERROR_INVALID,
				 "%s is not a directory; for an archive: --source %s", dir, dir);
	if (git_in_work_tree(dir)) {
		if (list_files(dir, &names_fd, err) < 0)
			return -1;
		o.argv = listed;
		o.stdin_fd = names_fd;
	}
	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "pipe");
	in_fd = fds[0];
	out_fd = fds[1];
	o.stdout_fd = out_fd;
	if (proc_spawn(&o, ret_pid, err) < 0)
		return -1;
	*ret_fd = fd_steal(&in_fd);
	return 0;
}
