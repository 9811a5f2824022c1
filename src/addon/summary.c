/* SPDX-License-Identifier: Apache-2.0 */
#include "addon/summary.h"

#include <ctype.h>
#include <string.h>

static const char *skip_plural(const char *p)
{
	return *p == 's' && !isalnum((unsigned char)p[1]) ? p + 1 : p;
}

bool summary_same(const char *a, const char *b)
{
	for (;; a++, b++) {
		if (*a != *b) {
			a = skip_plural(a);
			b = skip_plural(b);
		}
		if (*a != *b)
			return false;
		if (!*a)
			return true;
	}
}
