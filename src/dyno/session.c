/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session: the process's terminal or its pipes on one side, on the other a client,
 * who may break off and be followed by another. Output goes into `kept` as frames
 * (ipc/dyno-proto.h) and from there to the client, in what it speaks: session-frames.c or
 * session-raw.c. Nothing here blocks: each direction has a buffer with a cap, and at the
 * cap its source is not read until there is room. So a client that reads slowly, or none,
 * stops the process's output and nothing else, as a full pipe would, and a process that
 * does not read its input stops the client's.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "dyno/dyno.h"

#define INPUT_MAX (2 * ATTACH_WINDOW_BYTES)

/* ---- beginning ---- */

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
	    (r = make_pipe(&s->out_fd, &stdio[1], false)) < 0)
		return r;
	if (s->wire != &session_raw)
		return make_pipe(&s->err_fd, &stdio[2], false);
	/* One stream for both, so that they come in the order in which they were written. */
	stdio[2] = fcntl(stdio[1], F_DUPFD_CLOEXEC, 3);
	return stdio[2] < 0 ? -errno : 0;
}

void session_take_terminal(struct dyno *d, int console_fd)
{
	fd_set_nonblock(console_fd, true);
	d->session.in_fd = d->session.out_fd = console_fd;
	stdio_set_size(d, (int)ipc_get_i64(&d->spec, "columns", 0),
		       (int)ipc_get_i64(&d->spec, "rows", 0));
}

/* ---- a client comes and goes ---- */

static void close_client(struct session *s)
{
	s->client_fd = fd_close(s->client_fd);
	buf_done(&s->to_client);
	buf_done(&s->from_client);
	s->sent = 0;
	s->wake_ms = 0;
}

static void client_broke(struct dyno *d)
{
	struct session *s = &d->session;

	if (s->wire->broken)
		s->wire->broken(d);
	close_client(s);
	if (s->left || d->state == DYNO_EXITED)
		return;
	s->alone_until_ms = clock_now_ms() + d->detach_ms;
	streams_say(d, "Client disconnected: `twelve run --attach %s` resumes it within %lld s",
		    d->name, (long long)d->detach_ms / 1000);
}

/* The client goes on purpose, or nobody came: the process is told to end. */
static void abandon(struct dyno *d, const char *why)
{
	struct session *s = &d->session;

	s->left = true;
	s->alone_until_ms = 0;
	close_client(s);
	buf_done(&s->kept);
	stdio_close_input(s);
	if (d->state != DYNO_UP)
		return;
	s->signal(d, SIGHUP);
	s->stop(d, d->stop_ms, why);
}

/* One frame to a client that is let go; if it can't be written at once, the client learns it from
 * the end. */
static void say_taken(int fd)
{
	static const char text[] = "Another client has attached";
	_cleanup_buf_ struct buf b = BUF_INIT;

	frame_append(&b, ATTACH_TAKEN, text, strlen(text));
	(void)fd_write(fd, b.data, b.len);
}

static void replace_client(struct session *s)
{
	if (s->client_fd < 0)
		return;
	/* After a part of a frame nothing can be said. */
	if (s->wire == &session_frames && !s->to_client.len)
		say_taken(s->client_fd);
	close_client(s);
}

/* Who comes back must be the last who came; then what it has is forgotten. */
static bool resume(struct session *s, const struct ipc_msg *m)
{
	int64_t serial = ipc_get_i64(m, "session", 0), position = ipc_get_i64(m, "position", 0);

	if (!serial) {
		s->serial++;
		s->redraw = s->wire != NULL;
		return true;
	}
	if (serial != s->serial || position < 0)
		return false;
	session_acknowledge(s, (uint64_t)position);
	return true;
}

bool session_attach(struct dyno *d, const struct ipc_msg *m, int take_fd)
{
	struct session *s = &d->session;
	const char *mode = ipc_get(m, "mode");
	bool raw = mode && streq(mode, "raw");

	if (!d->attach || s->left || (raw && (s->wire || d->state != DYNO_STARTING)) ||
	    fd_set_nonblock(take_fd, true) < 0) {
		fd_close(take_fd);
		return false;
	}
	if (!resume(s, m)) {
		say_taken(take_fd);
		fd_close(take_fd);
		return false;
	}
	if (s->client_fd >= 0 && s->wire->broken)
		s->wire->broken(d);
	replace_client(s);
	s->client_fd = take_fd;
	s->wire = raw ? &session_raw : &session_frames;
	s->n_input_acked = s->n_input;
	s->alone_until_ms = 0;
	s->wire->begin(d);
	session_pump(d);
	return true;
}

