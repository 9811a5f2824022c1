/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twelved's side of twelve-logs; see lines/lines.h.
 *
 *     ABSENT ──connect──▶ ASKED ──its answer──▶ READY
 *       ▲  └─ refused: start one, try again       │
 *       └──────────── the connection ends ────────┘
 *
 * Messages wait in a queue for READY, in order, descriptors included. A full
 * queue counts the lines per app, and tells the count in the app's stream. What
 * was sent and not yet read when twelve-logs is killed is lost with its socket.
 */
#include "daemon/lines/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "ipc/ipc.h"
#include "ipc/logs-proto.h"

#define QUEUE_MAX_BYTES (1024 * 1024)
/* One message carries so much of a text; a longer one is cut at a line's end into several. */
#define TEXT_MAX_BYTES 32768
#define RETRY_FIRST_MS 5
#define RETRY_MAX_MS 2000
#define ANSWER_MS 3000
#define SHUTDOWN_MS 5000

enum link_state {
	LINK_ABSENT,
	LINK_ASKED,
	LINK_READY,
};

struct queued {
	struct queued *next;
	struct ipc_msg msg; /* owns its descriptors */
};

/* Lines of an app that found the queue full. */
struct shortfall {
	struct shortfall *next;
	char *app_id;
	int64_t lines;
};

/* What each twelve-logs that starts is told: the last message of its type about an app. */
struct standing {
	struct standing *next;
	char *app_id;
	struct ipc_msg msg;
};

struct logs_client {
	const struct platform *platform;
	char *socket_path, *program;
	enum link_state state;
	int fd;
	struct watch *readable, *writable, *timer, *child;
	pid_t started; /* the twelve-logs that we started, while it runs; 0: none, or it was there
			  before us */
	int64_t retry_ms;
	struct queued *first, **last;
	size_t queued_bytes;
	struct shortfall *shortfalls;
	struct standing *standing;
	logs_load_fn load_fn;
	void *load_userdata;
};

static void flush(struct logs_client *c);

static void queued_free(struct queued *q)
{
	ipc_msg_done(&q->msg);
	free(q);
}

static void pop(struct logs_client *c)
{
	struct queued *q = c->first;

	c->first = q->next;
	if (!c->first)
		c->last = &c->first;
	c->queued_bytes -= q->msg.fields.len;
	queued_free(q);
}

/* Takes what the message holds. */
static void push(struct logs_client *c, struct ipc_msg *take_msg)
{
	struct queued *q = xcalloc(1, sizeof(*q));

	q->msg = *take_msg;
	*take_msg = IPC_MSG_INIT;
	*c->last = q;
	c->last = &q->next;
	c->queued_bytes += q->msg.fields.len;
	flush(c);
}

static void shortfall_add(struct logs_client *c, const char *app_id, int64_t lines)
{
	struct shortfall *s = c->shortfalls;

	while (s && !streq(s->app_id, app_id))
		s = s->next;
	if (!s) {
		s = xcalloc(1, sizeof(*s));
		*s = (struct shortfall){ .next = c->shortfalls, .app_id = xstrdup(app_id) };
		c->shortfalls = s;
		log_warn("twelve-logs does not take log lines: those of app %s are dropped and "
			 "counted",
			 app_id);
	}
	s->lines += lines;
}

static void tell_shortfalls(struct logs_client *c)
{
	struct shortfall *s = steal_ptr(c->shortfalls), *next;

	for (; s; s = next) {
		next = s->next;
		logs_append(c, s->app_id, "heroku", "logplex",
			    "Error L12 (Local buffer overflow) -> %lld lines dropped",
			    (long long)s->lines);
		free(s->app_id);
		free(s);
	}
}

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
	flush(c);
}

static void flush(struct logs_client *c)
{
	while (c->state == LINK_READY && c->first) {
		int r = ipc_send(c->fd, &c->first->msg);

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
		pop(c);
	}
	if (c->state == LINK_READY && c->shortfalls)
		tell_shortfalls(c);
}

static void send_standing(struct logs_client *c, const struct standing *k)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	m.type = k->msg.type;
	buf_append(&m.fields, k->msg.fields.data, k->msg.fields.len);
	push(c, &m);
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
	for (const struct standing *k = c->standing; k; k = k->next)
		send_standing(c, k);
	flush(c);
}

static void on_child(int status, void *userdata)
{
	struct logs_client *c = userdata;
	char how[64];

	c->child = NULL;
	c->started = 0;
	log_warn("twelve-logs %s", proc_describe_status(status, how, sizeof(how)));
}

