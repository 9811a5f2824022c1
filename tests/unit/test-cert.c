/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as values, made here with OpenSSL; the pauses of automatic ones; what uacme says. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/str.h"
#include "daemon/edge/acme-key.h"
#include "daemon/edge/cert.h"
#include "model/acm.h"

#define DAY_S 86400L
#define DAY_MS INT64_C(86400000)

struct made {
	EVP_PKEY *key;
	X509 *cert;
	char *pem, *key_pem;
};

struct wish {
	const char *cn, *names; /* names: "DNS:a,DNS:b", or NULL */
	long from_days, to_days;
	int rsa_bits; /* 0: EC */
	const EVP_MD *md;
	const struct made *by; /* NULL: itself */
};

static char *text_of(BIO *bio)
{
	char *data;
	long n = BIO_get_mem_data(bio, &data);
	char *s = xstrndup(data, (size_t)n);

	BIO_free(bio);
	return s;
}

static void extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	X509_add_ext(cert, e, -1);
	X509_EXTENSION_free(e);
}

static struct made make(const struct wish *w)
{
	struct made m = { .key = w->rsa_bits ? EVP_RSA_gen((unsigned)w->rsa_bits)
					     : EVP_EC_gen("P-256"),
			  .cert = X509_new() };
	const struct made *by = w->by ? w->by : &m;
	BIO *cert = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_mem());

	X509_set_version(m.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(m.cert), random() + 1);
	X509_gmtime_adj(X509_getm_notBefore(m.cert), w->from_days * DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(m.cert), w->to_days * DAY_S);
	if (w->cn)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(m.cert), "CN", MBSTRING_UTF8,
					   (const unsigned char *)w->cn, -1, -1, 0);
	X509_set_pubkey(m.cert, m.key);
	X509_set_issuer_name(m.cert, X509_get_subject_name(by->cert));
	if (!w->names)
		extension(m.cert, by->cert, NID_basic_constraints, "critical,CA:TRUE");
	else
		extension(m.cert, by->cert, NID_subject_alt_name, w->names);
	assert_true(X509_sign(m.cert, by->key, w->md ? w->md : EVP_sha256()) > 0);
	PEM_write_bio_X509(cert, m.cert);
	PEM_write_bio_PrivateKey(key, m.key, NULL, NULL, 0, NULL, NULL);
	m.pem = text_of(cert);
	m.key_pem = text_of(key);
	return m;
}

static void drop(struct made *m)
{
	EVP_PKEY_free(m->key);
	X509_free(m->cert);
	free(m->pem);
	free(m->key_pem);
}

/* The message of a refusal; "" when it was taken. */
static const char *check(const char *chain, const char *key)
{
	static struct error err;
	char *chain_out = NULL, *key_out = NULL;

	err = ERROR_INIT;
	if (cert_check(chain, key, &chain_out, &key_out, &err) < 0)
		assert_int_equal(err.kind, ERROR_INVALID);
	free(chain_out);
	free(key_out);
	return err.message;
}

static void test_what_a_certificate_says(void **state)
{
	struct made m = make(&(struct wish){
		.cn = "Shop",
		.names = "DNS:Shop.Example.com,DNS:*.example.com,IP:127.0.0.1,DNS:shop.example.com",
		.from_days = -1,
		.to_days = 90 });
	struct error err = ERROR_INIT;
	struct cert c;

	(void)state;
	assert_int_equal(cert_read(m.pem, &c, &err), 0);
	assert_int_equal(strv_len(c.names), 2);
	assert_string_equal(c.names[0], "shop.example.com");
	assert_string_equal(c.names[1], "*.example.com");
	assert_string_equal(c.subject, "/CN=Shop");
	assert_true(c.self_signed);
	assert_int_equal(c.key, CERT_KEY_ECDSA);
	assert_int_equal(strlen(c.fingerprint), 32 * 3 - 1);
	assert_true(cert_covers(&c, "SHOP.example.com"));
	assert_true(cert_covers(&c, "other.example.com"));
	assert_true(cert_covers(&c, "*.example.com"));
	assert_false(cert_covers(&c, "a.b.example.com"));
	assert_false(cert_covers(&c, "example.com"));
	assert_false(cert_covers(&c, "*.b.example.com"));
	/* A wildcard host is covered by that wildcard only, not by one that a label of it would
	 * match. */
	assert_false(cert_covers(&c, "*.shop.example.com"));
	assert_int_equal(cert_renew_ms(&c), c.expires_ms - 30 * DAY_MS);
	assert_false(cert_is_trusted(m.pem));
	cert_done(&c);
	drop(&m);
	m = make(&(struct wish){ .names = "DNS:a.example", .from_days = 0, .to_days = 6 });
	assert_int_equal(cert_read(m.pem, &c, &err), 0);
	assert_int_equal(cert_renew_ms(&c), c.expires_ms - 2 * DAY_MS);
	cert_done(&c);
	drop(&m);
}

