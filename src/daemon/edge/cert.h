/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates as values: what a PEM text (RFC 7468) says, and whether HAProxy could serve it.
 * No files, no sockets: text in, facts out.
 */
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

/* What the first certificate of the text says. ERROR_INVALID when there is none. */
int cert_read(const char *pem, struct cert *ret, struct error *err);

/*
 * Whether a chain and a key may be served: each certificate signed by the one behind it, the first
 * one's key is this key, valid now, names in it, and of a strength that TLS libraries take
 * (OpenSSL's security level 2). Else ERROR_INVALID with what is wrong and what to do. *ret_chain
 * and *ret_key are both written anew, without what else the texts held; whoever frees the key wipes
 * it.
 */
int cert_check(const char *chain, const char *key, char **ret_chain, char **ret_key,
	       struct error *err);

/* Whether the certificate is for this host name; "*.example.com" is a name too. A wildcard stands
 * for one label (RFC 6125). */
bool cert_covers(const struct cert *c, const char *host);
/* Whether the chain leads to an authority that this machine trusts. */
bool cert_is_trusted(const char *chain);
/* When to ask for another one: 30 days before its end, or in the last third of a shorter life. */
int64_t cert_renew_ms(const struct cert *c);
