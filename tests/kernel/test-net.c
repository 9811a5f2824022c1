/* SPDX-License-Identifier: Apache-2.0 */
/* Network namespaces with the real kernel: both families, what a killed process leaves, many at a time. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../skip.h"

#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "net/rules.h"

#define WAIT_MS 20000
#define PORT 80 /* may be bound without privilege in the namespace */

/* The test's own machine: nothing of the real one's network is touched. */
static int become_a_machine(void **state)
{
	(void)state;
	return geteuid() == 0 ? unshare(CLONE_NEWNET) : 0;
}

static void need_root(void)
{
	if (geteuid() != 0)
		SKIP_BECAUSE("network namespaces take root");
}

/* For the networks around the sandboxes' own. */
static void need_programs(void)
{
	need_root();
	if (!fs_find_program("ip", NULL) || !fs_find_program("nft", NULL))
		SKIP_BECAUSE("it takes ip and nft: apt-get install iproute2 nftables");
}

static struct net_range range_of_tests(void)
{
	struct net_range r;

	assert_true(net_range_parse("10.212.0.0/16", &r));
	net_range_set_local6(&r, "1212121212");
	return r;
}

static struct net_link link_in(unsigned n, uint32_t group)
{
	const struct net_range r = range_of_tests();

	return net_link_of(&r, n, group);
}

static struct net_link link_of(unsigned n)
{
	return link_in(n, 7);
}

static int listen_on(int family, uint16_t port)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (family == AF_INET ? bind(fd, (struct sockaddr *)&a4, sizeof(a4))
			      : bind(fd, (struct sockaddr *)&a6, sizeof(a6)))
		return -errno;
	return listen(fd, 8) < 0 ? -errno : fd;
}

/* -- processes that live in namespaces and connect where they are told to */

struct inmate {
	pid_t pid;
	int fd; /* our end of a pair of sockets */
};

/* Where a process is to connect to. */
struct place {
	int family;
	char address[INET6_ADDRSTRLEN];
	uint16_t port;
};

static socklen_t sockaddr_of(const struct place *p, struct sockaddr_storage *ret)
{
	struct sockaddr_in *a4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)p->family;
	a4->sin_port = htons(p->port); /* sin6_port is at the same place */
	assert_int_equal(
		inet_pton(p->family, p->address,
			  p->family == AF_INET ? (void *)&a4->sin_addr : (void *)&a6->sin6_addr),
		1);
	return p->family == AF_INET ? sizeof(*a4) : sizeof(*a6);
}

/* What the processes that are started from now on connect from; NULL: what the kernel says. */
static const char *inmate_source;

/* 0 or an errno. A refused packet is an error at once; one that is dropped takes the time that is given here. */
static int connect_to(const struct place *p, struct sockaddr_storage *ret_own)
{
	struct sockaddr_storage to;
	socklen_t n = sockaddr_of(p, &to), own = sizeof(*ret_own);
	_cleanup_fd_ int fd = socket(p->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = { .tv_sec = 3 };

	if (inmate_source) {
		struct place source = { .family = p->family };
		struct sockaddr_storage from;

		strcpy(source.address, inmate_source);
		assert_int_equal(bind(fd, (struct sockaddr *)&from, sockaddr_of(&source, &from)),
				 0);
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&to, n) < 0)
		return errno;
	return ret_own ? getsockname(fd, (struct sockaddr *)ret_own, &own) : 0;
}

static void serve_orders(int fd)
{
	struct place p;

	while (read(fd, &p, sizeof(p)) == sizeof(p)) {
		int r = connect_to(&p, NULL);

		if (fd_write_all(fd, &r, sizeof(r)) < 0)
			return;
	}
}

