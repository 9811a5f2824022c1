/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and trees. Functions return 0 or a negative errno unless said
 * otherwise. Paths are C strings; a relative one is relative to the working
 * directory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* Appends the file's bytes to *b; -EFBIG when it has more than max_bytes. */
int fs_read_file(const char *path, size_t max_bytes, struct buf *b);
/*
 * Temp file in the same directory, rename: who reads finds the old file or the whole new one, after
 * a kill -9 as well.
 *
 * fs_write_atomic() syncs the file and the directory besides, which waits for the disk, so that this
 * holds after a power failure, too. It is for what can't be had again or must not come back: keys and
 * certificates, the files of a repository, who may push, which database a state belongs to, what a
 * slug or a stack is made of.
 *
 * fs_write_fleeting() is for what the next start writes anew, as all files below RUN: after a power
 * failure the file may be empty or old. Who reads such a file from before must not trust that it is
 * whole because it is there (fs_file_holds()).
 */
int fs_write_atomic(const char *path, mode_t mode, const void *data, size_t n);
int fs_write_fleeting(const char *path, mode_t mode, const void *data, size_t n);
/* Whether the file is there and has just these bytes. What was read is wiped. */
bool fs_file_holds(const char *path, const void *data, size_t n);
/* As mkdir -p. Directories that exist keep their mode. */
int fs_mkdirs(const char *path, mode_t mode);
/* As rm -rf, without following symbolic links and without crossing into another file system. ENOENT
 * is success. */
int fs_remove_tree(const char *path);
/* Changes owner of everything in the tree, symbolic links themselves included. */
int fs_chown_tree(const char *path, uid_t uid, gid_t gid);
/* Bytes that the tree takes on the disk (st_blocks), hard links counted once per name. */
int fs_tree_size(const char *path, uint64_t *ret_bytes);
/* Bytes that an unprivileged process could still write on this file system. */
int fs_free_bytes(const char *path, uint64_t *ret_bytes);
bool fs_exists(const char *path);
/* Makes the directory and all that is in it durable, by syncfs(2). */
int fs_sync_tree(const char *path);
/* The names in a directory but "." and "..", sorted, as a strv. */
int fs_list(const char *path, char ***ret_names);
/* True when a program of this name is in $PATH (or at this path, if it has a slash) and can be
 * executed. */
bool fs_find_program(const char *name, char **ret_path);
