/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP connection in the making; see dial.h.
 *
 *     LOOKING UP ──addresses──▶ CONNECTING to the first ──refused──▶ to the next ──...──▶ fn()
 *
 * A thread that looks up can't be stopped: who cancels lets go of the lookup, and the
 * last of the two frees it.
 */
#include "logsd/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/str.h"

/* SYNs again after 1 and 3 seconds; after 7 the address does not answer (tcp(7), TCP_SYNCNT). */
#define SYN_COUNT 2

struct lookup {
	atomic_int refs; /* the thread's and the dial's */
	int done_fd;	 /* readable when the rest is true */
	char *host, port[8];
	struct addrinfo *list;
	int error; /* EAI_... */
};

struct dial {
	struct handler
		handler; /* first: the loop frees it. Of the lookup, and then of the socket. */
	struct logsd *logsd;
	struct lookup *lookup;
	const struct addrinfo *next;
	dial_fn fn;
	void *userdata;
	char why[160];
};

static void lookup_unref(struct lookup *k)
{
	if (atomic_fetch_sub(&k->refs, 1) > 1)
		return;
	if (k->list)
		freeaddrinfo(k->list);
	fd_close(k->done_fd);
	free(k->host);
	free(k);
}

static void look_up(struct lookup *k, int flags)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICSERV | flags };

	k->error = getaddrinfo(k->host, k->port, &hints, &k->list);
}

static void *lookup_main(void *arg)
{
	struct lookup *k = arg;

	look_up(k, AI_ADDRCONFIG | AI_IDN);
	eventfd_write(k->done_fd, 1);
	lookup_unref(k);
	return NULL;
}

static void start_thread(struct lookup *k)
{
	pthread_t thread;

	atomic_fetch_add(&k->refs, 1);
	if (pthread_create(&thread, NULL, lookup_main, k) == 0) {
		pthread_detach(thread);
		return;
	}
	/* There is no thread; the dial's reference is left. */
	atomic_fetch_sub(&k->refs, 1);
	k->error = EAI_MEMORY;
	eventfd_write(k->done_fd, 1);
}

static struct lookup *lookup_new(const char *host, uint16_t port)
{
	struct lookup *k = xcalloc(1, sizeof(*k));
	size_t n = strlen(host);

	k->refs = 1;
	k->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	k->host = host[0] == '[' ? xstrndup(host + 1, n - 2) : xstrdup(host);
	snprintf(k->port, sizeof(k->port), "%u", port);
	if (k->done_fd < 0)
		return k;
	/* An address takes no time. */
	look_up(k, AI_NUMERICHOST);
	if (k->error == 0)
		eventfd_write(k->done_fd, 1);
	else
		start_thread(k);
	return k;
}

static void unwatch(struct dial *d)
{
	if (d->handler.fd >= 0)
		epoll_ctl(d->logsd->epoll_fd, EPOLL_CTL_DEL, d->handler.fd, NULL);
}

static void finish(struct dial *d, int take_fd)
{
	lookup_unref(d->lookup);
	d->handler.fd = -1;
	logsd_let_go_unowned(d->logsd, &d->handler);
	d->fn(d->userdata, take_fd, d->why);
}

static void try_next(struct dial *d)
{
	while (d->next) {
		const struct addrinfo *a = d->next;
		int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
		    count = SYN_COUNT;

		d->next = a->ai_next;
		if (fd >= 0)
			setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &count, sizeof(count));
		if (fd >= 0 &&
		    (connect(fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS)) {
			d->handler.fd = fd;
			logsd_watch(d->logsd, &d->handler, EPOLLOUT);
			return;
		}
		snprintf(d->why, sizeof(d->why), "connecting to %.100s: %s", d->lookup->host,
			 strerror(errno));
		fd_close(fd);
	}
	finish(d, -1);
}

static void on_connected(struct dial *d)
{
	int fd = d->handler.fd, error = 0;
	socklen_t size = sizeof(error);

	unwatch(d);
	d->handler.fd = -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (!error) {
		finish(d, fd);
		return;
	}
	snprintf(d->why, sizeof(d->why), "connecting to %.100s: %s", d->lookup->host,
		 strerror(error));
	fd_close(fd);
	try_next(d);
}

static void on_event(struct handler *h, uint32_t events)
{
	struct dial *d = (struct dial *)(void *)h;
	struct lookup *k = d->lookup;

	(void)events;
	if (h->fd != k->done_fd) {
		on_connected(d);
		return;
	}
	unwatch(d);
	h->fd = -1;
	d->next = k->error ? NULL : k->list;
	if (k->error)
		snprintf(d->why, sizeof(d->why), "connecting to %.100s: %s", k->host,
			 gai_strerror(k->error));
	try_next(d);
}

struct dial *dial_new(struct logsd *l, const char *host, uint16_t port, dial_fn fn, void *userdata)
{
	struct dial *d = xcalloc(1, sizeof(*d));
	struct lookup *k = lookup_new(host, port);

	*d = (struct dial){ .handler = { .fn = on_event, .fd = k->done_fd },
			    .logsd = l,
			    .lookup = k,
			    .fn = fn,
			    .userdata = userdata };
	if (k->done_fd < 0) {
		lookup_unref(k);
		free(d);
		return NULL;
	}
	logsd_watch(l, &d->handler, EPOLLIN);
	return d;
}

void dial_cancel(struct dial *d)
{
	if (!d)
		return;
	unwatch(d);
	if (d->handler.fd >= 0 && d->handler.fd != d->lookup->done_fd)
		fd_close(d->handler.fd);
	d->handler.fd = -1;
	lookup_unref(d->lookup);
	logsd_let_go_unowned(d->logsd, &d->handler);
}
