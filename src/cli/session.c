/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See session.h. Three things are waited for: the connection, stdin, and
 * signals. Writing blocks: when the dyno does not read, neither do we.
 *
 * With a terminal Ctrl-C is a byte for the dyno's terminal; without, signals
 * are passed on as frames, and a second one ends us.
 */
#include "cli/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/frames.h"
#include "cli/signals.h"
#include "cli/term.h"

#define ATTACH_PROTOCOL "twelve-attach"

#define CHUNK 16384

struct session {
	struct api_raw *raw;
	bool terminal;
	bool input_ended;
	bool exited;
	int exit_code;
	int signals; /* passed on so far */
	struct buf received;
};

static int send_frame(struct session *s, enum attach_frame type, const void *data, size_t n)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	frame_put(&b, type, data, n);
	return api_raw_write(s->raw, b.data, b.len);
}

static int send_size(struct session *s)
{
	char text[32];
	int columns, rows;

	if (!s->terminal || !term_size(&columns, &rows))
		return 0;
	snprintf(text, sizeof(text), "%d %d", columns, rows);
	return send_frame(s, ATTACH_WINSIZE, text, strlen(text));
}

static int on_input(struct session *s)
{
	char chunk[CHUNK];
	ssize_t n = fd_read(STDIN_FILENO, chunk, sizeof(chunk));

	if (n == -EAGAIN)
		return 0;
	/* An empty frame is the end of input; a stdin that can't be read has ended too. */
	s->input_ended = n <= 0;
	return send_frame(s, ATTACH_STDIN, chunk, n > 0 ? (size_t)n : 0);
}

static int on_signals(struct session *s, int fd)
{
	unsigned char sig;
	char text[8];

	while (fd_read(fd, &sig, 1) == 1) {
		if (sig == SIGWINCH) {
			send_size(s);
			continue;
		}
		/* The terminal goes away, or it was asked for twice: the dyno is told by our going. */
		if (s->terminal || s->signals++)
			return -EINTR;
		snprintf(text, sizeof(text), "%d", sig);
		send_frame(s, ATTACH_SIGNAL, text, strlen(text));
	}
	return 0;
}

/* 1: the exit frame has come. */
static int take_frames(struct session *s)
{
	const char *data;
	char type;
	size_t n;
	int r;

	while ((r = frame_peek(&s->received, &type, &data, &n)) == 1) {
		_cleanup_free_ char *sentence = NULL;

		/* A stdout that is gone (EPIPE) ends us as it would end the command itself. */
		if (type == ATTACH_STDOUT || type == ATTACH_STDERR) {
			r = fd_write_all(type == ATTACH_STDOUT ? STDOUT_FILENO : STDERR_FILENO,
					 data, n);
			if (r < 0)
				return r;
		} else if (type == ATTACH_EXIT) {
			s->exit_code = frame_exit_code(data, n, &sentence);
			s->exited = true;
		}
		frame_consume(&s->received);
		if (s->exited)
			return 1;
	}
	return r;
}

/* 1: over, 0: more to come, negative: broken. */
static int on_output(struct session *s)
{
	for (;;) {
		ssize_t n = api_raw_read(s->raw, buf_reserve(&s->received, CHUNK), CHUNK);
		int r;

		if (n == -EAGAIN)
			return 0;
		if (n <= 0)
			return n < 0 ? (int)n : -ECONNRESET;
		buf_added(&s->received, (size_t)n);
		r = take_frames(s);
		if (r != 0)
			return r;
	}
}

static int loop(struct session *s, int signal_fd)
{
	/* What came together with the answer's head is there already. */
	int r = on_output(s);

	while (r == 0) {
		struct pollfd p[] = { { .fd = api_raw_fd(s->raw), .events = POLLIN },
				      { .fd = signal_fd, .events = POLLIN },
				      { .fd = s->input_ended ? -1 : STDIN_FILENO,
					.events = POLLIN } };

		if (poll(p, 3, -1) < 0 && errno != EINTR)
			return -errno;
		if (p[1].revents)
			r = on_signals(s, signal_fd);
		if (r == 0 && p[0].revents)
			r = on_output(s);
		/* That the dyno takes no more input is told by its exit frame. */
		if (r == 0 && p[2].revents && on_input(s) < 0)
			s->input_ended = true;
	}
	return r;
}

int session_run(struct api_raw *raw, bool terminal, struct error *err)
{
	struct session s = { .raw = raw, .terminal = terminal, .received = BUF_INIT };
	int signal_fd = signals_pipe(), r;

	if (signal_fd < 0)
		return error_set_errno(err, signal_fd, "pipe");
	r = terminal ? term_raw() : 0;
	if (r == 0)
		r = send_size(&s);
	if (r == 0)
		r = loop(&s, signal_fd);
	term_restore();
	fd_close(signal_fd);
	buf_done(&s.received);
	if (s.exited)
		return s.exit_code;
	if (r == -EINTR)
		return 128 + cli_interrupted;
	if (r == -EPIPE)
		return 128 + SIGPIPE;
	return error_set(err, ERROR_UNAVAILABLE, "The connection to the dyno broke");
}

int session_of_dyno(struct cli *c, const json_t *dyno, bool terminal, struct error *err)
{
	const char *url = json_str(dyno, "attach_url", NULL);
	struct api_raw *raw = NULL;
	int r;

	if (!url)
		return error_set(err, ERROR_SYSTEM, "%s was started, but can't be attached to",
				 json_str(dyno, "name", "The dyno"));
	if (api_upgrade(c->api, url, ATTACH_PROTOCOL, &raw, err) < 0)
		return -1;
	progress_clear(c);
	r = session_run(raw, terminal, err);
	api_raw_free(raw);
	return r;
}
