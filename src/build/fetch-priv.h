/* SPDX-License-Identifier: Apache-2.0 */
/* The request of fetch.c to the process that fetches (fetch-worker.c), and its response. Both are
 * the same program, so structs are enough. */
#pragma once

#include "build/fetch.h"

enum fetch_what {
	FETCH_ARCHIVE,	  /* what the URL gives, into descriptor FETCH_FILE_FD */
	FETCH_REPOSITORY, /* where the URL of a git repository leads */
	FETCH_ADDRESS,	  /* the address of a host */
};

#define FETCH_FILE_FD 3
/* What git asks a repository for first. */
#define FETCH_REFS "info/refs"

struct fetch_order {
	enum fetch_what what;
	char url[FETCH_URL_MAX + 64]; /* FETCH_ADDRESS: a host */
	uint64_t max_bytes, reserve_bytes;
	bool private_too;
};

struct fetch_report {
	struct error err;
	struct fetch_place place;
};
