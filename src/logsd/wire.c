/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of drains, by libcurl: names, addresses, TLS and HTTP are its business. It
 * tells which descriptors it waits for, and for how long, and our loop does the waiting.
 *
 * A stream (syslog, forward) is a transfer with CURLOPT_CONNECT_ONLY, which ends when the
 * connection stands; its handle stays in the multi handle as long as the stream is used.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "logsd/drains.h"

#define CONNECT_MS 5000
/* A peer that acknowledges nothing for so long is gone. */
#define SILENCE_MS 60000
/* What the kernel may hold for us: the least that is in doubt when a connection breaks. */
#define SEND_BUFFER_BYTES (256 * 1024)

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
	int mask = (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		   (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
	int running;

	curl_multi_socket_action(l->multi, h->fd, mask, &running);
	collect(l);
}

static int socket_callback(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data)
{
	struct curl_socket *s = socket_data;
	struct logsd *l = userdata;
	uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);

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
	l->multi_deadline_ms = timeout_ms < 0 ? INT64_MAX : clock_now_ms() + timeout_ms;
	return 0;
}

int wires_prepare(struct logsd *l)
{
	if (l->multi)
		return 0;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(l->multi = curl_multi_init()))
		return -ENOMEM;
	l->multi_deadline_ms = INT64_MAX;
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, socket_callback);
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, timer_callback);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
	return 0;
}

void wires_done(struct logsd *l)
{
	if (!l->multi)
		return;
	curl_multi_cleanup(l->multi);
	curl_global_cleanup();
	l->multi = NULL;
}

int64_t wires_next_ms(const struct logsd *l)
{
	return l->multi ? l->multi_deadline_ms : INT64_MAX;
}

void wires_tick(struct logsd *l, int64_t now_ms)
{
	int running;

	if (!l->multi || now_ms < l->multi_deadline_ms)
		return;
	l->multi_deadline_ms = INT64_MAX;
	curl_multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(l);
}

/* ---- transfers ---- */

void transfer_prepare(struct transfer *t, const struct drain *d)
{
	struct curl_blob ca = { .data = d->ca, .len = d->ca ? strlen(d->ca) : 0, .flags = CURL_BLOB_COPY };

	curl_easy_reset(t->easy);
	t->error[0] = '\0';
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(t->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
	if (d->ca)
		curl_easy_setopt(t->easy, CURLOPT_CAINFO_BLOB, &ca);
}

int transfer_add(struct logsd *l, struct transfer *t)
{
	if (curl_multi_add_handle(l->multi, t->easy) != CURLM_OK)
		return -ENOMEM;
	t->added = true;
	return 0;
}

void transfer_remove(struct logsd *l, struct transfer *t)
{
	if (t->added)
		curl_multi_remove_handle(l->multi, t->easy);
	t->added = false;
}

void transfer_fail(struct drain *d, const struct transfer *t, CURLcode result)
{
	const char *why = t->error[0] ? t->error : curl_easy_strerror(result);

	if (result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE)
		drain_fail_certificate(d, why);
	else
		drain_fail(d, 0, "%s", why);
}

/* ---- streams ---- */

static void on_wire(struct handler *h, uint32_t events)
{
	struct wire *w = (struct wire *)(void *)h;

	w->on_events(w, events);
}

/* Counted by TCP from the connection's beginning, the handshakes of TCP and TLS included. */
static bool count(const struct wire *w, uint64_t *ret_acked, uint64_t *ret_given)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);
	int queued = 0;

	/* In this order: an acknowledgement in between makes more look given, not acknowledged. */
	if (ioctl(w->handler.fd, SIOCOUTQ, &queued) < 0 ||
	    getsockopt(w->handler.fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return false;
	*ret_acked = info.tcpi_bytes_acked;
	*ret_given = info.tcpi_bytes_acked + (uint64_t)queued;
	return true;
}

static void set_options(int fd)
{
	unsigned silence_ms = SILENCE_MS;
	int size = SEND_BUFFER_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof(silence_ms)) < 0)
		log_debug("options of a drain's socket: %s", strerror(errno));
}

