/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from a server that may be older or newer than we: what is missing is a fallback; see cli.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

int64_t time_parse(const char *s)
{
	struct tm tm = { 0 };
	const char *rest = s ? strptime(s, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	int64_t ms = 0, offset_s = 0;
	int hours, minutes;
	char sign;

	if (!rest)
		return 0;
	if (*rest == '.') {
		ms = (int64_t)(strtod(rest, NULL) * 1000);
		rest += 1 + strspn(rest + 1, "0123456789");
	}
	if (sscanf(rest, "%c%2d:%2d", &sign, &hours, &minutes) == 3)
		offset_s = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
	return ((int64_t)timegm(&tm) - offset_s) * 1000 + ms;
}

int64_t json_time(const json_t *j, const char *path)
{
	return time_parse(json_str(j, path, NULL));
}
