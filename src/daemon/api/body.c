/* SPDX-License-Identifier: Apache-2.0 */
/* What a body may have, from the table's words; see api/route.h. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/route.h"
#include "model/names.h"

/* Of a whole number that is sent as a string: as many as surely fit. */
#define MAX_DIGITS 18

static bool is_string(const json_t *v)
{
	return json_is_string(v);
}

static bool is_int(const json_t *v)
{
	return json_is_integer(v);
}

static bool is_bool(const json_t *v)
{
	return json_is_boolean(v);
}

static bool is_object(const json_t *v)
{
	return json_is_object(v);
}

static bool is_array(const json_t *v)
{
	return json_is_array(v);
}

static bool is_any(const json_t *v)
{
	return v != NULL;
}

/* For members of Heroku's whose thing is not here: they may say that there is none. */
static bool is_none(const json_t *v)
{
	return json_is_false(v) || (json_is_string(v) && !json_string_length(v)) ||
	       (json_is_array(v) && !json_array_size(v));
}

static bool is_true(const json_t *v)
{
	return json_is_true(v);
}

static bool is_ref(const json_t *v)
{
	return json_ref(v) != NULL;
}

static const struct type {
	const char *word;
	bool (*is)(const json_t *v);
	const char *sentence;
} types[] = {
	{ "string", is_string, "a string" },
	{ "int", is_int, "a whole number" },
	{ "bool", is_bool, "true or false" },
	{ "object", is_object, "an object" },
	{ "array", is_array, "an array" },
	{ "ref", is_ref, "a string, or an object with an \"id\" or a \"name\"" },
	{ "any", is_any, "a value" },
	{ "none", is_none, "null or false: this platform has no such thing" },
	{ "true", is_true, "true: nothing else can be had here" },
};

const char *api_member_next(const char *body, struct api_member *ret)
{
	size_t n;

	body += strspn(body, " ");
	if (!*body)
		return NULL;
	n = strcspn(body, "?:");
	*ret = (struct api_member){ .name = body, .name_n = n, .optional = body[n] == '?' };
	ret->type = strchr(body, ':') + 1;
	ret->type_n = strcspn(ret->type, " ");
	return ret->type + ret->type_n;
}

static const struct type *type_of(const struct api_member *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strlen(types[i].word) == m->type_n &&
		    strncmp(types[i].word, m->type, m->type_n) == 0)
			return &types[i];
	return NULL;
}

/* Clients that have a number from a command line send its digits as a string: it becomes the
 * number. */
static void read_digits(json_t *object, const char *name, const json_t *value)
{
	const char *s = json_string_value(value);
	size_t n = s ? strlen(s) : 0;

	if (n && n <= MAX_DIGITS && s[strspn(s, "0123456789")] == '\0')
		json_object_set_new(object, name, json_integer(strtoll(s, NULL, 10)));
}

/* A member that nobody reads would be taken for one that has an effect. `known` has a space on both
 * sides of each. */
static int check_words(const char *where, const char *known, json_t *object, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value) {
		_cleanup_free_ char *word = xasprintf(" %s ", key), *list = xstrdup(known);
		_cleanup_buf_ struct buf text = BUF_INIT;
		char *save = NULL;

		if (json_is_null(value) || (!strchr(key, ' ') && strstr(known, word)))
			continue;
		for (char *w = strtok_r(list, " ", &save); w; w = strtok_r(NULL, " ", &save))
			buf_printf(&text, "%s%s", text.len ? ", " : "the members are ", w);
		return error_set(err, ERROR_INVALID, "\"%s\" is not supported %s: %s",
				 name_excerpt(excerpt, key), where,
				 text.len ? text.data : "there are no members");
	}
	return 0;
}

static int check_known(const char *body, json_t *object, struct error *err)
{
	_cleanup_buf_ struct buf known = BUF_INIT;
	struct api_member m;

	for (const char *rest = body; rest && (rest = api_member_next(rest, &m));) {
		if (m.name[0] == '*')
			return 0;
		buf_printf(&known, " %.*s", (int)m.name_n, m.name);
	}
	buf_putc(&known, ' ');
	return check_words("here", known.data, object, err);
}

int api_check_members(const char *label, const char *names, json_t *object, struct error *err)
{
	_cleanup_free_ char *where = xasprintf("in \"%s\"", label),
			    *known = xasprintf(" %s ", names);

	return check_words(where, known, object, err);
}

int api_check_body(const char *body, bool strict, json_t *object, struct error *err)
{
	struct api_member m;

	if (strict && check_known(body, object, err) < 0)
		return -1;

	while (body && (body = api_member_next(body, &m))) {
		_cleanup_free_ char *name = xstrndup(m.name, m.name_n);
		const struct type *type = type_of(&m);
		const json_t *value = json_object_get(object, name);

		if (m.name[0] == '*')
			continue;
		if (!value || json_is_null(value)) {
			if (m.optional)
				continue;
			return error_set(err, ERROR_INVALID, "\"%s\" is missing: %s is needed",
					 name, type->sentence);
		}
		if (type->is == is_int) {
			read_digits(object, name, value);
			value = json_object_get(object, name);
		}
		if (!type->is(value))
			return error_set(err, ERROR_INVALID, "\"%s\" must be %s", name,
					 type->sentence);
	}
	return 0;
}
