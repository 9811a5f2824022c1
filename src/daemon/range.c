/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of lists; see range.h. */
#include "daemon/range.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

/* "version ]3..10": the end is not looked at. */
static void parse_span(const char *s, size_t n, struct range *ret)
{
	_cleanup_free_ char *text = xstrndup(s, n), *rest = NULL;
	char *property = str_trim(text), *start = property + strcspn(property, " "), *dots;

	if (*start)
		*start++ = '\0';
	rest = xstrdup(start);
	start = str_trim(rest);
	dots = strstr(start, "..");
	if (dots)
		*dots = '\0';
	if (start[0] == ']') {
		ret->exclusive = true;
		start++;
	}
	if (strlen(property) < sizeof(ret->property))
		snprintf(ret->property, sizeof(ret->property), "%s", property);
	if (strlen(start) < sizeof(ret->start))
		snprintf(ret->start, sizeof(ret->start), "%s", start);
}

static void parse_option(const char *s, size_t n, struct range *ret)
{
	_cleanup_free_ char *text = xstrndup(s, n);
	char *option = str_trim(text);
	int64_t max;

	if (streq(option, "order=desc"))
		ret->descending = true;
	else if (str_starts(option, "max=") && str_to_i64(option + 4, 1, INT32_MAX, &max))
		ret->max = max < RANGE_MAX ? (size_t)max : RANGE_MAX;
}

void range_parse(const char *header, struct range *ret)
{
	size_t n;

	*ret = (struct range){ .max = RANGE_MAX };
	if (!header)
		return;
	n = strcspn(header, ";");
	parse_span(header, n, ret);
	for (header += n; *header; header += n) {
		header++;
		n = strcspn(header, ",;");
		parse_option(header, n, ret);
	}
}

/* The member by which items are told apart, as text in a heap string. */
static char *text_of(const struct range *range, json_t *item)
{
	json_t *v = json_object_get(item, range->property);

	if (!v)
		v = json_object_get(item, "id");
	if (json_is_integer(v))
		return xasprintf("%lld", (long long)json_integer_value(v));
	return xstrdup(json_is_string(v) ? json_string_value(v) : "");
}

/* Whether an item comes before the start, in the order that was asked for. */
static bool is_before(const struct range *range, const char *text)
{
	int64_t a, b;

	if (!str_to_i64(text, INT64_MIN, INT64_MAX, &a) ||
	    !str_to_i64(range->start, INT64_MIN, INT64_MAX, &b))
		return !streq(text, range->start);
	return range->descending ? a > b : a < b;
}

/* The number of items that the start leaves out, in the order that was asked for. */
static size_t find_start(const struct range *range, json_t *list, size_t n)
{
	for (size_t i = 0; range->start[0] && i < n; i++) {
		_cleanup_free_ char *text =
			text_of(range, json_array_get(list, range->descending ? n - 1 - i : i));

		if (!is_before(range, text))
			return i + (range->exclusive && streq(text, range->start));
	}
	return range->start[0] ? n : 0;
}

json_t *range_page(const struct range *range, json_t *list, char **ret_next)
{
	size_t n = json_array_size(list), first = find_start(range, list, n),
	       end = first + range->max;
	json_t *page = json_array();

	*ret_next = NULL;
	for (size_t i = first; i < n && i < end; i++)
		json_array_append(page, json_array_get(list, range->descending ? n - 1 - i : i));
	if (end < n) {
		_cleanup_free_ char *last = text_of(range, json_array_get(page, range->max - 1));

		*ret_next = xasprintf("%s ]%s..; max=%zu%s",
				      range->property[0] ? range->property : "id", last, range->max,
				      range->descending ? ", order=desc" : "");
	}
	return page;
}
