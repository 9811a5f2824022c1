/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: what it tells of callbacks that hold it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/loop.h"

#define LIMIT_MS 50

struct fixture {
	struct loop *loop;
	struct watch *watch;
	struct loop_hold told[4];
	size_t n_told;
};

static void on_hold(const struct loop_hold *h, void *userdata)
{
	struct fixture *f = userdata;

	f->told[f->n_told++] = *h;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->loop = loop_new();
	loop_on_hold(f->loop, LIMIT_MS, on_hold, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	watch_free(f->watch);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void wait_ms(long ms)
{
	const struct timespec t = { .tv_nsec = ms * 1000000 };

	nanosleep(&t, NULL);
}

static void sleeper(void *userdata)
{
	struct fixture *f = userdata;

	wait_ms(LIMIT_MS + 10);
	loop_stop(f->loop);
}

static void in_steps(void *userdata)
{
	struct fixture *f = userdata;

	loop_step(f->loop, "GET", "/slow");
	wait_ms(LIMIT_MS + 10);
	loop_step(f->loop, NULL, NULL);
	loop_stop(f->loop);
}

/* A callback may free its own watch. */
static void freeing(void *userdata)
{
	struct fixture *f = userdata;

	watch_free(steal_ptr(f->watch));
	sleeper(f);
}

static void quick(void *userdata)
{
	struct fixture *f = userdata;

	loop_stop(f->loop);
}

static void run_timer(struct fixture *f, struct watch *w)
{
	f->watch = w;
	watch_arm(f->watch, 0);
	loop_run(f->loop);
}

static void test_a_hold_is_told_by_its_place(void **state)
{
	struct fixture *f = *state;

	run_timer(f, watch_timer(f->loop, sleeper, f));
	assert_int_equal(f->n_told, 1);
	assert_string_equal(f->told[0].where, "tests/unit/test-loop.c");
	assert_string_equal(f->told[0].what, "sleeper");
	assert_true(f->told[0].took_ms >= LIMIT_MS);
	assert_true(f->told[0].n_waits >= 1);
	assert_true(f->told[0].cpu_ms <= f->told[0].took_ms);
	assert_int_equal(loop_holds(f->loop).n, 1);
	assert_string_equal(loop_holds(f->loop).longest.what, "sleeper");
}

static void test_a_step_is_told_by_its_name(void **state)
{
	struct fixture *f = *state;

	run_timer(f, watch_timer(f->loop, in_steps, f));
	assert_int_equal(f->n_told, 1);
	assert_string_equal(f->told[0].where, "GET");
	assert_string_equal(f->told[0].what, "/slow");
}

static void test_a_watch_that_is_gone(void **state)
{
	struct fixture *f = *state;

	run_timer(f, watch_timer(f->loop, freeing, f));
	assert_int_equal(f->n_told, 1);
	assert_string_equal(f->told[0].what, "freeing");
}

static void test_quick_ones_are_not_told(void **state)
{
	struct fixture *f = *state;

	/* A machine that has no time for us shall not make it slow. */
	loop_on_hold(f->loop, 60000, on_hold, f);
	run_timer(f, watch_timer(f->loop, quick, f));
	assert_int_equal(f->n_told, 0);
	assert_int_equal(loop_holds(f->loop).n, 0);
	/* Between callbacks there is nothing to name. */
	loop_step(f->loop, "GET", "/");
	assert_int_equal(f->n_told, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_hold_is_told_by_its_place, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_step_is_told_by_its_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_watch_that_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quick_ones_are_not_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
