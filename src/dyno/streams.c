/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process's stdout and stderr on their way to twelve-logs: two pipes whose
 * ends are both kept here, so that neither the app nor a line suffers when
 * twelve-logs is away. On each new connection the read ends are handed over
 * again. Our own lines wait here meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "dyno/dyno.h"
#include "ipc/logs-proto.h"

#define RETRY_MS 100
#define PIPE_BYTES (1 << 20)
#define WAITING_MAX (32 << 10)

int streams_open(struct dyno *d)
{
	if (pipe2(d->out, O_CLOEXEC) < 0 || pipe2(d->err, O_CLOEXEC) < 0)
		return -errno;
	/* More room for the time without twelve-logs; what the system allows is enough. */
	fcntl(d->out[1], F_SETPIPE_SZ, PIPE_BYTES);
	fcntl(d->err[1], F_SETPIPE_SZ, PIPE_BYTES);
	return 0;
}

void streams_reset(struct dyno *d)
{
	/* The write ends are shared with the last run, which may have changed them (Node.js does).
	 */
	fd_set_nonblock(d->out[1], false);
	fd_set_nonblock(d->err[1], false);
}

static int send_source(const struct dyno *d)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	ipc_msg_init(&m, LOGS_SOURCE);
	ipc_put(&m, "app", d->app);
	ipc_put(&m, "source", d->log_source);
	ipc_put(&m, "dyno", d->name);
	ipc_put(&m, "release", d->release);
	ipc_put_fd(&m, d->out[0]);
	ipc_put_fd(&m, d->err[0]);
	return ipc_send(d->logs_fd, &m);
}

static int send_line(const struct dyno *d, const char *text)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	ipc_msg_init(&m, LOGS_APPEND);
	ipc_put(&m, "app", d->app);
	ipc_put(&m, "source", "heroku");
	ipc_put(&m, "dyno", d->name);
	ipc_put(&m, "text", text);
	return ipc_send(d->logs_fd, &m);
}

void streams_lost(struct dyno *d)
{
	d->logs_fd = fd_close(d->logs_fd);
	d->logs_retry_ms = clock_now_ms() + RETRY_MS;
}

/* Sends the lines that wait, in their order. */
static void send_waiting(struct dyno *d)
{
	char text[80];

	while (d->logs_fd >= 0 && d->lines.len) {
		int r = send_line(d, d->lines.data);

		if (r < 0) {
			if (r == -EAGAIN)
				d->logs_retry_ms = clock_now_ms() + RETRY_MS;
			else
				streams_lost(d);
			return;
		}
		buf_consume(&d->lines, strlen(d->lines.data) + 1);
	}
	if (d->logs_fd >= 0 && d->n_lines_lost) {
		snprintf(text, sizeof(text), "Dropped lines of the platform: %u", d->n_lines_lost);
		d->n_lines_lost = 0;
		streams_say(d, "%s", text);
	}
}

static void connect_logs(struct dyno *d)
{
	/* One that is stopped, and has as many waiting as it takes, must not keep the dyno's end
	 * from being noticed. */
	d->logs_fd = sock_connect_unix(d->logs_path, SOCK_SEQPACKET | SOCK_NONBLOCK);
	if (d->logs_fd < 0 || send_source(d) < 0)
		streams_lost(d);
}

bool streams_want_retry(const struct dyno *d)
{
	return d->logs_fd < 0 || d->lines.len;
}

void streams_retry(struct dyno *d)
{
	if (d->logs_fd < 0)
		connect_logs(d);
	send_waiting(d);
}

void streams_say(struct dyno *d, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (d->lines.len > WAITING_MAX) {
		d->n_lines_lost++;
		return;
	}
	buf_append(&d->lines, text, strlen(text) + 1);
	send_waiting(d);
}

static bool is_empty(int fd)
{
	int n = 0;

	return ioctl(fd, FIONREAD, &n) < 0 || n == 0;
}

bool streams_are_settled(const struct dyno *d)
{
	if (d->lines.len)
		return false;
	/* With a connection, twelve-logs holds the read ends itself. */
	return d->logs_fd >= 0 || (is_empty(d->out[0]) && is_empty(d->err[0]));
}