static void test_names_that_are_none(void **state)
{
	struct made m =
		make(&(struct wish){ .cn = "old.example.com", .from_days = -1, .to_days = 90 });
	struct error err = ERROR_INIT;
	struct cert c;

	(void)state;
	/* The common name counts where there are no others. */
	assert_int_equal(cert_read(m.pem, &c, &err), 0);
	assert_true(cert_covers(&c, "old.example.com"));
	cert_done(&c);
	drop(&m);
	m = make(&(struct wish){ .cn = "My Shop", .from_days = -1, .to_days = 90 });
	assert_non_null(strstr(check(m.pem, m.key_pem), "for no host name"));
	drop(&m);
	m = make(&(struct wish){ .names = "DNS:bad name,DNS:a\"b",
				 .cn = "cn.example",
				 .from_days = -1,
				 .to_days = 90 });
	assert_non_null(strstr(check(m.pem, m.key_pem), "for no host name"));
	drop(&m);
}

static void test_chains(void **state)
{
	struct made root = make(&(struct wish){ .cn = "Root", .from_days = -1, .to_days = 900 });
	struct made middle = make(
		&(struct wish){ .cn = "Middle", .from_days = -1, .to_days = 900, .by = &root });
	struct made leaf = make(&(struct wish){ .cn = "a.example",
						.names = "DNS:a.example",
						.from_days = -1,
						.to_days = 90,
						.by = &middle });
	struct made other = make(&(struct wish){
		.cn = "b.example", .names = "DNS:b.example", .from_days = -1, .to_days = 90 });
	_cleanup_free_ char *good = xasprintf("junk\n%s\n%s\n%s", leaf.pem, middle.pem, root.pem);
	_cleanup_free_ char *turned = xasprintf("%s%s%s", leaf.pem, root.pem, middle.pem);
	_cleanup_free_ char *behind = xasprintf("%s%s", middle.pem, leaf.pem);
	_cleanup_free_ char *cut =
		xasprintf("%s%.200s\n-----END CERTIFICATE-----\n", leaf.pem, middle.pem);
	_cleanup_free_ char *both = xasprintf("%s%s", leaf.key_pem, good);
	char *chain = NULL, *key = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(cert_check(both, both, &chain, &key, &err), 0);
	/* Nothing but the certificates comes out. */
	assert_null(strstr(chain, "junk"));
	assert_null(strstr(chain, "PRIVATE"));
	assert_true(str_starts(chain, leaf.pem));
	assert_string_equal(key, leaf.key_pem);
	free(chain);
	free(key);
	assert_string_equal(check(leaf.pem, leaf.key_pem), "");
	assert_non_null(strstr(check(turned, leaf.key_pem),
			       "certificate 2 did not sign certificate 1 (/CN=a.example)"));
	assert_non_null(strstr(check(behind, leaf.key_pem), "number 2 and must be the first"));
	assert_non_null(strstr(check(good, other.key_pem), "do not match"));
	assert_non_null(strstr(check(cut, leaf.key_pem), "Certificate 2 of the chain is damaged"));
	assert_non_null(strstr(check("", leaf.key_pem), "no certificate in the chain"));
	assert_non_null(strstr(check(leaf.key_pem, leaf.key_pem), "no certificate in the chain"));
	assert_non_null(strstr(check(leaf.pem, ""), "no private key"));
	assert_non_null(strstr(check(leaf.pem, leaf.pem), "no private key"));
	drop(&root);
	drop(&middle);
	drop(&leaf);
	drop(&other);
}

