/* SPDX-License-Identifier: Apache-2.0 */
/* Parses and checks certificates in PEM (RFC 7468): what they say, and whether HAProxy could serve
 * them. Pure functions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define CERT_PEM_MAX_BYTES 65536
#define CERT_FINGERPRINT_SIZE 96

enum cert_key { CERT_KEY_RSA, CERT_KEY_ECDSA, CERT_KEY_OTHER };

struct cert {
	char **names;  /* strv: host names, lower case, also "*.example.com"; addresses are left out
			*/
	char *subject; /* "/C=DE/O=Example/CN=shop.example.com" */
	char *issuer;
	int64_t starts_ms, expires_ms;
	bool self_signed;
	enum cert_key key;
	char fingerprint[CERT_FINGERPRINT_SIZE]; /* SHA-256 of the first certificate: "AB:CD:..." */
};
void cert_done(struct cert *c);

/* Parses the first certificate of the text. ERROR_INVALID if there is none. */
int cert_read(const char *pem, struct cert *ret, struct error *err);

/*
 * Checks that a chain and a key can be served: each certificate is signed by the next, the first
 * matches the key, has names, is valid now, and is strong enough for TLS libraries (OpenSSL's
 * security level 2). Otherwise ERROR_INVALID says what is wrong and what to do. *ret_chain and
 * *ret_key are re-encoded, without other content of the texts; the caller wipes the key before
 * freeing it.
 */
int cert_check(const char *chain, const char *key, char **ret_chain, char **ret_key,
	       struct error *err);

/* Whether the certificate covers this host name, which may be "*.example.com". A wildcard matches
 * one label (RFC 6125). */
bool cert_covers(const struct cert *c, const char *host);
/* Whether the chain leads to an authority that this machine trusts. */
bool cert_is_trusted(const char *chain);
/* When to renew it: 30 days before it expires, or in the last third of a shorter lifetime. */
int64_t cert_renew_ms(const struct cert *c);
