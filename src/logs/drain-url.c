/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A drain's URL as a value (RFC 3986, no more of it than a drain has); see drain.h. Ours, and
 * not libcurl's, so that a twelve-logs whose drains speak plain TCP does without libcurl.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "logs/drain.h"

/* RFC 1035 section 2.3.4 */
#define HOST_MAX 253

static const char kinds[] =
	"syslog://, syslog+tls://, https://, fluent://, fluent+tls://, "
	"elasticsearch+https://, splunk+https://, loki+https:// or otlp+https://";

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

/* A hexadecimal digit's value; -1 for none. */
static int hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 'a' - 'A' : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* The n bytes with %XX decoded (RFC 3986 section 2.1); NULL when they hold a control character
 * then. */
static char *decoded(const char *s, size_t n)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		bool is_code = s[i] == '%' && n - i > 2 && hex_value(s[i + 1]) >= 0 &&
			       hex_value(s[i + 2]) >= 0;
		char c = is_code ? (char)(hex_value(s[i + 1]) << 4 | hex_value(s[i + 2])) : s[i];

		if (is_control(c))
			return NULL;
		buf_putc(&out, c);
		i += is_code ? 2 : 0;
	}
	return buf_steal(&out);
}

/* Splits the query; false when a value holds a control character. */
static bool read_options(struct drain_target *t)
{
	_cleanup_free_ char *copy = t->query ? xstrdup(t->query) : NULL;
	_cleanup_buf_ struct buf all = BUF_INIT;
	char *save = NULL;

	for (char *pair = copy ? strtok_r(copy, "&", &save) : NULL; pair;
	     pair = strtok_r(NULL, "&", &save)) {
		_cleanup_free_ char *plain = NULL;
		char *value = strchr(pair, '=');

		if (value)
			*value++ = '\0';
		plain = decoded(value ? value : "", value ? strlen(value) : 0);
		if (!plain)
			return false;
		buf_append(&all, pair, strlen(pair) + 1);
		buf_append(&all, plain, strlen(plain) + 1);
	}
	buf_append(&all, "", 1);
	t->options = buf_steal(&all);
	return true;
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
			return error_set(
				err, ERROR_INVALID,
				"The drain's URL has the option \"%.40s\", which %s drains do not "
				"know: they know %s",
				o, t->driver->scheme, known.len ? known.data : "none");
	}
	return 0;
}

/* [ADDRESS] of IPv6, or a name or address of the characters that those have; bytes above ASCII are
 * for IDN. */
static bool is_host(const char *s, size_t n)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr in6;

	if (n > 2 && s[0] == '[' && s[n - 1] == ']' && n - 2 < sizeof(address)) {
		memcpy(address, s + 1, n - 2);
		address[n - 2] = '\0';
		return inet_pton(AF_INET6, address, &in6) == 1;
	}
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("-._~", s[i]) &&
		    (unsigned char)s[i] < 0x80)
			return false;
	return n > 0 && n <= HOST_MAX;
}

/* host[:port] */
static bool read_host(struct drain_target *t, const char *s, size_t n, char *port, size_t port_size)
{
	const char *colon = memrchr(s, ':', n), *bracket = memrchr(s, ']', n);
	size_t host = colon && (!bracket || colon > bracket) ? (size_t)(colon - s) : n;

	if (!is_host(s, host))
		return false;
	t->host = xstrndup(s, host);
	snprintf(port, port_size, "%.*s", host < n ? (int)(n - host - 1) : 0,
		 s + host + (host < n));
	return true;
}

/* [user[:password]@]; false for a control character. */
static bool read_user(struct drain_target *t, const char *s, size_t n)
{
	const char *colon = memchr(s, ':', n);
	size_t user = colon ? (size_t)(colon - s) : n;

	t->user = decoded(s, user);
	t->password = colon ? decoded(colon + 1, n - user - 1) : NULL;
	return t->user && (!colon || t->password);
}

static int read_port(struct drain_target *t, const char *port, struct error *err)
{
	int64_t n = t->tls ? t->driver->tls_port : t->driver->port;

	if (*port && !str_to_i64(port, 1, 65535, &n))
		return error_set(err, ERROR_INVALID,
				 "The drain's URL has the port \"%.20s\": expected 1 to 65535",
				 port);
	t->port = (uint16_t)n;
	return 0;
}

/* Behind the authority: /path?query#fragment, each of which may be missing. */
static void read_path(struct drain_target *t, const char *s)
{
	size_t path = strcspn(s, "?#");

	t->path = path ? xstrndup(s, path) : xstrdup("/");
	if (s[path] == '?')
		t->query = xstrndup(s + path + 1, strcspn(s + path + 1, "#"));
	if (streq(t->path, "/") && t->driver->path) {
		free(t->path);
		t->path = xstrdup(t->driver->path);
	}
}

static int read_place(const char *s, struct drain_target *t, struct error *err)
{
	size_t n = strcspn(s, "/?#");
	const char *at = memrchr(s, '@', n);
	size_t host = at ? (size_t)(at - s) + 1 : 0;
	char port[24];
	bool is_clean = !at || read_user(t, s, host - 1);

	if (!read_host(t, s + host, n - host, port, sizeof(port)))
		return error_set(
			err, ERROR_INVALID,
			"The drain's URL can't be read: expected a host name or address behind "
			"\"://\", or behind \"@\" when there is a user");
	if (read_port(t, port, err) < 0)
		return -1;
	read_path(t, s + n);
	if (!read_options(t) || !is_clean)
		return error_set(err, ERROR_INVALID,
				 "The drain's URL holds an encoded control character");
	return check_options(t, err);
}

static bool has_blank(const char *s)
{
	for (; *s; s++)
		if (*s == ' ' || is_control(*s))
			return true;
	return false;
}

int drain_target_parse(const char *url, struct drain_target *ret, struct error *err)
{
	const char *behind = strstr(url, "://");
	struct drain_target t = { 0 };
	_cleanup_free_ char *scheme = NULL;

	if (strlen(url) > DRAIN_URL_MAX)
		return error_set(err, ERROR_INVALID, "The drain's URL has more than %d bytes",
				 DRAIN_URL_MAX);
	if (!behind || has_blank(url))
		return error_set(err, ERROR_INVALID, "The drain's URL can't be read: expected %s",
				 kinds);
	scheme = xstrndup(url, (size_t)(behind - url));
	for (char *c = scheme; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!read_scheme(scheme, &t))
		return error_set(err, ERROR_INVALID,
				 "The drain's URL begins with \"%.30s://\": expected %s", scheme,
				 kinds);
	if (read_place(behind + 3, &t, err) < 0) {
		drain_target_done(&t);
		return -1;
	}
	*ret = t;
	return 0;
}
