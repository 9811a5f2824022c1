/* SPDX-License-Identifier: Apache-2.0 */
/* The local certificate authority; see ca.h. */
#include "daemon/edge/ca.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"

#define DAY_S 86400L
#define CA_DAYS 3650
#define LEAF_DAYS 397
#define RENEW_DAYS 30
#define FILE_MAX_BYTES (1 << 20)

struct pair {
	X509 *cert;
	EVP_PKEY *key;
};

static void pair_done(struct pair *p)
{
	X509_free(p->cert);
	EVP_PKEY_free(p->key);
	*p = (struct pair){ 0 };
}

char *ca_path(const char *state_dir)
{
	return xasprintf("%s/ca/ca.pem", state_dir);
}

static char *ca_key_path(const char *state_dir)
{
	return xasprintf("%s/ca/ca.key", state_dir);
}

char *ca_local_path(const char *state_dir)
{
	return xasprintf("%s/tls/local.pem", state_dir);
}

static int openssl_error(const char *what, struct error *err)
{
	char text[256];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	return error_set(err, ERROR_SYSTEM, "%s: %s", what, text);
}

/* ---- files ---- */

static BIO *open_file(const char *path)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	BIO *bio;

	if (fs_read_file(path, FILE_MAX_BYTES, &text) < 0)
		return NULL;
	bio = BIO_new(BIO_s_mem());
	BIO_write(bio, text.data, (int)text.len);
	return bio;
}

/* False when the file is not there, or holds something else. */
static bool read_pair(const char *cert_path, const char *key_path, struct pair *ret)
{
	BIO *certs = open_file(cert_path), *keys = open_file(key_path);

	*ret = (struct pair){ 0 };
	if (certs && keys) {
		ret->cert = PEM_read_bio_X509(certs, NULL, NULL, NULL);
		ret->key = PEM_read_bio_PrivateKey(keys, NULL, NULL, NULL);
	}
	BIO_free(certs);
	BIO_free(keys);
	ERR_clear_error();
	if (ret->cert && ret->key && X509_check_private_key(ret->cert, ret->key) == 1)
		return true;
	ERR_clear_error();
	pair_done(ret);
	return false;
}

static int write_bio(const char *path, BIO *bio, mode_t mode, struct error *err)
{
	char *data;
	long n = BIO_get_mem_data(bio, &data);
	int r = fs_write_atomic(path, mode, data, (size_t)n);

	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

static int write_key(const char *path, EVP_PKEY *key, struct error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int r = PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1
			? write_bio(path, bio, 0600, err)
			: openssl_error("writing a key", err);

	BIO_free(bio);
	return r;
}

/* ---- certificates ---- */

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	bool ok;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e && X509_add_ext(cert, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static bool set_serial(X509 *cert)
{
	unsigned char bytes[16];
	BIGNUM *number;
	bool ok;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] &= 0x7f;
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
	BN_free(number);
	return ok;
}

/* A certificate with a new key, not signed yet. It begins a day early, for clocks that are wrong.
 */
static bool begin(struct pair *p, const char *subject, int days)
{
	X509_NAME *name;

	p->key = EVP_EC_gen("P-256");
	p->cert = X509_new();
	if (!p->key || !p->cert || X509_set_version(p->cert, 2) != 1 || !set_serial(p->cert))
		return false;
	name = X509_get_subject_name(p->cert);
	return X509_gmtime_adj(X509_getm_notBefore(p->cert), -DAY_S) &&
	       X509_gmtime_adj(X509_getm_notAfter(p->cert), days * DAY_S) &&
	       X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"twelve",
					  -1, -1, 0) == 1 &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)subject,
					  -1, -1, 0) == 1 &&
	       X509_set_pubkey(p->cert, p->key) == 1;
}

static bool sign(struct pair *p, const struct pair *by)
{
	return X509_set_issuer_name(p->cert, X509_get_subject_name(by->cert)) == 1 &&
	       X509_sign(p->cert, by->key, EVP_sha256()) > 0;
}

