/* SPDX-License-Identifier: Apache-2.0 */
/* The packages of a Debian root, from dpkg's status file. */
#pragma once

#include "model/sbom.h"

/* Adds each package of `packages`, "NAME=VERSION" lines, with the source and the architecture that
 * `status` gives it. Both texts are written to. */
void sbom_read_dpkg(char *packages, char *status, const struct sbom_subject *subject,
		    struct sbom *s);
