/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors. Everything is CLOEXEC from birth. Functions return 0 (or a
 * descriptor, or a count) or a negative errno; EINTR is handled here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"

/* Closes fd if it is one, keeps errno, returns -1: `fd = fd_close(fd)`. */
int fd_close(int fd);
static inline void fd_close_p(int *fd)
{
	fd_close(*fd);
}
#define _cleanup_fd_ _cleanup_(fd_close_p)

/* The descriptor in *fd, which then is -1. */
int fd_steal(int *fd);

int fd_set_nonblock(int fd, bool on);
int fd_set_cloexec(int fd, bool on);
/* Writes all n bytes to a blocking descriptor. */
int fd_write_all(int fd, const void *data, size_t n);
/* read(2) without EINTR: a count, 0 at the end, or a negative errno. */
ssize_t fd_read(int fd, void *data, size_t n);
ssize_t fd_write(int fd, const void *data, size_t n);
/* A sealed-size memory file with these bytes, its offset at 0. Never on a disk. */
int fd_memfile(const char *name, const void *data, size_t n);

/* unix(7) sockets by path. `type` is SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM. Paths of up to 107
 * bytes. */
int sock_listen_unix(const char *path, int type, mode_t mode);
int sock_connect_unix(const char *path, int type);
