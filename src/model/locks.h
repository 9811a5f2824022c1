/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which packages a file tells of: the lock files of languages, and what their tools leave beside
 * what they install. All of it is somebody's: what can't be understood gives fewer packages, never
 * an error.
 */
#pragma once

#include "model/sbom.h"

/* No file that is larger is read. */
#define LOCKS_FILE_MAX_BYTES (32 << 20)

/* Whether a file of this name, in a directory whose path is `dir` ("" for the top, else "a/b"), is
 * of use. */
bool locks_knows(const char *dir, const char *name);
/* `text` has n bytes, and a NUL behind them; it is written to. */
void locks_read(const char *dir, const char *name, char *text, size_t n,
		const struct sbom_subject *subject, struct sbom *s);
