/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/utf8.h"

json_t *json_text(const char *s)
{
	_cleanup_free_ char *clean = s ? utf8_dup(s, strlen(s)) : NULL;

	return clean ? json_string(clean) : json_null();
}

json_t *json_time(int64_t wall_ms)
{
	char buf[CLOCK_ISO_SIZE];

	return wall_ms ? json_string(clock_iso(wall_ms, buf)) : json_null();
}

const char *json_ref(const json_t *value)
{
	static const char *const members[] = { "id", "name", "email", "url" };

	if (json_is_string(value))
		return json_string_value(value);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (json_is_string(json_object_get(value, members[i])))
			return json_string_value(json_object_get(value, members[i]));
	return NULL;
}
