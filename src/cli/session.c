/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See session.h. Three things are waited for: the connection, stdin, and
 * signals. Writing blocks; no more than ATTACH_WINDOW_BYTES of input are under way that the
 * process has not taken, so the supervisor always reads and it blocks for a moment only.
 *
 * With a terminal Ctrl-C is a byte for the dyno's terminal; without, signals
 * are passed on as frames, and a second one ends us, and the session.
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
#define GOODBYE_MS 2000
/* Pauses before the next try, and how long it is tried. */
#define AGAIN_FIRST_MS 100
#define AGAIN_PAUSE_MAX_MS 2000
#define AGAIN_MAX_MS 300000

struct session {
	struct api_raw *raw;
	bool terminal;
	bool input_ended; /* ours; told when unacked is sent */
	bool exited, taken;
	int exit_code;
	int signals; /* passed on so far */
	struct buf received;

	/* What a broken connection leaves to know. */
	bool greeted;	  /* the dyno has said hello on this connection */
	int64_t serial;	  /* of the session; 0: none yet */
	int64_t position; /* of its output: how much has come */
	int64_t position_told;
	struct buf unacked; /* input that the process has not taken yet */
	int64_t unacked_at; /* of all input, the number of its first byte */
};

static int send_frame(struct session *s, enum attach_frame type, const void *data, size_t n)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	frame_put(&b, type, data, n);
	return api_raw_write(s->raw, b.data, b.len);
}

static int send_number(struct session *s, enum attach_frame type, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)number);
	return send_frame(s, type, text, strlen(text));
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

/* ---- input ---- */

static int on_input(struct session *s)
{
	char chunk[CHUNK];
	ssize_t n = fd_read(STDIN_FILENO, chunk, sizeof(chunk));

	if (n == -EAGAIN)
		return 0;
	/* An empty frame is the end of input; a stdin that can't be read has ended too. */
	s->input_ended = n <= 0;
	if (n > 0)
		buf_append(&s->unacked, chunk, (size_t)n);
	return send_frame(s, ATTACH_STDIN, chunk, n > 0 ? (size_t)n : 0);
}

static void forget_input(struct session *s, int64_t until)
{
	int64_t n = until - s->unacked_at;

	if (n <= 0)
		return;
	buf_consume(&s->unacked, n < (int64_t)s->unacked.len ? (size_t)n : s->unacked.len);
	s->unacked_at = until;
}

/* What was under way when the last connection broke. */
static int send_again(struct session *s)
{
	int r = 0;

	for (size_t done = 0; r == 0 && done < s->unacked.len; done += CHUNK) {
		size_t n = s->unacked.len - done;

		r = send_frame(s, ATTACH_STDIN, s->unacked.data + done, n < CHUNK ? n : CHUNK);
	}
	return r == 0 && s->input_ended ? send_frame(s, ATTACH_STDIN, "", 0) : r;
}

static int on_signals(struct session *s, int fd)
{
	unsigned char sig;

	while (fd_read(fd, &sig, 1) == 1) {
		if (sig == SIGWINCH) {
			send_size(s);
			continue;
		}
		/* The terminal goes away, or it was asked for twice. */
		if (s->terminal || s->signals++)
			return -EINTR;
		send_number(s, ATTACH_SIGNAL, sig);
	}
	return 0;
}

/* ---- output ---- */

static int on_hello(struct session *s, const char *data, size_t n)
{
	_cleanup_free_ char *text = xstrndup(data, n);
	long long serial, input, position;

	if (sscanf(text, "%lld %lld %lld", &serial, &input, &position) != 3)
		return -EPROTO;
	/* Others may have written to it before us. */
	if (!s->serial)
		s->unacked_at = input;
	s->serial = serial;
	s->position = s->position_told = position;
	s->greeted = true;
	forget_input(s, input);
	return send_again(s) < 0 ? -ECONNRESET : 0;
}

