/* SPDX-License-Identifier: Apache-2.0 */
/* The source of a build or a setup, as given in the request. */
#pragma once

#include "base/digest.h"
#include "daemon/http/http.h"

/* The body's source_blob. */
struct source {
	char *path;
	const char *url; /* fetch the file from here (build/fetch.h); borrowed from the body. NULL:
			    the file was uploaded */
	const char *commit;	      /* its version, or ""; borrowed from the body */
	char sha256[DIGEST_HEX_SIZE]; /* the expected checksum; "" for none */
};

/* Finds the file, which is for one build only. The caller frees ret->path. */
int source_find(struct request *r, struct source *ret, struct error *err);
