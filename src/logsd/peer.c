/* SPDX-License-Identifier: Apache-2.0 */
/* Who speaks to us: logs.sock (ipc/logs-proto.h) and HAProxy's router.sock. */
#include <errno.h>
#include <grp.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "ipc/ipc.h"
#include "ipc/logs-proto.h"
#include "logs/router-line.h"
#include "route/route.h"
#include "logsd/app.h"
#include "logsd/apps.h"
#include "logsd/commit.h"
#include "logsd/drains.h"
#include "logsd/link.h"
#include "logsd/load.h"
#include "logsd/logsd.h"
#include "logsd/peer.h"
#include "logsd/reader.h"
#include "logsd/refused.h"
#include "logsd/source.h"

/* Messages or datagrams before the pipes have their turn. */
#define FAIR_MESSAGES 64
/* HAProxy sends lines of up to 8192 bytes. */
#define DATAGRAM_BYTES 16384
#define ROUTER_BUFFER_BYTES (4 * 1024 * 1024)
/* unix(7): how many datagrams may wait in a socket that is made now. */
#define QUEUE_FILE "/proc/sys/net/unix/max_dgram_qlen"
#define QUEUE_LINES 4096
#define LINES_DEFAULT 100

struct peer {
	struct handler handler;
	struct peer *next;
	struct logsd *logsd;
};

/* Of a dyno that has ended. */
struct late_read {
	struct late_read *next;
	char app_id[UUID_SIZE];
	struct read_options o;
	int fd;
};

static void peer_free(struct peer *p)
{
	struct peer **link = &p->logsd->peers;

	while (*link != p)
		link = &(*link)->next;
	*link = p->next;
	logsd_let_go(p->logsd, &p->handler);
}

static void on_source(struct app *a, struct ipc_msg *m)
{
	const char *source = ipc_get(m, "source"), *dyno = ipc_get(m, "dyno");
	int64_t release = ipc_get_i64(m, "release", 0);
	int fd;

	for (size_t i = 0; i < m->n_fds; i++) {
		fd = ipc_take_fd(m, i);
		if (fd >= 0)
			source_add(a, fd, source ? source : "app", dyno ? dyno : "?",
				   release > 0 ? (uint32_t)release : 0);
	}
}

static void on_append(struct app *a, struct ipc_msg *m)
{
	const char *source = ipc_get(m, "source"), *dyno = ipc_get(m, "dyno");
	const char *text = ipc_get(m, "text");

	if (text)
		app_append(a, source ? source : "heroku", dyno ? dyno : "?", text, strlen(text));
}

static void copy_name(char to[static LOG_NAME_MAX + 1], const struct ipc_msg *m, const char *key)
{
	const char *value = ipc_get(m, key);

	snprintf(to, LOG_NAME_MAX + 1, "%s", value ? value : "");
}

static uint64_t get_count(const struct ipc_msg *m, const char *key, int64_t fallback)
{
	int64_t n = ipc_get_i64(m, key, fallback);

	return n < 0 ? 0 : (uint64_t)n;
}

static void late_put(struct app *a, int take_fd, const struct read_options *o)
{
	struct late_read *late = xcalloc(1, sizeof(*late));

	*late = (struct late_read){ .next = a->logsd->late, .o = *o, .fd = take_fd };
	memcpy(late->app_id, a->id, sizeof(late->app_id));
	a->logsd->late = late;
}

static void on_read(struct app *a, struct ipc_msg *m)
{
	struct read_options o = { .lines = get_count(m, "lines", LINES_DEFAULT),
				  .after = get_count(m, "after", 0),
				  .tail = ipc_get_i64(m, "tail", 0) == 1 };
	int fd = ipc_take_fd(m, 0);

	if (fd < 0) {
		log_warn("a request to read came without a descriptor");
		return;
	}
	copy_name(o.filter.source, m, "source");
	copy_name(o.filter.dyno, m, "dyno");
	copy_name(o.filter.type, m, "type");
	o.filter.release = (uint32_t)get_count(m, "release", 0);
	o.filter.since_ns = ipc_get_i64(m, "since_ns", 0);
	if (ipc_get_i64(m, "ended", 0) == 1)
		late_put(a, fd, &o);
	else
		reader_add(a, fd, &o);
}

static int64_t rss_bytes(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/statm", "re");
	long long size, resident;

	if (!f || fscanf(f, "%lld %lld", &size, &resident) != 2)
		return 0;
	return resident * sysconf(_SC_PAGESIZE);
}

