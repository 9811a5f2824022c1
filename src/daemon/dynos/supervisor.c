/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to a supervisor: what it says of its dyno, what it is told, and its end. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/core/remove.h"
#include "daemon/dynos/dyno-priv.h"
#include "ipc/ipc.h"

#define CONNECT_PAUSE_MS 5

/* ---- the end of a dyno ---- */

static void gone(void *userdata)
{
	struct dyno *dyno = userdata;

	dyno->state = DYNO_EXITED;
	dyno->known = true;
	dyno_unlist(dyno);
	dyno_changed(dyno);
	dyno_free(dyno);
}

/*
 * What a supervisor that was killed could not clean up itself, another process does. Until the
 * container is gone it may hold the port, or write to the volume of an add-on: so long it is one
 * that stops.
 */
static void dyno_ended(struct dyno *dyno)
{
	bool said_so = dyno->state == DYNO_EXITED;

	dyno_disconnect(dyno);
	dyno_unwatch_ready(dyno);
	if (said_so && !fs_exists(dyno->priv->dir)) {
		gone(dyno);
		return;
	}
	if (!said_so) {
		free(dyno->reason);
		dyno->reason = xstrdup("lost its supervisor");
		log_warn("%s of app %s lost its supervisor", dyno->name, dyno->app_id);
		dyno->state = DYNO_STOPPING;
	}
	remove_container_later(dyno->priv->owner->platform, dyno->id, dyno->priv->dir, gone, dyno);
}

/* ---- what the supervisor says ---- */

void dyno_replace_field(char **to, const struct ipc_msg *m, const char *key)
{
	const char *value = ipc_get(m, key);

	free(*to);
	*to = xstrdup(value ? value : "");
}

static enum dyno_state parse_state(const char *word, enum dyno_state fallback)
{
	for (enum dyno_state s = 0; s < _DYNO_STATE_MAX; s++)
		if (word && streq(word, dyno_state_names[s]))
			return s;
	return fallback;
}

static void on_status(struct dyno *dyno, const struct ipc_msg *m)
{
	enum dyno_state was = dyno->state;
	bool was_known = dyno->known;

	dyno->state = parse_state(ipc_get(m, "state"), dyno->state);
	dyno->since_ms = ipc_get_i64(m, "since_ms", clock_wall_ms());
	dyno->restarts = ipc_get_i64(m, "restarts", 0);
	dyno->exit_code = (int)ipc_get_i64(m, "exit", -1);
	dyno->oom = ipc_get_i64(m, "oom", 0) == 1;
	dyno->pid = (pid_t)ipc_get_i64(m, "pid", 0);
	dyno_replace_field(&dyno->reason, m, "reason");
	dyno->known = true;
	if (dyno->state != was || !was_known)
		dyno_entered(dyno);
	if (dyno->state != DYNO_UP && dyno->state != DYNO_STOPPING)
		dyno_unwatch_ready(dyno);
	dyno_changed(dyno);
}

static void on_control(void *userdata)
{
	struct dyno *dyno = userdata;
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	int r = ipc_recv(dyno->priv->control_fd, &m);

	if (r == -EAGAIN || r == -EPROTO)
		return;
	if (r <= 0)
		dyno_ended(dyno);
	else if (m.type == DYNO_STATUS)
		on_status(dyno, &m);
}

/* ---- what the supervisor is told ---- */

static int tell(struct dyno *dyno, uint16_t type)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	ipc_msg_init(&m, type);
	return ipc_send(dyno->priv->control_fd, &m);
}

static int tell_client(struct dyno *dyno, int fd, const struct dyno_client *client)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	ipc_msg_init(&m, DYNO_ATTACH);
	if (client->raw)
		ipc_put(&m, "mode", "raw");
	if (client->session) {
		ipc_put_i64(&m, "session", client->session);
		ipc_put_i64(&m, "position", client->position);
	}
	ipc_put_fd(&m, fd);
	return ipc_send(dyno->priv->control_fd, &m);
}

static void connected(struct dyno *dyno)
{
	struct dyno_private *p = dyno->priv;

	p->readable = watch_readable(p->owner->platform->loop, p->control_fd, on_control, dyno);
	if (p->stop_wanted)
		tell(dyno, DYNO_STOP);
	if (p->pending_attach_fd >= 0) {
		tell_client(dyno, p->pending_attach_fd, &p->pending_client);
		p->pending_attach_fd = fd_close(p->pending_attach_fd);
	}
}

void dyno_try_connect(void *userdata)
{
	struct dyno *dyno = userdata;
	struct dyno_private *p = dyno->priv;
	_cleanup_free_ char *path = xasprintf("%s/sock", p->dir);
	int fd = sock_connect_unix(path, SOCK_SEQPACKET | SOCK_NONBLOCK);

	if (fd >= 0) {
		p->control_fd = fd;
		watch_free(steal_ptr(p->connect_timer));
		connected(dyno);
	} else if (clock_now_ms() < p->connect_deadline_ms) {
		watch_arm(p->connect_timer, CONNECT_PAUSE_MS);
	} else {
		dyno_ended(dyno);
	}
}

void dyno_connect(struct dyno *dyno, int64_t timeout_ms)
{
	struct dyno_private *p = dyno->priv;

	p->connect_deadline_ms = clock_now_ms() + timeout_ms;
	p->connect_timer = watch_timer(p->owner->platform->loop, dyno_try_connect, dyno);
	watch_arm(p->connect_timer, 0);
}

void dynos_stop(struct dynos *ds, struct dyno *dyno)
{
	(void)ds;
	dyno->priv->stop_wanted = true;
	ready_free(steal_ptr(dyno->priv->ready));
	if (dyno->priv->control_fd >= 0)
		tell(dyno, DYNO_STOP);
	if (dyno->state != DYNO_EXITED)
		dyno->state = DYNO_STOPPING;
}

int dynos_attach(struct dynos *ds, struct dyno *dyno, int fd, const struct dyno_client *client,
		 struct error *err)
{
	struct dyno_private *p = dyno->priv;
	int r;

	(void)ds;
	if (!dyno->attached)
		return error_set(err, ERROR_CONFLICT, "%s is not waiting for a client", dyno->name);
	if (p->control_fd < 0) {
		fd_close(p->pending_attach_fd);
		p->pending_attach_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		p->pending_client = *client;
		return p->pending_attach_fd < 0 ? error_set_errno(err, errno, "attaching") : 0;
	}
	r = tell_client(dyno, fd, client);
	return r < 0 ? error_set_errno(err, r, "attaching to %s", dyno->name) : 0;
}