static void test_times_and_strengths(void **state)
{
	static const struct {
		struct wish wish;
		const char *said;
	} cases[] = {
		{ { .names = "DNS:a.example", .from_days = -90, .to_days = -1 }, "has expired" },
		{ { .names = "DNS:a.example", .from_days = 2, .to_days = 90 }, "not valid yet" },
		{ { .names = "DNS:a.example", .from_days = -1, .to_days = 90, .rsa_bits = 1024 },
		  "TLS libraries refuse" },
		{ { .names = "DNS:a.example", .from_days = -1, .to_days = 90, .rsa_bits = 2048 },
		  "" },
	};
	struct made m;
	BIO *bio = BIO_new(BIO_s_mem());
	char *sealed;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *said;

		m = make(&cases[i].wish);
		said = check(m.pem, m.key_pem);
		if (!strstr(said, cases[i].said) || (!*cases[i].said && *said))
			fail_msg("case %zu: %s", i, said);
		drop(&m);
	}
	m = make(&cases[3].wish);
	PEM_write_bio_PrivateKey(bio, m.key, EVP_aes_128_cbc(), (const unsigned char *)"word", 4,
				 NULL, NULL);
	sealed = text_of(bio);
	assert_non_null(strstr(check(m.pem, sealed), "protected by a password"));
	free(sealed);
	drop(&m);
}

/* ---- automatic ones ---- */

static void test_when_to_ask(void **state)
{
	struct acm_facts f = { .enabled = true };

	(void)state;
	assert_int_equal(acm_due_ms(&f), 0);
	assert_string_equal(acm_status(&f), "pending");
	f.failures = 1;
	f.next_ms = 500;
	assert_int_equal(acm_due_ms(&f), 500);
	assert_string_equal(acm_status(&f), "failing");
	/* A renewal that failed waits like another; the certificate is there. */
	f.issued = true;
	f.renew_ms = 300;
	assert_int_equal(acm_due_ms(&f), 500);
	assert_string_equal(acm_status(&f), "cert issued");
	f.renew_ms = 900;
	assert_int_equal(acm_due_ms(&f), 900);
	f.own = true;
	assert_true(acm_due_ms(&f) == ACM_NEVER);
	assert_null(acm_status(&f));
	f = (struct acm_facts){ .enabled = true, .wildcard = true };
	assert_true(acm_due_ms(&f) == ACM_NEVER);
	assert_string_equal(acm_status(&f), "failed");
	f = (struct acm_facts){ .wildcard = true };
	assert_true(acm_due_ms(&f) == ACM_NEVER);
	assert_null(acm_status(&f));
}

