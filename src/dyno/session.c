/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An attached client: frames (ipc/dyno-proto.h) on its stream socket, joined
 * with the process's terminal or its three pipes. Nothing here blocks: each
 * direction has a buffer with a cap, and at the cap its source is not read
 * until there is room. So a client that reads slowly stops the process's
 * output and nothing else, as a full pipe would, and a process that does not read
 * its input stops the client's.
 *
 * When the client goes away the dyno is told to end: SIGHUP, as a terminal
 * would, then as by `ps:stop`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "dyno/dyno.h"

#define CHUNK 16384
#define BUFFER_MAX (256 << 10)

static int make_pipe(int *ours, int *theirs, bool to_process)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*ours = fds[to_process ? 1 : 0];
	*theirs = fds[to_process ? 0 : 1];
	return fd_set_nonblock(*ours, true);
}

int session_prepare(struct dyno *d, int stdio[3])
{
	struct session *s = &d->session;
	int r;

	if ((r = make_pipe(&s->in_fd, &stdio[0], true)) < 0 ||
	    (r = make_pipe(&s->out_fd, &stdio[1], false)) < 0 ||
	    (r = make_pipe(&s->err_fd, &stdio[2], false)) < 0)
		return r;
	return 0;
}

static void set_size(int fd, int64_t columns, int64_t rows)
{
	struct winsize size = { .ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows };

	if (columns > 0 && rows > 0)
		ioctl(fd, TIOCSWINSZ, &size);
}

void session_take_terminal(struct dyno *d, int console_fd)
{
	fd_set_nonblock(console_fd, true);
	d->session.in_fd = d->session.out_fd = console_fd;
	set_size(console_fd, ipc_get_i64(&d->spec, "columns", 0), ipc_get_i64(&d->spec, "rows", 0));
}

/* ---- to the process ---- */

/* A terminal has no end of input: Ctrl-D is a byte that the client sends. */
static void close_input(struct session *s)
{
	buf_done(&s->to_process);
	if (s->in_fd >= 0 && s->in_fd != s->out_fd)
		s->in_fd = fd_close(s->in_fd);
}

void session_input(struct dyno *d)
{
	struct session *s = &d->session;
	ssize_t r = 0;

	while (s->in_fd >= 0 && s->to_process.len) {
		r = fd_write(s->in_fd, s->to_process.data, s->to_process.len);
		if (r < 0)
			break;
		buf_consume(&s->to_process, (size_t)r);
	}
	/* A process that has closed its input does not want the rest. */
	if ((r < 0 && r != -EAGAIN) || (s->input_ended && !s->to_process.len))
		close_input(s);
}

static void client_gone(struct dyno *d)
{
	struct session *s = &d->session;

	s->client_fd = fd_close(s->client_fd);
	buf_done(&s->to_client);
	close_input(s);
	if (d->state != DYNO_UP)
		return;
	dyno_signal(d, SIGHUP);
	dyno_stop(d, d->stop_ms, "was stopped: the client went away");
}

/* ---- from the client ---- */

static void pass_signal(const struct dyno *d, int64_t number)
{
	/* What the init passes on; SIGSTOP would stop it from seeing that we died. */
	static const int passed[] = { SIGINT,  SIGTERM, SIGHUP,	  SIGQUIT,
				      SIGUSR1, SIGUSR2, SIGWINCH, SIGKILL };

	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		if (passed[i] == number)
			dyno_signal(d, passed[i]);
}

static void on_frame(struct dyno *d, char type, const char *data, size_t n)
{
	struct session *s = &d->session;
	int64_t number;
	char text[32];
	int columns, rows;

	snprintf(text, sizeof(text), "%.*s", (int)(n < 31 ? n : 31), data);
	switch (type) {
	case ATTACH_STDIN:
		if (n == 0)
			s->input_ended = true;
		else if (s->in_fd >= 0)
			buf_append(&s->to_process, data, n);
		session_input(d);
		break;
	case ATTACH_WINSIZE:
		if (d->terminal && s->out_fd >= 0 && sscanf(text, "%d %d", &columns, &rows) == 2)
			set_size(s->out_fd, columns, rows);
		break;
	case ATTACH_SIGNAL:
		if (str_to_i64(text, 1, NSIG, &number))
			pass_signal(d, number);
		break;
	}
}

/* Takes the frames that are there whole. False for what is not a frame. */
static bool take_frames(struct dyno *d)
{
	struct buf *b = &d->session.from_client;
	uint32_t length;

	while (b->len >= ATTACH_HEADER_BYTES) {
		memcpy(&length, b->data + 1, sizeof(length));
		length = ntohl(length);
		if (length > ATTACH_MAX_PAYLOAD)
			return false;
		if (b->len < ATTACH_HEADER_BYTES + length)
			return true;
		on_frame(d, b->data[0], b->data + ATTACH_HEADER_BYTES, length);
		buf_consume(b, ATTACH_HEADER_BYTES + length);
	}
	return true;
}

