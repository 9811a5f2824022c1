/* SPDX-License-Identifier: Apache-2.0 */
/* A drain's URL as a value, and what all kinds share; see drain.h. */
#include "logs/drain.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 30000
#define BACKOFF_MIN_MS 100

const struct drain_driver *const drain_drivers[] = {
	&drain_syslog, &drain_logplex, &drain_fluent, &drain_elastic,
	&drain_splunk, &drain_loki,    &drain_otlp,   NULL,
};

static const char kinds[] = "syslog://, syslog+tls://, https://, fluent://, fluent+tls://, "
			    "elasticsearch+https://, splunk+https://, loki+https:// or otlp+https://";

static void cleanup_url(CURLU **u)
{
	curl_url_cleanup(*u);
}

void drain_target_done(struct drain_target *t)
{
	free(t->host);
	free(t->user);
	free(t->password);
	free(t->path);
	free(t->query);
	free(t->options);
	*t = (struct drain_target){ 0 };
}

/* "splunk+https" is splunk, encrypted; "https" and "http" alone are Logplex's. */
static bool read_scheme(const char *scheme, struct drain_target *t)
{
	const char *plus = strchr(scheme, '+');
	const char *how = plus ? plus + 1 : NULL;
	size_t n = plus ? (size_t)(plus - scheme) : strlen(scheme);

	if (streq(scheme, "https") || streq(scheme, "http")) {
		t->driver = &drain_logplex;
		t->tls = streq(scheme, "https");
		return true;
	}
	for (size_t i = 0; drain_drivers[i]; i++)
		if (strlen(drain_drivers[i]->scheme) == n &&
		    strncmp(drain_drivers[i]->scheme, scheme, n) == 0)
			t->driver = drain_drivers[i];
	if (!t->driver || t->driver == &drain_logplex)
		return false;
	if (t->driver->transport == DRAIN_HTTP) {
		t->tls = how && streq(how, "https");
		return how && (t->tls || streq(how, "http"));
	}
	t->tls = how != NULL;
	return !how || streq(how, "tls");
}

static char *part(CURLU *u, CURLUPart what, unsigned flags)
{
	_cleanup_free_ char *copy = NULL;
	char *text = NULL;

	if (curl_url_get(u, what, &text, flags) != CURLUE_OK)
		return NULL;
	copy = xstrdup(text);
	curl_free(text);
	return steal_ptr(copy);
}

/* Splits the query; false when a value can't be decoded. */
static bool read_options(struct drain_target *t)
{
	_cleanup_free_ char *copy = t->query ? xstrdup(t->query) : NULL;
	_cleanup_buf_ struct buf all = BUF_INIT;
	char *save = NULL;

	for (char *pair = copy ? strtok_r(copy, "&", &save) : NULL; pair;
	     pair = strtok_r(NULL, "&", &save)) {
		char *value = strchr(pair, '='), *plain;
		int n = 0;

		if (value)
			*value++ = '\0';
		plain = curl_easy_unescape(NULL, value ? value : "", 0, &n);
		if (!plain || strlen(plain) != (size_t)n) {
			curl_free(plain);
			return false;
		}
		buf_append(&all, pair, strlen(pair) + 1);
		buf_append(&all, plain, (size_t)n + 1);
		curl_free(plain);
	}
	buf_append(&all, "", 1);
	t->options = buf_steal(&all);
	return true;
}

const char *drain_option(const struct drain_target *t, const char *name)
{
	const char *o = t->options;

	while (o && *o) {
		const char *value = o + strlen(o) + 1;

		if (streq(o, name))
			return value;
		o = value + strlen(value) + 1;
	}
	return NULL;
}

static bool is_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

static bool is_known(const struct drain_driver *d, const char *name)
{
	for (size_t i = 0; d->options && d->options[i]; i++)
		if (streq(d->options[i], name))
			return true;
	return false;
}

