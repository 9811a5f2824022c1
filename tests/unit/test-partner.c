/* SPDX-License-Identifier: Apache-2.0 */
/* The Add-on Partner API: manifests, answers and what they mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "addon/partner.h"
#include "base/cleanup.h"
#include "base/str.h"

static const char good[] = "{\"id\": \"acme\", \"name\": \"Acme\", \"api\": "
			   "{\"config_vars_prefix\": \"ACME\", \"config_vars\": [\"ACME_URL\"],"
			   " \"password\": \"p\", \"production\": {\"base_url\": "
			   "\"https://acme.example/heroku/resources\"}},"
			   " \"plans\": [{\"name\": \"basic\"}]}";

static json_t *manifest(void)
{
	return json_loads(good, 0, NULL);
}

static void test_manifests(void **state)
{
	static const char *const table[][3] = {
		{ "\"acme\",", "\"Acme\",", "\"id\"" },
		{ "\"password\": \"p\"", "\"password\": \"\"", "\"api.password\"" },
		{ "https://acme", "http://acme", "base_url" },
		{ "https://acme.example", "http://127.0.0.1.evil.example", "base_url" },
		{ "[\"ACME_URL\"]", "[\"A B\"]", "\"api.config_vars\"" },
		{ "[\"ACME_URL\"]", "[]", "\"api.config_vars\"" },
		{ "[{\"name\": \"basic\"}]", "[]", "\"plans\"" },
		{ "{\"name\": \"basic\"}", "{\"name\": \"a:b\"}", "\"plans\"" },
	};
	struct error err = ERROR_INIT;
	struct partner p;
	json_t *j = manifest();

	(void)state;
	assert_int_equal(partner_parse(j, &p, &err), 0);
	assert_string_equal(partner_default_plan(&p), "basic");
	assert_true(partner_has_plan(&p, "basic") && !partner_has_plan(&p, "large"));
	partner_done(&p);
	json_decref(j);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const char *at = strstr(good, table[i][0]);
		_cleanup_free_ char *text = xasprintf("%.*s%s%s", (int)(at - good), good,
						      table[i][1], at + strlen(table[i][0]));

		j = json_loads(text, 0, NULL);
		assert_non_null(j);
		assert_int_equal(partner_parse(j, &p, &err), -1);
		if (!strstr(err.message, table[i][2]))
			fail_msg("%s: %s", table[i][1], err.message);
		json_decref(j);
	}
}

static void test_answers(void **state)
{
	static const struct {
		enum partner_verb verb;
		long status;
		const char *body;
		enum partner_end end;
		const char *said;
	} table[] = {
		{ PARTNER_PROVISION, 201, "{\"id\": \"1\", \"config\": {\"ACME_URL\": \"x\"}}",
		  PARTNER_DONE, "" },
		{ PARTNER_PROVISION, 200, "{\"id\": 7}", PARTNER_DONE, "" },
		{ PARTNER_PROVISION, 202, "{\"id\": \"1\"}", PARTNER_PENDING, "" },
		{ PARTNER_PROVISION, 200, "{}", PARTNER_REFUSED, "without an id" },
		{ PARTNER_PROVISION, 200, "[]", PARTNER_REFUSED, "not a JSON object" },
		{ PARTNER_PROVISION, 200, "{\"id\": \"1\", \"id\": \"2\"}", PARTNER_REFUSED,
		  "not a JSON object" },
		{ PARTNER_PROVISION, 200, "{\"id\": \"1\", \"config\": {\"PATH\": \"x\"}}",
		  PARTNER_REFUSED, "PATH" },
		{ PARTNER_PROVISION, 200, "{\"id\": \"1\", \"config\": {\"ACME_URL\": 1}}",
		  PARTNER_REFUSED, "strings" },
		{ PARTNER_PROVISION, 200, "{\"id\": \"1\", \"config\": 7}", PARTNER_REFUSED,
		  "no object" },
		{ PARTNER_PROVISION, 422, "{\"message\": \"no\\nway\"}", PARTNER_REFUSED,
		  "no way" },
		{ PARTNER_PROVISION, 403, "<html>", PARTNER_REFUSED, "status 403" },
		{ PARTNER_PROVISION, 302, "", PARTNER_REFUSED, "status 302" },
		{ PARTNER_PROVISION, 503, "", PARTNER_RETRY, "status 503" },
		{ PARTNER_PROVISION, 429, "", PARTNER_RETRY, "status 429" },
		{ PARTNER_PROVISION, 0, "Timeout was reached", PARTNER_RETRY, "Timeout" },
		{ PARTNER_PLAN, 200, "", PARTNER_DONE, "" },
		{ PARTNER_PLAN, 200, "{\"config\": {\"NOT_MINE\": \"x\"}}", PARTNER_REFUSED,
		  "NOT_MINE" },
		{ PARTNER_PLAN, 404, "", PARTNER_REFUSED, "status 404" },
		{ PARTNER_DEPROVISION, 204, "", PARTNER_DONE, "" },
		{ PARTNER_DEPROVISION, 404, "", PARTNER_DONE, "" },
		{ PARTNER_DEPROVISION, 410, "", PARTNER_DONE, "" },
		{ PARTNER_DEPROVISION, 500, "", PARTNER_RETRY, "" },
	};
	struct error err = ERROR_INIT;
	json_t *j = manifest();
	struct partner p;

	(void)state;
	assert_int_equal(partner_parse(j, &p, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct partner_outcome o;

		partner_answer(&p, table[i].verb, table[i].status, table[i].body, 0, &o);
		if (o.end != table[i].end || !strstr(o.message, table[i].said))
			fail_msg("%ld %s: %d %s", table[i].status, table[i].body, (int)o.end,
				 o.message);
		partner_outcome_done(&o);
	}
	partner_done(&p);
	json_decref(j);
}

static void test_retry_after_is_kept_within_reason(void **state)
{
	struct error err = ERROR_INIT;
	json_t *j = manifest();
	struct partner_outcome o;
	struct partner p;

	(void)state;
	assert_int_equal(partner_parse(j, &p, &err), 0);
	partner_answer(&p, PARTNER_PROVISION, 503, "", 7, &o);
	assert_int_equal(o.retry_ms, 7000);
	partner_outcome_done(&o);
	partner_answer(&p, PARTNER_PROVISION, 503, "", 99999999, &o);
	assert_int_equal(o.retry_ms, 3600000);
	partner_outcome_done(&o);
	partner_done(&p);
	json_decref(j);
}

static void test_vars_have_the_attachments_name(void **state)
{
	struct error err = ERROR_INIT;
	json_t *j = manifest(), *config = json_pack("{s:s, s:s}", "ACME_URL", "u", "OTHER", "o"),
	       *vars;
	struct partner p;

	(void)state;
	assert_int_equal(partner_parse(j, &p, &err), 0);
	vars = partner_vars(&p, config, "ROCKET");
	assert_string_equal(json_string_value(json_object_get(vars, "ROCKET_URL")), "u");
	assert_string_equal(json_string_value(json_object_get(vars, "ROCKET_OTHER")), "o");
	json_decref(vars), json_decref(config), json_decref(j);
	partner_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manifests),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_retry_after_is_kept_within_reason),
		cmocka_unit_test(test_vars_have_the_attachments_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
