/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of config vars: the new config, and what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "model/config-change.h"

struct row {
	const char *config, *changes, *want, *sentence; /* want NULL: nothing changes */
};

static const struct row rows[] = {
	{ "{}", "{}", NULL, NULL },
	{ "{}", "{\"A\":\"1\"}", "{\"A\":\"1\"}", "Set A config vars" },
	{ "{\"A\":\"1\"}", "{\"A\":\"1\"}", NULL, NULL },
	{ "{\"A\":\"1\"}", "{\"A\":\"2\"}", "{\"A\":\"2\"}", "Set A config vars" },
	{ "{\"A\":\"1\"}", "{\"A\":\"\"}", "{\"A\":\"\"}", "Set A config vars" },
	{ "{\"A\":\"1\",\"B\":\"2\"}", "{\"A\":null}", "{\"B\":\"2\"}", "Remove A config vars" },
	{ "{\"A\":\"1\"}", "{\"B\":null}", NULL, NULL },
	{ "{\"A\":\"1\"}", "{\"A\":\"1\",\"B\":\"2\",\"C\":\"3\"}",
	  "{\"A\":\"1\",\"B\":\"2\",\"C\":\"3\"}", "Set B, C config vars" },
	{ "{\"A\":\"1\",\"B\":\"2\"}", "{\"A\":null,\"B\":null,\"C\":\"3\"}", "{\"C\":\"3\"}",
	  "Set C and remove A, B config vars" },
};

static void test_apply(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *config = json_loads(rows[i].config, 0, NULL),
		       *changes = json_loads(rows[i].changes, 0, NULL);
		_cleanup_free_ char *sentence = NULL, *text = NULL, *before = NULL;
		json_t *now = config_change_apply(config, changes, &sentence);

		before = json_dumps(config, JSON_COMPACT | JSON_SORT_KEYS);
		assert_string_equal(before, rows[i].config);
		if (!rows[i].want) {
			assert_null(now);
		} else {
			text = json_dumps(now, JSON_COMPACT | JSON_SORT_KEYS);
			assert_string_equal(text, rows[i].want);
			assert_string_equal(sentence, rows[i].sentence);
		}
		json_decref(now);
		json_decref(config);
		json_decref(changes);
	}
}

static const struct {
	const char *changes, *error; /* NULL: taken */
} checks[] = {
	{ "{}", NULL },
	{ "{\"A\":\"1\",\"B_2\":null}", NULL },
	{ "{\"A\":1}", "config var A must be a string" },
	{ "{\"A\":true}", "config var A must be a string" },
	{ "{\"A\":[]}", "config var A must be a string" },
	{ "{\"A B\":\"1\"}", "A B" },
	{ "{\"PORT\":\"80\"}", "PORT" },
};

static void test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		json_t *changes = json_loads(checks[i].changes, 0, NULL);
		struct error err = ERROR_INIT;
		int r = config_change_check(changes, &err);

		assert_int_equal(r, checks[i].error ? -1 : 0);
		if (checks[i].error && !strstr(err.message, checks[i].error))
			fail_msg("%s: %s", checks[i].changes, err.message);
		assert_int_equal(err.kind, checks[i].error ? ERROR_INVALID : ERROR_NONE);
		json_decref(changes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apply),
		cmocka_unit_test(test_check),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
