/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What HAProxy refused before it was a request: it is counted, and HAProxy is asked for the last
 * one, whose Host tells the app (route/bad-request.c). One question at a time, ten at once and
 * fifty a second: of many that come at once some are only counted, so a stranger can fill no log.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "logsd/app.h"
#include "logsd/logsd.h"
#include "logsd/refused.h"
#include "route/route.h"

#define SAY_PAUSE_MS 10000
#define ASK_PAUSE_MS 20
#define ASK_BURST_MS (10 * ASK_PAUSE_MS)
#define ASK_TIMEOUT_MS 5000
/* The head's beginning; nothing is made of the rest. */
#define ANSWER_MAX_BYTES 32768
#define MAP_MAX_BYTES (64 << 20)

struct question {
	struct handler handler;
	struct logsd *logsd;
	struct buf answer;
	int64_t deadline_ms;
	bool again; /* another one was refused meanwhile, perhaps after HAProxy answered */
};

static void end(struct logsd *l)
{
	struct question *q = l->question;

	if (!q)
		return;
	l->question = NULL;
	buf_done(&q->answer);
	logsd_let_go(l, &q->handler);
}

/* The same event is told again for as long as there is no other. */
static bool is_new(struct logsd *l, const char *answer)
{
	const char *at = strstr(answer, "\n[");
	_cleanup_free_ char *event = at ? xstrndup(at + 1, strcspn(at + 1, "]")) : NULL;

	if (!event || (l->last_refused && streq(l->last_refused, event)))
		return false;
	free(l->last_refused);
	l->last_refused = steal_ptr(event);
	return true;
}

static void tell_app(struct logsd *l, const char *answer)
{
	_cleanup_free_ char *path = xasprintf("%s/../haproxy/hosts.map", l->dir), *host = NULL,
			    *id = NULL;
	_cleanup_buf_ struct buf map = BUF_INIT, raw = BUF_INIT, line = BUF_INIT;
	struct app *a;

	if (!is_new(l, answer) || !route_bad_request(answer, &host, &raw) ||
	    fs_read_file(path, MAP_MAX_BYTES, &map) < 0)
		return;
	id = route_host_app(map.data, host);
	a = id && uuid_is_valid(id) ? app_get(l, id) : NULL;
	if (!a)
		return;
	route_log_line(raw.data, raw.len, &line);
	app_append(a, "heroku", "router", line.data, line.len);
}

static void ask(struct logsd *l, int64_t now_ms);

static void on_answer(struct handler *h, uint32_t events)
{
	struct question *q = (struct question *)(void *)h;
	struct logsd *l = q->logsd;
	ssize_t n = fd_read(h->fd, buf_reserve(&q->answer, 8192), 8192);
	bool again;

	(void)events;
	if (n == -EAGAIN)
		return;
	if (n > 0) {
		buf_added(&q->answer, (size_t)n);
		if (q->answer.len < ANSWER_MAX_BYTES)
			return;
	}
	tell_app(l, q->answer.data);
	again = q->again;
	end(l);
	if (again)
		ask(l, clock_now_ms());
}

/* Does not wait: what can't be asked at once is not. */
static int open_question(const struct logsd *l)
{
	static const char command[] = "show errors web request\n";
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	_cleanup_free_ char *path = xasprintf("%s/../haproxy/admin.sock", l->dir);
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || strlen(path) >= sizeof(at.sun_path))
		return -1;
	memcpy(at.sun_path, path, strlen(path));
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    send(fd, command, strlen(command), MSG_NOSIGNAL) != (ssize_t)strlen(command) ||
	    shutdown(fd, SHUT_WR) < 0)
		return -1;
	return fd_steal(&fd);
}

static void ask(struct logsd *l, int64_t now_ms)
{
	struct question *q;
	int fd;

	if (l->question && now_ms > l->question->deadline_ms)
		end(l);
	if (l->question) {
		l->question->again = true;
		return;
	}
	if (now_ms < l->ask_again_ms)
		return;
	if (l->ask_again_ms < now_ms - ASK_BURST_MS)
		l->ask_again_ms = now_ms - ASK_BURST_MS;
	l->ask_again_ms += ASK_PAUSE_MS;
	fd = open_question(l);
	if (fd < 0)
		return;
	q = l->question = xcalloc(1, sizeof(*q));
	*q = (struct question){ .handler = { .fn = on_answer, .fd = fd },
				.logsd = l,
				.answer = BUF_INIT,
				.deadline_ms = now_ms + ASK_TIMEOUT_MS };
	logsd_watch(l, &q->handler, EPOLLIN);
}

void refused_note(struct logsd *l, const char *text, size_t n)
{
	int64_t now_ms = clock_now_ms();

	/* Bad requests are kept by HAProxy, those that did not come in time are not. */
	if (n > 3 && memcmp(text, "PR ", 3) == 0)
		ask(l, now_ms);
	l->n_refused++;
	if (now_ms < l->refused_again_ms)
		return;
	log_warn("haproxy refused %llu that came as a request and was none, or not in time; the "
		 "last: %.*s",
		 (unsigned long long)l->n_refused, (int)n, text);
	l->n_refused = 0;
	l->refused_again_ms = now_ms + SAY_PAUSE_MS;
}

void refused_done(struct logsd *l)
{
	end(l);
	free(l->last_refused);
}
