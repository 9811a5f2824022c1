/* SPDX-License-Identifier: Apache-2.0 */
/* Route netlink messages (rtnetlink(7)) by libmnl; see link.h. */
#include "net/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define INSIDE_NAME "eth0"
/* The namespace is new, so no other interface than lo (1) has a number yet. */
#define LO_INDEX 1
#define INSIDE_INDEX 2
/* Locally administered; each pair is a network of its own, so all may be the same. */
static const unsigned char host_mac[] = { 0x02, 0, 0, 0, 0, 0x01 };
static const unsigned char inside_mac[] = { 0x02, 0, 0, 0, 0, 0x02 };

#define MAX_STEPS 12
#define NAME_WAIT_MS 10000
#define NAME_PAUSE_MS 5

/* Messages that are sent together; the kernel answers each. */
struct batch {
	char data[4096];
	size_t used;
	unsigned n;
	const char *what[MAX_STEPS]; /* in words, for the one that fails */
};

static struct nlmsghdr *add(struct batch *b, uint16_t type, uint16_t flags, const char *what)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(b->data + b->used);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	b->what[b->n] = what;
	nlh->nlmsg_seq = ++b->n;
	return nlh;
}

static void added(struct batch *b, const struct nlmsghdr *nlh)
{
	b->used += MNL_ALIGN(nlh->nlmsg_len);
}

static int open_netlink(void)
{
	struct sockaddr_nl own = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&own, sizeof(own)) < 0)
		fd = fd_close(fd);
	return fd;
}

/* The kernel has answered all by the time that send() returns (netlink(7)). */
static int send_batch(const struct batch *b, struct error *err)
{
	_cleanup_fd_ int fd = open_netlink();
	char answer[8192];

	if (fd < 0)
		return error_set_errno(err, errno, "netlink");
	if (send(fd, b->data, b->used, 0) < 0)
		return error_set_errno(err, errno, "netlink");
	for (unsigned done = 0; done < b->n;) {
		ssize_t n = recv(fd, answer, sizeof(answer), 0);
		int left = (int)n;
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)answer;

		if (n < 0)
			return error_set_errno(err, errno, "netlink");
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

			if (nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			if (e->error)
				return error_set_errno(err, e->error, "%s",
						       b->what[nlh->nlmsg_seq - 1]);
			done++;
		}
	}
	return 0;
}

/* -- what the messages say */

/* No address is to be made of the interface's own: nothing speaks before we say so. */
static void put_no_link_local(struct nlmsghdr *nlh)
{
	struct nlattr *spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	struct nlattr *inet6 = mnl_attr_nest_start(nlh, AF_INET6);

	mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(nlh, inet6);
	mnl_attr_nest_end(nlh, spec);
}

static void add_pair(struct batch *b, const struct net_link *l, int host_ns)
{
	struct nlmsghdr *nlh =
		add(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, "making its interfaces");
	struct ifinfomsg *i = mnl_nlmsg_put_extra_header(nlh, sizeof(*i));
	struct nlattr *info, *data, *peer;

	i->ifi_index = INSIDE_INDEX;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, INSIDE_NAME);
	mnl_attr_put(nlh, IFLA_ADDRESS, sizeof(inside_mac), inside_mac);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, l->host_name);
	mnl_attr_put(nlh, IFLA_ADDRESS, sizeof(host_mac), host_mac);
	mnl_attr_put_u32(nlh, IFLA_GROUP, l->group);
	mnl_attr_put_u32(nlh, IFLA_NET_NS_FD, (uint32_t)host_ns);
	mnl_attr_nest_end(nlh, peer);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	added(b, nlh);
}

static void add_up(struct batch *b, unsigned index)
{
	struct nlmsghdr *nlh = add(b, RTM_NEWLINK, 0, "setting its interface up");
	struct ifinfomsg *i = mnl_nlmsg_put_extra_header(nlh, sizeof(*i));

	i->ifi_index = (int)index;
	i->ifi_flags = IFF_UP;
	i->ifi_change = IFF_UP;
	if (index != LO_INDEX)
		put_no_link_local(nlh);
	added(b, nlh);
}

/* An address of either family. */
struct ip {
	uint8_t family;
	const void *bytes;
};

