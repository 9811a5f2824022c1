/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads a source ("source_blob.url" of builds, app setups and review apps): an archive at an
 * https:// URL, such as those of GitHub and signed URLs of object stores. Blocks; for processes
 * that do nothing else.
 *
 * Users who may deploy choose the URL, and this machine can reach networks that they can't. So only
 * public addresses are connected to, also after redirects, unless the administrator allows others
 * (TWELVE_PRIVATE_SOURCES). The server is untrusted as well, so an unprivileged process
 * (build/confine.h), `twelved fetch`, does the download; it gets its order on stdin. It is started
 * as /proc/self/exe, so only twelved may call the functions that block.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/error.h"

#define FETCH_URL_MAX 4096

struct fetch {
	const char *url;
	const char *path; /* the output file; replaced if it exists; may be incomplete after an
			     error */
	uint64_t max_bytes;
	uint64_t reserve_bytes; /* it ends before less than this is free on the disk */
	bool private_too;
	bool (*should_stop)(void); /* called about twice a second; true aborts with an error. May
				      be NULL */
};

/* Checks that a URL may be fetched: https://, or http:// with a checksum; no user and password,
 * which would be stored. The error names "source_blob.url" and leaves out the URL's query. */
int fetch_check_url(const char *url, bool has_checksum, struct error *err);
/* "https://host/path" for display, without the query, which may be a secret. Heap. */
char *fetch_url_for_show(const char *url);
/* True for a public address, which is in none of IANA's special-purpose registries (RFC 6890). */
bool fetch_is_public(const struct sockaddr *sa);
int fetch_archive(const struct fetch *f, struct error *err);

/* A repository's final URL after redirects, and an address that may be connected to. */
struct fetch_place {
	char url[FETCH_URL_MAX + 64];
	char address[INET6_ADDRSTRLEN];
};

/* For the https:// or http:// URL of a git repository: requests its refs, as git does, and follows
 * redirects. Public addresses only. */
int fetch_find_repository(const char *url, bool (*should_stop)(void), struct fetch_place *ret,
			  struct error *err);
/* For a host name or address; url stays empty. Public addresses only. */
int fetch_find_host(const char *host, bool (*should_stop)(void), struct fetch_place *ret,
		    struct error *err);

/* main() of `twelved fetch`. */
int fetch_worker_main(void);
