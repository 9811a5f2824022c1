/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from a server that may be older or newer than we: what is missing is a fallback; see cli.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"

const json_t *json_at(const json_t *j, const char *path)
{
	char key[64];

	while (j && *path) {
		size_t n = strcspn(path, ".");

		if (n >= sizeof(key))
			return NULL;
		memcpy(key, path, n);
		key[n] = '\0';
		j = json_object_get(j, key);
		path += n + (path[n] == '.');
	}
	return j;
}

const char *json_str(const json_t *j, const char *path, const char *fallback)
{
	const char *s = json_string_value(json_at(j, path));

	return s ? s : fallback;
}

int64_t json_i64(const json_t *j, const char *path, int64_t fallback)
{
	const json_t *v = json_at(j, path);

	if (json_is_integer(v))
		return json_integer_value(v);
	return json_is_real(v) ? (int64_t)json_real_value(v) : fallback;
}

bool json_bool(const json_t *j, const char *path)
{
	return json_is_true(json_at(j, path));
}

int64_t json_time(const json_t *j, const char *path)
{
	const char *s = json_str(j, path, NULL);
	int64_t ms = 0;

	if (s && !clock_parse(s, &ms))
		ms = 0;
	return ms;
}