static void test_whose_turn_it_is(void **state)
{
	enum { NOW = 1000, HOUR = 3600000, SOON = 200 };
	static const struct {
		struct acm_turn turns[3];
		size_t n, next;
		int64_t pause_ms;
	} cases[] = {
		/* Nobody, or nobody who wants one. */
		{ { { 0 } }, 0, ACM_NOBODY, HOUR },
		{ { { ACM_NEVER, true } }, 1, ACM_NOBODY, HOUR },
		/* Due now, at this moment, later, much later. */
		{ { { 0, true } }, 1, 0, 0 },
		{ { { NOW, true } }, 1, 0, 0 },
		{ { { NOW + 1, true } }, 1, ACM_NOBODY, 1 },
		{ { { NOW + 2 * HOUR, true } }, 1, ACM_NOBODY, HOUR },
		/* The one that has been due for longest; the first of equals. */
		{ { { 500, true }, { 300, true }, { 400, true } }, 3, 1, 0 },
		{ { { 300, true }, { 300, true } }, 2, 0, 0 },
		/* One that is not routed waits, and nobody with it. */
		{ { { 0, false } }, 1, ACM_NOBODY, SOON },
		{ { { 0, false }, { 900, true } }, 2, 1, 0 },
		{ { { 900, true }, { 0, false } }, 2, 0, 0 },
		/* What comes first: its route is looked for, or another is due. */
		{ { { 0, false }, { NOW + 50, true } }, 2, ACM_NOBODY, 50 },
		{ { { 0, false }, { NOW + HOUR, true } }, 2, ACM_NOBODY, SOON },
		/* Until it is due nobody looks whether it is routed. */
		{ { { NOW + 700, false }, { ACM_NEVER, false } }, 2, ACM_NOBODY, 700 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t pause_ms = 0;

		assert_int_equal(acm_next(cases[i].turns, cases[i].n, NOW, &pause_ms),
				 cases[i].next);
		assert_int_equal(pause_ms, cases[i].pause_ms);
	}
}

static void test_pauses(void **state)
{
	int64_t at_ms = 0;
	int tries = 1;

	(void)state;
	assert_int_equal(acm_pause_ms(1, false, 0), 225000);
	assert_int_equal(acm_pause_ms(1, false, UINT32_MAX), 375000);
	for (int64_t n = 1; n < 1000; n++) {
		assert_true(acm_pause_ms(n, false, 0) <= acm_pause_ms(n, false, UINT32_MAX));
		assert_true(acm_pause_ms(n, false, UINT32_MAX) <= 30 * INT64_C(3600000));
		assert_true(acm_pause_ms(n + 1, false, 0) >= acm_pause_ms(n, false, 0));
	}
	assert_true(acm_pause_ms(1, true, 0) >= 2 * INT64_C(3600000));
	/* Let's Encrypt allows five failed validations an hour. */
	for (int64_t n = 1; (at_ms += acm_pause_ms(n, false, 0)) < 3600000; n++)
		tries++;
	assert_true(tries <= 5);
}

static void test_what_uacme_says(void **state)
{
	static const char output[] =
		"uacme: acme_post: return code 200, json=\n{\n  \"error\": {\n    \"type\": "
		"\"urn:ietf:params:acme:error:dns\",\n"
		"    \"detail\": \"first\"\n  }\n}\n{\"error\": {\"detail\":\"DNS "
		"\\\"problem\\\"\\nhere\"}}\nuacme: failed\n";
	_cleanup_free_ char *a = acme_reason(output),
			    *b = acme_reason(
				    "uacme: x\nuacme: failed to fetch directory at https://h/\n"),
			    *c = acme_reason(""), *d = acme_reason("\"detail\": 3\nuacme: end\n");

	(void)state;
	assert_string_equal(a, "DNS \"problem\" here");
	assert_string_equal(b, "failed to fetch directory at https://h/");
	assert_string_equal(c, "uacme ended without a word");
	assert_string_equal(d, "end");
	assert_false(acme_is_rate_limit(output));
	assert_true(acme_is_rate_limit("{\"type\": \"urn:ietf:params:acme:error:rateLimited\"}"));
}

static void test_the_account_key(void **state)
{
	char dir[] = "/tmp/twelve-acme-XXXXXX", first[ACME_THUMBPRINT_SIZE],
	     second[ACME_THUMBPRINT_SIZE];
	struct error err = ERROR_INIT;
	_cleanup_free_ char *path = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/acme/private/key.pem", dir);
	assert_int_equal(acme_key_prepare(dir, first, &err), 0);
	assert_int_equal(acme_key_prepare(dir, second, &err), 0);
	assert_string_equal(first, second);
	assert_int_equal(strlen(first), ACME_THUMBPRINT_SIZE - 1);
	/* An account is not thrown away because its file is odd. */
	assert_int_equal(fs_write_atomic(path, 0600, "x", 1), 0);
	assert_int_equal(acme_key_prepare(dir, second, &err), -1);
	assert_non_null(strstr(err.message, "holds no key"));
	fs_remove_tree(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_certificate_says),
		cmocka_unit_test(test_names_that_are_none),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_times_and_strengths),
		cmocka_unit_test(test_when_to_ask),
		cmocka_unit_test(test_whose_turn_it_is),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_what_uacme_says),
		cmocka_unit_test(test_the_account_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
