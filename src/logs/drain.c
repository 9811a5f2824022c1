/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of drains, and what their URLs look like to people; see drain.h. */
#include "logs/drain.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

const struct drain_driver *const drain_drivers[] = {
	&drain_syslog, &drain_logplex, &drain_fluent, &drain_elastic,
	&drain_splunk, &drain_loki,    &drain_otlp,   NULL,
};

char *drain_http_url(const struct drain_target *t)
{
	const char *query = t->driver == &drain_logplex && t->query ? t->query : NULL;

	return xasprintf("%s://%s:%u%s%s%s", t->tls ? "https" : "http", t->host, t->port, t->path,
			 query ? "?" : "", query ? query : "");
}

char *drain_target_name(const struct drain_target *t)
{
	const char *secure =
		t->driver->transport == DRAIN_HTTP ? (t->tls ? "https" : "http") : "tls";

	if (t->driver == &drain_logplex)
		return xasprintf("%s://%s:%u", secure, t->host, t->port);
	if (t->driver->transport != DRAIN_HTTP && !t->tls)
		return xasprintf("%s://%s:%u", t->driver->scheme, t->host, t->port);
	return xasprintf("%s+%s://%s:%u", t->driver->scheme, secure, t->host, t->port);
}

/* Options whose values are secrets. */
static bool is_secret(const char *name, size_t n)
{
	static const char *const secrets[] = { "shared_key", "api_key",	 "token",
					       "key",	     "password", "secret" };

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
		return error_set(err, ERROR_INVALID,
				 "The format is \"%.20s\": expected raw or records", format);
	if (streq(format, "records") && t->driver == &drain_logplex)
		return error_set(
			err, ERROR_INVALID,
			"An %s drain carries raw lines only: its format (Logplex) has no fields",
			t->tls ? "https" : "http");
	return 0;
}
