/* SPDX-License-Identifier: Apache-2.0 */
/* What a user's apps may take: values as people write them, and the decision, as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "model/owner-limit.h"

#define MB (INT64_C(1) << 20)
#define GB (INT64_C(1) << 30)
#define ANY OWNER_UNLIMITED

static const struct {
	enum owner_limit what;
	const char *text;
	int64_t value;
	const char *message; /* NULL: it is understood */
} values[] = {
	{ OWNER_APPS, "10", 10, NULL },
	{ OWNER_ADDONS, "0", 0, NULL },
	{ OWNER_DYNOS, "unlimited", OWNER_UNLIMITED, NULL },
	{ OWNER_BUILDS, "default", OWNER_DEFAULT, NULL },
	{ OWNER_MEMORY, "4G", 4 * GB, NULL },
	{ OWNER_MEMORY, "512m", 512 * MB, NULL },
	{ OWNER_MEMORY, "1T", 1024 * GB, NULL },
	{ OWNER_MEMORY, "1024", 1024, NULL },
	{ OWNER_MEMORY, "0", 0, NULL },
	{ OWNER_APPS, "4G", 0,
	  "apps: expected a number, \"unlimited\" or \"default\", found \"4G\"" },
	{ OWNER_APPS, "-1", 0,
	  "apps: expected a number, \"unlimited\" or \"default\", found \"-1\"" },
	{ OWNER_APPS, "", 0, "apps: expected a number, \"unlimited\" or \"default\", found \"\"" },
	{ OWNER_DYNOS, "1000001", 0,
	  "dynos: expected a number, \"unlimited\" or \"default\", found \"1000001\"" },
	{ OWNER_BUILDS, "0", 0,
	  "builds: expected a number from 1, \"unlimited\" or \"default\", found \"0\"" },
	{ OWNER_MEMORY, "4GB", 0,
	  "memory: expected a size such as 4G, \"unlimited\" or \"default\", found \"4GB\"" },
	{ OWNER_MEMORY, "G", 0,
	  "memory: expected a size such as 4G, \"unlimited\" or \"default\", found \"G\"" },
	{ OWNER_MEMORY, "99999999T", 0,
	  "memory: expected a size such as 4G, \"unlimited\" or \"default\", found \"99999999T\"" },
	{ OWNER_MEMORY, "99999999999999999999999", 0,
	  "memory: expected a size such as 4G, \"unlimited\" or \"default\", found "
	  "\"99999999999999999999999\"" },
};

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct error err = ERROR_INIT;
		int64_t value = 77;
		int r = owner_limit_parse(values[i].what, values[i].text, &value, &err);

		if (values[i].message ? r == 0 || !streq(err.message, values[i].message) ||
						err.kind != ERROR_INVALID
				      : r < 0 || value != values[i].value)
			fail_msg("%s: %lld, %s", values[i].text, (long long)value, err.message);
	}
}

static void test_texts(void **state)
{
	char buf[OWNER_TEXT];

	(void)state;
	assert_string_equal(owner_limit_text(OWNER_APPS, 10, buf), "10");
	assert_string_equal(owner_limit_text(OWNER_BUILDS, OWNER_UNLIMITED, buf), "unlimited");
	assert_string_equal(owner_limit_text(OWNER_MEMORY, 0, buf), "0");
	assert_string_equal(owner_limit_text(OWNER_MEMORY, 4 * GB, buf), "4G");
	assert_string_equal(owner_limit_text(OWNER_MEMORY, 3 * 512 * MB, buf), "1536M");
	assert_string_equal(owner_limit_text(OWNER_MEMORY, 1, buf), "1M");
}

static void test_what_was_set_for_a_user_comes_first(void **state)
{
	const struct owner_numbers own = { { 3, OWNER_DEFAULT, 0, OWNER_UNLIMITED,
					     OWNER_DEFAULT } };
	const struct owner_numbers all = { { 10, 20, 5, GB, 2 } };
	const struct owner_numbers merged = owner_limits_merge(&own, &all);
	const struct owner_numbers expected = { { 3, 20, 0, OWNER_UNLIMITED, 2 } };

	(void)state;
	assert_memory_equal(&merged, &expected, sizeof(merged));
}

