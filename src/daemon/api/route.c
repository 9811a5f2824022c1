/* SPDX-License-Identifier: Apache-2.0 */
/* How a path is matched; see api/route.h. */
#include "daemon/api/route.h"

#include <string.h>

#include "base/str.h"

/* One segment of the path against one of the pattern. *ret_n: how much of it is the parameter's
 * value, if there is one. */
static bool segment_matches(const char *pattern, size_t pattern_n, const char *path, size_t path_n,
			    size_t *ret_n)
{
	size_t name_n, suffix_n;

	if (!pattern_n || pattern[0] != ':')
		return pattern_n == path_n && strncmp(pattern, path, path_n) == 0;
	name_n = strcspn(pattern, "./");
	suffix_n = pattern_n - name_n;
	if (path_n <= suffix_n ||
	    strncmp(pattern + name_n, path + path_n - suffix_n, suffix_n) != 0)
		return false;
	*ret_n = path_n - suffix_n;
	return true;
}

static bool path_matches(const char *pattern, const char *path, const char **values,
			 size_t *lengths, size_t max, size_t *ret_n)
{
	size_t n = 0;

	while (*pattern == '/' && *path == '/') {
		size_t a = strcspn(++pattern, "/"), b = strcspn(++path, "/"), length = 0;

		if (!segment_matches(pattern, a, path, b, &length))
			return false;
		if (pattern[0] == ':' && n < max) {
			values[n] = path;
			lengths[n++] = length;
		}
		pattern += a;
		path += b;
	}
	*ret_n = n;
	return !*pattern && (!*path || streq(path, "/"));
}

const struct api_route *api_match(const char *method, const char *path, const char **values,
				  size_t *lengths, size_t max, size_t *ret_n, bool *ret_path_known)
{
	*ret_path_known = false;
	for (size_t i = 0; api_tables[i]; i++)
		for (const struct api_route *route = api_tables[i]; route->method; route++) {
			if (!path_matches(route->path, path, values, lengths, max, ret_n))
				continue;
			if (streq(route->method, method))
				return route;
			*ret_path_known = true;
		}
	return NULL;
}
