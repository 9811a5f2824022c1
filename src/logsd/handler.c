/* SPDX-License-Identifier: Apache-2.0 */
/* What epoll calls: watched, changed, let go, and freed when the round is over. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "logsd/handler.h"
#include "logsd/logsd.h"

void logsd_watch(struct logsd *l, struct handler *h, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = h };

	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, h->fd, &e) < 0)
		log_error("watching a descriptor: %s", strerror(errno));
}

void logsd_change(struct logsd *l, struct handler *h, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = h };

	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, h->fd, &e) < 0)
		log_error("watching a descriptor: %s", strerror(errno));
}

void logsd_let_go(struct logsd *l, struct handler *h)
{
	/*
	 * Closing takes it out of a set only when no other process has the descriptor; supervisors
	 * and twelved may.
	 */
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, h->fd, NULL) < 0 && errno == ENOENT)
		epoll_ctl(l->sources_epoll_fd, EPOLL_CTL_DEL, h->fd, NULL);
	h->fd = fd_close(h->fd);
	h->dead = true;
	h->next_dead = l->dead;
	l->dead = h;
}

void logsd_let_go_unowned(struct logsd *l, struct handler *h)
{
	if (h->fd >= 0)
		epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, h->fd, NULL);
	h->fd = -1;
	h->dead = true;
	h->next_dead = l->dead;
	l->dead = h;
}

void logsd_bury(struct logsd *l)
{
	while (l->dead) {
		struct handler *h = l->dead;

		l->dead = h->next_dead;
		free(h);
	}
}
