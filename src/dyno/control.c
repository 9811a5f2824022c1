/* SPDX-License-Identifier: Apache-2.0 */
/* twelved's connections: each gets the status at once and at every change, and may send orders. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "dyno/dyno.h"

static void send_status(struct dyno *d, size_t client)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	ipc_msg_init(&m, DYNO_STATUS);
	buf_append(&m.fields, d->spec.fields.data, d->spec.fields.len);
	ipc_put(&m, "state", dyno_state_names[d->state]);
	ipc_put_i64(&m, "since_ms", d->since_ms);
	ipc_put_i64(&m, "pid", d->pid);
	ipc_put_i64(&m, "supervisor", getpid());
	ipc_put_i64(&m, "restarts", d->restarts);
	ipc_put_i64(&m, "exit", d->exit_code);
	ipc_put_i64(&m, "oom", d->oom);
	ipc_put(&m, "reason", d->reason);
	/* A client that does not read (full socket) is let go: it connects again and gets the
	 * newest. */
	if (ipc_send(d->clients[client], &m) < 0)
		d->clients[client] = fd_close(d->clients[client]);
	else if (d->state == DYNO_EXITED)
		d->end_was_told = true;
}

void control_report(struct dyno *d)
{
	for (size_t i = 0; i < DYNO_MAX_CLIENTS; i++)
		if (d->clients[i] >= 0)
			send_status(d, i);
}

static bool is_allowed(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

bool control_accept(struct dyno *d)
{
	int fd = accept4(d->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return false;
	for (size_t i = 0; i < DYNO_MAX_CLIENTS && is_allowed(fd); i++)
		if (d->clients[i] < 0) {
			d->clients[i] = fd;
			send_status(d, i);
			return true;
		}
	fd_close(fd);
	return true;
}

bool control_read(struct dyno *d, size_t client, struct ipc_msg *ret)
{
	int r = ipc_recv(d->clients[client], ret);

	if (r > 0)
		return true;
	if (r != -EAGAIN && r != -EPROTO)
		d->clients[client] = fd_close(d->clients[client]);
	return false;
}
