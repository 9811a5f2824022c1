/* SPDX-License-Identifier: Apache-2.0 */
/* Who listens on a port; see listen.h. The messages are those of linux/sock_diag.h and
 * linux/inet_diag.h. */
#include "daemon/dynos/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

#define TCP_LISTEN 10 /* include/net/tcp_states.h */
#define ANSWER_SIZE 32768
/* A list that goes on for longer has no more to say to anybody. */
#define MAX_ANSWERS 64

struct question {
	struct nlmsghdr header;
	struct inet_diag_req_v2 what;
	/* Of a list: only sockets of one cgroup. */
	struct rtattr attribute;
	struct inet_diag_bc_op op;
	uint64_t cgroup_id;
} __attribute__((packed, aligned(4)));

static int send_question(int fd, struct question *q, size_t size)
{
	q->header.nlmsg_len = (uint32_t)size;
	q->header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	q->header.nlmsg_flags |= NLM_F_REQUEST;
	q->what.sdiag_protocol = IPPROTO_TCP;
	q->what.idiag_states = 1U << TCP_LISTEN;
	return send(fd, q, size, 0) < 0 ? -errno : 0;
}

static uint64_t cgroup_of(const struct nlmsghdr *h)
{
	const struct rtattr *a =
		(const struct rtattr *)((const struct inet_diag_msg *)NLMSG_DATA(h) + 1);
	size_t left = h->nlmsg_len - NLMSG_LENGTH(sizeof(struct inet_diag_msg));
	uint64_t id = 0;

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == INET_DIAG_CGROUP_ID && RTA_PAYLOAD(a) == sizeof(id))
			memcpy(&id, RTA_DATA(a), sizeof(id));
	return id;
}

static bool is_socket(const struct nlmsghdr *h)
{
	return h->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
	       h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg));
}

static enum listen_owner owner_of(const struct nlmsghdr *h, const struct listen_where *where)
{
	const struct inet_diag_msg *m = NLMSG_DATA(h);

	if (m->idiag_state != TCP_LISTEN)
		return LISTEN_NOBODY;
	if (where->pid_fd >= 0)
		return LISTEN_OURS;
	if (where->cgroup_id ? cgroup_of(h) == where->cgroup_id : m->idiag_uid == where->uid)
		return LISTEN_OURS;
	return LISTEN_OTHER;
}

/* The kernel answers within sendto(2), so nothing is waited for. */
static int open_diag(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);

	return fd < 0 ? -errno : fd;
}

/* A socket asks in the namespace that it was made in. */
static int open_in(const struct listen_where *where)
{
	_cleanup_fd_ int own = -1;
	int fd;

	if (where->pid_fd < 0)
		return open_diag();
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0 || setns(where->pid_fd, CLONE_NEWNET) < 0)
		return -errno;
	fd = open_diag();
	/* What went on would be done in an app's network. */
	if (setns(own, CLONE_NEWNET) < 0)
		abort();
	return fd;
}

int listen_owner(const struct listen_where *where, uint16_t port, enum listen_owner *ret)
{
	_cleanup_fd_ int fd = open_in(where);
	struct question q = {
		/* As of a connection from nowhere: the socket that would get it, an IPv6 one that
		   takes both included. */
		.what = { .sdiag_family = AF_INET,
			  .id = { .idiag_sport = htons(port),
				  .idiag_src = { where->address.s_addr },
				  .idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } } },
	};
	char answer[4096] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct nlmsghdr *h = (const struct nlmsghdr *)answer;
	const struct nlmsgerr *e;
	ssize_t n;
	int r;

	if (fd < 0)
		return fd;
	r = send_question(fd, &q, offsetof(struct question, attribute));
	if (r < 0)
		return r;
	n = recv(fd, answer, sizeof(answer), 0);
	if (n < 0)
		return -errno;
	if (!NLMSG_OK(h, (size_t)n))
		return -EPROTO;
	if (is_socket(h)) {
		*ret = owner_of(h, where);
		return 0;
	}
	e = NLMSG_DATA(h);
	if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_len < NLMSG_LENGTH(sizeof(*e)))
		return -EPROTO;
	*ret = LISTEN_NOBODY;
	return e->error == -ENOENT ? 0 : e->error;
}

static void add_port(uint16_t port, uint16_t *ports, size_t *n)
{
	size_t at = 0;

	while (at < *n && ports[at] < port)
		at++;
	if (*n == LISTEN_MAX_PORTS || (at < *n && ports[at] == port))
		return;
	memmove(ports + at + 1, ports + at, (*n - at) * sizeof(*ports));
	ports[at] = port;
	(*n)++;
}

/* False at the end of the list. */
static bool take_answer(const char *answer, size_t size, uint16_t *ports, size_t *n)
{
	for (const struct nlmsghdr *h = (const struct nlmsghdr *)answer; NLMSG_OK(h, size);
	     h = NLMSG_NEXT(h, size)) {
		const struct inet_diag_msg *m = NLMSG_DATA(h);

		if (!is_socket(h))
			return false;
		add_port(ntohs(m->id.idiag_sport), ports, n);
	}
	return true;
}

static void ports_of_family(uint8_t family, const struct listen_where *where, uint16_t *ports,
			    size_t *n)
{
	_cleanup_fd_ int fd = open_in(where);
	const size_t code = sizeof(struct inet_diag_bc_op) + sizeof(where->cgroup_id);
	const bool is_own = where->pid_fd >= 0;
	struct question q = {
		.header.nlmsg_flags = NLM_F_DUMP,
		.what.sdiag_family = family,
		.attribute = { .rta_len = (unsigned short)RTA_LENGTH(code),
			       .rta_type = INET_DIAG_REQ_BYTECODE },
		/* Past the end of the program: taken; farther: not. */
		.op = { .code = INET_DIAG_BC_CGROUP_COND,
			.yes = (unsigned char)code,
			.no = (unsigned short)(code + 4) },
		.cgroup_id = where->cgroup_id,
	};
	/* In a namespace of its own, all of them. */
	size_t size_of_question = is_own ? offsetof(struct question, attribute) : sizeof(q);
	char answer[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t size;

	if (fd < 0 || send_question(fd, &q, size_of_question) < 0)
		return;
	for (int i = 0; i < MAX_ANSWERS && *n < LISTEN_MAX_PORTS; i++) {
		size = recv(fd, answer, sizeof(answer), 0);
		if (size <= 0 || !take_answer(answer, (size_t)size, ports, n))
			return;
	}
}

size_t listen_ports(const struct listen_where *where, uint16_t ports[static LISTEN_MAX_PORTS])
{
	size_t n = 0;

	if (where->pid_fd < 0 && !where->cgroup_id)
		return 0;
	ports_of_family(AF_INET, where, ports, &n);
	ports_of_family(AF_INET6, where, ports, &n);
	return n;
}
