/* SPDX-License-Identifier: Apache-2.0 */
/* The proof of a release: what was measured, and what stands in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "model/proof.h"

struct row {
	struct proof_facts facts;
	const char *dynos; /* NULL: none was ready */
	const char *want;
};

#define KNOWN(r, f)                                       \
	{                                                 \
		.known = true, .requests = r, .failed = f \
	}

static const struct row rows[] = {
	/* After a restart of twelved in the middle: less, and it says so by leaving it out. */
	{ { .not_up = "", .began_ms = 1000, .now_ms = 1250 },
	  NULL,
	  "{\"complete\":false,\"dynos\":[],\"rollout_ms\":250}" },
	{ { .not_up = "",
	    .began_ms = 1000,
	    .now_ms = 1250,
	    .before = KNOWN(5, 1),
	    .now = KNOWN(12, 3) },
	  "[{\"dyno\":\"web.1\",\"ready_ms\":412}]",
	  "{\"complete\":false,\"dynos\":[{\"dyno\":\"web.1\",\"ready_ms\":412}],\"failed\":2,"
	  "\"requests\":7,\"rollout_ms\":250}" },
	/* One of the two counts alone says nothing. */
	{ { .not_up = "", .now_ms = 1, .before = KNOWN(5, 1) },
	  NULL,
	  "{\"complete\":false,\"dynos\":[],\"rollout_ms\":1}" },
	{ { .not_up = "", .now_ms = 1, .now = KNOWN(5, 1) },
	  NULL,
	  "{\"complete\":false,\"dynos\":[],\"rollout_ms\":1}" },
	{ { .not_up = "worker, clock", .now_ms = 1 },
	  NULL,
	  "{\"complete\":false,\"dynos\":[],\"not_up\":\"worker, clock\",\"rollout_ms\":1}" },
	{ { .not_up = "", .complete = true, .now_ms = 900, .drain_began_ms = 600 },
	  NULL,
	  "{\"complete\":true,\"drain_ms\":300,\"dynos\":[],\"rollout_ms\":900}" },
	/* The first release of an app drains nothing. */
	{ { .not_up = "", .complete = true, .now_ms = 900 },
	  NULL,
	  "{\"complete\":true,\"drain_ms\":0,\"dynos\":[],\"rollout_ms\":900}" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct proof_facts f = rows[i].facts;
		_cleanup_free_ char *text = NULL;
		json_t *proof;

		f.dynos = rows[i].dynos ? json_loads(rows[i].dynos, 0, NULL) : NULL;
		proof = proof_make(&f);
		text = json_dumps(proof, JSON_COMPACT | JSON_SORT_KEYS);
		assert_string_equal(text, rows[i].want);
		json_decref(proof);
		json_decref(f.dynos);
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
