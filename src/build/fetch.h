/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source that stands elsewhere ("source_blob.url" of builds, app setups and review apps): an
 * archive behind an https:// URL, as GitHub and signed URLs of object stores give it. Blocks; for
 * processes that do nothing else.
 *
 * Who may deploy names the URL, and we stand where they may not: so only addresses of the public
 * internet are connected to, after redirects too, unless the machine's administrator says otherwise
 * (TWELVE_PRIVATE_SOURCES). And who answers may be anybody: so a process that has nothing
 * (build/confine.h) does it, `twelved fetch`, which gets its order on stdin. What blocks here is
 * therefore for twelved alone: it starts its own program again.
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
	const char *path; /* the file; what stands there is replaced, and after an error there may
			     be a part of it */
	uint64_t max_bytes;
	uint64_t reserve_bytes; /* it ends before less than this is free on the disk */
	bool private_too;
	bool (*should_stop)(void); /* asked about twice a second; true is an error. May be NULL */
};

/*
 * Whether a URL is one that is fetched: https://, or http:// where a checksum says what has to
 * arrive; without a user and password, which would be written down. A sentence that names
 * "source_blob.url", without the URL's query.
 */
int fetch_check_url(const char *url, bool has_checksum, struct error *err);
/* "https://host/path", for people: what follows a "?" may be a secret. Heap. */
char *fetch_url_for_show(const char *url);
/* An address of the public internet (IANA's special-purpose registries, RFC 6890, are not that). */
bool fetch_is_public(const struct sockaddr *sa);
int fetch_archive(const struct fetch *f, struct error *err);

/* Where a repository stands once redirects are followed, and an address that may be connected to.
 */
struct fetch_place {
	char url[FETCH_URL_MAX + 64];
	char address[INET6_ADDRSTRLEN];
};

/* Of the https:// or http:// URL of a git repository: asks it for its refs, as git does, and
 * follows its redirects. Public addresses only. */
int fetch_find_repository(const char *url, bool (*should_stop)(void), struct fetch_place *ret,
			  struct error *err);
/* Of a host by name or address; url is left empty. Public addresses only. */
int fetch_find_host(const char *host, bool (*should_stop)(void), struct fetch_place *ret,
		    struct error *err);

/* main() of `twelved fetch`. */
int fetch_worker_main(void);
