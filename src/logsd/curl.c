/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module with libcurl: names, addresses, TLS and HTTP are its business. It tells
 * which descriptors it waits for, and for how long, and our loop does the waiting. See curl.h.
 *
 * A stream over TLS is a transfer with CURLOPT_CONNECT_ONLY, which ends when the connection
 * stands; its handle stays in the multi handle as long as the stream is used.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "logsd/drain-report.h"
#include "logsd/transfer.h"

struct curl_socket {
	struct handler handler;
	struct logsd *logsd;
};

static void collect(struct logsd *l)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(l->multi, &left))) {
		struct transfer *t = NULL;
		CURLcode result = m->data.result;

		if (m->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t) == CURLE_OK && t)
			t->fn(t, result);
	}
}

static void on_curl_socket(struct handler *h, uint32_t events)
{
	struct curl_socket *s = (struct curl_socket *)(void *)h;
	struct logsd *l = s->logsd;
	int mask = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
		   (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		   (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
	int running;

	curl_multi_socket_action(l->multi, h->fd, mask, &running);
	collect(l);
}

static int socket_callback(CURL *easy, curl_socket_t fd, int what, void *userdata,
			   void *socket_data)
{
	struct curl_socket *s = socket_data;
	struct logsd *l = userdata;
	uint32_t events =
		(what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s) {
			curl_multi_assign(l->multi, fd, NULL);
			logsd_let_go_unowned(l, &s->handler);
		}
		return 0;
	}
	if (s) {
		logsd_change(l, &s->handler, events);
		return 0;
	}
	s = xcalloc(1, sizeof(*s));
	*s = (struct curl_socket){ .handler = { .fn = on_curl_socket, .fd = fd }, .logsd = l };
	curl_multi_assign(l->multi, fd, s);
	logsd_watch(l, &s->handler, events);
	return 0;
}

static int timer_callback(CURLM *multi, long timeout_ms, void *userdata)
{
	struct logsd *l = userdata;

	(void)multi;
	l->curl_deadline_ms = timeout_ms < 0 ? INT64_MAX : clock_now_ms() + timeout_ms;
	return 0;
}

static int prepare(struct logsd *l)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(l->multi = curl_multi_init()))
		return -ENOMEM;
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, socket_callback);
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, timer_callback);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
	return 0;
}

static void done(struct logsd *l)
{
	curl_multi_cleanup(l->multi);
	curl_global_cleanup();
	l->multi = NULL;
}

static void tick(struct logsd *l, int64_t now_ms)
{
	int running;

	(void)now_ms;
	l->curl_deadline_ms = INT64_MAX;
	curl_multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(l);
}

/* ---- streams over TLS ---- */

struct secure {
	struct transfer transfer; /* first */
	struct wire *wire;
};

static void close_stream(struct wire *w)
{
	struct secure *s = w->secure;

	w->secure = NULL;
	transfer_remove(w->drain->app->logsd, &s->transfer);
	curl_easy_cleanup(s->transfer.easy);
	free(s);
}

static void on_connected(struct transfer *t, CURLcode result)
{
	struct wire *w = ((struct secure *)(void *)t)->wire;
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (result == CURLE_OK)
		curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &fd);
	if (fd != CURL_SOCKET_BAD) {
		wire_connected(w, fd);
		return;
	}
	if (result == CURLE_OK)
		drain_fail(w->drain, 0, "the connection ended at once");
	else
		transfer_fail(w->drain, t, result);
	wire_close(w);
}

static void open_stream(struct wire *w)
{
	const struct drain_target *t = &w->drain->target;
	_cleanup_free_ char *url = xasprintf("https://%s:%u/", t->host, t->port);
	struct secure *s = xcalloc(1, sizeof(*s));

	*s = (struct secure){ .transfer = { .easy = curl_easy_init(), .fn = on_connected },
			      .wire = w };
	w->secure = s;
	if (s->transfer.easy) {
		transfer_prepare(&s->transfer, w->drain);
		curl_easy_setopt(s->transfer.easy, CURLOPT_URL, url);
		curl_easy_setopt(s->transfer.easy, CURLOPT_CONNECT_ONLY, 1L);
		curl_easy_setopt(s->transfer.easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
		if (transfer_add(w->drain->app->logsd, &s->transfer) == 0)
			return;
	}
	wire_close(w);
	drain_fail(w->drain, 0, "out of memory for a connection");
}

static ssize_t send_stream(struct wire *w, const char *data, size_t n)
{
	struct secure *s = w->secure;
	size_t sent = 0;
	CURLcode c = curl_easy_send(s->transfer.easy, data, n, &sent);

	if (c == CURLE_AGAIN)
		return -EAGAIN;
	return c == CURLE_OK ? (ssize_t)sent : -EPROTO;
}

static ssize_t recv_stream(struct wire *w, char *data, size_t n)
{
	struct secure *s = w->secure;
	size_t got = 0;
	CURLcode c = curl_easy_recv(s->transfer.easy, data, n, &got);

	if (c == CURLE_AGAIN)
		return -EAGAIN;
	return c == CURLE_OK ? (ssize_t)got : -EPROTO;
}

extern const struct drain_curl drain_curl;
__attribute__((visibility("default"))) const struct drain_curl drain_curl = {
	.http = &mover_http,
	.prepare = prepare,
	.done = done,
	.tick = tick,
	.open = open_stream,
	.close = close_stream,
	.send = send_stream,
	.recv = recv_stream,
};