static int check_options(const struct drain_target *t, struct error *err)
{
	_cleanup_buf_ struct buf known = BUF_INIT;

	/* A Logplex URL's query belongs to its receiver. */
	if (t->driver == &drain_logplex)
		return 0;
	for (size_t i = 0; t->driver->options && t->driver->options[i]; i++)
		buf_printf(&known, "%s%s", i ? ", " : "", t->driver->options[i]);
	for (const char *o = t->options; *o; o += strlen(o) + 1, o += strlen(o) + 1) {
		if (!is_known(t->driver, o))
			return error_set(err, ERROR_INVALID,
					 "The drain's URL has the option \"%.40s\", which %s drains do not "
					 "know: they know %s",
					 o, t->driver->scheme, known.len ? known.data : "none");
		if (is_control(o + strlen(o) + 1))
			return error_set(err, ERROR_INVALID,
					 "The option \"%.40s\" of the drain's URL holds a control character",
					 o);
	}
	return 0;
}

/* Decoded; false when it holds what must not be there, which curl refuses to decode. */
static bool part_decoded(CURLU *u, CURLUPart what, char **ret)
{
	_cleanup_free_ char *raw = part(u, what, 0);

	*ret = part(u, what, CURLU_URLDECODE);
	return !raw || (*ret && !is_control(*ret));
}

static int read_place(CURLU *u, struct drain_target *t, struct error *err)
{
	_cleanup_free_ char *port = part(u, CURLUPART_PORT, 0);
	int64_t n = t->tls ? t->driver->tls_port : t->driver->port;
	bool clean;

	t->host = part(u, CURLUPART_HOST, 0);
	clean = part_decoded(u, CURLUPART_USER, &t->user) && part_decoded(u, CURLUPART_PASSWORD, &t->password);
	t->path = part(u, CURLUPART_PATH, 0);
	t->query = part(u, CURLUPART_QUERY, 0);
	if (!t->host || !t->host[0] || !t->path)
		return error_set(err, ERROR_INVALID, "The drain's URL has no host name");
	if (port && !str_to_i64(port, 1, 65535, &n))
		return error_set(err, ERROR_INVALID, "The drain's URL has the port \"%.20s\": expected 1 to 65535",
				 port);
	t->port = (uint16_t)n;
	if (streq(t->path, "/") && t->driver->path) {
		free(t->path);
		t->path = xstrdup(t->driver->path);
	}
	if (!read_options(t) || !clean)
		return error_set(err, ERROR_INVALID, "The drain's URL holds an encoded control character");
	return check_options(t, err);
}

