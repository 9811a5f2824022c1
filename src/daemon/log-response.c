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
#include "daemon/http-priv.h"
#include "daemon/logs-client.h"

#define HEARTBEAT_MS 30000
#define REOPEN_MS 200
#define PENDING_MAX (256 << 10)

struct log_answer {
	struct http *http;
	struct MHD_Connection *connection;
	struct log_session session;
	bool events; /* SSE */
	int fd;
	int64_t last_seq;
	struct buf in, out; /* half a line from twelve-logs; text for the client */
	struct watch *readable, *timer;
	bool suspended, ended;
};

static void wake(struct log_answer *a)
{
	if (!a->suspended)
		return;
	a->suspended = false;
	MHD_resume_connection(a->connection);
	http_kick(a->http);
}

/* "SEQ STAMP source[dyno]: text" */
static void add_line(struct log_answer *a, char *line)
{
	char *text = strchr(line, ' ');
	int64_t seq;

	if (!text)
		return;
	*text++ = '\0';
	if (str_to_i64(line, 0, INT64_MAX, &seq) && seq > a->last_seq)
		a->last_seq = seq;
	if (a->events)
		buf_printf(&a->out, "id: %s\ndata: %s\n\n", line, text);
	else
		buf_printf(&a->out, "%s\n", text);
}

static void take_lines(struct log_answer *a)
{
	size_t done = 0;
	char *end;

	while ((end = memchr(a->in.data + done, '\n', a->in.len - done))) {
		*end = '\0';
		add_line(a, a->in.data + done);
		done = (size_t)(end - a->in.data) + 1;
	}
	buf_consume(&a->in, done);
}

static void source_ended(struct log_answer *a)
{
	watch_free(steal_ptr(a->readable));
	a->fd = fd_close(a->fd);
	if (a->session.tail)
		watch_arm(a->timer, REOPEN_MS);
	else
		a->ended = true;
	wake(a);
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
	wake(a);
}

static int open_source(struct log_answer *a, struct error *err)
{
	const struct logs_read what = { .app_id = a->session.app_id,
					.lines = a->session.lines,
					.tail = a->session.tail,
					.dyno = a->session.dyno,
					.source = a->session.source,
					.after = a->last_seq ? a->last_seq : a->session.after };

	if (logs_read(a->http->d->logs, &what, &a->fd, err) < 0) {
		a->fd = -1;
		return -1;
	}
	a->readable = watch_readable(a->http->d->loop, a->fd, on_lines, a);
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
	wake(a);
}

static ssize_t read_lines(void *userdata, uint64_t pos, char *buf, size_t max)
{
	struct log_answer *a = userdata;
	size_t n = a->out.len < max ? a->out.len : max;

	(void)pos;
	if (n) {
		memcpy(buf, a->out.data, n);
		buf_consume(&a->out, n);
		if (a->readable)
			watch_pause(a->readable, false);
		return (ssize_t)n;
	}
	if (a->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	a->suspended = true;
	MHD_suspend_connection(a->connection);
	return 0;
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
	struct MHD_Response *response;

	*a = (struct log_answer){ .http = r->http,
				  .connection = r->connection,
				  .session = *s,
				  .events = !accept || !strstr(accept, "text/plain"),
				  .fd = -1,
				  .in = BUF_INIT,
				  .out = BUF_INIT };
	a->session.dyno = s->dyno ? xstrdup(s->dyno) : NULL;
	a->session.source = s->source ? xstrdup(s->source) : NULL;
	a->timer = watch_timer(r->http->d->loop, on_timer, a);
	if (open_source(a, err) < 0) {
		free_answer(a);
		return -1;
	}
	watch_arm(a->timer, HEARTBEAT_MS);
	/* heroku's client lingers for its reconnect timer after the end; this cuts it. */
	if (a->events)
		buf_puts(&a->out, "retry: 1\n\n");
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, read_lines, a, free_answer);
	return http_queue(r, 200, response, a->events ? "text/event-stream" : "text/plain; charset=utf-8") == MHD_YES ? 0 : -1;
}
