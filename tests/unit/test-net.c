/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of sandboxes. What the rules do is tried with the kernel: tests/kernel/test-net.c. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "net/egress.h"
#include "net/plan.h"

static void assert_address(int family, const void *address, const char *expected)
{
	char text[INET6_ADDRSTRLEN];

	assert_string_equal(inet_ntop(family, address, text, sizeof(text)), expected);
}

static void test_addresses(void **state)
{
	struct net_range r = { 0 };
	struct net_link l;

	(void)state;
	assert_true(net_range_parse("10.212.0.0/16", &r));
	l = net_link_of(&r, NET_INDEX_SERVER(3), 3);
	assert_address(AF_INET, &l.address, "10.212.0.4");
	assert_address(AF_INET, &l.gateway, "10.212.0.1");
	assert_string_equal(l.host_name, "tw0ad4-0004");
	assert_false(l.ipv6);
	net_range_set_local6(&r, "0123-456789-abcdef");
	l = net_link_of(&r, net_index_last(&r), 4095);
	assert_address(AF_INET, &l.address, "10.212.255.254");
	assert_address(AF_INET6, &l.address6, "fd01:2345:6789::fffe");
	assert_address(AF_INET6, &l.gateway6, "fd01:2345:6789::1");
	assert_string_equal(l.host_name, "tw0ad4-fffe");
	assert_int_equal(l.group, 4095);
	assert_int_equal(net_link_index(&r, &l), 0xfffe);
	assert_true(net_range_parse("10.0.0.0/8", &r));
	assert_int_equal(net_index_last(&r), 0xffff);
	assert_int_equal(net_link_index(&r, &l), 0);
}

static void test_ranges_that_are_none(void **state)
{
	static const char *const bad[] = { "",
					   "10.0.0.0",
					   "10.0.0.0/",
					   "10.0.0.0/17",
					   "10.0.0.0/7",
					   "10.0.0.1/16",
					   "10.0.0/16",
					   "fd00::/16",
					   "10.0.0.0/16/16",
					   "10.0.0.0/16 x" };
	struct net_range r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(net_range_parse(bad[i], &r));
}

static void test_destinations(void **state)
{
	static const struct {
		const char *text, *printed; /* printed NULL: refused */
		bool is_public;
	} rows[] = {
		{ "198.51.100.7", "198.51.100.7", true },
		{ "198.51.100.7/32", "198.51.100.7", true },
		{ "198.51.100.0/24", "198.51.100.0/24", true },
		{ "198.51.100.7:443", "198.51.100.7:443", true },
		{ "198.51.100.0/24:443", "198.51.100.0/24:443", true },
		{ "2a00:db8::7", "2a00:db8::7", true },
		{ "[2a00:db8::7]", "2a00:db8::7", true },
		{ "[2a00:DB8:0::7]:443", "[2a00:db8::7]:443", true },
		{ "[2a00:db8::]/32:443", "[2a00:db8::]/32:443", true },
		{ "10.0.3.7", "10.0.3.7", false },
		{ "169.254.169.254:80", "169.254.169.254:80", false },
		{ "127.0.0.1", "127.0.0.1", false },
		/* around a private one */
		{ "8.0.0.0/6", "8.0.0.0/6", false },
		{ "0.0.0.0/0", "0.0.0.0/0", false },
		{ "::/0", "::/0", false },
		{ "fd00::1", "fd00::1", false },
		{ "fe80::1", "fe80::1", false },
		{ "::ffff:10.0.0.1", "::ffff:10.0.0.1", false },
		{ "2002:a00:1::", "2002:a00:1::", false },
		{ "198.51.100.7/24", NULL, false },
		{ "198.51.100.7/33", NULL, false },
		{ "198.51.100.7:0", NULL, false },
		{ "198.51.100.7:65536", NULL, false },
		{ "198.51.100.7:", NULL, false },
		{ "198.51.100.7/", NULL, false },
		{ "198.51.100", NULL, false },
		{ "example.com", NULL, false },
		{ "[2a00:db8::7", NULL, false },
		{ "", NULL, false },
		{ "2a00:db8::7/129", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		struct net_egress e = { .group = 9 };
		char text[NET_EGRESS_TEXT_MAX];
		int r = net_egress_parse(rows[i].text, &e, &err);

		assert_int_equal(r, rows[i].printed ? 0 : -1);
		if (r < 0) {
			assert_int_equal(err.kind, ERROR_INVALID);
			continue;
		}
		net_egress_print(&e, text);
		assert_string_equal(text, rows[i].printed);
		assert_int_equal(e.group, 9);
		assert_int_equal(net_egress_is_public(&e), rows[i].is_public);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_ranges_that_are_none),
		cmocka_unit_test(test_destinations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
