/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of lists; see range.h. */
#include "daemon/http/range.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"

/* What lists may be sorted by, where the items have it: the first that a list is sorted by is the
 * one that its pages go by. */
static const char *const properties[] = { "version",  "number", "name",	      "hostname",
					  "email",    "type",	"created_at", "updated_at",
					  "sequence", "id" };
/* Other words for these: Heroku's schema has them, the items have not. */
static const char *const aliases[][2] = { { "started_at", "created_at" },
					  { "seq", "sequence" },
					  { "seq", "created_at" } };

/* ---- the header ---- */

static int refuse(const char *header, const char *why, struct error *err)
{
	return error_set(err, ERROR_RANGE,
			 "The Range \"%.100s\" can't be understood: %s; expected is PROPERTY "
			 "START..END; order=desc, max=10",
			 header, why);
}

static int copy(char *to, size_t size, const char *from)
{
	return (size_t)snprintf(to, size, "%s", from) < size ? 0 : -1;
}

/* ---- values as a header has them ---- */

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef",
		   *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* In its place; a NUL ends it. */
static void decode(char *s)
{
	char *to = s;

	for (; *s; s++) {
		int high = s[0] == '%' ? hex_digit(s[1]) : -1,
		    low = high < 0 ? -1 : hex_digit(s[2]);

		*to++ = low < 0 ? *s : (char)(high << 4 | low);
		s += low < 0 ? 0 : 2;
	}
	*to = '\0';
}

/* What parse_span() and a header's readers would take for something else is encoded, and so are two
 * dots. */
static void encode(struct buf *to, const char *s)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:*@+/=~&!";

	for (; *s; s++)
		if (strchr(plain, *s) || (*s == '.' && s[1] && s[1] != '.'))
			buf_putc(to, *s);
		else
			buf_printf(to, "%%%02X", (unsigned char)*s);
}

/* The id after a start's value, when there is one. */
static void split_tie(char *start, struct range *ret)
{
	char *blank = strrchr(start, ' ');

	if (!blank || !uuid_is_valid(blank + 1))
		return;
	memcpy(ret->tie, blank + 1, sizeof(ret->tie));
	*blank = '\0';
}

/* "version ]3..10" */
static int parse_span(char *text, const char *header, struct range *ret, struct error *err)
{
	char *property = str_trim(text), *start, *end = strstr(property, "..");
	size_t n;

	if (!end && !strchr(property, ' ')) {
		/* "version" alone, or nothing before the options. */
		return copy(ret->property, sizeof(ret->property), property) < 0
			       ? refuse(header, "it is too long", err)
			       : 0;
	}
	if (!end)
		return refuse(header, "there is no \"..\"", err);
	*end = '\0';
	end = str_trim(end + 2);
	start = property + strcspn(property, " ");
	if (*start)
		*start++ = '\0';
	start = str_trim(start);
	split_tie(start, ret);
	ret->exclusive = start[0] == ']';
	n = strlen(end);
	ret->end_exclusive = n && end[n - 1] == '[';
	if (ret->end_exclusive)
		end[n - 1] = '\0';
	decode(start);
	decode(end);
	if (copy(ret->property, sizeof(ret->property), property) < 0 ||
	    copy(ret->start, sizeof(ret->start), start + ret->exclusive) < 0 ||
	    copy(ret->end, sizeof(ret->end), end) < 0)
		return refuse(header, "it is too long", err);
	if (property[strspn(property, "abcdefghijklmnopqrstuvwxyz_")] ||
	    (!ret->property[0] && (ret->start[0] || ret->end[0])))
		return refuse(header, "it names no property", err);
	return 0;
}

