/* SPDX-License-Identifier: Apache-2.0 */
/* Why an app has no dyno with traffic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "route/down.h"

static const struct down_dyno routed = { .routed = true }, starting = { 0 },
			      crashed = { .crashed = true },
			      ending = { .crashed = true, .ending = true };

struct row {
	const char *what;
	struct down_facts facts;
	const struct down_dyno *dynos[2];
	enum route_down want;
};

static const struct row rows[] = {
	{ "nothing was ever deployed", { .wants_web = true }, { NULL }, ROUTE_DOWN_NO_RELEASE },
	{ "nothing, though a dyno is left",
	  { .wants_web = true },
	  { &routed },
	  ROUTE_DOWN_NO_RELEASE },
	{ "the first release comes",
	  { .candidate = true, .wants_web = true },
	  { NULL },
	  ROUTE_DOWN_STARTING },
	{ "no web is wanted", { .released = true }, { NULL }, ROUTE_DOWN_NO_WEB },
	{ "its dynos start",
	  { .released = true, .wants_web = true },
	  { &starting },
	  ROUTE_DOWN_STARTING },
	{ "one has traffic",
	  { .released = true, .wants_web = true },
	  { &starting, &routed },
	  ROUTE_DOWN_NONE },
	{ "one has, the other crashes",
	  { .released = true, .wants_web = true },
	  { &crashed, &routed },
	  ROUTE_DOWN_NONE },
	{ "all crash",
	  { .released = true, .wants_web = true },
	  { &crashed, &starting },
	  ROUTE_DOWN_CRASHED },
	{ "what crashed ends",
	  { .released = true, .wants_web = true },
	  { &ending, &starting },
	  ROUTE_DOWN_STARTING },
	{ "web was scaled to 0", { .released = true }, { &ending }, ROUTE_DOWN_NO_WEB },
	{ "its slug is gone",
	  { .released = true, .slug_gone = true, .wants_web = true },
	  { NULL },
	  ROUTE_DOWN_NO_RELEASE },
	{ "its slug is gone, another comes",
	  { .released = true, .slug_gone = true, .candidate = true, .wants_web = true },
	  { NULL },
	  ROUTE_DOWN_STARTING },
	{ "its slug is gone, what runs goes on",
	  { .released = true, .slug_gone = true, .wants_web = true },
	  { &routed },
	  ROUTE_DOWN_NONE },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct down_facts f = rows[i].facts;
		struct down_dyno dynos[2];

		for (; f.n_dynos < 2 && rows[i].dynos[f.n_dynos]; f.n_dynos++)
			dynos[f.n_dynos] = *rows[i].dynos[f.n_dynos];
		f.dynos = dynos;
		if (route_why_down(&f) != rows[i].want)
			fail_msg("%s: %d, expected %d", rows[i].what, route_why_down(&f),
				 rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