static void read_client(struct dyno *d)
{
	struct session *s = &d->session;
	ssize_t r = fd_read(s->client_fd, buf_reserve(&s->from_client, CHUNK), CHUNK);

	if (r == -EAGAIN)
		return;
	if (r > 0)
		buf_added(&s->from_client, (size_t)r);
	if (r <= 0 || !take_frames(d))
		client_gone(d);
}

/* ---- to the client ---- */

static void flush_client(struct dyno *d)
{
	struct session *s = &d->session;

	while (s->client_fd >= 0 && s->to_client.len) {
		ssize_t r = fd_write(s->client_fd, s->to_client.data, s->to_client.len);

		if (r == -EAGAIN)
			return;
		if (r < 0)
			client_gone(d);
		else
			buf_consume(&s->to_client, (size_t)r);
	}
}

static void send_frame(struct dyno *d, enum attach_frame type, const void *data, size_t n)
{
	uint32_t length = htonl((uint32_t)n);
	char header[ATTACH_HEADER_BYTES] = { (char)type };

	if (d->session.client_fd < 0)
		return;
	memcpy(header + 1, &length, sizeof(length));
	buf_append(&d->session.to_client, header, sizeof(header));
	buf_append(&d->session.to_client, data, n);
	flush_client(d);
}

/* False when there was nothing to read now. */
static bool read_output(struct dyno *d, int *fd, enum attach_frame frame)
{
	struct session *s = &d->session;
	char chunk[CHUNK];
	ssize_t r = fd_read(*fd, chunk, sizeof(chunk));

	if (r == -EAGAIN)
		return false;
	if (r > 0) {
		send_frame(d, frame, chunk, (size_t)r);
		return true;
	}
	/* The end; a terminal whose other side is closed gives EIO. */
	if (s->in_fd == *fd)
		s->in_fd = -1;
	*fd = fd_close(*fd);
	return false;
}

/* ---- the loop's side ---- */

void session_poll(const struct dyno *d, struct pollfd p[static N_SESSION_SLOTS])
{
	const struct session *s = &d->session;
	bool room_out = s->to_client.len < BUFFER_MAX, room_in = s->to_process.len < BUFFER_MAX;

	p[SESSION_CLIENT] = (struct pollfd){ .fd = s->client_fd, .events = POLLRDHUP };
	if (room_in)
		p[SESSION_CLIENT].events |= POLLIN;
	if (s->to_client.len)
		p[SESSION_CLIENT].events |= POLLOUT;
	p[SESSION_IN] =
		(struct pollfd){ .fd = s->to_process.len ? s->in_fd : -1, .events = POLLOUT };
	p[SESSION_OUT] = (struct pollfd){ .fd = room_out ? s->out_fd : -1, .events = POLLIN };
	p[SESSION_ERR] = (struct pollfd){ .fd = room_out ? s->err_fd : -1, .events = POLLIN };
}

void session_dispatch(struct dyno *d, const struct pollfd p[static N_SESSION_SLOTS])
{
	struct session *s = &d->session;

	if (p[SESSION_OUT].revents && s->out_fd >= 0 && s->out_fd == p[SESSION_OUT].fd)
		read_output(d, &s->out_fd, ATTACH_STDOUT);
	if (p[SESSION_ERR].revents && s->err_fd >= 0 && s->err_fd == p[SESSION_ERR].fd)
		read_output(d, &s->err_fd, ATTACH_STDERR);
	if (p[SESSION_IN].revents)
		session_input(d);
	if (s->client_fd < 0 || s->client_fd != p[SESSION_CLIENT].fd)
		return;
	if (p[SESSION_CLIENT].revents & POLLOUT)
		flush_client(d);
	if (s->client_fd >= 0 && p[SESSION_CLIENT].revents & POLLIN)
		read_client(d);
	else if (s->client_fd >= 0 && p[SESSION_CLIENT].revents & (POLLRDHUP | POLLHUP | POLLERR))
		client_gone(d);
}

void session_end(struct dyno *d)
{
	struct session *s = &d->session;
	char text[320];

	/* What is in the pipes still belongs to the session; no process is left that could add to it. */
	while (s->out_fd >= 0 && read_output(d, &s->out_fd, ATTACH_STDOUT))
		;
	while (s->err_fd >= 0 && read_output(d, &s->err_fd, ATTACH_STDERR))
		;
	close_input(s);
	snprintf(text, sizeof(text), "%d %s", d->exit_code, d->reason);
	send_frame(d, ATTACH_EXIT, text, strlen(text));
	s->ended = true;
}

bool session_is_settled(const struct dyno *d)
{
	return d->session.client_fd < 0 || (d->session.ended && !d->session.to_client.len);
}
