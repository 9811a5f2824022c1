/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/walls: what is read of the machine, as tables of cases; numbers that are given again. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/str.h"
#include "daemon/walls/walls-priv.h"

#define ROUTES "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\n"
#define DEFAULT "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"

static void test_overlap(void **state)
{
	static const struct {
		const char *routes, *iface; /* iface NULL: free */
	} rows[] = {
		{ "", NULL },
		{ ROUTES DEFAULT, NULL },
		{ ROUTES DEFAULT "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n",
		  NULL },
		/* 10.212.7.0/24 lies in it; 10.0.0.0/8 around it, where a sandbox is more specific */
		{ ROUTES "wg0\t0007D40A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", "wg0" },
		{ ROUTES DEFAULT "tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n",
		  NULL },
		{ ROUTES "eth1\t0000D50A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n", NULL },
		/* a sandbox's own */
		{ ROUTES "tw0ad4-1001\t0110D40A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n",
		  NULL },
	};
	struct net_range range;

	(void)state;
	assert_true(net_range_parse("10.212.0.0/16", &range));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char iface[16];
		bool overlaps = machine_overlap(rows[i].routes, &range, iface);

		assert_int_equal(overlaps, rows[i].iface != NULL);
		if (overlaps)
			assert_string_equal(iface, rows[i].iface);
	}
}

static void test_ipv6(void **state)
{
	static const char nowhere[] =
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";
	static const char somewhere[] =
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"fe800000000000000000000000000001 00000400 00000001 00000000 00450003     eth0\n";

	(void)state;
	assert_false(machine_has_ipv6(""));
	assert_false(machine_has_ipv6(nowhere));
	assert_true(machine_has_ipv6(somewhere));
}

static void test_resolvers(void **state)
{
	static const struct {
		const char *conf, *instead, *text;
		size_t n;
	} rows[] = {
		{ "nameserver 10.0.0.2\nsearch example.com\noptions ndots:1\n", "",
		  "nameserver 10.0.0.2\nsearch example.com\noptions ndots:1\n", 1 },
		{ "# local\nnameserver 127.0.0.53\nnameserver ::1\nsearch a b\n", "",
		  "search a b\n", 0 },
		{ "nameserver 127.0.0.53\n", "9.9.9.9 2620:fe::fe",
		  "nameserver 9.9.9.9\nnameserver 2620:fe::fe\n", 2 },
		{ "nameserver  2001:db8::1 \nnameserver nonsense\n", "", "nameserver 2001:db8::1\n",
		  1 },
		{ "", "", "# This machine has no resolver that a sandbox could reach.\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct net_egress list[WALLS_MAX_RESOLVERS];
		size_t n;
		_cleanup_free_ char *text = resolvers_text(rows[i].conf, rows[i].instead, list, &n);

		assert_string_equal(text, rows[i].text);
		assert_int_equal(n, rows[i].n);
	}
}

/* ---- numbers ---- */

static int open_store(struct walls *w, struct platform *p, char *dir)
{
	struct error err = ERROR_INIT;

	assert_non_null(mkdtemp(dir));
	*p = (struct platform){ .settings = { .state_dir = dir } };
	*w = (struct walls){ .platform = p };
	assert_true(net_range_parse("10.212.0.0/16", &w->range));
	return store_open(dir, &p->store, &err);
}

static void test_numbers_are_given_again(void **state)
{
	char dir[] = "/tmp/test-walls-XXXXXX", id[UUID_SIZE];
	struct walls *w = xcalloc(1, sizeof(*w));
	struct error err = ERROR_INIT;
	struct platform p;
	uint32_t number, first;

	(void)state;
	assert_int_equal(open_store(w, &p, dir), 0);
	assert_int_equal(numbers_of(w, "", &number, &err), 0);
	assert_int_equal(number, 0);
	assert_int_equal(numbers_of(w, uuid_make(id), &first, &err), 0);
	assert_int_equal(numbers_of(w, id, &number, &err), 0);
	assert_int_equal(number, first);
	assert_int_equal(store_begin(p.store, &err), 0);
	for (int i = 1; i < STORE_NUMBER_MAX; i++)
		assert_int_equal(numbers_of(w, uuid_make(id), &number, &err), 0);
	assert_int_equal(store_commit(p.store, &err), 0);
	/* All were given a moment ago. */
	assert_int_equal(numbers_of(w, uuid_make(id), &number, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFLICT);
	/* They are nobody's: no app, no add-on, no link. */
	memset(w->given_ms, 0, sizeof(w->given_ms));
	err = (struct error)ERROR_INIT;
	assert_int_equal(numbers_of(w, id, &number, &err), 0);
	assert_int_equal(number, 1);
	store_close(p.store);
	fs_remove_tree(dir);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_resolvers),
		cmocka_unit_test(test_numbers_are_given_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
