/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An attached client: frames (ipc/dyno-proto.h) on its stream socket, joined
 * with the process's terminal or its three pipes. When the client goes away
 * the dyno is told to end: SIGHUP, as a terminal would, then as by `ps:stop`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "dyno/dyno.h"

#define CHUNK 16384


static int make_pipe(int *ours, int *theirs, bool to_process)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*ours = fds[to_process ? 1 : 0];
	*theirs = fds[to_process ? 0 : 1];
	return 0;
}

int session_prepare(struct dyno *d, int stdio[3])
{
	struct session *s = &d->session;

	if (make_pipe(&s->in_fd, &stdio[0], true) < 0 || make_pipe(&s->out_fd, &stdio[1], false) < 0 ||
	    make_pipe(&s->err_fd, &stdio[2], false) < 0)
		return -1;
	return 0;
}

static void set_size(int fd, int columns, int rows)
{
	struct winsize size = { .ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows };

	if (columns > 0 && rows > 0)
		ioctl(fd, TIOCSWINSZ, &size);
}

int session_take_terminal(struct dyno *d, int console_fd)
{
	d->session.in_fd = d->session.out_fd = console_fd;
	set_size(console_fd, (int)ipc_get_i64(&d->spec, "columns", 0), (int)ipc_get_i64(&d->spec, "rows", 0));
	return 0;
}

static void close_input(struct session *s)
{
	/* A terminal's end of input is a byte that the client's own terminal sends (Ctrl-D). */
	if (s->in_fd >= 0 && s->in_fd != s->out_fd)
		s->in_fd = fd_close(s->in_fd);
}

static void client_gone(struct dyno *d)
{
	struct session *s = &d->session;

	if (s->client_fd < 0)
		return;
	s->client_fd = fd_close(s->client_fd);
	close_input(s);
	if (d->state != DYNO_UP && d->state != DYNO_STARTING)
		return;
	dyno_signal(d, SIGHUP);
	dyno_stop(d, d->stop_ms);
}

static void on_frame(struct dyno *d, char type, const char *data, size_t n)
{
	struct session *s = &d->session;
	char text[32];
	int columns, rows;

	snprintf(text, sizeof(text), "%.*s", (int)(n < 31 ? n : 31), data);
	switch (type) {
	case ATTACH_STDIN:
		/* A process that has closed its input does not want the rest. */
		if (n == 0 || (s->in_fd >= 0 && fd_write_all(s->in_fd, data, n) < 0))
			close_input(s);
		break;
	case ATTACH_WINSIZE:
		if (d->terminal && s->out_fd >= 0 && sscanf(text, "%d %d", &columns, &rows) == 2)
			set_size(s->out_fd, columns, rows);
		break;
	case ATTACH_SIGNAL:
		if (atoi(text) > 0 && atoi(text) < NSIG)
			dyno_signal(d, atoi(text));
		break;
	}
}

void session_client(struct dyno *d)
{
	struct session *s = &d->session;
	ssize_t r = fd_read(s->client_fd, buf_reserve(&s->from_client, CHUNK), CHUNK);

	if (r <= 0) {
		if (r != -EAGAIN)
			client_gone(d);
		return;
	}
	buf_added(&s->from_client, (size_t)r);
	while (s->from_client.len >= ATTACH_HEADER_BYTES) {
		uint32_t length;

		memcpy(&length, s->from_client.data + 1, sizeof(length));
		length = ntohl(length);
		if (length > ATTACH_MAX_PAYLOAD) {
			client_gone(d);
			return;
		}
		if (s->from_client.len < ATTACH_HEADER_BYTES + length)
			return;
		on_frame(d, s->from_client.data[0], s->from_client.data + ATTACH_HEADER_BYTES, length);
		buf_consume(&s->from_client, ATTACH_HEADER_BYTES + length);
	}
}

static void send_frame(struct dyno *d, enum attach_frame type, const void *data, size_t n)
{
	uint32_t length = htonl((uint32_t)n);
	char header[ATTACH_HEADER_BYTES] = { (char)type };

	if (d->session.client_fd < 0)
		return;
	memcpy(header + 1, &length, sizeof(length));
	if (fd_write_all(d->session.client_fd, header, sizeof(header)) < 0 ||
	    fd_write_all(d->session.client_fd, data, n) < 0)
		client_gone(d);
}

void session_output(struct dyno *d, int fd, enum attach_frame frame)
{
	struct session *s = &d->session;
	char chunk[CHUNK];
	ssize_t r = fd_read(fd, chunk, sizeof(chunk));

	if (r > 0) {
		send_frame(d, frame, chunk, (size_t)r);
		return;
	}
	if (r == -EAGAIN)
		return;
	/* The end; a terminal's other side gives EIO. */
	if (fd == s->in_fd)
		s->in_fd = -1;
	if (fd == s->out_fd)
		s->out_fd = -1;
	else
		s->err_fd = -1;
	fd_close(fd);
}

void session_end(struct dyno *d)
{
	struct session *s = &d->session;
	char text[320];

	if (s->client_fd < 0)
		return;
	/* What is in the pipes still belongs to the session. */
	for (int i = 0; i < 1000 && (s->out_fd >= 0 || s->err_fd >= 0) && s->client_fd >= 0; i++) {
		struct pollfd p[2] = { { .fd = s->out_fd, .events = POLLIN }, { .fd = s->err_fd, .events = POLLIN } };

		if (poll(p, 2, 0) <= 0)
			break;
		if (p[0].revents)
			session_output(d, s->out_fd, ATTACH_STDOUT);
		if (p[1].revents)
			session_output(d, s->err_fd, ATTACH_STDERR);
	}
	snprintf(text, sizeof(text), "%d %s", d->exit_code, d->reason);
	send_frame(d, ATTACH_EXIT, text, strlen(text));
	s->client_fd = fd_close(s->client_fd);
}
