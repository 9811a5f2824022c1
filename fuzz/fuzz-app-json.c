/* SPDX-License-Identifier: Apache-2.0 */
/* An app.json out of somebody's repository: what is accepted has the plain form, what is refused
 * comes with sentences. */
#include <assert.h>
#include <stdint.h>

#include "base/str.h"
#include "model/app-json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(json_t *parsed)
{
	json_t *errors = json_array(), *env = app_json_env(parsed, NULL, errors), *v;
	const char *key;

	assert(!!env == (json_array_size(errors) == 0));
	json_object_foreach (env, key, v)
		assert(json_is_string(v));
	assert(json_array_size(json_object_get(parsed, "addons")) <= APP_JSON_ADDONS_MAX);
	json_decref(env);
	json_decref(errors);
}

static void check_refused(json_t *errors)
{
	json_t *v;
	size_t i;

	assert(json_array_size(errors) > 0);
	json_array_foreach (errors, i, v)
		assert(str_starts(json_string_value(v), "app.json: "));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *errors = json_array(),
	       *parsed = app_json_parse((const char *)data, size, "review", errors);

	if (parsed)
		check_accepted(parsed);
	else
		check_refused(errors);
	json_decref(parsed);
	json_decref(errors);
	return 0;
}
