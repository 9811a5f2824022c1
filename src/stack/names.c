/* SPDX-License-Identifier: Apache-2.0 */
/* See names.h. */
#include "stack/names.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "model/names.h"
#include "stack/stack.h"

bool stack_is_same(const char *a, const char *b)
{
	const char *first = stack_by_name(a), *second = stack_by_name(b);

	return streq(first ? first : a, second ? second : b);
}

/* A name in any case, or its id. */
static const char *find_name(const char *given)
{
	char id[UUID_SIZE];

	for (const char *const *n = stack_names; *n; n++)
		if (strcasecmp(given, *n) == 0 || streq(given, name_uuid("stack", *n, id)))
			return *n;
	return NULL;
}

int stack_read_name(const char *given, const char **ret, struct error *err)
{
	const char *name = given ? find_name(given) : STACK_DEFAULT;
	char excerpt[NAME_EXCERPT_SIZE];

	if (!name)
		return error_set(err, ERROR_INVALID,
				 "There is no stack \"%s\": this platform has debian-13 and "
				 "debian-12, which stand for heroku-24 and heroku-22 too%s",
				 name_excerpt(excerpt, given),
				 streq(given, "container") ? "; it runs no images of containers"
							   : "");
	*ret = name;
	return 0;
}