/* A stdout that is gone (EPIPE) ends us as it would end the command itself. */
static int show(struct session *s, int fd, const char *data, size_t n)
{
	int r = fd_write_all(fd, data, n);

	if (r < 0)
		return r;
	s->position += (int64_t)(ATTACH_HEADER_BYTES + n);
	if (s->position - s->position_told < ATTACH_ACK_BYTES)
		return 0;
	s->position_told = s->position;
	/* That the connection is broken is seen when it is read. */
	send_number(s, ATTACH_ACK, s->position);
	return 0;
}

static int on_frame(struct session *s, char type, const char *data, size_t n)
{
	_cleanup_free_ char *text = NULL;

	switch (type) {
	case ATTACH_HELLO:
		return on_hello(s, data, n);
	case ATTACH_STDOUT:
		return show(s, STDOUT_FILENO, data, n);
	case ATTACH_STDERR:
		return show(s, STDERR_FILENO, data, n);
	case ATTACH_ACK:
		text = xstrndup(data, n);
		forget_input(s, strtoll(text, NULL, 10));
		return 0;
	case ATTACH_EXIT:
		s->exit_code = frame_exit_code(data, n, &text);
		s->exited = true;
		return 1;
	case ATTACH_TAKEN:
		s->taken = true;
		return 1;
	}
	return 0;
}

/* 1: the session is over for us. */
static int take_frames(struct session *s)
{
	const char *data;
	char type;
	size_t n;
	int r;

	while ((r = frame_peek(&s->received, &type, &data, &n)) == 1) {
		r = on_frame(s, type, data, n);
		frame_consume(&s->received);
		if (r != 0)
			return r;
	}
	return r;
}

/* 1: over, 0: more to come, negative: -ECONNRESET: broken, or what stdout says. */
static int on_output(struct session *s)
{
	for (;;) {
		ssize_t n = api_raw_read(s->raw, buf_reserve(&s->received, CHUNK), CHUNK);
		int r;

		if (n == -EAGAIN)
			return 0;
		if (n <= 0)
			return -ECONNRESET;
		buf_added(&s->received, (size_t)n);
		r = take_frames(s);
		if (r != 0)
			return r;
	}
}

/* ---- one connection ---- */

static bool wants_input(const struct session *s)
{
	return s->greeted && !s->input_ended && s->unacked.len + CHUNK <= ATTACH_WINDOW_BYTES;
}

static int loop(struct session *s, int signal_fd)
{
	/* What came together with the answer's head is there already. */
	int r = on_output(s);

	while (r == 0) {
		struct pollfd p[] = { { .fd = api_raw_fd(s->raw), .events = POLLIN },
				      { .fd = signal_fd, .events = POLLIN },
				      { .fd = wants_input(s) ? STDIN_FILENO : -1,
					.events = POLLIN } };

		if (poll(p, 3, -1) < 0 && errno != EINTR)
			return -errno;
		if (p[1].revents)
			r = on_signals(s, signal_fd);
		if (r == 0 && p[0].revents)
			r = on_output(s);
		/* That the dyno takes no more is told by its exit frame, or by the connection's
		 * end. */
		if (r == 0 && p[2].revents)
			on_input(s);
	}
	return r;
}

/* The dyno is told that we go, so that it waits for nobody, and closes then. */
static void say_goodbye(struct session *s)
{
	struct pollfd p = { .fd = api_raw_fd(s->raw), .events = POLLIN };
	char chunk[CHUNK];
	ssize_t n = 1;

	if (send_frame(s, ATTACH_GOODBYE, "", 0) < 0)
		return;
	while (n > 0 || n == -EAGAIN) {
		n = api_raw_read(s->raw, chunk, sizeof(chunk));
		if (n == -EAGAIN && poll(&p, 1, GOODBYE_MS) <= 0)
			return;
	}
}

