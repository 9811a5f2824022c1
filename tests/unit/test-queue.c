/* SPDX-License-Identifier: Apache-2.0 */
/* Whose build is next: a table of situations, and what holds in all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "model/queue.h"

#define MAX_ENTRIES 8

static const struct {
	const char *name;
	size_t slots, per_owner;
	struct queue_entry e[MAX_ENTRIES]; /* the first without an owner ends them */
	const char *order;		   /* indices of those that wait */
	size_t next;
} cases[] = {
	{ "nobody", 2, 1, { { 0 } }, "", QUEUE_NONE },
	{ "one", 2, 1, { { "a", "1", 10 } }, "0", 0 },
	{ "the oldest of strangers", 2, 1, { { "a", "1", 20 }, { "b", "2", 10 } }, "10", 1 },
	{ "two that sleep keep nobody waiting",
	  2,
	  1,
	  { { "a", "1", 1, 5, 5, .running = 1 }, { "a", "2", 2, 5, 0 }, { "b", "3", 9 } },
	  "21",
	  2 },
	{ "an owner's own limit",
	  3,
	  1,
	  { { "a", "1", 1, 5, 5, .running = 1 }, { "a", "2", 2, 5, 0 } },
	  "1",
	  QUEUE_NONE },
	{ "no slot",
	  2,
	  2,
	  { { "a", "1", 1, .running = 1 }, { "b", "2", 1, .running = 1 }, { "c", "3", 2 } },
	  "2",
	  QUEUE_NONE },
	{ "a hundred of one against one of another",
	  2,
	  1,
	  { { "a", "1", 1 }, { "a", "2", 2 }, { "a", "3", 3 }, { "a", "4", 4 }, { "b", "5", 9 } },
	  "04123",
	  0 },
	{ "whose last one began longest ago",
	  2,
	  1,
	  { { "a", "1", 1, 50, 50 }, { "b", "2", 2, 40, 40 }, { "c", "3", 3 } },
	  "210",
	  2 },
	{ "among an owner's apps as well",
	  2,
	  1,
	  { { "a", "1", 1, 50, 50 }, { "a", "2", 2, 50, 40 }, { "a", "3", 3, 50, 0 } },
	  "210",
	  2 },
	{ "an owner with many apps has one turn",
	  4,
	  3,
	  { { "a", "1", 1 }, { "a", "2", 1 }, { "a", "3", 1 }, { "b", "4", 2 }, { "c", "5", 3 } },
	  "03412",
	  0 },
	{ "the second of an owner, when nobody else waits",
	  4,
	  3,
	  { { "a", "1", 1, 5, 5, .running = 1 }, { "a", "2", 2, 5, 0 } },
	  "1",
	  1 },
	{ "a limit of one owner's own is lower, and keeps others not waiting",
	  4,
	  3,
	  { { "a", "1", 1, 5, 5, .owner_max = 1, .running = 1 },
	    { "a", "2", 2, 5, 0, .owner_max = 1 },
	    { "b", "3", 1, 9, 9, .running = 1 },
	    { "b", "4", 8, 9, 0 } },
	  "13",
	  3 },
	{ "or higher",
	  4,
	  1,
	  { { "a", "1", 1, 5, 5, .owner_max = 2, .running = 1 },
	    { "a", "2", 2, 5, 0, .owner_max = 2 } },
	  "1",
	  1 },
	{ "app and owner of one name are not one",
	  2,
	  1,
	  { { "a", "b", 1, .running = 1 }, { "b", "a", 2 } },
	  "1",
	  1 },
};

static void test_situations(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct queue_rules rules = { .slots = cases[i].slots,
						   .per_owner = cases[i].per_owner };
		size_t order[MAX_ENTRIES], n = 0, n_order;
		char found[MAX_ENTRIES + 1] = "";

		while (cases[i].e[n].owner)
			n++;
		n_order = queue_order(cases[i].e, n, order);
		for (size_t k = 0; k < n_order; k++)
			found[k] = (char)('0' + order[k]);
		if (strcmp(found, cases[i].order) != 0 ||
		    queue_next(cases[i].e, n, order, n_order, &rules) != cases[i].next)
			fail_msg("%s: the order is %s", cases[i].name, found);
	}
}

/* Whatever one owner has in the queue, another's build begins as soon as a slot is free, and a slot
 * is. */
static void test_nobody_is_starved(void **state)
{
	const struct queue_rules rules = { .slots = 3, .per_owner = 2 };
	struct queue_entry e[41];
	char names[41][8];
	size_t order[41];

	(void)state;
	for (size_t i = 0; i < 41; i++) {
		snprintf(names[i], sizeof(names[i]), "%zu", i);
		e[i] = (struct queue_entry){ .owner = i < 40 ? "greedy" : "other",
					     .app = names[i],
					     .asked_ms = (int64_t)i + 1 };
	}
	for (int64_t now_ms = 100; now_ms < 102; now_ms++) {
		size_t next = queue_next(e, 40, order, queue_order(e, 40, order), &rules);

		assert_true(next < 40);
		e[next].running = 1;
		for (size_t i = 0; i < 40; i++)
			e[i].owner_last_ms = now_ms;
	}
	assert_int_equal(queue_next(e, 40, order, queue_order(e, 40, order), &rules), QUEUE_NONE);
	assert_int_equal(queue_next(e, 41, order, queue_order(e, 41, order), &rules), 40);
	assert_int_equal(queue_running_of(e, 41, "greedy"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_situations),
		cmocka_unit_test(test_nobody_is_starved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
