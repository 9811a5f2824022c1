/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness: what /proc says of listening sockets, and status lines. Also what the kernel prints for our own. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "daemon/health.h"

static const char net_tcp[] =
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	"   0: 0100007F:4E21 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0\n"
	"   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0\n"
	"   2: 0200007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4713 1 0\n"
	"   3: 0100007F:4E21 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 4714 1 0\n"
	"garbage\n";

static const char net_tcp6[] =
	"  sl  local_address                         remote_address                        st ...\n"
	"   0: 00000000000000000000000000000000:0BB8 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 99 1 0\n"
	"   1: 00000000000000000000000001000000:0BB9 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 100 1 0\n";

static void test_parses_listening_sockets(void **state)
{
	struct health_socket *s = NULL;
	size_t n = 0;

	(void)state;
	health_parse_net(net_tcp, &s, &n);
	assert_int_equal(n, 3);
	assert_int_equal(s[0].port, 20001);
	assert_int_equal(s[0].inode, 4711);
	assert_true(s[0].reachable);
	assert_true(s[1].reachable);
	assert_false(s[2].reachable);
	health_parse_net(net_tcp6, &s, &n);
	assert_int_equal(n, 5);
	assert_int_equal(s[3].port, 3000);
	assert_true(s[3].reachable);
	/* ::1 alone is not where the router connects to. */
	assert_false(s[4].reachable);
	free(s);
}

static void test_empty_and_cut(void **state)
{
	struct health_socket *s = NULL;
	size_t n = 0;

	(void)state;
	health_parse_net("", &s, &n);
	health_parse_net("heading only\n", &s, &n);
	health_parse_net("heading\n   0: 0100007F:4E21 0000", &s, &n);
	assert_int_equal(n, 0);
}

static void test_finds_our_own_port(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct health_socket found[HEALTH_MAX_PORTS];
	socklen_t size = sizeof(at);
	pid_t pid = getpid();

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(health_ports(&pid, 1, found), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	assert_int_equal(health_ports(&pid, 1, found), 1);
	assert_int_equal(found[0].port, ntohs(at.sin_port));
	assert_true(found[0].reachable);
	/* Somebody else's port is not ours: the init's, say. */
	pid = 1;
	for (size_t i = 0; i < health_ports(&pid, 1, found); i++)
		assert_int_not_equal(found[i].port, ntohs(at.sin_port));
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
		cmocka_unit_test(test_parses_listening_sockets),
		cmocka_unit_test(test_empty_and_cut),
		cmocka_unit_test(test_finds_our_own_port),
		cmocka_unit_test(test_status_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
