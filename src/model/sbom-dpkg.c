/* SPDX-License-Identifier: Apache-2.0 */
#include "model/sbom-dpkg.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

/* A name's version and source of the status file, which is sorted by nothing: so a list of pairs is
 * made first. */
struct origin {
	const char *name, *source, *architecture;
};

static int by_name(const void *a, const void *b)
{
	const struct origin *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static struct origin *read_origins(char *status, size_t *ret_n)
{
	struct origin *list = NULL, now = { 0 };
	size_t n = 0;

	for (char *line = str_next_line(&status);; line = str_next_line(&status)) {
		if (!line || !line[0]) {
			if (now.name) {
				list = xrealloc(list, (n + 1) * sizeof(*list));
				list[n++] = now;
			}
			now = (struct origin){ 0 };
			if (!line)
				break;
		} else if (str_starts(line, "Package: ")) {
			now.name = line + 9;
		} else if (str_starts(line, "Source: ")) {
			/* "Source: gcc-12 (12.2.0-14)" where its version is another. */
			now.source = line + 8;
			line[8 + strcspn(line + 8, " ")] = '\0';
		} else if (str_starts(line, "Architecture: ")) {
			now.architecture = line + 14;
		}
	}
	if (n)
		qsort(list, n, sizeof(*list), by_name);
	*ret_n = n;
	return list;
}

void sbom_read_dpkg(char *packages, char *status, const struct sbom_subject *subject,
		    struct sbom *s)
{
	size_t n = 0;
	_cleanup_free_ struct origin *origins = read_origins(status, &n);

	for (char *line; (line = str_next_line(&packages));) {
		char *equals = strchr(line, '=');
		struct origin key = { .name = line }, *found;

		if (!equals)
			continue;
		*equals = '\0';
		found = n ? bsearch(&key, origins, n, sizeof(*origins), by_name) : NULL;
		const struct sbom_package p = {
			.type = (char *)"deb",
			.name = line,
			.version = equals + 1,
			.installed = true,
			.source = found ? (char *)(found->source ? found->source : found->name)
					: NULL,
			.architecture = found ? (char *)found->architecture : NULL
		};

		sbom_add(s, &p, subject);
	}
}