/* As loop(): -ECONNRESET when the connection broke, and another may be had. */
static int connected(struct session *s, int signal_fd)
{
	int r = s->terminal ? term_raw() : 0;

	buf_clear(&s->received);
	s->greeted = false;
	if (r == 0)
		send_size(s);
	if (r == 0)
		r = loop(s, signal_fd);
	if (s->exited || r == -EINTR || r == -EPIPE)
		say_goodbye(s);
	term_restore();
	return r;
}

/* ---- one session, over as many connections as it takes ---- */

/* Whether there is no use in trying it again. */
static bool is_final(const struct error *err)
{
	return err->kind == ERROR_NOT_FOUND || err->kind == ERROR_CONFLICT ||
	       err->kind == ERROR_FORBIDDEN || err->kind == ERROR_UNAUTHORIZED;
}

static int connect_again(struct cli *c, struct session *s, const char *url, const char *name,
			 struct error *err)
{
	_cleanup_free_ char *again = xasprintf("%s?session=%lld&position=%lld", url,
					       (long long)s->serial, (long long)s->position);
	int64_t pause = AGAIN_FIRST_MS;

	note(c, "The connection to %s broke. Reconnecting", name);
	cli_interrupted = 0;
	for (int64_t waited = 0; !cli_interrupted; waited += pause) {
		struct error why = ERROR_INIT;

		/* Without a session nothing has come yet, and it is attached to anew. */
		if (api_upgrade(c->api, s->serial ? again : url, ATTACH_PROTOCOL, &s->raw, &why) ==
		    0)
			return 0;
		if (why.kind == ERROR_NOT_FOUND)
			return error_set(err, ERROR_UNAVAILABLE,
					 "The connection to %s was lost, and the session has ended",
					 name);
		if (is_final(&why) || waited > AGAIN_MAX_MS)
			return error_set(err, why.kind,
					 "The connection to %s broke: %s. Resume it with: twelve "
					 "run --attach %s",
					 name, why.message, name);
		pause_ms(pause);
		pause = pause * 2 > AGAIN_PAUSE_MAX_MS ? AGAIN_PAUSE_MAX_MS : pause * 2;
	}
	return error_set(err, ERROR_UNAVAILABLE,
			 "%s is still running. Resume it with: twelve run --attach %s", name, name);
}

static int result(const struct session *s, int r, const char *name, struct error *err)
{
	if (s->exited)
		return s->exit_code;
	if (s->taken)
		return error_set(err, ERROR_CONFLICT, "Another client has attached to %s", name);
	if (r == -EINTR)
		return 128 + cli_interrupted;
	if (r == -EPIPE)
		return 128 + SIGPIPE;
	return error_set_errno(err, r, "the session with %s", name);
}

static int run(struct cli *c, struct session *s, const char *url, const char *name,
	       struct error *err)
{
	int signal_fd = signals_pipe(), r;

	if (signal_fd < 0)
		return error_set_errno(err, signal_fd, "pipe");
	for (;;) {
		r = connected(s, signal_fd);
		api_raw_free(s->raw);
		s->raw = NULL;
		if (r != -ECONNRESET) {
			r = result(s, r, name, err);
			break;
		}
		r = connect_again(c, s, url, name, err);
		if (r < 0)
			break;
	}
	fd_close(signal_fd);
	return r;
}

int session_of_dyno(struct cli *c, const json_t *dyno, bool terminal, struct error *err)
{
	const char *url = json_str(dyno, "twelve.attach_url", NULL);
	const char *name = json_str(dyno, "name", "the dyno");
	struct session s = { .terminal = terminal, .received = BUF_INIT, .unacked = BUF_INIT };
	int r;

	if (!url)
		return error_set(err, ERROR_CONFLICT, "%s is not waiting for a client", name);
	if (api_upgrade(c->api, url, ATTACH_PROTOCOL, &s.raw, err) < 0)
		return -1;
	progress_clear(c);
	r = run(c, &s, url, name, err);
	buf_done(&s.received);
	buf_done(&s.unacked);
	return r;
}
