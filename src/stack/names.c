/* SPDX-License-Identifier: Apache-2.0 */
/* See names.h. */
#include "stack/names.h"

#include "base/str.h"
#include "stack/stack.h"

bool stack_is_same(const char *a, const char *b)
{
	const char *first = stack_by_name(a), *second = stack_by_name(b);

	return streq(first ? first : a, second ? second : b);
}
