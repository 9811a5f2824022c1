/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking haproxy without waiting; see question.h.
 *
 *     connect ──▶ send a line ──▶ read to the end ──▶ next line, or fn()
 *        │ the backlog is full: again in a moment
 *        └────────────── each connection has one deadline
 */
#include "daemon/edge/question.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"

/* haproxy reads a command line into one buffer of 16 KiB. */
#define LINE_MAX_BYTES 12000
#define ANSWER_MAX_BYTES (16 << 20)
#define AGAIN_MS 20

struct question {
	struct loop *loop;
	char *path, *commands;
	const char *rest; /* of the commands */
	int64_t timeout_ms, deadline_ms;
	question_fn fn;
	void *userdata;

	int fd;
	int failed; /* a negative errno that is to be told */
	struct watch *readable;
	struct watch *timer; /* another try to connect, the deadline, what has failed */
	struct buf line, answer;
};

bool question_take_line(const char **commands, struct buf *line)
{
	buf_clear(line);
	while (**commands &&
	       (!line->len || line->len + strcspn(*commands, "\n") < LINE_MAX_BYTES)) {
		size_t n = strcspn(*commands, "\n");

		if (line->len)
			buf_puts(line, "; ");
		buf_append(line, *commands, n);
		*commands += n;
		*commands += **commands == '\n';
	}
	if (!line->len)
		return false;
	buf_putc(line, '\n');
	return true;
}

static void hang_up(struct question *q)
{
	watch_free(steal_ptr(q->readable));
	q->fd = fd_close(q->fd);
}

void question_free(struct question *q)
{
	if (!q)
		return;
	hang_up(q);
	watch_free(q->timer);
	buf_done(&q->line);
	buf_done(&q->answer);
	free(q->path);
	free(q->commands);
	free(q);
}

static void end(struct question *q, const struct error *err)
{
	/* It may ask another, but not free this one. */
	q->fn(&q->answer, err, q->userdata);
	question_free(q);
}

static void fail(struct question *q, int r, const char *doing)
{
	struct error err = ERROR_INIT;

	error_set_errno(&err, r, "%s haproxy at %s", doing, q->path);
	end(q, &err);
}

static void ask(struct question *q);

static void next_line(struct question *q)
{
	hang_up(q);
	if (!question_take_line(&q->rest, &q->line)) {
		end(q, NULL);
		return;
	}
	q->deadline_ms = clock_now_ms() + q->timeout_ms;
	ask(q);
}

static void on_readable(void *userdata)
{
	struct question *q = userdata;
	ssize_t n = fd_read(q->fd, buf_reserve(&q->answer, 65536), 65536);

	if (n == -EAGAIN)
		return;
	if (n > 0)
		buf_added(&q->answer, (size_t)n);
	if (q->answer.len > ANSWER_MAX_BYTES)
		fail(q, EFBIG, "reading from");
	else if (n < 0 && n != -ECONNRESET)
		fail(q, (int)n, "reading from");
	else if (n <= 0)
		next_line(q);
}

/* A line is smaller than what a socket takes at once. */
static int send_line(const struct question *q)
{
	ssize_t n = send(q->fd, q->line.data, q->line.len, MSG_NOSIGNAL);

	if (n < 0)
		return -errno;
	return (size_t)n < q->line.len ? -EMSGSIZE : shutdown(q->fd, SHUT_WR) < 0 ? -errno : 0;
}

static void arm(struct question *q)
{
	int64_t left_ms = q->deadline_ms - clock_now_ms();

	watch_arm(q->timer, left_ms > 0 ? left_ms : 0);
}

static void ask(struct question *q)
{
	int r;

	q->fd = sock_connect_unix(q->path, SOCK_STREAM | SOCK_NONBLOCK);
	/* More wait for it than it has room for. */
	if (q->fd == -EAGAIN) {
		watch_arm(q->timer, AGAIN_MS);
		return;
	}
	r = q->fd < 0 ? q->fd : send_line(q);
	if (r < 0) {
		/* Whoever asks is not told from within its call. */
		q->failed = r;
		watch_arm(q->timer, 0);
		return;
	}
	q->readable = watch_readable(q->loop, q->fd, on_readable, q);
	arm(q);
}

static void on_timer(void *userdata)
{
	struct question *q = userdata;

	if (!q->line.len)
		next_line(q);
	else if (q->failed)
		fail(q, q->failed, "asking");
	else if (clock_now_ms() >= q->deadline_ms)
		fail(q, ETIMEDOUT, "waiting for");
	else if (q->readable)
		arm(q);
	else
		ask(q);
}

struct question *question_new(struct loop *l, const char *path, const char *commands,
			      int64_t timeout_ms, question_fn fn, void *userdata)
{
	struct question *q = xcalloc(1, sizeof(*q));

	*q = (struct question){ .loop = l,
				.path = xstrdup(path),
				.commands = xstrdup(commands),
				.timeout_ms = timeout_ms,
				.fn = fn,
				.userdata = userdata,
				.fd = -1,
				.line = BUF_INIT,
				.answer = BUF_INIT };
	q->rest = q->commands;
	q->timer = watch_timer(l, on_timer, q);
	if (question_take_line(&q->rest, &q->line)) {
		/* At once: haproxy has a command before anybody is told of what it follows from. */
		q->deadline_ms = clock_now_ms() + timeout_ms;
		ask(q);
	} else {
		watch_arm(q->timer, 0);
	}
	return q;
}
