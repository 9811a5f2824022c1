/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that wait; see http/tail.h. */
#include "daemon/http/tail.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/cleanup.h"

/* The end of what the client sends is its going away: no client of ours closes one half. */
static void on_peer(void *userdata)
{
	struct http_tail *t = userdata;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(t->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	char byte;
	ssize_t n = recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	watch_free(steal_ptr(t->peer));
	/* The next request came already: libmicrohttpd reads it after this one, and we can't see
	 * the end behind it. */
	if (n > 0)
		return;
	t->gone = true;
	http_tail_wake(t);
}

void http_tail_init(struct http_tail *t, struct http_tails *all, struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

	*t = (struct http_tail){ .tails = all,
				 .connection = c,
				 .next = all->first,
				 .at = &all->first,
				 .gone = all->ending };
	if (t->next)
		t->next->at = &t->next;
	all->first = t;
	t->peer = watch_readable(all->loop, info->connect_fd, on_peer, t);
}

void http_tail_done(struct http_tail *t)
{
	if (!t->at)
		return;
	watch_free(steal_ptr(t->peer));
	*t->at = t->next;
	if (t->next)
		t->next->at = t->at;
	t->at = NULL;
}

void http_tail_wait(struct http_tail *t)
{
	if (t->suspended || t->gone)
		return;
	t->suspended = true;
	MHD_suspend_connection(t->connection);
}

void http_tail_wake(struct http_tail *t)
{
	if (!t->suspended)
		return;
	t->suspended = false;
	MHD_resume_connection(t->connection);
	http_tails_kick(t->tails);
}

ssize_t http_tail_nothing(struct http_tail *t)
{
	if (t->gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	http_tail_wait(t);
	return 0;
}

void http_tails_end(struct http_tails *all)
{
	all->ending = true;
	for (struct http_tail *t = all->first; t; t = t->next) {
		t->gone = true;
		http_tail_wake(t);
	}
}

void http_tails_kick(struct http_tails *all)
{
	watch_arm(all->kick, 0);
}
