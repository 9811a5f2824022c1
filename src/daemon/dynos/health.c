/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a dyno is ready; see health.h. */
#include "daemon/dynos/health.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"

/* Of the answer only the status matters; the rest is read so that the app can send it, as far as
 * this. */
#define ANSWER_MAX (1 << 20)
#define LINE_MAX 4096
/* An app that leaves the connection open, though we asked for its end, has answered all the same.
 */
#define REST_MS 500

struct health_probe {
	int fd;
	struct watch *writable, *readable, *deadline;
	char *request;
	struct buf answer; /* until there is a status */
	size_t n_read;
	int status;
	health_probe_fn fn;
	void *userdata;
};

void health_probe_cancel(struct health_probe *p)
{
	if (!p)
		return;
	watch_free(p->writable);
	watch_free(p->readable);
	watch_free(p->deadline);
	fd_close(p->fd);
	buf_done(&p->answer);
	free(p->request);
	free(p);
}

int health_parse_status(const char *line)
{
	int status;

	return sscanf(line, "HTTP/1.%*1[01] %3d", &status) == 1 && status >= 100 && status <= 599
		       ? status
		       : 0;
}

const char *health_excerpt(const char *data, size_t n, char to[static HEALTH_EXCERPT_SIZE])
{
	size_t i;

	for (i = 0; i < n && i + 1 < HEALTH_EXCERPT_SIZE && data[i] != '\r' && data[i] != '\n'; i++)
		to[i] = isprint((unsigned char)data[i]) && (unsigned char)data[i] < 0x80 ? data[i]
											 : '.';
	to[i] = '\0';
	return to;
}

static void finish(struct health_probe *p, const char *instead)
{
	health_probe_fn fn = p->fn;
	void *userdata = p->userdata;
	int status = p->status;

	health_probe_cancel(p);
	fn(status, status ? NULL : instead, userdata);
}

static void on_deadline(void *userdata)
{
	finish(userdata, "is not answered");
}

/* No status will come any more. */
static void finish_without(struct health_probe *p)
{
	char excerpt[HEALTH_EXCERPT_SIZE];
	_cleanup_free_ char *instead = NULL;

	if (!p->answer.len) {
		finish(p, "is not answered: the connection is closed");
		return;
	}
	instead = xasprintf("gets a response that is not HTTP: \"%s\"",
			    health_excerpt(p->answer.data, p->answer.len, excerpt));
	finish(p, instead);
}

static void on_writable(void *userdata)
{
	struct health_probe *p = userdata;
	size_t n = strlen(p->request);

	/* A request fits the empty send buffer of a new connection; if not, there was no
	 * connection. */
	if (send(p->fd, p->request, n, MSG_NOSIGNAL) != (ssize_t)n) {
		finish_without(p);
		return;
	}
	watch_pause(p->writable, true);
}

/* Whether more bytes could change what the first line is. */
static bool is_decided(const struct buf *answer)
{
	static const char begin[] = "HTTP/1.";
	size_t n = answer->len < strlen(begin) ? answer->len : strlen(begin);

	return memcmp(answer->data, begin, n) != 0 || memchr(answer->data, '\n', answer->len) ||
	       answer->len > LINE_MAX;
}

static void on_readable(void *userdata)
{
	struct health_probe *p = userdata;
	ssize_t n = fd_read(p->fd, buf_reserve(&p->answer, LINE_MAX), LINE_MAX);

	if (n == -EAGAIN)
		return;
	if (n > 0) {
		buf_added(&p->answer, (size_t)n);
		p->n_read += (size_t)n;
	}
	if (!p->status && (n <= 0 || is_decided(&p->answer))) {
		p->status = health_parse_status(p->answer.data);
		if (!p->status) {
			finish_without(p);
			return;
		}
		watch_arm(p->deadline, REST_MS);
	}
	if (n <= 0 || p->n_read > ANSWER_MAX)
		finish(p, NULL);
	else if (p->status)
		buf_clear(&p->answer);
}

struct health_probe *health_probe_start(struct loop *l, const struct health_question *q,
					health_probe_fn fn, void *userdata)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(q->place.port),
				  .sin_addr = q->place.address };
	struct health_probe *p = xcalloc(1, sizeof(*p));

	*p = (struct health_probe){ .answer = BUF_INIT, .fn = fn, .userdata = userdata };
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	p->request = xasprintf(
		"GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: twelve-check\r\nAccept: */*\r\n"
		"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: "
		"443\r\n"
		"Connection: close\r\n\r\n",
		q->path, q->host);
	p->deadline = watch_timer(l, on_deadline, p);
	if (p->fd < 0 ||
	    (connect(p->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)) {
		watch_arm(p->deadline, 0);
		return p;
	}
	p->writable = watch_writable(l, p->fd, on_writable, p);
	p->readable = watch_readable(l, p->fd, on_readable, p);
	watch_arm(p->deadline, q->timeout_ms);
	return p;
}
