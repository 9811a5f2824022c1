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
/* pom.properties of a jar. */
void locks_read_pom(char *text, const struct sbom_subject *subject, struct sbom *s);
/* A jar's own name, "spring-core-6.1.2.jar", where nothing in it says more. */
void locks_read_jar_name(const char *name, const struct sbom_subject *subject, struct sbom *s);
/* What the Go linker leaves in a program: see debug/buildinfo of Go. `data` is the whole file; it
 * is only read. */
void locks_read_go(const char *data, size_t n, const struct sbom_subject *subject, struct sbom *s);
/* dpkg's status file: each package with its source. `packages` has "NAME=VERSION" lines of those
 * that are meant. */
void locks_read_dpkg(char *packages, char *status, const struct sbom_subject *subject,
		     struct sbom *s);
