/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between our programs: one SOCK_SEQPACKET packet each, so the
 * kernel keeps the frames and the descriptors (SCM_RIGHTS) that travel along.
 *
 *     byte 0     'T'
 *     byte 1     IPC_VERSION
 *     bytes 2-3  type, little endian (the enums in dyno-proto.h, logs-proto.h)
 *     rest       fields: KEY NUL VALUE NUL ...
 *
 * Fields are strings, and unknown ones are ignored, so a newer program can
 * talk to an older one that it finds running. A message of another version is
 * refused with -EPROTO. A packet holds IPC_MAX_BYTES at most.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define IPC_VERSION 1
#define IPC_MAX_BYTES 65536
#define IPC_MAX_FDS 4

struct ipc_msg {
	uint16_t type;
	struct buf fields;
	int fds[IPC_MAX_FDS]; /* owned by the message once received; borrowed when sending */
	size_t n_fds;
	bool owns_fds;
};

#define IPC_MSG_INIT ((struct ipc_msg){ .fields = BUF_INIT })

void ipc_msg_init(struct ipc_msg *m, uint16_t type);
/* Frees the fields and closes received descriptors that nobody took. */
void ipc_msg_done(struct ipc_msg *m);
#define _cleanup_ipc_msg_ _cleanup_(ipc_msg_done)

void ipc_put(struct ipc_msg *m, const char *key, const char *value);
void ipc_put_i64(struct ipc_msg *m, const char *key, int64_t value);
/* Lends fd to the message until it is sent. */
void ipc_put_fd(struct ipc_msg *m, int fd);

/* The value, or NULL when there is no such field. */
const char *ipc_get(const struct ipc_msg *m, const char *key);
/* The value, or fallback when there is no such field or it is not a number. */
int64_t ipc_get_i64(const struct ipc_msg *m, const char *key, int64_t fallback);
/* The i-th descriptor, which the caller now owns; -1 when there is none. */
int ipc_take_fd(struct ipc_msg *m, size_t i);

/* 0 or a negative errno; -EAGAIN on a full non-blocking socket, -EPIPE without SIGPIPE. */
int ipc_send(int fd, const struct ipc_msg *m);
/* 1: *m is filled (it must be IPC_MSG_INIT). 0: the peer is gone. Else a negative errno. */
int ipc_recv(int fd, struct ipc_msg *m);
