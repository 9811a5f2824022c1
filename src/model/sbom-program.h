/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the packages that were linked into a program or packed into a jar. The files are untrusted:
 * what can't be parsed gives fewer packages, never an error. */
#pragma once

#include <stddef.h>

#include "model/sbom.h"

/* pom.properties of a jar. Written to. */
void sbom_read_pom(char *text, const struct sbom_subject *subject, struct sbom *s);
/* A jar's file name, "spring-core-6.1.2.jar", for jars without pom.properties. */
void sbom_read_jar_name(const char *name, const struct sbom_subject *subject, struct sbom *s);
/* The build info that the Go linker embeds (Go's debug/buildinfo). `data` is the whole file; it is
 * not modified. */
void sbom_read_go(const char *data, size_t n, const struct sbom_subject *subject, struct sbom *s);
