/* SPDX-License-Identifier: Apache-2.0 */
/* Reads packages from lock files of languages, and from the metadata that their tools write beside
 * installed packages. The files are untrusted: what can't be parsed gives fewer packages, never an
 * error. */
#pragma once

#include "model/sbom.h"

/* No file that is larger is read. */
#define LOCKS_FILE_MAX_BYTES (32 << 20)

/* Whether locks_read() knows files of this name in the directory `dir` ("" for the top, else
 * "a/b"). */
bool locks_knows(const char *dir, const char *name);
/* `text` has n bytes and a NUL after them; it is modified. */
void locks_read(const char *dir, const char *name, char *text, size_t n,
		const struct sbom_subject *subject, struct sbom *s);