/* ---- to and from the client ---- */

/* False when the client is gone or takes no more now. */
static bool flush_client(struct dyno *d)
{
	struct session *s = &d->session;

	while (s->to_client.len) {
		ssize_t r = fd_write(s->client_fd, s->to_client.data, s->to_client.len);

		if (r == -EAGAIN)
			return false;
		if (r < 0) {
			client_broke(d);
			return false;
		}
		s->raw.empty_since_ms = 0;
		buf_consume(&s->to_client, (size_t)r);
	}
	return true;
}

void session_pump(struct dyno *d)
{
	struct session *s = &d->session;

	while (s->client_fd >= 0 && flush_client(d)) {
		s->wire->fill(d);
		if (s->client_fd < 0 || !s->to_client.len)
			return;
	}
}

static void read_client(struct dyno *d)
{
	struct session *s = &d->session;
	ssize_t r =
		fd_read(s->client_fd, buf_reserve(&s->from_client, SESSION_CHUNK), SESSION_CHUNK);

	if (r == -EAGAIN)
		return;
	if (r > 0)
		buf_added(&s->from_client, (size_t)r);
	if (s->closing && r > 0) {
		buf_clear(&s->from_client);
		return;
	}
	switch (r > 0 ? s->wire->take(d) : SESSION_BROKEN) {
	case SESSION_GOES_ON:
		break;
	case SESSION_GOODBYE:
		abandon(d, "was stopped: the client went away");
		break;
	case SESSION_BROKEN:
		client_broke(d);
		break;
	}
}

/* ---- the loop's side ---- */

int64_t session_next_ms(const struct dyno *d)
{
	const struct session *s = &d->session;

	return !s->wake_ms || (s->alone_until_ms && s->alone_until_ms < s->wake_ms)
		       ? s->alone_until_ms
		       : s->wake_ms;
}

void session_on_time(struct dyno *d)
{
	struct session *s = &d->session;
	int64_t now_ms = clock_now_ms();

	if (s->alone_until_ms && now_ms >= s->alone_until_ms)
		abandon(d, "was stopped: its client went away and none came");
	if (!s->wake_ms || now_ms < s->wake_ms)
		return;
	s->wake_ms = 0;
	s->wire->on_time(d);
	session_pump(d);
}

void session_poll(const struct dyno *d, struct pollfd p[static N_SESSION_SLOTS])
{
	const struct session *s = &d->session;
	bool room_out = s->kept.len < ATTACH_KEPT_BYTES, room_in = s->to_process.len < INPUT_MAX;

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
		stdio_read(d, &s->out_fd, ATTACH_STDOUT);
	if (p[SESSION_ERR].revents && s->err_fd >= 0 && s->err_fd == p[SESSION_ERR].fd)
		stdio_read(d, &s->err_fd, ATTACH_STDERR);
	if (p[SESSION_IN].revents)
		stdio_write(d);
	if (s->client_fd < 0 || s->client_fd != p[SESSION_CLIENT].fd)
		return;
	if (p[SESSION_CLIENT].revents & POLLIN)
		read_client(d);
	else if (p[SESSION_CLIENT].revents & (POLLRDHUP | POLLHUP | POLLERR))
		client_broke(d);
	session_pump(d);
}

void session_end(struct dyno *d)
{
	struct session *s = &d->session;
	char text[320];

	/* What is in the pipes still belongs to the session; no process is left that could add to
	 * it. */
	while (s->out_fd >= 0 && stdio_read(d, &s->out_fd, ATTACH_STDOUT))
		;
	while (s->err_fd >= 0 && stdio_read(d, &s->err_fd, ATTACH_STDERR))
		;
	stdio_close_input(s);
	s->ended = true;
	s->alone_until_ms = 0;
	if (s->left || !s->wire)
		return;
	snprintf(text, sizeof(text), "%d %s", d->exit_code, d->reason);
	frame_append(&s->kept, ATTACH_EXIT, text, strlen(text));
	session_pump(d);
}

bool session_is_settled(const struct dyno *d)
{
	const struct session *s = &d->session;

	if (s->client_fd >= 0)
		return false;
	/* Who stopped it does not wait for one who may come to read the end. */
	if (s->left || !s->wire || !s->kept.len || d->stopped)
		return true;
	/* Heroku's client has the exit code by another way, or does not want it. */
	return s->wire == &session_raw && s->kept.data[0] == ATTACH_EXIT;
}