static int answer_stat(struct logsd *l, int fd)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	uint64_t apps = 0, lines = 0, bytes = 0, evicted = 0;

	for (struct app *a = l->apps; a; a = a->next) {
		apps++;
		lines += ring_next_seq(a->ring) - 1;
		bytes += ring_bytes(a->ring);
		evicted += ring_evicted(a->ring);
	}
	m.type = LOGS_STAT;
	ipc_put_i64(&m, "apps", (int64_t)apps);
	ipc_put_i64(&m, "sources", (int64_t)l->n_sources);
	ipc_put_i64(&m, "readers", (int64_t)l->n_readers);
	ipc_put_i64(&m, "drains", (int64_t)l->n_drains);
	ipc_put_i64(&m, "lines", (int64_t)lines);
	ipc_put_i64(&m, "bytes", (int64_t)bytes);
	ipc_put_i64(&m, "evicted", (int64_t)evicted);
	ipc_put_i64(&m, "dropped", (int64_t)l->dropped);
	ipc_put_i64(&m, "rss_bytes", rss_bytes());
	return ipc_send(fd, &m);
}

static int answer_load(struct logsd *l, int fd, const struct ipc_msg *m)
{
	const char *id = ipc_get(m, "app");
	int r;

	if (!id || !uuid_is_valid(id)) {
		log_warn("a question for the load has no app");
		return 0;
	}
	r = app_answer_load(app_find(l, id), id, fd);
	/* Who does not read asks again. */
	return r == -EAGAIN ? 0 : r;
}

static void on_drains(struct app *a, struct ipc_msg *m)
{
	const char *name = ipc_get(m, "name"), *commit = ipc_get(m, "commit"),
		   *drains = ipc_get(m, "drains");

	free(a->name);
	a->name = name ? xstrdup(name) : NULL;
	app_set_commit(a, (uint32_t)get_count(m, "release", 0), commit ? commit : "");
	drains_set(a, drains ? drains : "[]");
}

static void on_message(struct logsd *l, struct ipc_msg *m)
{
	const char *id = ipc_get(m, "app");
	struct app *a;

	if (!id || !uuid_is_valid(id)) {
		log_warn("message %u has no app", m->type);
		return;
	}
	/* Most apps have no drain, and many no line yet. */
	if (m->type == LOGS_DRAINS && !app_find(l, id) && ipc_get(m, "drains") &&
	    streq(ipc_get(m, "drains"), "[]"))
		return;
	a = app_get(l, id);
	if (!a)
		l->dropped += m->type == LOGS_APPEND;
	else if (m->type == LOGS_SOURCE)
		on_source(a, m);
	else if (m->type == LOGS_APPEND)
		on_append(a, m);
	else if (m->type == LOGS_READ)
		on_read(a, m);
	else if (m->type == LOGS_FORGET)
		app_free(a, true);
	else if (m->type == LOGS_LINK)
		links_set(a, ipc_get(m, "to") ? ipc_get(m, "to") : "");
	else if (m->type == LOGS_DRAINS)
		on_drains(a, m);
	else if (m->type == LOGS_DRAIN_TEST)
		drains_test(a, ipc_get(m, "drain") ? ipc_get(m, "drain") : "",
			    ipc_get(m, "test") ? ipc_get(m, "test") : "");
	else
		log_warn("message of the unknown type %u", m->type);
}

static void on_router(struct handler *h, uint32_t events);

static void on_peer(struct handler *h, uint32_t events)
{
	struct peer *p = (struct peer *)(void *)h;
	int r = 1;

	/* Lines that wait for more of them came before this. */
	if (p->logsd->gather_until_ms)
		on_router(&p->logsd->router, events);
	for (int i = 0; i < FAIR_MESSAGES && r > 0; i++) {
		_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

		r = ipc_recv(h->fd, &m);
		if (r == -EAGAIN)
			return;
		if (r < 0)
			log_warn("a message could not be read: %s", strerror(-r));
		else if (r && m.type == LOGS_STAT)
			r = answer_stat(p->logsd, h->fd) < 0 ? 0 : 1;
		else if (r && m.type == LOGS_LOAD)
			r = answer_load(p->logsd, h->fd, &m) < 0 ? 0 : 1;
		else if (r)
			on_message(p->logsd, &m);
	}
	if (r <= 0)
		peer_free(p);
}

/* Only root, and who runs us, may speak: the socket's mode says so too, but modes can be changed.
 */
static bool is_allowed(int fd)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		return false;
	if (who.uid == 0 || who.uid == geteuid())
		return true;
	log_warn("refused a connection of user %u", who.uid);
	return false;
}

/* False when nobody waits. */
static bool accept_one(struct logsd *l)
{
	int fd = accept4(l->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct peer *p;

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			log_error("accepting a connection: %s", strerror(errno));
		return false;
	}
	if (!is_allowed(fd)) {
		fd_close(fd);
		return true;
	}
	p = xcalloc(1, sizeof(*p));
	*p = (struct peer){ .handler = { .fn = on_peer, .fd = fd }, .next = l->peers, .logsd = l };
	l->peers = p;
	logsd_watch(l, &p->handler, EPOLLIN);
	return true;
}

static void on_listener(struct handler *h, uint32_t events)
{
	(void)events;
	accept_one((struct logsd *)(void *)((char *)h - offsetof(struct logsd, listener)));
}