int drain_target_parse(const char *url, struct drain_target *ret, struct error *err)
{
	__attribute__((cleanup(cleanup_url))) CURLU *u = curl_url();
	struct drain_target t = { 0 };
	_cleanup_free_ char *scheme = NULL;

	if (strlen(url) > DRAIN_URL_MAX)
		return error_set(err, ERROR_INVALID, "The drain's URL has more than %d bytes", DRAIN_URL_MAX);
	if (!u)
		return error_set(err, ERROR_SYSTEM, "There is no memory for a URL");
	if (!strstr(url, "://") ||
	    curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		return error_set(err, ERROR_INVALID, "The drain's URL can't be read: expected %s", kinds);
	scheme = part(u, CURLUPART_SCHEME, 0);
	if (!scheme || !read_scheme(scheme, &t))
		return error_set(err, ERROR_INVALID, "The drain's URL begins with \"%.30s://\": expected %s",
				 scheme ? scheme : "", kinds);
	if (read_place(u, &t, err) < 0) {
		drain_target_done(&t);
		return -1;
	}
	*ret = t;
	return 0;
}

char *drain_http_url(const struct drain_target *t)
{
	const char *query = t->driver == &drain_logplex && t->query ? t->query : NULL;

	return xasprintf("%s://%s:%u%s%s%s", t->tls ? "https" : "http", t->host, t->port, t->path,
			 query ? "?" : "", query ? query : "");
}

char *drain_target_name(const struct drain_target *t)
{
	const char *secure = t->driver->transport == DRAIN_HTTP ? (t->tls ? "https" : "http") : "tls";

	if (t->driver == &drain_logplex)
		return xasprintf("%s://%s:%u", secure, t->host, t->port);
	if (t->driver->transport != DRAIN_HTTP && !t->tls)
		return xasprintf("%s://%s:%u", t->driver->scheme, t->host, t->port);
	return xasprintf("%s+%s://%s:%u", t->driver->scheme, secure, t->host, t->port);
}

/* Options whose values are secrets. */
static bool is_secret(const char *name, size_t n)
{
	static const char *const secrets[] = { "shared_key", "api_key", "token", "key", "password", "secret" };

	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		if (strlen(secrets[i]) == n && strncasecmp(secrets[i], name, n) == 0)
			return true;
	return false;
}

static void mask_query(const char *query, struct buf *out)
{
	while (*query) {
		size_t n = strcspn(query, "&"), name = strcspn(query, "=&");

		if (name < n && is_secret(query, name))
			buf_printf(out, "%.*s=***", (int)name, query);
		else
			buf_append(out, query, n);
		query += n;
		if (*query) {
			buf_putc(out, '&');
			query++;
		}
	}
}

char *drain_mask_url(const char *url)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	const char *p = strstr(url, "://"), *at, *query;
	size_t n;

	if (!p)
		return xstrdup("***");
	p += 3;
	buf_append(&out, url, (size_t)(p - url));
	n = strcspn(p, "/?#");
	at = memrchr(p, '@', n);
	if (at) {
		const char *colon = memchr(p, ':', (size_t)(at - p));

		/* A name alone is a token. */
		if (colon)
			buf_append(&out, p, (size_t)(colon - p) + 1);
		buf_puts(&out, "***");
		p = at;
	}
	query = strchr(p, '?');
	if (!query) {
		buf_puts(&out, p);
		return buf_steal(&out);
	}
	buf_append(&out, p, (size_t)(query - p) + 1);
	mask_query(query + 1, &out);
	return buf_steal(&out);
}

const char *drain_default_format(const struct drain_target *t)
{
	return t->driver->has_records ? "records" : "raw";
}

int drain_check_format(const struct drain_target *t, const char *format, struct error *err)
{
	if (!streq(format, "raw") && !streq(format, "records"))
		return error_set(err, ERROR_INVALID, "The format is \"%.20s\": expected raw or records", format);
	if (streq(format, "records") && t->driver == &drain_logplex)
		return error_set(err, ERROR_INVALID,
				 "An %s drain carries raw lines only: its format (Logplex) has no fields",
				 t->tls ? "https" : "http");
	return 0;
}

int drain_check_ca(const struct drain_target *t, const char *pem, struct error *err)
{
	BIO *bio;
	X509 *x;

	if (!t->tls)
		return error_set(err, ERROR_INVALID,
				 "Certificate authorities were given for a drain that is not encrypted");
	if (strlen(pem) > DRAIN_CA_MAX)
		return error_set(err, ERROR_INVALID, "The certificate authorities have more than %d bytes",
				 DRAIN_CA_MAX);
	bio = BIO_new_mem_buf(pem, -1);
	x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	X509_free(x);
	BIO_free(bio);
	if (x)
		return 0;
	ERR_clear_error();
	return error_set(err, ERROR_INVALID, "The certificate authorities are no certificates in PEM "
					     "(-----BEGIN CERTIFICATE-----)");
}

int64_t drain_backoff_ms(unsigned n, uint32_t random)
{
	int64_t most = n > 5 ? BACKOFF_MAX_MS : (int64_t)BACKOFF_FIRST_MS << (n ? n - 1 : 0);

	if (most > BACKOFF_MAX_MS)
		most = BACKOFF_MAX_MS;
	return BACKOFF_MIN_MS + random % (most - BACKOFF_MIN_MS + 1);
}

void drain_notice(uint64_t n, int64_t since_ns, char text[static DRAIN_NOTICE_MAX])
{
	char when[CLOCK_ISO_SIZE];

	snprintf(text, DRAIN_NOTICE_MAX,
		 "Error L10 (output buffer overflow): %" PRIu64 " messages dropped since %s.", n,
		 clock_iso_us(since_ns, when));
}
