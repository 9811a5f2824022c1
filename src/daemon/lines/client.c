/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twelved's side of twelve-logs; see lines/lines.h.
 *
 *     ABSENT ──connect──▶ ASKED ──its answer──▶ READY
 *       ▲  └─ refused: start one, try again       │
 *       └──────────── the connection ends ────────┘
 *
 * Messages wait in the outbox for READY, in order, descriptors included. A full one counts the
 * lines per app, and tells the count in the app's stream. What was sent and not yet read when
 * twelve-logs is killed is lost with its socket.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/lines/client-priv.h"
#include "ipc/logs-proto.h"

#define RETRY_FIRST_MS 5
#define RETRY_MAX_MS 2000
#define ANSWER_MS 3000

static void hang_up(struct logs_client *c)
{
	watch_free(steal_ptr(c->readable));
	watch_free(steal_ptr(c->writable));
	c->fd = fd_close(c->fd);
	c->state = LINK_ABSENT;
}

static void retry(struct logs_client *c)
{
	hang_up(c);
	watch_arm(c->timer, c->retry_ms);
	c->retry_ms = c->retry_ms * 2 < RETRY_MAX_MS ? c->retry_ms * 2 : RETRY_MAX_MS;
}

static void lost(struct logs_client *c, const char *why)
{
	log_warn("the connection to twelve-logs ended: %s", why);
	retry(c);
}

static void on_writable(void *userdata)
{
	struct logs_client *c = userdata;

	watch_pause(c->writable, true);
	logs_client_flush(c);
}

void logs_client_flush(struct logs_client *c)
{
	while (c->state == LINK_READY && (c->outbox.first || outbox_tell_lost(&c->outbox))) {
		int r = ipc_send(c->fd, &c->outbox.first->msg);

		if (r == -EAGAIN) {
			watch_pause(c->writable, false);
			return;
		}
		if (r < 0 && r != -EMSGSIZE) {
			lost(c, strerror(-r));
			return;
		}
		if (r < 0)
			log_error("a message to twelve-logs is too large");
		outbox_pop(&c->outbox);
	}
}

void logs_client_send(struct logs_client *c, struct ipc_msg *take_msg)
{
	outbox_push(&c->outbox, take_msg);
	logs_client_flush(c);
}

static void tell_load(struct logs_client *c, const struct ipc_msg *m)
{
	struct logs_load load = { .app_id = ipc_get(m, "app"),
				  .requests = ipc_get_i64(m, "requests", 0),
				  .failed = ipc_get_i64(m, "failed", 0),
				  .p95_ms = ipc_get_i64(m, "p95_ms", 0),
				  .for_ms = ipc_get_i64(m, "for_ms", 0) };

	if (load.app_id && c->load_fn)
		c->load_fn(&load, c->load_userdata);
}

static void on_readable(void *userdata)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct logs_client *c = userdata;
	int r = ipc_recv(c->fd, &m);

	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		lost(c, r ? strerror(-r) : "it has ended");
		return;
	}
	if (m.type == LOGS_LOAD)
		tell_load(c, &m);
	if (m.type != LOGS_STAT || c->state != LINK_ASKED)
		return;
	watch_arm(c->timer, -1);
	c->retry_ms = RETRY_FIRST_MS;
	c->state = LINK_READY;
	for (const struct standing *k = c->outbox.standing; k; k = k->next)
		outbox_push_standing(&c->outbox, k);
	logs_client_flush(c);
}

static void ask(struct logs_client *c)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	int r;

	m.type = LOGS_STAT;
	c->state = LINK_ASKED;
	c->readable = watch_readable(c->platform->loop, c->fd, on_readable, c);
	c->writable = watch_writable(c->platform->loop, c->fd, on_writable, c);
	watch_pause(c->writable, true);
	r = ipc_send(c->fd, &m);
	if (r < 0)
		lost(c, strerror(-r));
	else
		watch_arm(c->timer, ANSWER_MS);
}

/* The timer: a try to connect, or an answer that did not come. */
static void on_timer(void *userdata)
{
	struct logs_client *c = userdata;

	if (c->state != LINK_ABSENT) {
		lost(c, "it does not answer");
		return;
	}
	c->fd = sock_connect_unix(c->socket_path, SOCK_SEQPACKET | SOCK_NONBLOCK);
	if (c->fd >= 0) {
		ask(c);
		return;
	}
	/* One that is there and takes nobody is stopped, or busy: it comes back, or ends. */
	if (!c->child && c->fd != -EAGAIN)
		logs_process_start(c);
	retry(c);
}

struct logs_client *logs_client_new(const struct platform *p)
{
	struct logs_client *c = xcalloc(1, sizeof(*c));

	*c = (struct logs_client){ .platform = p,
				   .socket_path = xasprintf("%s/logs.sock", p->settings.run_dir),
				   .program = settings_program(&p->settings, "twelve-logs"),
				   .fd = -1,
				   .retry_ms = RETRY_FIRST_MS };
	outbox_init(&c->outbox);
	c->timer = watch_timer(p->loop, on_timer, c);
	on_timer(c);
	return c;
}

struct loop *logs_loop(const struct logs_client *c)
{
	return c->platform->loop;
}

void logs_client_free(struct logs_client *c)
{
	if (!c)
		return;
	hang_up(c);
	watch_free(c->timer);
	watch_free(c->child);
	outbox_done(&c->outbox);
	free(c->socket_path);
	free(c->program);
	free(c);
}

void logs_client_shutdown(struct logs_client *c)
{
	_cleanup_fd_ int pid_fd = -1;
	socklen_t size = sizeof(struct ucred);
	struct ucred who;

	watch_arm(c->timer, -1);
	if (c->fd < 0 || getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		return;
	/* Opened while the connection stands, so that the number is still its own. */
	pid_fd = proc_pidfd_open(who.pid);
	hang_up(c);
	if (pid_fd >= 0)
		logs_process_end(who.pid, pid_fd);
}
