/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounting an overlay of directories. The kernel gets them as /proc/self/fd/N: paths of any length
 * and with any bytes in them fit then, as its option string is one page, with ':', ',' and '\' as
 * its own signs. Names of directories are not redirected and no file is without its data, so that
 * what is written stays a plain tree besides the marks of what is gone.
 */
#pragma once

struct overlay {
	char *const *lower;	  /* top first; at least two where there is no upper one */
	const char *upper, *work; /* what is written, with an empty directory of the same file
				     system; NULL: read-only */
};

/*
 * Mounts it at the directory `target`. What is written is not made durable before it is unmounted:
 * the caller syncs the upper directory's file system. 0 or a negative errno: -EINVAL also for an
 * upper directory on a file system that can't be one (an overlay itself).
 */
int overlay_mount(const struct overlay *o, const char *target);
