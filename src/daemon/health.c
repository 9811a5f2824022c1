/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a dyno is ready; see health.h. */
#include "daemon/health.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"

#define TCP_LISTEN 0x0a /* include/net/tcp_states.h */
#define NET_MAX_BYTES (16 << 20)

/* Local addresses as /proc prints them: hexadecimal, 32-bit words in the host's order (little endian here). */
static bool is_reachable(const char *address)
{
	static const char *const loopback_or_any[] = {
		"00000000",
		"0100007F",
		"00000000000000000000000000000000",
		"0000000000000000FFFF00000100007F",
		"0000000000000000FFFF000000000000",
	};

	for (size_t i = 0; i < ARRAY_SIZE(loopback_or_any); i++)
		if (streq(address, loopback_or_any[i]))
			return true;
	return false;
}

void health_parse_net(const char *text, struct health_socket **sockets, size_t *n)
{
	/* The first line is the heading. */
	for (const char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
		unsigned port, st;
		char address[33];
		uint64_t inode;

		if (sscanf(line + 1,
			   " %*u: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %" SCNu64,
			   address, &port, &st, &inode) != 4 ||
		    st != TCP_LISTEN)
			continue;
		*sockets = xrealloc(*sockets, (*n + 1) * sizeof(**sockets));
		(*sockets)[(*n)++] = (struct health_socket){
			.inode = inode,
			.port = (uint16_t)port,
			.reachable = is_reachable(address),
		};
	}
}

static void add_socket(const struct health_socket *socket, struct health_socket *found, size_t *n)
{
	size_t at = 0;

	while (at < *n && found[at].port < socket->port)
		at++;
	if (at < *n && found[at].port == socket->port) {
		found[at].reachable |= socket->reachable;
		return;
	}
	if (*n == HEALTH_MAX_PORTS)
		return;
	memmove(found + at + 1, found + at, (*n - at) * sizeof(*found));
	found[at] = *socket;
	(*n)++;
}

static void sockets_of_process(pid_t pid, const struct health_socket *all, size_t n_all,
			       struct health_socket *found, size_t *n)
{
	_cleanup_free_ char *dir = xasprintf("/proc/%d/fd", (int)pid);
	_cleanup_strv_ char **names = NULL;

	/* A process that has ended meanwhile holds no sockets. */
	if (fs_list(dir, &names) < 0)
		return;
	for (char **name = names; name && *name; name++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *name);
		char target[64] = { 0 };
		uint64_t inode;

		if (readlink(path, target, sizeof(target) - 1) < 0 ||
		    sscanf(target, "socket:[%" SCNu64 "]", &inode) != 1)
			continue;
		for (size_t i = 0; i < n_all; i++)
			if (all[i].inode == inode)
				add_socket(&all[i], found, n);
	}
}

size_t health_ports(const pid_t *pids, size_t n_pids,
		    struct health_socket found[static HEALTH_MAX_PORTS])
{
	static const char *const tables[] = { "/proc/net/tcp", "/proc/net/tcp6" };
	_cleanup_free_ struct health_socket *all = NULL;
	size_t n_all = 0, n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		_cleanup_buf_ struct buf text = BUF_INIT;

		/* There is no tcp6 where IPv6 is turned off. */
		if (fs_read_file(tables[i], NET_MAX_BYTES, &text) == 0)
			health_parse_net(text.data, &all, &n_all);
	}
	for (size_t i = 0; n_all && i < n_pids; i++)
		sockets_of_process(pids[i], all, n_all, found, &n);
	return n;
}

struct health_probe {
	int fd;
	struct watch *writable, *readable, *deadline;
	char *request;
	struct buf answer;
	health_probe_fn fn;
	void *userdata;
};

void health_probe_cancel(struct health_probe *p)
{
	if (!p)
		return;
	watch_free(p->writable);
	watch_free(p->readable);
	watch_free(p->deadline);
	fd_close(p->fd);
	buf_done(&p->answer);
	free(p->request);
	free(p);
}

int health_parse_status(const char *line)
{
	int status;

	return sscanf(line, "HTTP/1.%*1[01] %3d", &status) == 1 && status >= 100 && status <= 599 ? status : 0;
}

static void finish(struct health_probe *p, int status)
{
	health_probe_fn fn = p->fn;
	void *userdata = p->userdata;

	health_probe_cancel(p);
	fn(status, userdata);
}

static void on_deadline(void *userdata)
{
	finish(userdata, 0);
}

static void on_writable(void *userdata)
{
	struct health_probe *p = userdata;
	size_t n = strlen(p->request);

	/* A request fits the empty send buffer of a new connection; if not, there was no connection. */
	if (send(p->fd, p->request, n, MSG_NOSIGNAL) != (ssize_t)n) {
		finish(p, 0);
		return;
	}
	watch_pause(p->writable, true);
}

static void on_readable(void *userdata)
{
	struct health_probe *p = userdata;
	ssize_t n = fd_read(p->fd, buf_reserve(&p->answer, 1024), 1024);

	if (n == -EAGAIN)
		return;
	if (n > 0)
		buf_added(&p->answer, (size_t)n);
	if (n <= 0 || strchr(p->answer.data, '\n') || p->answer.len > 4096)
		finish(p, health_parse_status(p->answer.data));
}

struct health_probe *health_probe_start(struct loop *l, uint16_t port, const char *host, const char *path,
					int64_t timeout_ms, health_probe_fn fn, void *userdata)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct health_probe *p = xcalloc(1, sizeof(*p));

	*p = (struct health_probe){ .answer = BUF_INIT, .fn = fn, .userdata = userdata };
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	p->request = xasprintf("GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: twelve-check\r\n"
			       "Accept: */*\r\nConnection: close\r\n\r\n",
			       path, host);
	p->deadline = watch_timer(l, on_deadline, p);
	if (p->fd < 0 || (connect(p->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)) {
		watch_arm(p->deadline, 0);
		return p;
	}
	p->writable = watch_writable(l, p->fd, on_writable, p);
	p->readable = watch_readable(l, p->fd, on_readable, p);
	watch_arm(p->deadline, timeout_ms);
	return p;
}