static size_t ip_len(const struct ip *a)
{
	return a->family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

static uint8_t ip_bits(const struct ip *a)
{
	return (uint8_t)(ip_len(a) * 8);
}

static void add_address(struct batch *b, unsigned index, const struct ip *a)
{
	struct nlmsghdr *nlh = add(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "its address");
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->ifa_family = a->family;
	m->ifa_prefixlen = ip_bits(a);
	m->ifa_index = index;
	mnl_attr_put(nlh, IFA_LOCAL, ip_len(a), a->bytes);
	mnl_attr_put(nlh, IFA_ADDRESS, ip_len(a), a->bytes);
	/* The pair has nobody who could have the same. */
	mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
	added(b, nlh);
}

static void add_neighbour(struct batch *b, unsigned index, const struct ip *a,
			  const unsigned char mac[static 6])
{
	struct nlmsghdr *nlh = add(b, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, "its neighbour");
	struct ndmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->ndm_family = a->family;
	m->ndm_ifindex = (int)index;
	m->ndm_state = NUD_PERMANENT;
	mnl_attr_put(nlh, NDA_DST, ip_len(a), a->bytes);
	mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	added(b, nlh);
}

/* to.bytes NULL: everywhere. via or source NULL: none. */
static void add_route(struct batch *b, unsigned index, const struct ip *to, const struct ip *via,
		      const struct ip *source)
{
	struct nlmsghdr *nlh = add(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, "its route");
	struct rtmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->rtm_family = to->family;
	m->rtm_dst_len = to->bytes ? ip_bits(to) : 0;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_scope = via || to->family == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	m->rtm_type = RTN_UNICAST;
	m->rtm_flags = via ? RTNH_F_ONLINK : 0;
	if (to->bytes)
		mnl_attr_put(nlh, RTA_DST, ip_len(to), to->bytes);
	if (via)
		mnl_attr_put(nlh, RTA_GATEWAY, ip_len(via), via->bytes);
	if (source)
		mnl_attr_put(nlh, RTA_PREFSRC, ip_len(source), source->bytes);
	mnl_attr_put_u32(nlh, RTA_OIF, index);
	added(b, nlh);
}

static void add_inside(struct batch *b, const struct ip *address, const struct ip *gateway)
{
	const struct ip everywhere = { .family = address->family };

	add_address(b, INSIDE_INDEX, address);
	add_neighbour(b, INSIDE_INDEX, gateway, host_mac);
	add_route(b, INSIDE_INDEX, &everywhere, gateway, NULL);
}

static void add_outside(struct batch *b, unsigned index, const struct ip *address,
			const struct ip *gateway)
{
	add_address(b, index, gateway);
	add_neighbour(b, index, address, inside_mac);
	add_route(b, index, address, NULL, gateway);
}

/* -- the two namespaces */

static int write_setting(const char *path, const char *value, struct error *err)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || fd_write_all(fd, value, strlen(value)) < 0)
		return error_set_errno(err, errno, "%s", path);
	return 0;
}

static int set_up_inside(const struct net_link *l, int host_ns, struct error *err)
{
	const struct ip address = { AF_INET, &l->address }, gateway = { AF_INET, &l->gateway },
			address6 = { AF_INET6, &l->address6 },
			gateway6 = { AF_INET6, &l->gateway6 };
	struct batch b = { .used = 0 };

	if (write_setting("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0", err) < 0)
		return -1;
	add_pair(&b, l, host_ns);
	add_up(&b, LO_INDEX);
	add_up(&b, INSIDE_INDEX);
	add_inside(&b, &address, &gateway);
	if (l->ipv6)
		add_inside(&b, &address6, &gateway6);
	return send_batch(&b, err);
}

/* A machine forwards what comes from interfaces that say so. IPv6 has one switch for all (net/machine.h). */
static int forward(const char *name, struct error *err)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/forwarding", name);
	return write_setting(path, "1", err);
}

static int set_up_outside(const struct net_link *l, struct error *err)
{
	const struct ip address = { AF_INET, &l->address }, gateway = { AF_INET, &l->gateway },
			address6 = { AF_INET6, &l->address6 },
			gateway6 = { AF_INET6, &l->gateway6 };
	unsigned index = if_nametoindex(l->host_name);
	struct batch b = { .used = 0 };

	if (!index)
		return error_set_errno(err, errno, "%s", l->host_name);
	if (forward(l->host_name, err) < 0)
		return -1;
	add_up(&b, index);
	add_outside(&b, index, &address, &gateway);
	if (l->ipv6)
		add_outside(&b, index, &address6, &gateway6);
	return send_batch(&b, err);
}