static void take_datagram(struct logsd *l, const char *data, size_t n)
{
	char id[UUID_SIZE];
	const char *text;
	struct app *a;
	size_t len;
	_cleanup_buf_ struct buf line = BUF_INIT;

	switch (router_line_parse(data, n, id, &text, &len)) {
	case ROUTER_LINE_NOTICE:
		log_info("haproxy: %.*s", (int)len, text);
		break;
	case ROUTER_LINE_NOBODY:
		refused_note(l, text, len);
		break;
	case ROUTER_LINE_BAD:
		l->dropped++;
		break;
	case ROUTER_LINE_APP:
		a = app_get(l, id);
		route_log_line(text, len, &line);
		if (a) {
			app_measure(a, line.data, line.len);
			app_append(a, "heroku", "router", line.data, line.len);
		} else {
			l->dropped++;
		}
		break;
	}
}

static void on_router(struct handler *h, uint32_t events)
{
	struct logsd *l = (struct logsd *)(void *)((char *)h - offsetof(struct logsd, router));
	char data[DATAGRAM_BYTES];

	(void)events;
	for (int i = 0; i < FAIR_MESSAGES; i++) {
		ssize_t n = fd_read(h->fd, data, sizeof(data));

		if (n < 0)
			return;
		take_datagram(l, data, (size_t)n);
		l->round_lines++;
	}
}

static void hear_all(struct logsd *l)
{
	for (struct peer *p = l->peers, *next; p; p = next) {
		next = p->next;
		on_peer(&p->handler, EPOLLIN);
	}
}

void peers_answer_late(struct logsd *l)
{
	struct late_read *late = l->late, *next;

	if (!late)
		return;
	l->late = NULL;
	/* The dyno's supervisor may have handed its pipes over only just before. */
	while (accept_one(l))
		continue;
	hear_all(l);
	for (; late; late = next) {
		struct app *a = app_find(l, late->app_id);

		next = late->next;
		if (a) {
			sources_take(a, late->o.filter.dyno);
			reader_add(a, late->fd, &late->o);
		} else {
			fd_close(late->fd);
		}
		free(late);
	}
}

void peers_drain(struct logsd *l)
{
	on_router(&l->router, EPOLLIN);
	hear_all(l);
}

void peers_free(struct logsd *l)
{
	while (l->late) {
		struct late_read *late = l->late;

		l->late = late->next;
		fd_close(late->fd);
		free(late);
	}
	while (l->peers)
		peer_free(l->peers);
}

/* HAProxy sends as its own user, where there is one: Debian's package makes it. */
static int admit_router(const char *path)
{
	const struct group *gr = getgrnam("haproxy");

	if (!gr)
		return 0;
	return chown(path, (uid_t)-1, gr->gr_gid) < 0 || chmod(path, 0660) < 0 ? -1 : 0;
}

static bool write_queue(int64_t n)
{
	_cleanup_free_ char *text = xasprintf("%" PRId64, n);
	_cleanup_fd_ int fd = open(QUEUE_FILE, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/*
 * The kernel's own number is 10, where no systemd has made it 512, and what is more HAProxy drops. A
 * socket keeps the number of the moment in which it was made; so it is raised for that moment.
 */
static int listen_router(struct logsd *l, const char *path)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int64_t n = 0;
	int fd;

	if (fs_read_file(QUEUE_FILE, 64, &text) < 0 ||
	    !str_to_i64(str_trim(text.data), 0, INT32_MAX, &n))
		n = QUEUE_LINES;
	l->router_waits = n >= GATHER_LINES * 2 || write_queue(QUEUE_LINES);
	fd = sock_listen_unix(path, SOCK_DGRAM, 0600);
	if (l->router_waits && n < GATHER_LINES * 2 && !write_queue(n))
		log_warn("%s keeps %d instead of %" PRId64, QUEUE_FILE, QUEUE_LINES, n);
	return fd;
}

int peers_listen(struct logsd *l, const char *run_dir, struct error *err)
{
	_cleanup_free_ char *logs = xasprintf("%s/logs.sock", run_dir);
	_cleanup_free_ char *router = xasprintf("%s/router.sock", run_dir);
	int size = ROUTER_BUFFER_BYTES;

	/* The router's first: who finds the other one may rely on both. */
	l->router = (struct handler){ .fn = on_router, .fd = listen_router(l, router) };
	if (l->router.fd < 0)
		return error_set_errno(err, l->router.fd, "listening on %s", router);
	if (admit_router(router) < 0)
		return error_set_errno(err, errno, "setting the group of %s", router);
	/* The root's right to go above the limit; else the limit holds, which is smaller but works.
	 */
	if (setsockopt(l->router.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		log_debug("the buffer of %s keeps its size: %s", router, strerror(errno));
	l->listener = (struct handler){ .fn = on_listener,
					.fd = sock_listen_unix(logs, SOCK_SEQPACKET, 0600) };
	if (l->listener.fd < 0)
		return error_set_errno(err, l->listener.fd, "listening on %s", logs);
	logsd_watch(l, &l->router, EPOLLIN);
	logsd_watch(l, &l->listener, EPOLLIN);
	return 0;
}
