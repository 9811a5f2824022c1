/* SPDX-License-Identifier: Apache-2.0 */
/* delivery: what becomes of a webhook's delivery after an attempt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/delivery.h"

static const struct {
	struct delivery_attempt attempt;
	enum delivery_fate fate;
	int64_t pause_ms;
} cases[] = {
	{ { true, 1, 200 }, DELIVERY_SUCCEEDED, 0 },
	{ { true, 1, 204 }, DELIVERY_SUCCEEDED, 0 },
	{ { true, 12, 299 }, DELIVERY_SUCCEEDED, 0 },
	{ { false, 1, 200 }, DELIVERY_SUCCEEDED, 0 },
	/* A redirect is not followed, and no success. */
	{ { true, 1, 199 }, DELIVERY_RETRYING, 1000 },
	{ { true, 1, 301 }, DELIVERY_RETRYING, 1000 },
	{ { true, 1, 404 }, DELIVERY_RETRYING, 1000 },
	{ { true, 1, 500 }, DELIVERY_RETRYING, 1000 },
	{ { true, 1, 0 }, DELIVERY_RETRYING, 1000 },
	{ { true, 2, 500 }, DELIVERY_RETRYING, 3000 },
	{ { true, 3, 500 }, DELIVERY_RETRYING, 9000 },
	{ { true, 11, 500 }, DELIVERY_RETRYING, 59049000 },
	{ { true, 12, 500 }, DELIVERY_FAILED, 0 },
	{ { true, 12, 0 }, DELIVERY_FAILED, 0 },
	{ { true, 13, 500 }, DELIVERY_FAILED, 0 },
	/* Of a row that is older than the limit. */
	{ { true, INT64_MAX, 500 }, DELIVERY_FAILED, 0 },
	{ { false, 1, 500 }, DELIVERY_FAILED, 0 },
	{ { false, 1, 0 }, DELIVERY_FAILED, 0 },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t pause_ms = -1;
		enum delivery_fate fate = delivery_after(&cases[i].attempt, &pause_ms);

		if (fate != cases[i].fate || pause_ms != cases[i].pause_ms)
			fail_msg("case %zu: %s after %lld ms", i, delivery_fate_names[fate],
				 (long long)pause_ms);
	}
}

static void test_it_is_given_up_after_a_day(void **state)
{
	struct delivery_attempt a = { .sync = true, .number = 1, .status = 503 };
	int64_t sum_ms = 0, pause_ms;

	(void)state;
	for (; delivery_after(&a, &pause_ms) == DELIVERY_RETRYING; a.number++)
		sum_ms += pause_ms;
	assert_int_equal(a.number, DELIVERY_ATTEMPTS);
	assert_in_range(sum_ms, INT64_C(24) * 3600 * 1000, INT64_C(25) * 3600 * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_it_is_given_up_after_a_day),
	};

	return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