static void start(struct logs_client *c)
{
	_cleanup_free_ char *run_dir =
		xasprintf("TWELVE_RUN_DIR=%s", c->platform->settings.run_dir);
	const char *const argv[] = { c->program, NULL };
	_cleanup_strv_ char **env = NULL;
	struct error err = ERROR_INIT;
	struct proc_options o = { .argv = argv, .new_session = true };
	pid_t pid;
	int r;

	/* Its settings only: what else is in our environment is none of its business. */
	for (char **e = environ; *e; e++)
		if (str_starts(*e, "TWELVE_LOG_") || str_starts(*e, "PATH="))
			strv_push(&env, *e);
	strv_push(&env, run_dir);
	o.env = (const char *const *)env;
	if (proc_spawn(&o, &pid, &err) < 0) {
		log_error("%s", err.message);
		return;
	}
	c->started = pid;
	r = watch_child(c->platform->loop, pid, on_child, c, &c->child);
	if (r < 0)
		log_error("watching twelve-logs: %s", strerror(-r));
	log_debug("twelve-logs was started");
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
		start(c);
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
	c->last = &c->first;
	c->timer = watch_timer(p->loop, on_timer, c);
	on_timer(c);
	return c;
}

struct loop *logs_loop(const struct logs_client *c)
{
	return c->platform->loop;
}

static void drop_standing(struct standing **at)
{
	struct standing *k = *at;

	*at = k->next;
	ipc_msg_done(&k->msg);
	free(k->app_id);
	free(k);
}

void logs_client_free(struct logs_client *c)
{
	if (!c)
		return;
	hang_up(c);
	watch_free(c->timer);
	watch_free(c->child);
	while (c->first)
		pop(c);
	while (c->shortfalls) {
		struct shortfall *s = c->shortfalls;

		c->shortfalls = s->next;
		free(s->app_id);
		free(s);
	}
	while (c->standing)
		drop_standing(&c->standing);
	free(c->socket_path);
	free(c->program);
	free(c);
}

static void end_process(pid_t pid, int pid_fd)
{
	struct pollfd p = { .fd = pid_fd, .events = POLLIN };

	kill(pid, SIGTERM);
	if (poll(&p, 1, SHUTDOWN_MS) == 0) {
		log_warn("twelve-logs did not stop within %d s and is killed", SHUTDOWN_MS / 1000);
		kill(pid, SIGKILL);
		poll(&p, 1, SHUTDOWN_MS);
	}
	/* It is our child or an earlier twelved's: then there is nothing to wait for. */
	waitpid(pid, NULL, WNOHANG);
}

void logs_client_undo(struct logs_client *c)
{
	_cleanup_fd_ int pid_fd = c && c->started ? proc_pidfd_open(c->started) : -1;

	if (pid_fd >= 0)
		end_process(c->started, pid_fd);
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
		end_process(who.pid, pid_fd);
}

static int64_t count_lines(const char *text, size_t n)
{
	int64_t lines = 0;

	for (const char *p = text, *end = text + n; p < end; lines++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			return lines + 1;
		p++;
	}
	return lines;
}

static void append_piece(struct logs_client *c, const char *app_id, const char *source,
			 const char *dyno, const char *text, size_t n)
{
	_cleanup_free_ char *piece = xstrndup(text, n);
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	if (c->queued_bytes + n > QUEUE_MAX_BYTES) {
		shortfall_add(c, app_id, count_lines(text, n));
		return;
	}
	m.type = LOGS_APPEND;
	ipc_put(&m, "app", app_id);
	ipc_put(&m, "source", source);
	ipc_put(&m, "dyno", dyno);
	ipc_put(&m, "text", piece);
	push(c, &m);
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

	for (struct standing **at = &c->standing; *at;)
		if (streq((*at)->app_id, app_id))
			drop_standing(at);
		else
			at = &(*at)->next;
	m.type = LOGS_FORGET;
	ipc_put(&m, "app", app_id);
	push(c, &m);
}

/* Sends it now, unless it was the last word already, and to each twelve-logs that starts. */
static void stand(struct logs_client *c, const char *app_id, struct ipc_msg *take_msg)
{
	struct standing **at = &c->standing, *k;
	const struct buf *fields = &take_msg->fields;

	while (*at && !((*at)->msg.type == take_msg->type && streq((*at)->app_id, app_id)))
		at = &(*at)->next;
	if (*at && (*at)->msg.fields.len == fields->len &&
	    memcmp((*at)->msg.fields.data, fields->data, fields->len) == 0)
		return;
	if (*at)
		drop_standing(at);
	k = xcalloc(1, sizeof(*k));
	*k = (struct standing){ .next = c->standing, .app_id = xstrdup(app_id), .msg = *take_msg };
	*take_msg = IPC_MSG_INIT;
	c->standing = k;
	if (c->state == LINK_READY)
		send_standing(c, k);
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
	push(c, &m);
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
	push(c, &m);
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

	if (c->queued_bytes > QUEUE_MAX_BYTES)
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
	push(c, &m);
	*ret_fd = fd_steal(&read_fd);
	return 0;
}
