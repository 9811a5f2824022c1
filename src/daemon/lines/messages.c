/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to twelve-logs, a message each; see ipc/logs-proto.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "daemon/lines/client-priv.h"
#include "ipc/logs-proto.h"

/* One message carries so much of a text; a longer one is cut at a line's end into several. */
#define TEXT_MAX_BYTES 32768

static void append_piece(struct logs_client *c, const char *app_id, const char *source,
			 const char *dyno, const char *text, size_t n)
{
	_cleanup_free_ char *piece = xstrndup(text, n);

	if (outbox_push_text(&c->outbox, app_id, source, dyno, piece))
		logs_client_flush(c);
}

void logs_append(struct logs_client *c, const char *app_id, const char *source, const char *dyno,
		 const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *p;
	size_t left;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	p = text.data;
	left = text.len;
	while (left) {
		size_t n = left < TEXT_MAX_BYTES ? left : TEXT_MAX_BYTES;
		const char *lf = n < left ? memrchr(p, '\n', n) : NULL;

		n = lf ? (size_t)(lf - p) + 1 : n;
		append_piece(c, app_id, source, dyno, p, n);
		p += n;
		left -= n;
	}
}

void logs_forget(struct logs_client *c, const char *app_id)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	outbox_forget_standing(&c->outbox, app_id);
	m.type = LOGS_FORGET;
	ipc_put(&m, "app", app_id);
	logs_client_send(c, &m);
}

/* Sends it now, unless it was the last word already, and to each twelve-logs that starts. */
static void stand(struct logs_client *c, const char *app_id, struct ipc_msg *take_msg)
{
	if (!outbox_keep_standing(&c->outbox, app_id, take_msg) || c->state != LINK_READY)
		return;
	outbox_push_standing(&c->outbox, c->outbox.standing);
	logs_client_flush(c);
}

void logs_link(struct logs_client *c, const char *addon_id, char *const *app_ids)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_buf_ struct buf to = BUF_INIT;

	for (char *const *id = app_ids; id && *id; id++)
		buf_printf(&to, "%s%s", to.len ? " " : "", *id);
	m.type = LOGS_LINK;
	ipc_put(&m, "app", addon_id);
	ipc_put(&m, "to", to.data);
	stand(c, addon_id, &m);
}

void logs_drains(struct logs_client *c, const struct logs_drains *what)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	m.type = LOGS_DRAINS;
	ipc_put(&m, "app", what->app_id);
	ipc_put(&m, "name", what->app_name);
	ipc_put_i64(&m, "release", what->release);
	ipc_put(&m, "commit", what->commit ? what->commit : "");
	ipc_put(&m, "drains", what->drains);
	stand(c, what->app_id, &m);
}

void logs_drain_test(struct logs_client *c, const char *app_id, const char *drain_id,
		     const char *test_id)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	m.type = LOGS_DRAIN_TEST;
	ipc_put(&m, "app", app_id);
	ipc_put(&m, "drain", drain_id);
	ipc_put(&m, "test", test_id);
	logs_client_send(c, &m);
}

void logs_on_load(struct logs_client *c, logs_load_fn fn, void *userdata)
{
	c->load_fn = fn;
	c->load_userdata = userdata;
}

void logs_ask_load(struct logs_client *c, const char *app_id)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	/* Questions that waited would be answered one after another, all but the first with
	 * nothing. */
	if (c->state != LINK_READY)
		return;
	m.type = LOGS_LOAD;
	ipc_put(&m, "app", app_id);
	logs_client_send(c, &m);
}

static void put_options(struct ipc_msg *m, const struct logs_read *o)
{
	ipc_put(m, "app", o->app_id);
	ipc_put_i64(m, "lines", o->lines ? o->lines : 100);
	ipc_put(m, "tail", o->tail ? "1" : "0");
	if (o->ended)
		ipc_put(m, "ended", "1");
	if (o->dyno)
		ipc_put(m, "dyno", o->dyno);
	if (o->source)
		ipc_put(m, "source", o->source);
	if (o->release)
		ipc_put_i64(m, "release", o->release);
	if (o->since_ms)
		ipc_put_i64(m, "since_ns", o->since_ms * 1000000);
	if (o->after)
		ipc_put_i64(m, "after", o->after);
}

int logs_read(struct logs_client *c, const struct logs_read *o, int *ret_fd, struct error *err)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_fd_ int read_fd = -1;
	int fds[2];

	if (c->outbox.bytes > OUTBOX_MAX_BYTES)
		return error_set(err, ERROR_UNAVAILABLE,
				 "twelve-logs does not answer: look at the log of twelved");
	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "opening a pipe for log lines");
	read_fd = fds[0];
	/* A queued message outlives this call, so the write end is its own. */
	m.type = LOGS_READ;
	ipc_put_fd(&m, fds[1]);
	m.owns_fds = true;
	put_options(&m, o);
	if (fd_set_nonblock(read_fd, true) < 0)
		return error_set_errno(err, errno, "opening a pipe for log lines");
	logs_client_send(c, &m);
	*ret_fd = fd_steal(&read_fd);
	return 0;
}