static void on_connected(struct transfer *t, CURLcode result)
{
	struct wire *w = (struct wire *)(void *)((char *)t - offsetof(struct wire, transfer));
	curl_socket_t fd = CURL_SOCKET_BAD;
	uint64_t acked;

	if (result == CURLE_OK)
		curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &fd);
	if (fd == CURL_SOCKET_BAD) {
		wire_close(w);
		if (result == CURLE_OK)
			drain_fail(w->drain, 0, "the connection ended at once");
		else
			transfer_fail(w->drain, t, result);
		return;
	}
	set_options(fd);
	w->handler = (struct handler){ .fn = on_wire, .fd = fd };
	w->open = true;
	w->base = 0;
	count(w, &acked, &w->base);
	w->on_open(w);
}

void wire_open(struct wire *w, struct drain *d)
{
	const struct drain_target *t = &d->target;
	_cleanup_free_ char *url = xasprintf("%s://%s:%u/", t->tls ? "https" : "http", t->host, t->port);
	struct logsd *l = d->app->logsd;

	w->drain = d;
	w->handler.fd = -1;
	drain_phase(d, DRAIN_CONNECTING);
	if (wires_prepare(l) < 0 || !(w->transfer.easy = curl_easy_init())) {
		drain_fail(d, 0, "there is no memory for a connection");
		return;
	}
	transfer_prepare(&w->transfer, d);
	w->transfer.fn = on_connected;
	curl_easy_setopt(w->transfer.easy, CURLOPT_URL, url);
	curl_easy_setopt(w->transfer.easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(w->transfer.easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
	curl_easy_setopt(w->transfer.easy, CURLOPT_TCP_NODELAY, 1L);
	if (transfer_add(l, &w->transfer) < 0) {
		wire_close(w);
		drain_fail(d, 0, "there is no memory for a connection");
	}
}

void wire_close(struct wire *w)
{
	struct logsd *l = w->drain ? w->drain->app->logsd : NULL;

	if (w->watched && w->handler.fd >= 0)
		epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, w->handler.fd, NULL);
	w->watched = w->open = false;
	w->handler.fd = -1;
	if (!w->transfer.easy)
		return;
	transfer_remove(l, &w->transfer);
	curl_easy_cleanup(w->transfer.easy);
	w->transfer.easy = NULL;
}

void wire_watch(struct wire *w, bool for_writing)
{
	uint32_t events = EPOLLIN | EPOLLRDHUP | (for_writing ? EPOLLOUT : 0);
	struct logsd *l = w->drain->app->logsd;

	if (!w->open || (w->watched && w->events == events))
		return;
	if (w->watched)
		logsd_change(l, &w->handler, events);
	else
		logsd_watch(l, &w->handler, events);
	w->watched = true;
	w->events = events;
}

ssize_t wire_send(struct wire *w, const char *data, size_t n)
{
	size_t done = 0;
	CURLcode c;
	ssize_t r;

	if (!w->drain->target.tls) {
		do
			r = send(w->handler.fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		while (r < 0 && errno == EINTR);
		return r < 0 ? -errno : r;
	}
	c = curl_easy_send(w->transfer.easy, data, n, &done);
	if (c == CURLE_AGAIN)
		return -EAGAIN;
	return c == CURLE_OK ? (ssize_t)done : -EPROTO;
}

ssize_t wire_recv(struct wire *w, char *data, size_t n)
{
	size_t done = 0;
	CURLcode c;
	ssize_t r;

	if (!w->drain->target.tls) {
		do
			r = recv(w->handler.fd, data, n, MSG_DONTWAIT);
		while (r < 0 && errno == EINTR);
		return r < 0 ? -errno : r;
	}
	c = curl_easy_recv(w->transfer.easy, data, n, &done);
	if (c == CURLE_AGAIN)
		return -EAGAIN;
	return c == CURLE_OK ? (ssize_t)done : -EPROTO;
}

void wire_progress(const struct wire *w, uint64_t *ret_acked, uint64_t *ret_given)
{
	uint64_t acked = 0, given = 0;

	if (!count(w, &acked, &given))
		acked = given = w->base;
	*ret_acked = acked > w->base ? acked - w->base : 0;
	*ret_given = given - w->base;
}
