/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as values; see cert.h. */
#include "daemon/edge/cert.h"

#include <ctype.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/str.h"

#define CHAIN_MAX 10
#define SECURITY_LEVEL 2
#define DAY_MS INT64_C(86400000)

struct chain {
	X509 *certs[CHAIN_MAX];
	size_t n;
};

static void chain_done(struct chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		X509_free(c->certs[i]);
	ERR_clear_error();
}
#define _cleanup_chain_ _cleanup_(chain_done)

static void bio_free_p(BIO **bio)
{
	BIO_free(*bio);
}
#define _cleanup_bio_ __attribute__((cleanup(bio_free_p)))

static void pkey_free_p(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}
#define _cleanup_pkey_ __attribute__((cleanup(pkey_free_p)))

void cert_done(struct cert *c)
{
	strv_free(c->names);
	free(c->subject);
	free(c->issuer);
	*c = (struct cert){ 0 };
}

/* ---- reading ---- */

static int read_chain(const char *pem, struct chain *ret, struct error *err)
{
	_cleanup_bio_ BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert;

	if (strlen(pem) > CERT_PEM_MAX_BYTES)
		return error_set(err, ERROR_INVALID, "The certificate chain has more than %d bytes",
				 CERT_PEM_MAX_BYTES);
	ERR_clear_error();
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (ret->n == CHAIN_MAX) {
			X509_free(cert);
			return error_set(err, ERROR_INVALID,
					 "The certificate chain has more than %d certificates",
					 CHAIN_MAX);
		}
		ret->certs[ret->n++] = cert;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return error_set(err, ERROR_INVALID,
				 "Certificate %zu of the chain is damaged: it can't be read as PEM",
				 ret->n + 1);
	ERR_clear_error();
	if (!ret->n)
		return error_set(
			err, ERROR_INVALID,
			"There is no certificate in the chain: PEM is needed, which begins "
			"with -----BEGIN CERTIFICATE-----");
	return 0;
}

static int no_password(char *buf, int size, int writing, void *userdata)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)userdata;
	return -1;
}

static EVP_PKEY *read_key(const char *pem, struct error *err)
{
	_cleanup_bio_ BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);

	ERR_clear_error();
	if (key)
		return key;
	if (strstr(pem, "ENCRYPTED"))
		error_set(err, ERROR_INVALID,
			  "The private key is protected by a password: take it off with "
			  "\"openssl pkey -in KEY -out NEW\"");
	else
		error_set(err, ERROR_INVALID,
			  "There is no private key that can be read: PEM is needed, which begins "
			  "with -----BEGIN PRIVATE KEY-----");
	return NULL;
}

static int64_t time_ms(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

static char *name_text(const X509_NAME *name)
{
	char *line = X509_NAME_oneline(name, NULL, 0);
	char *text = xstrdup(line ? line : "");

	OPENSSL_free(line);
	return text;
}

/* A name that holds a NUL or a blank is no host name, whatever it was meant to be taken for. */
static void add_name(struct cert *c, const ASN1_STRING *s)
{
	const char *data = (const char *)ASN1_STRING_get0_data(s);
	size_t n = (size_t)ASN1_STRING_length(s);
	_cleanup_free_ char *name = xstrndup(data, n);

	if (!n || n > 253 || strlen(name) != n)
		return;
	for (char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("-._*", *p))
			return;
		*p = (char)tolower((unsigned char)*p);
	}
	if (!strv_has(c->names, name))
		strv_push(&c->names, name);
}

static void read_names(X509 *cert, struct cert *c)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	const X509_NAME *subject = X509_get_subject_name(cert);
	int cn = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			add_name(c, name->d.dNSName);
	}
	/* Only where there are no others: RFC 6125, section 6.4.4. */
	if (!names && cn >= 0)
		add_name(c, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, cn)));
	GENERAL_NAMES_free(names);
}

static void read_fingerprint(X509 *cert, struct cert *c)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	X509_digest(cert, EVP_sha256(), digest, &n);
	for (unsigned i = 0; i < n; i++)
		snprintf(c->fingerprint + 3 * i, 4, "%02X%s", digest[i], i + 1 < n ? ":" : "");
}

int cert_read(const char *pem, struct cert *ret, struct error *err)
{
	_cleanup_chain_ struct chain chain = { 0 };
	struct cert c = { 0 };
	X509 *first;
	int type;

	if (read_chain(pem, &chain, err) < 0)
		return -1;
	first = chain.certs[0];
	read_names(first, &c);
	read_fingerprint(first, &c);
	c.subject = name_text(X509_get_subject_name(first));
	c.issuer = name_text(X509_get_issuer_name(first));
	c.starts_ms = time_ms(X509_get0_notBefore(first));
	c.expires_ms = time_ms(X509_get0_notAfter(first));
	c.self_signed =
		X509_NAME_cmp(X509_get_subject_name(first), X509_get_issuer_name(first)) == 0;
	type = X509_get0_pubkey(first) ? EVP_PKEY_get_base_id(X509_get0_pubkey(first)) : 0;
	c.key = type == EVP_PKEY_RSA  ? CERT_KEY_RSA
		: type == EVP_PKEY_EC ? CERT_KEY_ECDSA
				      : CERT_KEY_OTHER;
	*ret = c;
	return 0;
}

/* ---- checking ---- */

static bool is_signed_by(X509 *cert, X509 *by)
{
	bool is = X509_check_issued(by, cert) == X509_V_OK &&
		  X509_verify(cert, X509_get0_pubkey(by)) == 1;

	ERR_clear_error();
	return is;
}

