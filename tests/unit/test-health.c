/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness: what the kernel says of listening sockets, our own; and status lines. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "daemon/dynos/listen.h"
#include "daemon/dynos/health.h"
#include "../skip.h"

/* A port of its own at the address, bound and not listening yet. */
static int bound(const char *address, bool only_v6, uint16_t *ret_port)
{
	struct sockaddr_in6 at6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in at = { .sin_family = AF_INET };
	bool is_v4 = inet_pton(AF_INET, address, &at.sin_addr) == 1;
	struct sockaddr *name = is_v4 ? (struct sockaddr *)&at : (struct sockaddr *)&at6;
	socklen_t size = is_v4 ? sizeof(at) : sizeof(at6);
	int fd = socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), v6only = only_v6;

	assert_true(is_v4 || inet_pton(AF_INET6, address, &at6.sin6_addr) == 1);
	if (fd < 0 && errno == EAFNOSUPPORT)
		SKIP_BECAUSE("there is no IPv6");
	if (!is_v4)
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)),
				 0);
	assert_int_equal(bind(fd, name, size), 0);
	assert_int_equal(getsockname(fd, name, &size), 0);
	*ret_port = ntohs(is_v4 ? at.sin_port : at6.sin6_port);
	return fd;
}

static struct listen_where where_of(uint64_t cgroup_id, unsigned uid)
{
	return (struct listen_where){ .pid_fd = -1,
				      .address = { htonl(INADDR_LOOPBACK) },
				      .cgroup_id = cgroup_id,
				      .uid = uid };
}

static enum listen_owner owner(uint16_t port, uint64_t cgroup_id, unsigned uid)
{
	enum listen_owner o = LISTEN_NOBODY;

	const struct listen_where where = where_of(cgroup_id, uid);

	assert_int_equal(listen_owner(&where, port, &o), 0);
	return o;
}

static void test_who_gets_a_connection(void **state)
{
	static const struct {
		const char *address;
		bool only_v6, reachable;
	} cases[] = { { "127.0.0.1", false, true },  { "0.0.0.0", false, true },
		      { "127.0.0.2", false, false }, { "::", false, true },
		      { "::", true, false },	     { "::1", false, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint16_t port;
		_cleanup_fd_ int fd = bound(cases[i].address, cases[i].only_v6, &port);

		/* Bound is not listening. */
		assert_int_equal(owner(port, 0, getuid()), LISTEN_NOBODY);
		assert_int_equal(listen(fd, 1), 0);
		assert_int_equal(owner(port, 0, getuid()),
				 cases[i].reachable ? LISTEN_OURS : LISTEN_NOBODY);
		assert_int_equal(owner(port, 0, getuid() + 1),
				 cases[i].reachable ? LISTEN_OTHER : LISTEN_NOBODY);
		/* No cgroup has this number. */
		assert_int_equal(owner(port, UINT64_MAX, getuid()),
				 cases[i].reachable ? LISTEN_OTHER : LISTEN_NOBODY);
	}
}

/* The number of our own cgroup of version 2, wherever that is mounted; 0 without. */
static uint64_t own_cgroup(void)
{
	static const char *const roots[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup" };
	_cleanup_buf_ struct buf text = BUF_INIT;
	char *at;

	assert_int_equal(fs_read_file("/proc/self/cgroup", 65536, &text), 0);
	at = strstr(text.data, "0::");
	for (size_t i = 0; at && i < ARRAY_SIZE(roots); i++) {
		_cleanup_free_ char *dir =
			xasprintf("%s%.*s", roots[i], (int)strcspn(at + 3, "\n"), at + 3);
		_cleanup_free_ char *procs = xasprintf("%s/cgroup.controllers", dir);
		struct stat st;

		if (fs_exists(procs) && stat(dir, &st) == 0)
			return st.st_ino;
	}
	return 0;
}

static void test_a_socket_bears_its_cgroup(void **state)
{
	uint16_t one, two, ports[LISTEN_MAX_PORTS];
	_cleanup_fd_ int fd = bound("127.0.0.1", false, &one),
			 other = bound("127.0.0.2", false, &two);
	uint64_t id = own_cgroup();
	struct listen_where where = where_of(id, 0);
	size_t n, found = 0;

	(void)state;
	if (!id)
		SKIP_BECAUSE("there is no cgroup of version 2");
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(listen(other, 1), 0);
	assert_int_equal(owner(one, id, getuid() + 1), LISTEN_OURS);
	/* Others of our cgroup may listen too, so maybe not all fit. */
	n = listen_ports(&where, ports);
	for (size_t i = 0; i < n; i++) {
		assert_true(!i || ports[i - 1] < ports[i]);
		found += ports[i] == one || ports[i] == two;
	}
	assert_true(found == 2 || n == LISTEN_MAX_PORTS);
	where.cgroup_id = UINT64_MAX;
	assert_int_equal(listen_ports(&where, ports), 0);
	where.cgroup_id = 0;
	assert_int_equal(listen_ports(&where, ports), 0);
}

static void test_excerpts(void **state)
{
	char to[HEALTH_EXCERPT_SIZE];

	(void)state;
	assert_string_equal(health_excerpt("SSH-2.0-x\r\nmore", 15, to), "SSH-2.0-x");
	assert_string_equal(health_excerpt("\0\0\x12\x04\xc3\xa4", 6, to), "......");
	assert_string_equal(health_excerpt("", 0, to), "");
	assert_int_equal(strlen(health_excerpt("0123456789012345678901234567890123456789", 40, to)),
			 HEALTH_EXCERPT_SIZE - 1);
}

static void test_status_lines(void **state)
{
	(void)state;
	assert_int_equal(health_parse_status("HTTP/1.1 200 OK\r\n"), 200);
	assert_int_equal(health_parse_status("HTTP/1.0 503\r\n"), 503);
	assert_int_equal(health_parse_status("HTTP/1.1 99 \r\n"), 0);
	assert_int_equal(health_parse_status("HTTP/2 200\r\n"), 0);
	assert_int_equal(health_parse_status("SSH-2.0-OpenSSH\r\n"), 0);
	assert_int_equal(health_parse_status(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_gets_a_connection),
		cmocka_unit_test(test_a_socket_bears_its_cgroup),
		cmocka_unit_test(test_excerpts),
		cmocka_unit_test(test_status_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