static int open_own(struct error *err)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? error_set_errno(err, errno, "/proc/self/ns/net") : fd;
}

static int go_to(int ns, struct error *err)
{
	return setns(ns, CLONE_NEWNET) < 0 ? error_set_errno(err, errno, "a network namespace") : 0;
}

/* What another namespace has that has not ended yet. */
static void wait_for_name(const char *host_name)
{
	static const struct timespec pause = { .tv_nsec = NAME_PAUSE_MS * 1000000L };

	for (int i = 0; i < NAME_WAIT_MS / NAME_PAUSE_MS && if_nametoindex(host_name); i++)
		nanosleep(&pause, NULL);
}

/* From the machine's namespace, and back there. */
static int make(const struct net_link *l, int host_ns, int *ret_fd, struct error *err)
{
	_cleanup_fd_ int inside_ns = -1;
	struct error back = ERROR_INIT;
	int r;

	wait_for_name(l->host_name);
	if (unshare(CLONE_NEWNET) < 0)
		return error_set_errno(err, errno, "a network namespace");
	inside_ns = open_own(err);
	r = inside_ns < 0 ? -1 : set_up_inside(l, host_ns, err);
	if (go_to(host_ns, r == 0 ? err : &back) < 0 || r < 0 || set_up_outside(l, err) < 0)
		return -1;
	*ret_fd = fd_steal(&inside_ns);
	return 0;
}

int net_make(const struct net_link *l, int *ret_fd, struct error *err)
{
	_cleanup_fd_ int host_ns = open_own(err);

	if (host_ns < 0 || make(l, host_ns, ret_fd, err) < 0)
		return error_prefix(err, "making its network");
	return 0;
}

int net_enter(const struct net_link *l, struct error *err)
{
	_cleanup_fd_ int inside_ns = -1;

	return net_make(l, &inside_ns, err) < 0 ? -1 : go_to(inside_ns, err);
}

/* -- as text */

void net_link_print(const struct net_link *l, char text[static NET_LINK_TEXT_MAX])
{
	char v4[2][INET_ADDRSTRLEN], v6[2][INET6_ADDRSTRLEN];
	int n;

	n = snprintf(text, NET_LINK_TEXT_MAX, "%s %u %s %s", l->host_name, l->group,
		     inet_ntop(AF_INET, &l->address, v4[0], sizeof(v4[0])),
		     inet_ntop(AF_INET, &l->gateway, v4[1], sizeof(v4[1])));
	if (l->ipv6)
		snprintf(text + n, (size_t)(NET_LINK_TEXT_MAX - n), " %s %s",
			 inet_ntop(AF_INET6, &l->address6, v6[0], sizeof(v6[0])),
			 inet_ntop(AF_INET6, &l->gateway6, v6[1], sizeof(v6[1])));
}

bool net_link_parse(const char *text, struct net_link *ret)
{
	char copy[NET_LINK_TEXT_MAX], *word[7] = { NULL }, *save = NULL;
	int64_t group;
	size_t n = 0;

	if (strlen(text) >= sizeof(copy))
		return false;
	strcpy(copy, text);
	for (char *w = strtok_r(copy, " ", &save); w && n < ARRAY_SIZE(word);
	     w = strtok_r(NULL, " ", &save))
		word[n++] = w;
	if ((n != 4 && n != 6) || strlen(word[0]) >= NET_NAME_MAX ||
	    !str_to_i64(word[1], 0, UINT32_MAX, &group))
		return false;
	*ret = (struct net_link){ .group = (uint32_t)group, .ipv6 = n == 6 };
	strcpy(ret->host_name, word[0]);
	return inet_pton(AF_INET, word[2], &ret->address) == 1 &&
	       inet_pton(AF_INET, word[3], &ret->gateway) == 1 &&
	       (n == 4 || (inet_pton(AF_INET6, word[4], &ret->address6) == 1 &&
			   inet_pton(AF_INET6, word[5], &ret->gateway6) == 1));
}
