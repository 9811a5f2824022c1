/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Git LFS: a commit holds, in place of a large file, 130 bytes that say what it is (git-lfs's
 * docs/spec.md). A push brings no more than these. They are named, each in a line, since an app
 * would read them as its data.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/tree.h"
#include "build/build-priv.h"

#define POINTER_MIN 100
#define POINTER_MAX 1024
#define POINTER_HEAD "version https://git-lfs.github.com/spec/v1\n"
#define TOLD_MAX 20

struct found {
	const struct build *b;
	size_t n;
};

static bool is_pointer(const struct tree_entry *e)
{
	_cleanup_fd_ int fd =
		openat(e->dir_fd, e->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char head[POINTER_MAX + 1] = "";

	return fd >= 0 && fd_read(fd, head, POINTER_MAX) >= POINTER_MIN &&
	       str_starts(head, POINTER_HEAD) && strstr(head, "\noid sha256:");
}

static int enter(const struct tree_entry *e, void *userdata)
{
	struct found *f = userdata;

	if (!S_ISREG(e->st->st_mode) || e->st->st_size < POINTER_MIN ||
	    e->st->st_size > POINTER_MAX || !is_pointer(e))
		return 0;
	if (f->n++ < TOLD_MAX)
		build_say(f->b,
			  " !     %s is a Git LFS pointer: its contents are not in the commit, and "
			  "were not fetched\n",
			  e->path);
	return 0;
}

int lfs_tell(const struct build *b, struct error *err)
{
	struct found f = { .b = b };
	const struct tree_order o = { .enter = enter, .userdata = &f, .sorted = true };
	int r = tree_walk(b->app, &o, NULL);

	if (r < 0)
		return error_set_errno(err, r, "looking through the source");
	if (f.n > TOLD_MAX)
		build_say(b, " !     ... and %zu more Git LFS pointers\n", f.n - TOLD_MAX);
	if (f.n)
		build_say(b, "       \"twelve deploy\" from a checkout that has them (git lfs "
			     "pull) brings the contents\n");
	return 0;
}
