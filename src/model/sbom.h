/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bill of materials: the packages of a release, and the document that lists them (SPDX 2.3, JSON:
 * spdx.github.io/spdx-spec/v2.3). Pure: the same packages give the same bytes, in whatever order
 * they came.
 *
 * A package has a type and a name of the package URL specification
 * (github.com/package-url/purl-spec): "npm" and "@babel/core", "maven" and "GROUP:ARTIFACT", "deb"
 * and "openssl".
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SBOM_PACKAGES_MAX 100000
#define SBOM_WORD_MAX 256

struct sbom_package {
	char *type, *name, *version;
	char *license;		     /* an SPDX identifier, or NULL */
	char *source, *architecture; /* of a Debian package: the source package; "amd64", "all"; or
					NULL */
	char *purl;
	bool installed; /* found in the tree; else a lock file says so */
};

struct sbom {
	struct sbom_package *packages;
	size_t n;
	size_t n_left_out; /* what could not be read, or was too much */
};

/* What it is the bill of. */
struct sbom_subject {
	const char *app, *release_id, *commit, *slug;
	int64_t version;
	const char *created; /* RFC 3339: of the release */
	const char *distro;  /* "debian-13" */
};

/* An invalid name or version is counted and not added. All but type and name may be NULL; a license
 * that is not a simple identifier is dropped. */
void sbom_add(struct sbom *s, const struct sbom_package *p, const struct sbom_subject *subject);
/* Sorts and removes duplicates. Where installed packages of a type are known, drops those that only
 * a lock file names. */
void sbom_settle(struct sbom *s);
/* The document. */
json_t *sbom_document(const struct sbom *s, const struct sbom_subject *subject);
void sbom_done(struct sbom *s);