static int check_order(const struct chain *c, EVP_PKEY *key, struct error *err)
{
	for (size_t i = 0; i < c->n; i++) {
		bool ours = X509_check_private_key(c->certs[i], key) == 1;

		ERR_clear_error();
		if (i == 0 && ours)
			break;
		if (ours)
			return error_set(err, ERROR_INVALID,
					 "The chain is out of order: the certificate of this key "
					 "is number %zu and must be the first",
					 i + 1);
		if (i + 1 == c->n)
			return error_set(err, ERROR_INVALID,
					 "The private key is not that of the certificate: they do "
					 "not match");
	}
	for (size_t i = 0; i + 1 < c->n; i++) {
		_cleanup_free_ char *subject = name_text(X509_get_subject_name(c->certs[i]));

		if (!is_signed_by(c->certs[i], c->certs[i + 1]))
			return error_set(err, ERROR_INVALID,
					 "The chain is out of order: certificate %zu did not sign "
					 "certificate %zu (%.200s)",
					 i + 2, i + 1, subject);
	}
	return 0;
}

static int check_time(const struct chain *c, struct error *err)
{
	for (size_t i = 0; i < c->n; i++) {
		_cleanup_free_ char *subject = name_text(X509_get_subject_name(c->certs[i]));

		if (X509_cmp_current_time(X509_get0_notAfter(c->certs[i])) < 0)
			return error_set(err, ERROR_INVALID,
					 "Certificate %zu of the chain (%.200s) has expired", i + 1,
					 subject);
		if (X509_cmp_current_time(X509_get0_notBefore(c->certs[i])) > 0)
			return error_set(err, ERROR_INVALID,
					 "Certificate %zu of the chain (%.200s) is not valid yet",
					 i + 1, subject);
	}
	return 0;
}

/* The same library and level that HAProxy has: what passes here is loaded there. */
static int check_strength(const struct chain *c, EVP_PKEY *key, struct error *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	const char *why;
	bool ok;

	SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
	ok = SSL_CTX_use_certificate(ctx, c->certs[0]) == 1 &&
	     SSL_CTX_use_PrivateKey(ctx, key) == 1;
	for (size_t i = 1; ok && i < c->n; i++)
		ok = SSL_CTX_add1_chain_cert(ctx, c->certs[i]) == 1;
	why = ERR_reason_error_string(ERR_peek_error());
	SSL_CTX_free(ctx);
	if (!ok)
		error_set(err, ERROR_INVALID,
			  "TLS libraries refuse this certificate (%s): make one with an EC key or "
			  "an RSA key of 2048 bits or more, and SHA-256",
			  why ? why : "no reason is given");
	ERR_clear_error();
	return ok ? 0 : -1;
}

static int check_names(const char *chain, struct error *err)
{
	struct cert c = { 0 };
	int r = cert_read(chain, &c, err);

	if (r == 0 && !c.names)
		r = error_set(err, ERROR_INVALID,
			      "The certificate is for no host name: it has neither a DNS name nor "
			      "a common name");
	cert_done(&c);
	return r;
}

static char *bio_text(BIO *bio)
{
	char *data;
	long n = BIO_get_mem_data(bio, &data);

	return xstrndup(data, (size_t)n);
}

static char *write_chain(const struct chain *c)
{
	_cleanup_bio_ BIO *bio = BIO_new(BIO_s_mem());

	for (size_t i = 0; i < c->n; i++)
		PEM_write_bio_X509(bio, c->certs[i]);
	return bio_text(bio);
}

static char *write_key(EVP_PKEY *key)
{
	/* Its memory is wiped when it is freed. */
	_cleanup_bio_ BIO *bio = BIO_new(BIO_s_secmem());

	PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	return bio_text(bio);
}

int cert_check(const char *chain, const char *key, char **ret_chain, char **ret_key,
	       struct error *err)
{
	_cleanup_chain_ struct chain c = { 0 };
	_cleanup_pkey_ EVP_PKEY *pkey = NULL;

	if (read_chain(chain, &c, err) < 0)
		return -1;
	pkey = read_key(key, err);
	if (!pkey || check_order(&c, pkey, err) < 0 || check_time(&c, err) < 0 ||
	    check_names(chain, err) < 0 || check_strength(&c, pkey, err) < 0)
		return -1;
	*ret_chain = write_chain(&c);
	*ret_key = write_key(pkey);
	return 0;
}

/* ---- what it is good for ---- */

static bool name_covers(const char *name, const char *host)
{
	const char *rest = strchr(host, '.');

	if (strcasecmp(name, host) == 0)
		return true;
	return str_starts(name, "*.") && host[0] != '*' && rest && strcasecmp(name + 1, rest) == 0;
}

bool cert_covers(const struct cert *c, const char *host)
{
	for (char **name = c->names; name && *name; name++)
		if (name_covers(*name, host))
			return true;
	return false;
}

bool cert_is_trusted(const char *chain)
{
	_cleanup_chain_ struct chain c = { 0 };
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *rest = sk_X509_new_null();
	bool trusted = false;

	if (read_chain(chain, &c, NULL) == 0 && X509_STORE_set_default_paths(store) == 1) {
		for (size_t i = 1; i < c.n; i++)
			sk_X509_push(rest, c.certs[i]);
		trusted = X509_STORE_CTX_init(ctx, store, c.certs[0], rest) == 1 &&
			  X509_verify_cert(ctx) == 1;
	}
	sk_X509_free(rest);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return trusted;
}

int64_t cert_renew_ms(const struct cert *c)
{
	int64_t third_ms = (c->expires_ms - c->starts_ms) / 3, before_ms = 30 * DAY_MS;

	return c->expires_ms - (third_ms < before_ms ? third_ms : before_ms);
}
