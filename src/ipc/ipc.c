/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between our programs; see ipc.h. */
#include "ipc/ipc.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/str.h"

#define HEADER_BYTES 4

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int) * IPC_MAX_FDS)];
};

void ipc_msg_init(struct ipc_msg *m, uint16_t type)
{
	*m = IPC_MSG_INIT;
	m->type = type;
}

void ipc_msg_done(struct ipc_msg *m)
{
	for (size_t i = 0; m->owns_fds && i < m->n_fds; i++)
		fd_close(m->fds[i]);
	buf_done(&m->fields);
	*m = IPC_MSG_INIT;
}

void ipc_put(struct ipc_msg *m, const char *key, const char *value)
{
	buf_append(&m->fields, key, strlen(key) + 1);
	buf_append(&m->fields, value, strlen(value) + 1);
}

void ipc_put_i64(struct ipc_msg *m, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	ipc_put(m, key, text);
}

void ipc_put_fd(struct ipc_msg *m, int fd)
{
	assert(m->n_fds < IPC_MAX_FDS);
	m->fds[m->n_fds++] = fd;
}

const char *ipc_get(const struct ipc_msg *m, const char *key)
{
	const char *p = m->fields.data, *end = p + m->fields.len;

	while (p < end) {
		const char *value = p + strlen(p) + 1;

		if (value >= end)
			return NULL;
		if (streq(p, key))
			return value;
		p = value + strlen(value) + 1;
	}
	return NULL;
}

int64_t ipc_get_i64(const struct ipc_msg *m, const char *key, int64_t fallback)
{
	const char *s = ipc_get(m, key);
	int64_t v;

	return s && str_to_i64(s, INT64_MIN, INT64_MAX, &v) ? v : fallback;
}

int ipc_take_fd(struct ipc_msg *m, size_t i)
{
	return m->owns_fds && i < m->n_fds ? fd_steal(&m->fds[i]) : -1;
}

int ipc_send(int fd, const struct ipc_msg *m)
{
	unsigned char header[HEADER_BYTES] = { 'T', IPC_VERSION, m->type & 0xff, m->type >> 8 };
	struct iovec iov[2] = {
		{ .iov_base = header, .iov_len = sizeof(header) },
		{ .iov_base = m->fields.data, .iov_len = m->fields.len },
	};
	union control control = { 0 };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t r;

	if (m->fields.len + HEADER_BYTES > IPC_MAX_BYTES)
		return -EMSGSIZE;
	if (m->n_fds) {
		struct cmsghdr *c;

		mh.msg_control = control.space;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * m->n_fds);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * m->n_fds);
		memcpy(CMSG_DATA(c), m->fds, sizeof(int) * m->n_fds);
	}
	do
		r = sendmsg(fd, &mh, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static void take_fds(struct ipc_msg *m, struct msghdr *mh)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		m->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(m->fds, CMSG_DATA(c), m->n_fds * sizeof(int));
		m->owns_fds = true;
	}
}

int ipc_recv(int fd, struct ipc_msg *m)
{
	_cleanup_free_ unsigned char *packet = xcalloc(1, IPC_MAX_BYTES);
	struct iovec iov = { .iov_base = packet, .iov_len = IPC_MAX_BYTES };
	union control control = { 0 };
	struct msghdr mh = { .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.space,
			     .msg_controllen = sizeof(control.space) };
	ssize_t n;

	do
		n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	if (n == 0)
		return 0;
	take_fds(m, &mh);
	/* The last field must end with a NUL, so that ipc_get can trust strlen. */
	if (n < HEADER_BYTES || packet[0] != 'T' || packet[1] != IPC_VERSION ||
	    (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
	    (n > HEADER_BYTES && packet[n - 1] != '\0')) {
		ipc_msg_done(m);
		return -EPROTO;
	}
	m->type = (uint16_t)(packet[2] | packet[3] << 8);
	buf_append(&m->fields, packet + HEADER_BYTES, (size_t)n - HEADER_BYTES);
	return 1;
}
