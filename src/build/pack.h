/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical form of a tree (docs/decisions/0003): what a slug's address is
 * the digest of, and what source trees are told apart by.
 *
 * It is a ustar/pax stream by libarchive: entries sorted by path (bytes), type,
 * permission bits, size, link target and contents; owner and group 0 without
 * names, one date. Hard links count as separate files. Sockets, devices and
 * FIFOs are an error: they have no place in a slug.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"

#define PACK_EPOCH 1704067200 /* 2024-01-01, the date of everything */

/* The digest of the tree, and the bytes of its regular files; more than max_bytes of them are
 * ERROR_TOO_LARGE. */
int pack_digest(const char *dir, uint64_t max_bytes, char hex[static DIGEST_HEX_SIZE],
		uint64_t *ret_size_bytes, struct error *err);

/*
 * Makes the tree what its canonical form says: owner uid/gid, one date (seconds; the digest knows
 * PACK_EPOCH alone), permission bits without setuid, setgid and sticky, readable for all.
 */
int pack_normalise(const char *dir, uid_t uid, gid_t gid, int64_t date, struct error *err);

struct pack_limits {
	uint64_t max_bytes;	   /* of all files together */
	uint64_t max_entries;	   /* files and folders */
	bool (*should_stop)(void); /* asked between two entries; may be NULL */
};

/*
 * Unpacks a tar file (plain, gzip, bzip2, xz or zstd) into dir. Paths
 * that are absolute or climb out, and entries that would be written through a symbolic
 * link, are refused; devices and FIFOs are refused, and so is what lies deeper than a tree may
 * (base/tree.h). No file has a setuid, setgid or sticky bit at any time. With strip_top the first
 * component of each path is dropped.
 */
int pack_extract(const char *archive, const char *dir, bool strip_top,
		 const struct pack_limits *limits, struct error *err);

/*
 * Appends the bytes of a regular file of a tree that others wrote: symbolic links
 * lead to where they lead when the tree is the root directory, never out of it.
 * -EFBIG beyond max_bytes, -EISDIR, -EINVAL for a FIFO or device.
 */
int pack_read_file(const char *dir, const char *name, size_t max_bytes, struct buf *ret);
/* Whether a name in such a tree, which may lead through links, is a program, as the sandbox will
 * see it. */
bool pack_is_program(const char *dir, const char *name);
