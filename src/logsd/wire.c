/* SPDX-License-Identifier: Apache-2.0 */
/* A stream to a receiver; see wire.h. */
#include "logsd/wire.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "logsd/curl.h"
#include "logsd/dial.h"
#include "logsd/drain-cursor.h"
#include "logsd/drain-report.h"

/* A peer that acknowledges nothing for so long is gone. */
#define SILENCE_MS 60000
/* What the kernel may hold for us: the least that is in doubt when a connection breaks. */
#define SEND_BUFFER_BYTES (256 * 1024)

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
	int size = SEND_BUFFER_BYTES, on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof(silence_ms)) < 0)
		log_debug("options of a drain's socket: %s", strerror(errno));
}

void wire_connected(struct wire *w, int fd)
{
	uint64_t acked;

	set_options(fd);
	w->handler = (struct handler){ .fn = on_wire, .fd = fd };
	w->open = true;
	w->base = 0;
	count(w, &acked, &w->base);
	w->on_open(w);
}

static void on_dialled(void *userdata, int take_fd, const char *why)
{
	struct wire *w = userdata;

	w->dial = NULL;
	if (take_fd >= 0)
		wire_connected(w, take_fd);
	else
		drain_fail(w->drain, 0, "%s", why);
}

static void open_secure(struct wire *w)
{
	struct error err = ERROR_INIT;
	const struct drain_curl *curl = drain_curl_load(w->drain->app->logsd, &err);

	if (curl)
		curl->open(w);
	else
		drain_fail(w->drain, 0, "%s", err.message);
}

void wire_open(struct wire *w, struct drain *d)
{
	w->drain = d;
	w->handler.fd = -1;
	drain_phase(d, DRAIN_CONNECTING);
	if (d->target.tls) {
		open_secure(w);
		return;
	}
	w->dial = dial_new(d->app->logsd, d->target.host, d->target.port, on_dialled, w);
	if (!w->dial)
		drain_fail(d, 0, "there is no descriptor for a connection");
}

bool wire_is_used(const struct wire *w)
{
	return w->open || w->dial || w->secure;
}

void wire_close(struct wire *w)
{
	struct logsd *l = w->drain ? w->drain->app->logsd : NULL;
	int fd = w->handler.fd;

	if (w->watched && fd >= 0)
		epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	dial_cancel(w->dial);
	w->dial = NULL;
	if (w->secure)
		l->curl->close(w);
	else if (w->open)
		fd_close(fd);
	w->watched = w->open = false;
	w->handler.fd = -1;
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
	ssize_t r;

	if (w->secure)
		return w->drain->app->logsd->curl->send(w, data, n);
	do
		r = send(w->handler.fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

ssize_t wire_recv(struct wire *w, char *data, size_t n)
{
	ssize_t r;

	if (w->secure)
		return w->drain->app->logsd->curl->recv(w, data, n);
	do
		r = recv(w->handler.fd, data, n, MSG_DONTWAIT);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

void wire_progress(const struct wire *w, uint64_t *ret_acked, uint64_t *ret_given)
{
	uint64_t acked = 0, given = 0;

	if (!count(w, &acked, &given))
		acked = given = w->base;
	*ret_acked = acked > w->base ? acked - w->base : 0;
	*ret_given = given - w->base;
}
