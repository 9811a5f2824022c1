/* SPDX-License-Identifier: Apache-2.0 */
/* Where a build's or a setup's source comes from, as its request says. */
#pragma once

#include "base/digest.h"
#include "daemon/http/http.h"

/* What the body's source_blob names. */
struct source {
	char *path;
	const char *url; /* where the file is to be fetched from (build/fetch.h); the body's. NULL:
			    it is there */
	const char *commit;	      /* its version, or ""; the body's */
	char sha256[DIGEST_HEX_SIZE]; /* what its checksum says; "" for none */
};

/* A file for one build. The caller frees the path. */
int source_find(struct request *r, struct source *ret, struct error *err);
