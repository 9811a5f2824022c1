/* SPDX-License-Identifier: Apache-2.0 */
/* The packages that were linked into a program or packed into a jar, by what the tools leave there.
 * What can't be understood gives fewer packages, never an error. */
#pragma once

#include <stddef.h>

#include "model/sbom.h"

/* pom.properties of a jar. Written to. */
void sbom_read_pom(char *text, const struct sbom_subject *subject, struct sbom *s);
/* A jar's own name, "spring-core-6.1.2.jar", where nothing in it says more. */
void sbom_read_jar_name(const char *name, const struct sbom_subject *subject, struct sbom *s);
/* What the Go linker leaves in a program: see debug/buildinfo of Go. `data` is the whole file; it
 * is only read. */
void sbom_read_go(const char *data, size_t n, const struct sbom_subject *subject, struct sbom *s);