static int parse_option(char *text, const char *header, struct range *ret, struct error *err)
{
	char *option = str_trim(text);
	int64_t max;

	if (!option[0])
		return 0;
	if (streq(option, "order=desc") || streq(option, "order=asc")) {
		ret->descending = streq(option, "order=desc");
		return 0;
	}
	if (str_starts(option, "order="))
		return refuse(header, "the order is asc or desc", err);
	if (!str_starts(option, "max="))
		return 0;
	if (!str_to_i64(option + 4, 1, INT64_MAX, &max))
		return refuse(header, "max is a number from 1", err);
	ret->max = max < RANGE_MAX ? (size_t)max : RANGE_MAX;
	return 0;
}

int range_parse(const char *header, struct range *ret, struct error *err)
{
	struct range range = { .max = RANGE_MAX };
	_cleanup_free_ char *text = header ? xstrdup(header) : NULL;
	char *rest = text;

	*ret = range;
	if (!text || str_starts(str_trim(text), "bytes="))
		return 0;
	for (int i = 0; rest; i++) {
		char *part = rest;
		size_t n = strcspn(part, i ? ",;" : ";");

		rest = part[n] ? part + n + 1 : NULL;
		part[n] = '\0';
		if (i ? parse_option(part, header, &range, err) < 0
		      : parse_span(part, header, &range, err) < 0)
			return -1;
	}
	*ret = range;
	return 0;
}

/* ---- sorting ---- */

/* An item by the value that it is sorted by: a text, of which RANGE_TEXT_MAX bytes count, or a
 * number when text is NULL. */
struct key {
	const char *text;
	json_int_t number;
	const char *id;
	json_t *item;
};

static bool is_sortable(json_t *item, const char *property)
{
	json_t *v = json_object_get(item, property);

	return json_is_string(v) || json_is_integer(v);
}

static int compare(const struct key *a, const struct key *b)
{
	if (a->text && b->text)
		return strncmp(a->text, b->text, RANGE_TEXT_MAX);
	if (a->text || b->text)
		return a->text ? 1 : -1;
	return (a->number > b->number) - (a->number < b->number);
}

/* What is the same is told apart by its id. */
static int compare_all(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int order = compare(x, y);

	return order ? order : strcmp(x->id, y->id);
}

/* Against a start or an end. */
static int compare_value(const struct key *k, const char *value)
{
	char digits[24];
	int64_t number;

	if (!k->text && str_to_i64(value, INT64_MIN, INT64_MAX, &number))
		return (k->number > number) - (k->number < number);
	snprintf(digits, sizeof(digits), "%lld", (long long)k->number);
	return strncmp(k->text ? k->text : digits, value, RANGE_TEXT_MAX);
}

static void put_key(struct buf *to, const struct key *k)
{
	_cleanup_free_ char *text = k->text ? xstrndup(k->text, RANGE_TEXT_MAX)
					    : xasprintf("%lld", (long long)k->number);

	encode(to, text);
}

static void take_keys(struct key *keys, json_t *list, const char *property)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *item = json_array_get(list, i), *v = json_object_get(item, property);

		keys[i] = (struct key){ .item = item, .id = "", .number = json_integer_value(v) };
		if (json_is_string(json_object_get(item, "id")))
			keys[i].id = json_string_value(json_object_get(item, "id"));
		if (!json_is_integer(v))
			keys[i].text = json_is_string(v) ? json_string_value(v) : "";
	}
}

static bool is_ascending(const struct key *keys, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (compare(&keys[i - 1], &keys[i]) >= 0)
			return false;
	return true;
}

/* ---- choosing ---- */

static char *list_properties(json_t *list)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
		if (is_sortable(json_array_get(list, 0), properties[i]))
			buf_printf(&b, "%s%s", b.len ? ", " : "", properties[i]);
	return b.len ? buf_steal(&b) : NULL;
}

/* The member that a property is; NULL when the items have none such. */
static const char *member_of(const char *property, json_t *list)
{
	json_t *first = json_array_get(list, 0);

	for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
		if (streq(properties[i], property) && is_sortable(first, property))
			return properties[i];
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (streq(aliases[i][0], property) && is_sortable(first, aliases[i][1]))
			return aliases[i][1];
	return NULL;
}