/* In the order of enum owner_limit: apps, dynos, addons, memory, builds. */
static const struct {
	const char *name;
	struct owner_numbers max, before, after;
	const char *message; /* behind "ada@x.org "; NULL: may */
} cases[] = {
	{ "nothing is limited",
	  { { ANY, ANY, ANY, ANY, ANY } },
	  { { 1, 1, 1, GB, 1 } },
	  { { 999, 999, 999, 999 * GB, 999 } },
	  NULL },
	{ "up to the limit", { { 10, ANY, ANY, ANY, ANY } }, { { 9 } }, { { 10 } }, NULL },
	{ "one beyond",
	  { { 10, ANY, ANY, ANY, ANY } },
	  { { 10 } },
	  { { 11 } },
	  "has 10 of 10 apps: destroy one, or ask an administrator for more (twelve users:limits "
	  "ada@x.org apps=20)" },
	{ "a lowered limit keeps what there is",
	  { { 2, 2, 2, GB, 1 } },
	  { { 5, 5, 5, 5 * GB, 1 } },
	  { { 5, 5, 5, 5 * GB, 1 } },
	  NULL },
	{ "and may shrink without getting below it",
	  { { ANY, 2, ANY, GB, ANY } },
	  { { 1, 9, 0, 9 * GB } },
	  { { 1, 5, 0, 5 * GB } },
	  NULL },
	{ "but not grow",
	  { { ANY, 2, ANY, ANY, ANY } },
	  { { 1, 5 } },
	  { { 1, 6 } },
	  "has 5 of 2 dynos: scale a process down or stop a one-off dyno, or ask an administrator "
	  "for more (twelve users:limits ada@x.org dynos=6)" },
	{ "several at once",
	  { { ANY, 20, ANY, ANY, ANY } },
	  { { 1, 18 } },
	  { { 1, 23 } },
	  "has 18 of 20 dynos, and this takes 5 more: scale a process down or stop a one-off dyno, "
	  "or ask an administrator for more (twelve users:limits ada@x.org dynos=40)" },
	{ "one grows while another shrinks",
	  { { ANY, 2, ANY, GB, ANY } },
	  { { 1, 3, 0, 1536 * MB } },
	  { { 1, 2, 0, 2 * GB } },
	  "has 1536M of 1G of memory, and this takes 512M more: take fewer or smaller dynos and "
	  "add-ons, or ask an administrator for more (twelve users:limits ada@x.org memory=2G)" },
	{ "add-ons",
	  { { ANY, ANY, 1, ANY, ANY } },
	  { { 1, 1, 1 } },
	  { { 1, 1, 2 } },
	  "has 1 of 1 add-ons: destroy one, or ask an administrator for more (twelve users:limits "
	  "ada@x.org addons=2)" },
	{ "none at all",
	  { { ANY, ANY, 0, ANY, ANY } },
	  { { 1 } },
	  { { 1, 0, 1 } },
	  "may have no add-ons: ask an administrator for some (twelve users:limits ada@x.org "
	  "addons=1)" },
	{ "the first of two is told",
	  { { 1, 1, ANY, ANY, ANY } },
	  { { 1, 1 } },
	  { { 2, 2 } },
	  "has 1 of 1 apps: destroy one, or ask an administrator for more (twelve users:limits "
	  "ada@x.org apps=2)" },
};

static void test_decisions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = ERROR_INIT;
		int r = owner_limits_check("ada@x.org", &cases[i].max, &cases[i].before,
					   &cases[i].after, &err);
		_cleanup_free_ char *expected =
			cases[i].message ? xasprintf("ada@x.org %s", cases[i].message)
					 : xstrdup("");

		if ((r < 0) != !!cases[i].message || !streq(err.message, expected))
			fail_msg("%s: %s", cases[i].name, err.message);
		if (r < 0)
			assert_int_equal(err.kind, ERROR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_what_was_set_for_a_user_comes_first),
		cmocka_unit_test(test_decisions),
	};

	return cmocka_run_group_tests_name("owner-limit", tests, NULL, NULL);
}
