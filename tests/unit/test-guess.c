/* SPDX-License-Identifier: Apache-2.0 */
/* Guesses cost time, and never the innocent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "model/guess.h"

#define ADA "ada@example.com"

static int setup(void **state)
{
	*state = guesses_new();
	return 0;
}

static int teardown(void **state)
{
	guesses_free(*state);
	return 0;
}

/* How many of n wrong ones at one time are looked at. */
static int looked_at(struct guesses *g, const char *account, const char *address, int n,
		     int64_t now_ms)
{
	int64_t wait_ms;
	int looked = 0;

	for (int i = 0; i < n; i++)
		looked += guesses_take(g, account, address, now_ms, &wait_ms);
	return looked;
}

/* Each of n addresses makes as many wrong ones as it likes. */
static void flood(struct guesses *g, const char *account, int n, int64_t now_ms)
{
	for (int i = 0; i < n; i++) {
		char address[32];

		snprintf(address, sizeof(address), "10.%d.%d.1", i / 250, i % 250);
		looked_at(g, account, address, 20, now_ms);
	}
}

static void test_one_address(void **state)
{
	int64_t wait_ms = 0;

	assert_int_equal(looked_at(*state, ADA, "192.0.2.1", 100, 1000), 8);
	assert_false(guesses_take(*state, ADA, "192.0.2.1", 1000, &wait_ms));
	assert_in_range(wait_ms, 1, 3000);
	assert_int_equal(looked_at(*state, ADA, "192.0.2.1", 100, 1000 + wait_ms), 1);
	/* Other accounts are guessed at from there, until the address has had its share. */
	assert_int_equal(looked_at(*state, "b@example.com", "192.0.2.1", 100, 1000), 8);
	assert_true(looked_at(*state, "c@example.com", "192.0.2.1", 100, 1000) < 8);
	assert_int_equal(looked_at(*state, "d@example.com", "192.0.2.1", 100, 1000), 0);
}

static void test_everybody_else_is_innocent(void **state)
{
	flood(*state, ADA, 26, 1000);
	/* Another account from a new address, and from an address that others share with nobody. */
	assert_int_equal(looked_at(*state, "b@example.com", "192.0.2.1", 100, 1000), 8);
	/* The account itself, from an address that is new: at once, and again in a second. */
	assert_int_equal(looked_at(*state, ADA, "192.0.2.2", 100, 1000), 1);
	assert_int_equal(looked_at(*state, ADA, "192.0.2.2", 100, 2500), 0);
	assert_int_equal(looked_at(*state, ADA, "192.0.2.2", 100, 4500), 1);
}

static void test_a_good_address_is_never_kept_out(void **state)
{
	int64_t wait_ms;

	assert_true(guesses_take(*state, ADA, "192.0.2.1", 1000, &wait_ms));
	guesses_right(*state, ADA, "192.0.2.1", 1000);
	flood(*state, ADA, 200, 2000);
	/* Others of its network guess at others, too. */
	for (char other[] = "a@example.com"; other[0] < 'k'; other[0]++)
		looked_at(*state, other, "192.0.2.1", 20, 2000);
	for (int i = 0; i < 100; i++) {
		assert_true(guesses_take(*state, "ADA@example.com", "192.0.2.1", 2000, &wait_ms));
		guesses_right(*state, ADA, "192.0.2.1", 2000);
	}
	/* It has its own bucket of mistakes: who shares it does not guess without end. */
	assert_int_equal(looked_at(*state, ADA, "192.0.2.1", 100, 3000), 8);
}

static void test_addresses(void **state)
{
	assert_int_equal(looked_at(*state, ADA, "2001:db8::1", 100, 1000), 8);
	assert_int_equal(looked_at(*state, ADA, "2001:db8::ffff:2", 100, 1000), 0);
	assert_int_equal(looked_at(*state, "b@example.com", "::ffff:192.0.2.9", 100, 1000), 8);
	assert_int_equal(looked_at(*state, "b@example.com", "192.0.2.9", 100, 1000), 0);
}

static void test_memory_is_bounded(void **state)
{
	/* A hundred thousand accounts and addresses: all have a place, and none is refused for want
	 * of one. */
	for (int i = 0; i < 100000; i++) {
		char account[32], address[32];
		int64_t wait_ms;

		snprintf(account, sizeof(account), "u%d@example.com", i);
		snprintf(address, sizeof(address), "10.%d.%d.%d", i >> 16, (i >> 8) & 255, i & 255);
		assert_true(guesses_take(*state, account, address, 1000 + i, &wait_ms));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_address, setup, teardown),
		cmocka_unit_test_setup_teardown(test_everybody_else_is_innocent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_good_address_is_never_kept_out, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
