/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log session as an HTTP answer: lines from twelve-logs, as Server-Sent Events
 * (with ids, so that a client can resume) or as plain lines. When twelve-logs is
 * restarted a tail goes on after the last line that it gave.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/api/log-answer.h"
#include "daemon/lines/lines.h"

#define HEARTBEAT_MS 30000
#define REOPEN_MS 200
#define BLOCK 16384
#define PENDING_MAX (256 << 10)

struct log_answer {
	struct parts *parts;
	struct http_growing *growing;
	struct log_session session;
	bool events; /* SSE */
	int fd;
	int64_t last_seq;
	struct buf in, out; /* half a line from twelve-logs; text for the client */
	struct watch *readable, *timer;
	bool ended;
};

/* A line for a reader of events, to whom CR and NUL would be ends of lines or of the stream. */
static void add_event(struct log_answer *a, char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text[i] == '\r' || text[i] == '\0')
			text[i] = ' ';
	buf_printf(&a->out, "id: %lld\ndata: ", (long long)a->last_seq);
	buf_append(&a->out, text, n);
	buf_puts(&a->out, "\n\n");
}

/* "SEQ STAMP source[dyno]: text" */
static void add_line(struct log_answer *a, char *line, size_t n)
{
	char *text = memchr(line, ' ', n);
	size_t text_n;
	int64_t seq;

	if (!text)
		return;
	*text++ = '\0';
	text_n = n - (size_t)(text - line);
	if (str_to_i64(line, 0, INT64_MAX, &seq) && seq > a->last_seq)
		a->last_seq = seq;
	if (a->events) {
		add_event(a, text, text_n);
		return;
	}
	if (a->session.seq)
		buf_printf(&a->out, "%s ", line);
	buf_append(&a->out, text, text_n);
	buf_putc(&a->out, '\n');
}

static void take_lines(struct log_answer *a)
{
	size_t done = 0;
	char *end;

	while ((end = memchr(a->in.data + done, '\n', a->in.len - done))) {
		add_line(a, a->in.data + done, (size_t)(end - a->in.data) - done);
		done = (size_t)(end - a->in.data) + 1;
	}
	buf_consume(&a->in, done);
	/* Most tails are idle most of the time, and there may be a thousand. */
	if (!a->in.len)
		buf_done(&a->in);
}

static void source_ended(struct log_answer *a)
{
	watch_free(steal_ptr(a->readable));
	a->fd = fd_close(a->fd);
	if (a->session.tail)
		watch_arm(a->timer, REOPEN_MS);
	else
		a->ended = true;
	http_growing_wake(a->growing);
}

static void on_lines(void *userdata)
{
	struct log_answer *a = userdata;
	ssize_t n;

	/* A client that does not read makes twelve-logs wait, and in the end skip and count. */
	if (a->out.len > PENDING_MAX) {
		watch_pause(a->readable, true);
		return;
	}
	n = fd_read(a->fd, buf_reserve(&a->in, 32768), 32768);
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		source_ended(a);
		return;
	}
	buf_added(&a->in, (size_t)n);
	take_lines(a);
	http_growing_wake(a->growing);
}

static int open_source(struct log_answer *a, struct error *err)
{
	const struct logs_read what = { .app_id = a->session.app_id,
					.lines = a->session.lines,
					.tail = a->session.tail,
					.dyno = a->session.dyno,
					.source = a->session.source,
					.release = a->session.release,
					.since_ms = a->session.since_ms,
					.after = a->last_seq ? a->last_seq : a->session.after };

	if (logs_read(a->parts->logs, &what, &a->fd, err) < 0) {
		a->fd = -1;
		return -1;
	}
	a->readable = watch_readable(a->parts->platform.loop, a->fd, on_lines, a);
	return 0;
}

static void on_timer(void *userdata)
{
	struct log_answer *a = userdata;
	struct error err = ERROR_INIT;

	if (a->fd < 0 && !a->ended && open_source(a, &err) < 0) {
		log_warn("log session: %s", err.message);
		watch_arm(a->timer, REOPEN_MS);
		return;
	}
	if (a->events && !a->out.len)
		buf_puts(&a->out, ": \n\n");
	watch_arm(a->timer, HEARTBEAT_MS);
	http_growing_wake(a->growing);
}

static ssize_t read_lines(void *userdata, char *buf, size_t max)
{
	struct log_answer *a = userdata;
	size_t n = a->out.len < max ? a->out.len : max;

	if (n) {
		memcpy(buf, a->out.data, n);
		buf_consume(&a->out, n);
		if (!a->out.len)
			buf_done(&a->out);
		if (a->readable)
			watch_pause(a->readable, false);
		return (ssize_t)n;
	}
	return a->ended ? HTTP_GROWN : 0;
}

static void free_answer(void *userdata)
{
	struct log_answer *a = userdata;

	watch_free(a->readable);
	watch_free(a->timer);
	fd_close(a->fd);
	buf_done(&a->in);
	buf_done(&a->out);
	free(a->session.dyno);
	free(a->session.source);
	free(a);
}

int request_answer_logs(struct request *r, const struct log_session *s, struct error *err)
{
	const char *accept = request_header(r, "Accept");
	struct log_answer *a = xcalloc(1, sizeof(*a));

	*a = (struct log_answer){ .parts = request_parts(r),
				  .session = *s,
				  .events = !accept || !strstr(accept, "text/plain"),
				  .fd = -1,
				  .in = BUF_INIT,
				  .out = BUF_INIT };
	a->session.dyno = s->dyno ? xstrdup(s->dyno) : NULL;
	a->session.source = s->source ? xstrdup(s->source) : NULL;
	a->timer = watch_timer(a->parts->platform.loop, on_timer, a);
	if (open_source(a, err) < 0) {
		free_answer(a);
		return -1;
	}
	watch_arm(a->timer, HEARTBEAT_MS);
	/* heroku's client lingers for its reconnect timer after the end; this cuts it. */
	if (a->events)
		buf_puts(&a->out, "retry: 1\n\n");
	return request_answer_growing(
		r,
		&(struct http_growing_options){ .content_type =
							a->events ? "text/event-stream"
								  : "text/plain; charset=utf-8",
						.block = BLOCK,
						.read = read_lines,
						.take_userdata = a,
						.free = free_answer },
		&a->growing);
}
