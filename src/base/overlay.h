/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts an overlay of directories. The kernel's option string is one page long, and ':', ',' and
 * '\' are special in it, so the directories are passed as /proc/self/fd/N, which works for paths of
 * any length with any bytes. Directory redirects and metacopy are not used, so the
 * upper directory stays a plain tree apart from whiteouts.
 */
#pragma once

struct overlay {
	char *const *lower;	  /* top first; at least two where there is no upper one */
	const char *upper, *work; /* where writes go, and an empty directory on the same file
				     system; NULL: read-only */
};

/* Mounts it at the directory `target`. Unmounting does not make writes durable: the caller syncs
 * the upper directory's file system. 0 or a negative errno; -EINVAL also if the upper directory's
 * file system does not support it (an overlay itself). */
int overlay_mount(const struct overlay *o, const char *target);
