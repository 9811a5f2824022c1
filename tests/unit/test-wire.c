/* SPDX-License-Identifier: Apache-2.0 */
/* What clients take, what they have already, and how many requests they may make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "daemon/http/wire.h"

static void test_accept(void **state)
{
	static const char *const taken[] = {
		NULL,
		"",
		"*/*",
		"application/json",
		"application/*;q=0.5",
		"application/vnd.heroku+json",
		"application/vnd.heroku+json; version=3",
		"application/vnd.heroku+json;version=3.sdk",
		"Application/Vnd.Heroku+JSON; version=\"3\"",
		"application/vnd.heroku+json; version=3.pipelines; charset=utf-8",
		"text/html, application/xhtml+xml, */*;q=0.8",
		"text/plain,application/json",
	};
	static const char *const refused[] = {
		"text/html",
		"application/vnd.heroku+json; version=2",
		"application/vnd.heroku+json; version=4",
		"application/vnd.heroku+json; version=30",
		"application/vnd.heroku+json; version=",
		"application/xml, text/*",
		",",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		if (!wire_accepts_json(taken[i]))
			fail_msg("\"%s\" is refused", taken[i]);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (wire_accepts_json(refused[i]))
			fail_msg("\"%s\" is taken", refused[i]);
}

static void test_etags(void **state)
{
	char a[WIRE_ETAG_SIZE], b[WIRE_ETAG_SIZE];
	_cleanup_free_ char *weak = NULL, *list = NULL;

	(void)state;
	assert_string_equal(wire_etag("x", 1, a), wire_etag("x", 1, b));
	assert_string_not_equal(wire_etag("x", 1, a), wire_etag("y", 1, b));
	assert_int_equal(strlen(a), WIRE_ETAG_SIZE - 1);
	weak = xasprintf("W/%s", a);
	list = xasprintf("\"other\" , %s", a);
	assert_true(wire_etag_matches(a, a));
	assert_true(wire_etag_matches(weak, a));
	assert_true(wire_etag_matches(list, a));
	assert_true(wire_etag_matches("*", a));
	assert_false(wire_etag_matches(b, a));
	assert_false(wire_etag_matches(NULL, a));
	assert_false(wire_etag_matches("", a));
}

static void test_one_line(void **state)
{
	char s[] = "a\nb\tc\x01\x7f"
		   "d\xc3\xa4";

	(void)state;
	wire_one_line(s);
	assert_string_equal(s, "a b c  d\xc3\xa4");
}

static void test_a_bucket_is_emptied_and_filled(void **state)
{
	struct limits *l = limits_new(60);
	int64_t left;

	(void)state;
	for (int i = 0; i < 60; i++) {
		assert_true(limits_take(l, "a", 1000, &left));
		assert_int_equal(left, 59 - i);
	}
	assert_false(limits_take(l, "a", 1000, &left));
	assert_int_equal(left, 0);
	/* Another's is another. */
	assert_true(limits_take(l, "b", 1000, &left));
	assert_int_equal(left, 59);
	assert_false(limits_take(l, "a", 1000 + 59999, &left));
	assert_true(limits_take(l, "a", 1000 + 60000, &left));
	assert_false(limits_take(l, "a", 1000 + 60000, &left));
	assert_int_equal(limits_left(l, "a", 1000 + 3 * 60000), 2);
	assert_int_equal(limits_left(l, "a", 1000 + 100 * 3600000LL), 60);
	assert_int_equal(limits_left(l, "nobody", 0), 60);
	/* A clock that goes back takes nothing away. */
	assert_int_equal(limits_left(l, "a", 0), 60);
	limits_free(l);
}

/* Very many tokens: the full buckets go, and those that count stay right. */
static void test_buckets_are_forgotten(void **state)
{
	struct limits *l = limits_new(1000);
	int64_t left, now_ms = 0;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		char key[16];

		snprintf(key, sizeof(key), "key-%d", i);
		now_ms += 4000;
		assert_true(limits_take(l, key, now_ms, &left));
		assert_int_equal(left, 999);
		if (i < 500) {
			assert_true(limits_take(l, "busy", now_ms, &left));
			assert_true(limits_take(l, "busy", now_ms, &left));
		}
		/* 1,000 taken; 1,000 an hour came back for 1,996 seconds. */
		if (i == 499)
			assert_int_equal(left, 1000 - 1000 + 554);
	}
	limits_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_etags),
		cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_a_bucket_is_emptied_and_filled),
		cmocka_unit_test(test_buckets_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
