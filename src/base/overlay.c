/* SPDX-License-Identifier: Apache-2.0 */
/* Mounting an overlay; see overlay.h. */
#include "base/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"

#define MAX_LOWER 16

struct open_dirs {
	int fds[MAX_LOWER + 2];
	size_t n;
};

static void open_dirs_done(struct open_dirs *d)
{
	while (d->n > 0)
		fd_close(d->fds[--d->n]);
}

static int add_dir(struct open_dirs *d, struct buf *options, const char *before, const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	d->fds[d->n++] = fd;
	buf_printf(options, "%s/proc/self/fd/%d", before, fd);
	return 0;
}

static int add_lower(struct open_dirs *d, struct buf *options, char *const *lower)
{
	int r = 0;

	for (size_t i = 0; r == 0 && lower[i]; i++)
		r = i < MAX_LOWER ? add_dir(d, options, i ? ":" : "lowerdir=", lower[i]) : -E2BIG;
	return r;
}

static int add_upper(struct open_dirs *d, struct buf *options, const struct overlay *o)
{
	int r = add_dir(d, options, ",upperdir=", o->upper);

	if (r == 0)
		r = add_dir(d, options, ",workdir=", o->work);
	/* Each program's fsync() would wait for the disk; one sync at the end does for all. Since
	 * Linux 5.10. */
	buf_puts(options, ",index=off,volatile");
	return r;
}

int overlay_mount(const struct overlay *o, const char *target)
{
	__attribute__((cleanup(open_dirs_done))) struct open_dirs dirs = { .n = 0 };
	_cleanup_buf_ struct buf options = BUF_INIT;
	unsigned long flags = o->upper ? 0 : MS_RDONLY | MS_NODEV;
	int r = add_lower(&dirs, &options, o->lower);

	buf_puts(&options, ",redirect_dir=nofollow,metacopy=off");
	if (r == 0 && o->upper)
		r = add_upper(&dirs, &options, o);
	if (r == 0 && mount("overlay", target, "overlay", flags, options.data) < 0)
		r = -errno;
	return r;
}