/* Enters a namespace, listens on PORT and on PORT + 1 of both families, and takes orders. */
static struct inmate inmate_start(int (*enter)(const void *how, struct error *err), const void *how)
{
	struct inmate in;
	int pair[2];
	char text[1024] = "";

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	in.pid = fork();
	if (in.pid == 0) {
		struct error err = ERROR_INIT;
		int r = enter(how, &err);

		close(pair[0]);
		if (r == 0 && (listen_on(AF_INET, PORT) < 0 || listen_on(AF_INET6, PORT) < 0 ||
			       listen_on(AF_INET, PORT + 1) < 0))
			r = error_set_errno(&err, errno, "listening");
		fd_write_all(pair[1], r < 0 ? err.message : "up", r < 0 ? strlen(err.message) : 2);
		serve_orders(pair[1]);
		_exit(0);
	}
	close(pair[1]);
	in.fd = pair[0];
	assert_true(read(in.fd, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "up");
	return in;
}

static int enter_link(const void *how, struct error *err)
{
	if (net_enter(how, err) < 0)
		return -1;
	return setresuid(1, 1, 1) < 0 ? error_set_errno(err, errno, "setresuid") : 0;
}

static struct inmate sandbox_start(const struct net_link *l)
{
	return inmate_start(enter_link, l);
}

static int inmate_connect(const struct inmate *in, const char *address, uint16_t port)
{
	struct place p = { .family = strchr(address, ':') ? AF_INET6 : AF_INET, .port = port };
	int r = -1;

	strcpy(p.address, address);
	assert_int_equal(fd_write_all(in->fd, &p, sizeof(p)), 0);
	assert_int_equal(read(in->fd, &r, sizeof(r)), sizeof(r));
	return r;
}

static void inmate_kill(struct inmate *in)
{
	kill(in->pid, SIGKILL);
	assert_int_equal(waitpid(in->pid, NULL, 0), in->pid);
	close(in->fd);
}

static int try_connect(int family, const struct net_link *l, struct sockaddr_storage *ret_own)
{
	struct place p = { .family = family, .port = PORT };

	inet_ntop(family,
		  family == AF_INET ? (const void *)&l->address : (const void *)&l->address6,
		  p.address, sizeof(p.address));
	return connect_to(&p, ret_own);
}

static void test_the_machine_reaches_it(void **state)
{
	struct net_link l = link_of(2);
	struct sockaddr_storage own;
	struct inmate in;

	(void)state;
	need_root();
	in = sandbox_start(&l);
	assert_int_equal(try_connect(AF_INET, &l, &own), 0);
	assert_int_equal(((struct sockaddr_in *)&own)->sin_addr.s_addr, l.gateway.s_addr);
	assert_int_equal(try_connect(AF_INET6, &l, &own), 0);
	assert_memory_equal(&((struct sockaddr_in6 *)&own)->sin6_addr, &l.gateway6, 16);
	inmate_kill(&in);
}

static void await_no_interface(const char *name)
{
	for (int ms = 0; if_nametoindex(name) && ms < WAIT_MS; ms += 10)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	assert_int_equal(if_nametoindex(name), 0);
}

/* The interface and the routes go with the process, and the same link can be made again. */
static void test_a_kill_leaves_nothing(void **state)
{
	struct net_link l = link_of(3);
	struct inmate in;

	(void)state;
	need_root();
	for (int i = 0; i < 3; i++) {
		struct sockaddr_storage own;

		in = sandbox_start(&l);
		assert_int_not_equal(if_nametoindex(l.host_name), 0);
		inmate_kill(&in);
		await_no_interface(l.host_name);
		assert_int_equal(try_connect(AF_INET, &l, &own), ENETUNREACH);
	}
}

/* What the second one says has what, and leaves the first as it is. */
static void test_a_name_that_is_taken(void **state)
{
	struct net_link l = link_of(4);
	struct sockaddr_storage own;
	struct inmate in;
	int status;
	pid_t pid;

	(void)state;
	need_root();
	in = sandbox_start(&l);
	pid = fork();
	if (pid == 0) {
		struct error err = ERROR_INIT;

		_exit(net_enter(&l, &err) == 0 ||
		      !strstr(err.message,
			      "making its network: making its interfaces: File exists"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(try_connect(AF_INET, &l, &own), 0);
	inmate_kill(&in);
}

static void test_many(void **state)
{
	enum { N = 40 };
	struct inmate in[N];
	struct net_link l;
	struct sockaddr_storage own;

	(void)state;
	need_root();
	for (unsigned i = 0; i < N; i++) {
		l = link_of(16 + i);
		in[i] = sandbox_start(&l);
	}
	for (unsigned i = 0; i < N; i++) {
		l = link_of(16 + i);
		assert_int_equal(try_connect(AF_INET, &l, &own), 0);
		inmate_kill(&in[i]);
	}
	await_no_interface(l.host_name);
}

/* -- the rules: who reaches what */

/* The outside: a namespace with public and private addresses behind the machine's other interface. */
static int enter_outside(const void *how, struct error *err)
{
	static const char script[] =
		"ip link add ext1 type veth peer name ext0 netns \"$1\"; ip link set lo up; "
		"for a in 203.0.113.5/24 10.1.2.3/32 169.254.169.254/32; do ip addr add $a dev "
		"ext1; done; "
		"for a in 2600::5/64 fd77::5/64; do ip addr add $a dev ext1 nodad; done; ip link "
		"set ext1 up";
	_cleanup_free_ char *machine = xasprintf("%d", getppid());
	const char *const argv[] = { "sh", "-ec", script, "sh", machine, NULL };

	(void)how;
	if (unshare(CLONE_NEWNET) < 0)
		return error_set_errno(err, errno, "unshare");
	return proc_run_simple(argv, err);
}

/* Takes another one's address as well, which only root can. */
static int enter_as_another(const void *how, struct error *err)
{
	const char *const argv[] = { "ip", "addr", "add", "10.212.1.2/32", "dev", "lo", NULL };

	return net_enter(how, err) < 0 ? -1 : proc_run_simple(argv, err);
}

static void run_script(const char *script)
{
	const char *const argv[] = { "sh", "-ec", script, NULL };
	struct error err = ERROR_INIT;

	if (proc_run_simple(argv, &err) < 0)
		fail_msg("%s", err.message);
}

static void load_rules(const struct net_rules *r)
{
	_cleanup_free_ char *text = net_rules_render(r);
	FILE *f = popen("nft -f -", "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(pclose(f), 0);
}

enum { APP = 7, NEIGHBOUR, CLOSED, ADDON, FRIEND };

struct cell {
	const char *address;
	uint16_t port;
	int expected; /* 0 or an errno */
};

static void check_cells(const char *who, const struct inmate *in, const struct cell *cells)
{
	for (; cells->address; cells++) {
		int r = inmate_connect(in, cells->address, cells->port);

		if (r != cells->expected)
			fail_msg("%s to %s port %u: %s, expected: %s", who, cells->address,
				 cells->port, strerror(r), strerror(cells->expected));
	}
}

/* The outside listens on PORT and PORT + 1; so do the machine and each sandbox. */
static void test_who_reaches_what(void **state)
{
	static const uint16_t router[] = { PORT };
	static const struct net_friend friends[] = { { .from = APP, .to = FRIEND } };
	static const uint32_t closed[] = { CLOSED };
	struct net_reach reach = { .group = APP, .port = PORT };
	struct net_egress egress[] = {
		{ .group = CLOSED, .family = AF_INET, .bits = 32, .port = PORT },
		{ .group = NEIGHBOUR, .family = AF_INET, .bits = 24 },
		{ .group = NEIGHBOUR, .family = AF_INET6, .bits = 64 },
	};
	struct net_rules rules = { .range = range_of_tests(),
				   .router_ports = router,
				   .n_router_ports = 1,
				   .reaches = &reach,
				   .n_reaches = 1,
				   .friends = friends,
				   .n_friends = 1,
				   .closed = closed,
				   .n_closed = 1,
				   .egress = egress,
				   .n_egress = ARRAY_SIZE(egress) };
	const struct net_link app = link_in(0x102, APP), neighbour = link_in(0x103, NEIGHBOUR),
			      closed_app = link_in(0x104, CLOSED), addon = link_in(0x105, ADDON),
			      friend = link_in(0x106, FRIEND);
	static const struct cell of_app[] = {
		{ "10.212.1.5", PORT, 0 },		    /* its add-on */
		{ "10.212.1.5", PORT + 1, ECONNREFUSED },   /* another port of that */
		{ "fd12:1212:1212::105", PORT, ECONNREFUSED },
		{ "10.212.1.6", PORT, 0 },		    /* its friend */
		{ "10.212.1.6", PORT + 1, 0 },
		{ "fd12:1212:1212::106", PORT, 0 },
		{ "10.212.1.3", PORT, ECONNREFUSED },	    /* a neighbour */
		{ "fd12:1212:1212::103", PORT, ECONNREFUSED },
		{ "203.0.113.5", PORT, 0 },		    /* the internet */
		{ "2600::5", PORT, 0 },
		{ "10.1.2.3", PORT, ECONNREFUSED },	    /* a private network */
		{ "fd77::5", PORT, ECONNREFUSED },
		{ "169.254.169.254", PORT, ECONNREFUSED },  /* a cloud's metadata */
		{ "10.212.0.1", PORT, 0 },		    /* the router, by any address of the machine */
		{ "203.0.113.1", PORT, 0 },
		{ "203.0.113.1", PORT + 1, ECONNREFUSED },  /* what else the machine has */
		{ "127.0.0.1", PORT, 0 },		    /* itself */
		{ NULL },
	}, of_neighbour[] = {
		{ "10.212.1.5", PORT, ECONNREFUSED },
		{ "10.212.1.2", PORT, ECONNREFUSED },
		{ "10.1.2.3", PORT, 0 },		    /* what its egress names */
		{ "fd77::5", PORT, 0 },
		{ "169.254.169.254", PORT, ECONNREFUSED },
		{ NULL },
	}, of_closed[] = {
		{ "203.0.113.5", PORT + 1, ECONNREFUSED },
		{ "2600::5", PORT, ECONNREFUSED },
		{ "203.0.113.5", PORT, 0 },
		{ "10.212.0.1", PORT, 0 },
		{ NULL },
	}, of_friend[] = {
		{ "10.212.1.2", PORT, ECONNREFUSED },	    /* both ways only when both say so */
		{ NULL },
	};
	struct inmate in[6];
	int own[] = { -1, -1, -1 };

	(void)state;
	need_programs();
	reach.address = addon.address;
	inet_pton(AF_INET, "203.0.113.5", &egress[0].address.v4);
	inet_pton(AF_INET, "10.1.2.0", &egress[1].address.v4);
	inet_pton(AF_INET6, "fd77::", &egress[2].address.v6);
	in[5] = inmate_start(enter_outside, NULL);
	run_script("ip link set lo up; ip addr add 203.0.113.1/24 dev ext0; ip addr add 2600::1/64 "
		   "dev ext0 nodad; ip link set ext0 up; "
		   "for d in 10.1.2.0/24 169.254.169.254/32; do ip route add $d dev ext0 via "
		   "203.0.113.5 onlink; done; "
		   "ip route add fd77::/64 dev ext0 via 2600::5; "
		   "echo 1 >/proc/sys/net/ipv4/conf/ext0/forwarding; echo 1 "
		   ">/proc/sys/net/ipv6/conf/all/forwarding");
	own[0] = listen_on(AF_INET, PORT);
	own[1] = listen_on(AF_INET, PORT + 1);
	own[2] = listen_on(AF_INET6, PORT);
	in[0] = sandbox_start(&app);
	in[1] = sandbox_start(&neighbour);
	in[2] = sandbox_start(&closed_app);
	in[3] = sandbox_start(&addon);
	in[4] = sandbox_start(&friend);
	load_rules(&rules);
	load_rules(&rules);
	check_cells("app", &in[0], of_app);
	check_cells("neighbour", &in[1], of_neighbour);
	check_cells("closed", &in[2], of_closed);
	check_cells("friend", &in[4], of_friend);
	for (int i = 0; i < 6; i++)
		inmate_kill(&in[i]);
	for (int i = 0; i < 3; i++)
		close(own[i]);
}

static void test_a_forged_source_is_dropped(void **state)
{
	static const char counted[] = "nft list chain inet twelve_0ad4 from_sandbox | grep -q "
				      "'missing counter packets [1-9].* drop'";
	const struct net_link forger = link_in(0x107, NEIGHBOUR), other = link_in(0x108, APP);
	struct net_rules rules = {
		.range = range_of_tests(),
	};
	const char *const argv[] = { "sh", "-c", counted, NULL };
	struct error err = ERROR_INIT;
	struct inmate in, of;

	(void)state;
	need_programs();
	load_rules(&rules);
	in = inmate_start(enter_as_another, &forger);
	of = sandbox_start(&other);
	assert_int_equal(inmate_connect(&in, "10.212.1.8", PORT), ECONNREFUSED);
	assert_true(proc_run_simple(argv, &err) < 0);
	inmate_source = "10.212.1.2";
	inmate_kill(&in);
	await_no_interface(forger.host_name);
	in = inmate_start(enter_as_another, &forger);
	inmate_source = NULL;
	assert_int_equal(inmate_connect(&in, "10.212.1.8", PORT), EINPROGRESS);
	assert_int_equal(proc_run_simple(argv, &err), 0);
	inmate_kill(&in);
	inmate_kill(&of);
}

static void test_text(void **state)
{
	static const char *const bad[] = { "",
					   "tw-1",
					   "tw-1 1 10.0.0.1",
					   "tw-1 x 10.0.0.2 10.0.0.1",
					   "tw-1 1 10.0.0.2 10.0.0.1 fd::2",
					   "tw-123456789012345 1 10.0.0.2 10.0.0.1",
					   "tw-1 1 10.0.0.2 10.0.0.1 fd::2 fd::1 more" };
	struct net_link l = link_of(5), back;
	char text[NET_LINK_TEXT_MAX];

	(void)state;
	net_link_print(&l, text);
	assert_string_equal(
		text, "tw0ad4-0005 7 10.212.0.5 10.212.0.1 fd12:1212:1212::5 fd12:1212:1212::1");
	assert_true(net_link_parse(text, &back));
	assert_memory_equal(&l, &back, sizeof(l));
	l.ipv6 = false;
	net_link_print(&l, text);
	assert_string_equal(text, "tw0ad4-0005 7 10.212.0.5 10.212.0.1");
	assert_true(net_link_parse(text, &back));
	assert_false(back.ipv6);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(net_link_parse(bad[i], &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_the_machine_reaches_it),
		cmocka_unit_test(test_a_kill_leaves_nothing),
		cmocka_unit_test(test_a_name_that_is_taken),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_who_reaches_what),
		cmocka_unit_test(test_a_forged_source_is_dropped),
	};

	return cmocka_run_group_tests(tests, become_a_machine, NULL);
}
