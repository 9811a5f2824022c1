/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process's stdout and stderr on their way to twelve-logs: two pipes whose
 * ends are both kept here, so that neither the app nor a line suffers when
 * twelve-logs is away. On each new connection the read ends are handed over
 * again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "dyno/dyno.h"
#include "ipc/logs-proto.h"

#define RETRY_MS 100
#define PIPE_BYTES (1 << 20)

int streams_open(struct dyno *d)
{
	if (pipe2(d->out, O_CLOEXEC) < 0 || pipe2(d->err, O_CLOEXEC) < 0)
		return -errno;
	/* More room for the time without twelve-logs; what the system allows is enough. */
	fcntl(d->out[1], F_SETPIPE_SZ, PIPE_BYTES);
	fcntl(d->err[1], F_SETPIPE_SZ, PIPE_BYTES);
	return 0;
}

static int send_source(struct dyno *d)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	ipc_msg_init(&m, LOGS_SOURCE);
	ipc_put(&m, "app", ipc_get(&d->spec, "app"));
	ipc_put(&m, "source", ipc_get(&d->spec, "log_source"));
	ipc_put(&m, "dyno", d->name);
	ipc_put(&m, "release", ipc_get(&d->spec, "release"));
	ipc_put_fd(&m, d->out[0]);
	ipc_put_fd(&m, d->err[0]);
	return ipc_send(d->logs_fd, &m);
}

void streams_lost(struct dyno *d)
{
	d->logs_fd = fd_close(d->logs_fd);
	d->logs_retry_ms = clock_now_ms() + RETRY_MS;
}

void streams_connect(struct dyno *d)
{
	int fd = sock_connect_unix(d->logs_path, SOCK_SEQPACKET);

	d->logs_fd = fd;
	if (fd < 0 || fd_set_nonblock(fd, true) < 0 || send_source(d) < 0)
		streams_lost(d);
}

void streams_say(struct dyno *d, const char *fmt, ...)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ipc_msg_init(&m, LOGS_APPEND);
	ipc_put(&m, "app", ipc_get(&d->spec, "app"));
	ipc_put(&m, "source", "heroku");
	ipc_put(&m, "dyno", d->name);
	ipc_put(&m, "text", text);
	if (d->logs_fd >= 0 && ipc_send(d->logs_fd, &m) < 0)
		streams_lost(d);
}