/* What a list is sorted by as it stands; "id", and it is sorted by it, when it is by nothing and
 * has to go in pages. */
static const char *sort_unasked(struct key *keys, json_t *list, size_t max)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i < ARRAY_SIZE(properties); i++) {
		if (!is_sortable(json_array_get(list, 0), properties[i]))
			continue;
		take_keys(keys, list, properties[i]);
		if (is_ascending(keys, n))
			return properties[i];
	}
	take_keys(keys, list, "id");
	if (n > max)
		qsort(keys, n, sizeof(*keys), compare_all);
	return n > max ? "id" : NULL;
}

/* The start may be after the items whose value is empty: "name ]..", and "name ] ID..". */
static bool has_start(const struct range *range)
{
	return range->start[0] || range->tie[0] || (range->exclusive && !range->descending);
}

static bool is_within(const struct range *range, const struct key *k)
{
	int sign = range->descending ? -1 : 1, order;

	if (has_start(range)) {
		order = compare_value(k, range->start);
		if (order == 0 && range->tie[0])
			order = strcmp(k->id, range->tie);
		order *= sign;
		if (order < 0 || (order == 0 && range->exclusive))
			return false;
	}
	if (!range->end[0])
		return true;
	order = sign * compare_value(k, range->end);
	return order < 0 || (order == 0 && !range->end_exclusive);
}

/* The Range of the page that begins with `first`, after `last`. */
static char *next_of(const struct range *range, const char *property, const struct key *last,
		     const struct key *first)
{
	_cleanup_buf_ struct buf next = BUF_INIT;

	buf_printf(&next, "%s ]", property);
	put_key(&next, last);
	if (compare(last, first) == 0)
		buf_printf(&next, " %s", last->id);
	buf_puts(&next, "..");
	encode(&next, range->end);
	buf_printf(&next, "%s; max=%zu%s", range->end_exclusive ? "[" : "", range->max,
		   range->descending ? ", order=desc" : "");
	return buf_steal(&next);
}

static void cut(const struct range *range, const struct key *keys, size_t n, const char *property,
		struct range_page *ret)
{
	const struct key *first = NULL, *last = NULL;

	ret->items = json_array();
	for (size_t i = 0; i < n; i++) {
		const struct key *k = &keys[range->descending ? n - 1 - i : i];

		if (!is_within(range, k))
			continue;
		if (json_array_size(ret->items) == range->max) {
			ret->next = property ? next_of(range, property, last, k) : NULL;
			break;
		}
		first = first ? first : k;
		last = k;
		json_array_append(ret->items, k->item);
	}
	if (first && property) {
		_cleanup_buf_ struct buf content = BUF_INIT;

		buf_printf(&content, "%s ", property);
		put_key(&content, first);
		buf_puts(&content, "..");
		put_key(&content, last);
		ret->content = buf_steal(&content);
	}
}

int range_page(const struct range *range, json_t *list, struct range_page *ret, struct error *err)
{
	_cleanup_free_ char *accept = list_properties(list);
	_cleanup_free_ struct key *keys = NULL;
	size_t n = json_array_size(list);
	const char *property;

	*ret = (struct range_page){ 0 };
	if (!n) {
		ret->items = json_array();
		return 0;
	}
	keys = xcalloc(n, sizeof(*keys));
	if (range->property[0]) {
		property = member_of(range->property, list);
		if (!property)
			return error_set(err, ERROR_RANGE,
					 "This list can't be sorted by \"%s\"; it can by %s",
					 range->property, accept ? accept : "nothing");
		take_keys(keys, list, property);
		qsort(keys, n, sizeof(*keys), compare_all);
	} else {
		property = sort_unasked(keys, list, range->max);
	}
	cut(range, keys, n, property, ret);
	ret->accept = steal_ptr(accept);
	return 0;
}

void range_page_done(struct range_page *p)
{
	json_decref(p->items);
	free(p->next);
	free(p->content);
	free(p->accept);
	*p = (struct range_page){ 0 };
}
