/* SPDX-License-Identifier: Apache-2.0 */
/* What a body may have, from the table's words; see api.h. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "daemon/api.h"

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

static bool is_ref(const json_t *v)
{
	return api_ref(v) != NULL;
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
};

const char *api_ref(const json_t *value)
{
	static const char *const members[] = { "id", "name", "email", "url" };

	if (json_is_string(value))
		return json_string_value(value);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (json_is_string(json_object_get(value, members[i])))
			return json_string_value(json_object_get(value, members[i]));
	return NULL;
}

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
		if (strlen(types[i].word) == m->type_n && strncmp(types[i].word, m->type, m->type_n) == 0)
			return &types[i];
	return NULL;
}

/* Clients that have a number from a command line send its digits as a string: it becomes the number. */
static void read_digits(json_t *object, const char *name, const json_t *value)
{
	const char *s = json_string_value(value);
	size_t n = s ? strlen(s) : 0;

	if (n && n <= MAX_DIGITS && s[strspn(s, "0123456789")] == '\0')
		json_object_set_new(object, name, json_integer(strtoll(s, NULL, 10)));
}

int api_check_body(const char *body, json_t *object, struct error *err)
{
	struct api_member m;

	while (body && (body = api_member_next(body, &m))) {
		_cleanup_free_ char *name = xstrndup(m.name, m.name_n);
		const struct type *type = type_of(&m);
		const json_t *value = json_object_get(object, name);

		if (m.name[0] == '*')
			continue;
		if (!value || json_is_null(value)) {
			if (m.optional)
				continue;
			return error_set(err, ERROR_INVALID, "\"%s\" is missing: %s is needed", name, type->sentence);
		}
		if (type->is == is_int) {
			read_digits(object, name, value);
			value = json_object_get(object, name);
		}
		if (!type->is(value))
			return error_set(err, ERROR_INVALID, "\"%s\" has to be %s", name, type->sentence);
	}
	return 0;
}