static bool make_authority(struct pair *p, const char *host)
{
	_cleanup_free_ char *subject = xasprintf("twelve on %.40s", host);

	return begin(p, subject, CA_DAYS) &&
	       add_extension(p->cert, p->cert, NID_basic_constraints,
			     "critical,CA:TRUE,pathlen:0") &&
	       add_extension(p->cert, p->cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add_extension(p->cert, p->cert, NID_subject_key_identifier, "hash") && sign(p, p);
}

static bool is_address(const char *name)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* "DNS:localhost,IP:127.0.0.1" */
static char *alternative_names(char *const *names)
{
	struct buf text = BUF_INIT;

	for (; *names; names++)
		buf_printf(&text, "%s%s:%s", text.len ? "," : "", is_address(*names) ? "IP" : "DNS",
			   *names);
	return buf_steal(&text);
}

static bool make_leaf(struct pair *p, const struct pair *by, char *const *names)
{
	_cleanup_free_ char *alternatives = alternative_names(names);

	return begin(p, names[0], LEAF_DAYS) &&
	       add_extension(p->cert, by->cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(p->cert, by->cert, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(p->cert, by->cert, NID_ext_key_usage, "serverAuth") &&
	       add_extension(p->cert, by->cert, NID_subject_key_identifier, "hash") &&
	       add_extension(p->cert, by->cert, NID_authority_key_identifier, "keyid:always") &&
	       add_extension(p->cert, by->cert, NID_subject_alt_name, alternatives) && sign(p, by);
}

static bool is_fresh(X509 *cert)
{
	time_t soon = time(NULL) + RENEW_DAYS * DAY_S;

	return X509_cmp_time(X509_get0_notAfter(cert), &soon) > 0;
}

static bool has_names(X509 *cert, char *const *names)
{
	for (; *names; names++)
		if (is_address(*names) ? X509_check_ip_asc(cert, *names, 0) != 1
				       : X509_check_host(cert, *names, 0,
							 X509_CHECK_FLAG_NO_WILDCARDS, NULL) != 1)
			return false;
	return true;
}

/* ---- both ---- */

static int write_authority(const char *state_dir, const struct pair *p, struct error *err)
{
	_cleanup_free_ char *path = ca_path(state_dir), *key = ca_key_path(state_dir);
	BIO *bio = BIO_new(BIO_s_mem());
	int r;

	/* The key first: a certificate that is there has its key. */
	r = write_key(key, p->key, err);
	if (r == 0)
		r = PEM_write_bio_X509(bio, p->cert) == 1
			    ? write_bio(path, bio, 0644, err)
			    : openssl_error("writing a certificate", err);
	BIO_free(bio);
	return r;
}

static int need_authority(const char *state_dir, struct pair *ret, struct error *err)
{
	_cleanup_free_ char *path = ca_path(state_dir), *key = ca_key_path(state_dir);
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	if (read_pair(path, key, ret)) {
		if (is_fresh(ret->cert))
			return 0;
		pair_done(ret);
		log_warn("the local certificate authority has expired and is recreated: it must be "
			 "trusted again (twelve ca)");
	} else if (fs_exists(path)) {
		log_warn("%s and %s do not match or are damaged, and are recreated: the authority "
			 "must be trusted again (twelve ca)",
			 path, key);
	}
	if (!make_authority(ret, host)) {
		pair_done(ret);
		return openssl_error("making the local certificate authority", err);
	}
	return write_authority(state_dir, ret, err);
}

static int write_leaf(const char *path, const struct pair *leaf, const struct pair *by,
		      struct error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int r = PEM_write_bio_X509(bio, leaf->cert) == 1 &&
				PEM_write_bio_X509(bio, by->cert) == 1 &&
				PEM_write_bio_PrivateKey(bio, leaf->key, NULL, NULL, 0, NULL,
							 NULL) == 1
			? write_bio(path, bio, 0600, err)
			: openssl_error("writing a certificate", err);

	BIO_free(bio);
	return r;
}

static bool leaf_is_good(const char *path, const struct pair *by, char *const *names)
{
	struct pair have;
	bool good = read_pair(path, path, &have);

	if (!good)
		return false;
	good = is_fresh(have.cert) && has_names(have.cert, names) &&
	       X509_verify(have.cert, by->key) == 1;
	ERR_clear_error();
	pair_done(&have);
	return good;
}

/* What a kill left of fs_write_atomic() may be half of a key. */
static void sweep(const char *dir)
{
	static const char *const known[] = { "ca.pem", "ca.key", "local.pem" };
	_cleanup_strv_ char **files = NULL;

	if (fs_list(dir, &files) < 0)
		return;
	for (char **file = files; file && *file; file++)
		for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
			_cleanup_free_ char *path = xasprintf("%s/%s", dir, *file);

			if (str_starts(*file, known[i]) && !streq(*file, known[i]) &&
			    unlink(path) < 0)
				log_warn("%s was left by a kill and can't be removed: %s", path,
					 strerror(errno));
		}
}

static int make_dirs(const char *state_dir, struct error *err)
{
	static const struct {
		const char *name;
		mode_t mode;
	} dirs[] = { { "ca", 0755 }, { "tls", 0700 } };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", state_dir, dirs[i].name);
		int r = fs_mkdirs(path, dirs[i].mode);

		if (r < 0)
			return error_set_errno(err, r, "making the directory %s", path);
		sweep(path);
	}
	return 0;
}

int ca_prepare(const char *state_dir, char *const *names, bool *ret_changed, struct error *err)
{
	_cleanup_free_ char *path = ca_local_path(state_dir);
	struct pair authority = { 0 }, leaf = { 0 };
	int r = make_dirs(state_dir, err);

	*ret_changed = false;
	if (r == 0)
		r = need_authority(state_dir, &authority, err);
	if (r == 0 && !leaf_is_good(path, &authority, names)) {
		r = make_leaf(&leaf, &authority, names)
			    ? write_leaf(path, &leaf, &authority, err)
			    : openssl_error("making the local certificate", err);
		*ret_changed = r == 0;
	}
	pair_done(&leaf);
	pair_done(&authority);
	return r;
}

/* ---- for servers beside the door ---- */

static char *pem_text(BIO *bio)
{
	char *data;
	long n = BIO_get_mem_data(bio, &data);

	return xstrndup(data, (size_t)n);
}

static int write_pems(const struct pair *leaf, const struct pair *by, char **ret_chain,
		      char **ret_key, struct error *err)
{
	BIO *chain = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_secmem());
	int r = -1;

	if (PEM_write_bio_X509(chain, leaf->cert) == 1 &&
	    PEM_write_bio_X509(chain, by->cert) == 1 &&
	    PEM_write_bio_PrivateKey(key, leaf->key, NULL, NULL, 0, NULL, NULL) == 1) {
		*ret_chain = pem_text(chain);
		*ret_key = pem_text(key);
		r = 0;
	} else {
		openssl_error("writing a certificate", err);
	}
	BIO_free(chain);
	BIO_free(key);
	return r;
}

int ca_issue(const char *state_dir, char *const *names, char **ret_chain, char **ret_key,
	     int64_t *ret_until_ms, struct error *err)
{
	_cleanup_free_ char *path = ca_path(state_dir), *key = ca_key_path(state_dir);
	struct pair authority = { 0 }, leaf = { 0 };
	int r;

	if (!read_pair(path, key, &authority))
		return error_set(
			err, ERROR_SYSTEM,
			"%s and its key can't be read: the next start of twelved recreates them",
			path);
	r = make_leaf(&leaf, &authority, names)
		    ? write_pems(&leaf, &authority, ret_chain, ret_key, err)
		    : openssl_error("making a certificate", err);
	if (r == 0)
		*ret_until_ms = ((int64_t)time(NULL) + LEAF_DAYS * DAY_S) * 1000;
	pair_done(&leaf);
	pair_done(&authority);
	return r;
}

int64_t ca_renew_ms(int64_t until_ms)
{
	return until_ms - RENEW_DAYS * DAY_S * 1000;
}
