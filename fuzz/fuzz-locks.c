/* SPDX-License-Identifier: Apache-2.0 */
/* Lock files and what is installed, out of somebody's slug: the first byte chooses the reader, and
 * what comes of it is a document. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "model/locks.h"
#include "model/sbom-program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sbom_subject subject = { .app = "shop",
					     .release_id = "id",
					     .commit = "",
					     .slug = "s",
					     .version = 1,
					     .created = "",
					     .distro = "debian-13" };
static const char *const names[] = { "package-lock.json", "yarn.lock",	  "pnpm-lock.yaml",
				     "requirements.txt",  "Pipfile.lock", "poetry.lock",
				     "Cargo.lock",	  "Gemfile.lock", "go.sum",
				     "composer.lock",	  "mix.lock",	  "package.json",
				     "METADATA" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = NULL;
	struct sbom s = { 0 };
	unsigned which;
	json_t *j;

	if (!size)
		return 0;
	which = data[0] % (ARRAY_SIZE(names) + 3);
	text = xcalloc(1, size);
	memcpy(text, data + 1, size - 1);
	if (which < ARRAY_SIZE(names))
		locks_read("node_modules/a", names[which], text, size - 1, &subject, &s);
	else if (which == ARRAY_SIZE(names))
		sbom_read_go(text, size - 1, &subject, &s);
	else if (which == ARRAY_SIZE(names) + 1)
		sbom_read_pom(text, &subject, &s);
	else
		sbom_read_jar_name(text, &subject, &s);
	sbom_settle(&s);
	j = sbom_document(&s, &subject);
	assert(json_array_size(json_object_get(j, "packages")) == s.n + 2);
	json_decref(j);
	sbom_done(&s);
	return 0;
}
