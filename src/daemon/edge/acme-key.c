/* SPDX-License-Identifier: Apache-2.0 */
/* The account's key of ACME; see acme-key.h. */
#include "daemon/edge/acme-key.h"

#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"

#define KEY_MAX_BYTES 16384
#define COORDINATE_BYTES 32
#define REASON_MAX_BYTES 500

static EVP_PKEY *read_key(const char *path)
{
	_cleanup_buf_ struct buf pem = BUF_INIT;
	EVP_PKEY *key;
	BIO *bio;

	if (fs_read_file(path, KEY_MAX_BYTES, &pem) < 0)
		return NULL;
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	explicit_bzero(pem.data, pem.len);
	ERR_clear_error();
	return key;
}

static int make_key(const char *path, EVP_PKEY **ret, struct error *err)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char *pem;
	int r = -1;

	if (key && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
		long n = BIO_get_mem_data(bio, &pem);

		r = fs_write_atomic(path, 0600, pem, (size_t)n);
		if (r < 0)
			error_set_errno(err, r, "writing %s", path);
	} else {
		error_set(err, ERROR_SYSTEM, "A key for ACME can't be made");
	}
	BIO_free(bio);
	*ret = key;
	return r < 0 ? -1 : 0;
}

static bool coordinate(const EVP_PKEY *key, const char *name, char ret[static 64])
{
	unsigned char bytes[COORDINATE_BYTES];
	BIGNUM *n = NULL;
	bool ok = EVP_PKEY_get_bn_param(key, name, &n) == 1 &&
		  BN_bn2binpad(n, bytes, sizeof(bytes)) == sizeof(bytes);

	BN_free(n);
	if (ok)
		sodium_bin2base64(ret, 64, bytes, sizeof(bytes),
				  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return ok;
}

/* RFC 7638: SHA-256 of the members that a key needs, in the order of their names. */
static int thumbprint(const EVP_PKEY *key, char ret[static ACME_THUMBPRINT_SIZE], struct error *err)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	_cleanup_free_ char *jwk = NULL;
	char x[64], y[64];

	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
	    EVP_PKEY_get_bits(key) != 8 * COORDINATE_BYTES ||
	    !coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, x) ||
	    !coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, y))
		return error_set(err, ERROR_INVALID, "it is not an EC key of 256 bits");
	jwk = xasprintf("{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y);
	SHA256((const unsigned char *)jwk, strlen(jwk), digest);
	sodium_bin2base64(ret, ACME_THUMBPRINT_SIZE, digest, sizeof(digest),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return 0;
}

int acme_key_prepare(const char *state_dir, char ret[static ACME_THUMBPRINT_SIZE],
		     struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/acme/private", state_dir);
	_cleanup_free_ char *path = xasprintf("%s/key.pem", dir);
	EVP_PKEY *key;
	int r = fs_mkdirs(dir, 0700);

	if (r < 0)
		return error_set_errno(err, r, "making the directory %s", dir);
	key = read_key(path);
	if (!key && fs_exists(path))
		return error_set(
			err, ERROR_INVALID,
			"%s holds no key: restore it from a backup, or remove it for a new account",
			path);
	if (!key && make_key(path, &key, err) < 0) {
		EVP_PKEY_free(key);
		return -1;
	}
	r = thumbprint(key, ret, err);
	EVP_PKEY_free(key);
	return r < 0 ? error_prefix(err, "%s", path) : 0;
}

/* ---- what uacme says ---- */

/* The JSON string that begins behind the last `"detail":`. */
static char *last_detail(const char *output)
{
	static const char word[] = "\"detail\":";
	const char *at = NULL;
	json_t *j;
	char *text;

	for (const char *p = output; (p = strstr(p, word)); p++)
		at = p + strlen(word);
	if (!at)
		return NULL;
	j = json_loads(at + strspn(at, " "), JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, NULL);
	text = json_is_string(j) ? xstrdup(json_string_value(j)) : NULL;
	json_decref(j);
	return text;
}

static char *last_line(const char *output)
{
	_cleanup_free_ char *text = xstrdup(output);
	char *trimmed = str_trim(text), *line = strrchr(trimmed, '\n');

	line = line ? line + 1 : trimmed;
	if (str_starts(line, "uacme: "))
		line += strlen("uacme: ");
	return xstrdup(*line ? line : "uacme ended without a word");
}

char *acme_reason(const char *output)
{
	char *text = last_detail(output);

	if (!text)
		text = last_line(output);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	if (strlen(text) > REASON_MAX_BYTES)
		text[REASON_MAX_BYTES] = '\0';
	return text;
}

bool acme_is_rate_limit(const char *output)
{
	return strstr(output, "urn:ietf:params:acme:error:rateLimited");
}
