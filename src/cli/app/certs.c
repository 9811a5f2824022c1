/* SPDX-License-Identifier: Apache-2.0 */
/* certs and its verbs: certificates of an app's domains, brought or got by themselves. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"

#define PEM_MAX_BYTES 65536

/* ---- shared ---- */

static char *names_text(const json_t *names, const char *between)
{
	struct buf b = BUF_INIT;
	const json_t *name;
	size_t i;

	json_array_foreach (names, i, name)
		buf_printf(&b, "%s%s", i ? between : "",
			   json_string_value(name) ? json_string_value(name) : "");
	return b.len ? buf_steal(&b) : xstrdup("");
}

/* "2027/02/23". */
#define DAY_SIZE 16
static char *day_text(int64_t at_ms, char buf[static DAY_SIZE])
{
	time_t at = (time_t)(at_ms / 1000);
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(buf, DAY_SIZE, "%Y/%m/%d", &tm);
	return buf;
}

/* "2027/02/23 (in 90d)". */
static char *expiry_text(const json_t *endpoint)
{
	int64_t at_ms = json_time(endpoint, "ssl_cert.expires_at"),
		left_ms = at_ms - clock_wall_ms();
	char stamp[DAY_SIZE], left[DURATION_SIZE];

	day_text(at_ms, stamp);
	if (left_ms < 0)
		return xasprintf("%s (expired)", stamp);
	return xasprintf("%s (in %s)", stamp, duration_text(left_ms, left));
}

static const char *trust_text(const json_t *endpoint)
{
	const json_t *cert = json_at(endpoint, "ssl_cert");

	if (json_is_true(json_object_get(cert, "ca_signed?")))
		return "yes";
	return json_is_true(json_object_get(cert, "self_signed?")) ? "self-signed" : "no";
}

static int read_pem(const char *path, struct buf *text, struct error *err)
{
	int r = fs_read_file(streq(path, "-") ? "/dev/stdin" : path, PEM_MAX_BYTES, text);

	return r < 0 ? error_set_errno(err, r, "reading %s", path) : 0;
}

/* {certificate_chain, private_key} of the two files. */
static json_t *read_body(struct cli *c, struct error *err)
{
	_cleanup_buf_ struct buf chain = BUF_INIT, key = BUF_INIT;
	json_t *body = NULL;

	if (read_pem(cli_rest(c, 0), &chain, err) < 0 || read_pem(cli_rest(c, 1), &key, err) < 0)
		return NULL;
	body = json_pack("{s:s, s:s}", "certificate_chain", chain.data, "private_key", key.data);
	if (!body)
		error_set(err, ERROR_INVALID, "%s and %s must be PEM texts", cli_rest(c, 0),
			  cli_rest(c, 1));
	explicit_bzero(key.data, key.len);
	return body;
}

/* The endpoint of --name, or the only one. */
static int find_endpoint(struct cli *c, const char *app, json_t **ret, struct error *err)
{
	const char *name = cli_get(c, "name");
	_cleanup_json_ json_t *list = NULL;

	if (name)
		return api_get(c->api, ret, err, "/apps/%s/sni-endpoints/%s", app, name);
	if (api_get(c->api, &list, err, "/apps/%s/sni-endpoints", app) < 0)
		return -1;
	if (json_array_size(list) == 0)
		return error_set(
			err, ERROR_NOT_FOUND,
			"%s has no certificate: add one with twelve certs:add CRT KEY -a %s", app,
			app);
	if (json_array_size(list) > 1)
		return error_set(err, ERROR_INVALID,
				 "%s has several certificates: choose one with --name (twelve "
				 "certs -a %s lists them)",
				 app, app);
	*ret = json_incref(json_array_get(list, 0));
	return 0;
}

static const struct arg_option name_option[] = {
	{ "name", "NAME", "the certificate, if there are several", 0 },
	{ NULL, NULL, NULL, 0 },
};

/* ---- certs, certs:info ---- */

static int certs_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "NAME",	   "COMMON NAMES", "EXPIRES",
						"TRUSTED", "TYPE",	   "DOMAINS" };
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *list = NULL;
	_cleanup_table_ struct table t;
	const json_t *e;
	size_t i;

	table_init(&t, ARRAY_SIZE(headings), headings);
	if (!app || !cli_api(c, err) ||
	    api_get(c->api, &list, err, "/apps/%s/sni-endpoints", app) < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, e) {
		_cleanup_free_ char *names = names_text(json_at(e, "ssl_cert.cert_domains"), ", "),
				    *expiry = expiry_text(e);
		_cleanup_free_ char *n = xasprintf("%zu", json_array_size(json_at(e, "domains")));

		table_add(&t, json_str(e, "name", ""), names, expiry, trust_text(e),
			  json_bool(e, "ssl_cert.acm") ? "ACM" : "SNI", n);
	}
	if (json_array_size(list))
		table_print(c, &t);
	else
		note(c,
		     "%s has no certificates. Add one with twelve certs:add CRT KEY, or get them "
		     "by themselves: twelve certs:auto:enable",
		     app);
	return 0;
}

static const struct command cmd_certs = {
	.name = "certs",
	.usage = "",
	.summary = "list the certificates of an app",
	.flags = CMD_APP | CMD_JSON,
	.run = certs_run,
	.examples = "twelve certs -a shop",
};

static void print_endpoint(struct cli *c, const json_t *e)
{
	_cleanup_free_ char *names = names_text(json_at(e, "ssl_cert.cert_domains"), ", "),
			    *expiry = expiry_text(e);
	_cleanup_table_ struct table t;
	char starts[DAY_SIZE];

	table_init(&t, 2, NULL);
	table_add(&t, "Name:", json_str(e, "name", ""));
	table_add(&t, "Common names:", names);
	table_add(&t, "Starts:", day_text(json_time(e, "ssl_cert.starts_at"), starts));
	table_add(&t, "Expires:", expiry);
	table_add(&t, "Subject:", json_str(e, "ssl_cert.subject", "?"));
	table_add(&t, "Issuer:", json_str(e, "ssl_cert.issuer", "?"));
	table_add(&t, "SHA-256:", json_str(e, "ssl_cert.fingerprint", "?"));
	table_add(&t, "Trusted:", trust_text(e));
	table_add(&t, "Automatic:", json_bool(e, "ssl_cert.acm") ? "yes" : "no");
	table_print(c, &t);
}

static int certs_info_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *e = NULL;

	if (!app || !cli_api(c, err) || find_endpoint(c, app, &e, err) < 0)
		return -1;
	if (cli_has(c, "json"))
		print_json(e);
	else
		print_endpoint(c, e);
	return 0;
}

static const struct command cmd_certs_info = {
	.name = "certs:info",
	.usage = "",
	.summary = "show a certificate",
	.flags = CMD_APP | CMD_JSON,
	.options = name_option,
	.run = certs_info_run,
	.examples = "twelve certs:info -a shop\ntwelve certs:info --name quiet-river-4821 -a shop",
};

/* ---- certs:add, certs:update, certs:remove ---- */

static bool covers(const json_t *names, const char *host)
{
	const char *rest = strchr(host, '.');
	const json_t *item;
	size_t i;

	json_array_foreach (names, i, item) {
		const char *name = json_string_value(item);

		if (strcasecmp(name, host) == 0 ||
		    (str_starts(name, "*.") && rest && strcasecmp(name + 1, rest) == 0))
			return true;
	}
	return false;
}

/* Domains that have none and that this one is for are served with it. */
static int serve_domains(struct cli *c, const char *app, const json_t *e, struct error *err)
{
	_cleanup_json_ json_t *domains = NULL;
	const json_t *d;
	size_t i, n = 0;

	if (api_get(c->api, &domains, err, "/apps/%s/domains", app) < 0)
		return -1;
	json_array_foreach (domains, i, d) {
		const char *host = json_str(d, "hostname", "");
		_cleanup_free_ char *escaped = api_escape(host);

		if (streq(json_str(d, "kind", ""), "heroku") ||
		    json_is_object(json_object_get(d, "sni_endpoint")) ||
		    !covers(json_at(e, "ssl_cert.cert_domains"), host))
			continue;
		if (api_request(c->api, "PATCH",
				json_pack("{s:s}", "sni_endpoint", json_str(e, "name", "")), NULL,
				err, "/apps/%s/domains/%s", app, escaped) < 0)
			return -1;
		note(c, "%s is served with it", host);
		n++;
	}
	if (!n)
		note(c,
		     "No domain of %s is served with it yet: add one with twelve domains:add, then "
		     "certs:use NAME DOMAIN",
		     app);
	return 0;
}

static int certs_add_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *e = NULL;
	json_t *body;

	if (!app || !cli_api(c, err) || !(body = read_body(c, err)))
		return -1;
	if (api_request(c->api, "POST", body, &e, err, "/apps/%s/sni-endpoints", app) < 0)
		return -1;
	if (!cli_has(c, "json"))
		note(c, "Added the certificate %s to %s", json_str(e, "name", "?"), app);
	if (serve_domains(c, app, e, err) < 0)
		return -1;
	if (cli_has(c, "json"))
		print_json(e);
	else
		print_endpoint(c, e);
	return 0;
}

static const struct command cmd_certs_add = {
	.name = "certs:add",
	.usage = "CRT KEY",
	.min_args = 2,
	.max_args = 2,
	.summary = "add a certificate with its chain and key",
	.flags = CMD_APP | CMD_JSON,
	.run = certs_add_run,
	.details = "CRT holds the server's certificate followed by the certificates of its "
		   "issuers, KEY its private key without a password; both in PEM, - is standard "
		   "input. It is used for those domains of the app that it covers and that have no "
		   "certificate yet. With an RSA and an EC certificate for the same name, each "
		   "client gets the one it supports.",
	.examples = "twelve certs:add shop.crt shop.key -a shop",
};

static int certs_update_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *e = NULL, *after = NULL;
	json_t *body;

	if (!app || !cli_api(c, err) || find_endpoint(c, app, &e, err) < 0 ||
	    !(body = read_body(c, err)))
		return -1;
	if (api_request(c->api, "PATCH", body, &after, err, "/apps/%s/sni-endpoints/%s", app,
			json_str(e, "name", "")) < 0)
		return -1;
	if (printed_json(c, after))
		return 0;
	note(c, "Updated the certificate %s of %s", json_str(e, "name", "?"), app);
	print_endpoint(c, after);
	return 0;
}

static const struct command cmd_certs_update = {
	.name = "certs:update",
	.usage = "CRT KEY",
	.min_args = 2,
	.max_args = 2,
	.summary = "replace a certificate and its key",
	.flags = CMD_APP | CMD_JSON,
	.options = name_option,
	.run = certs_update_run,
	.details =
		"Connections stay open. The new certificate must cover all domains of the old one.",
	.examples = "twelve certs:update shop.crt shop.key -a shop",
};

static int certs_remove_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *e = NULL;

	if (!app || !cli_api(c, err) || find_endpoint(c, app, &e, err) < 0)
		return -1;
	if (api_request(c->api, "DELETE", NULL, NULL, err, "/apps/%s/sni-endpoints/%s", app,
			json_str(e, "name", "")) < 0)
		return -1;
	note(c, "Removed the certificate %s from %s", json_str(e, "name", "?"), app);
	return 0;
}

static const struct command cmd_certs_remove = {
	.name = "certs:remove",
	.usage = "",
	.summary = "remove a certificate",
	.flags = CMD_APP,
	.options = name_option,
	.run = certs_remove_run,
	.details = "Its domains are then served with the platform's own certificate, which "
		   "browsers don't trust.",
	.examples = "twelve certs:remove --name quiet-river-4821 -a shop",
};

static int certs_use_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err), *name = cli_rest(c, 0);
	_cleanup_free_ char *host = api_escape(cli_rest(c, 1));

	if (!app || !cli_api(c, err))
		return -1;
	if (api_request(c->api, "PATCH",
			json_pack("{s:s?}", "sni_endpoint", streq(name, "none") ? NULL : name),
			NULL, err, "/apps/%s/domains/%s", app, host) < 0)
		return -1;
	note(c, "%s is served with %s", cli_rest(c, 1),
	     streq(name, "none") ? "no certificate of its own" : name);
	return 0;
}

static const struct command cmd_certs_use = {
	.name = "certs:use",
	.usage = "NAME DOMAIN",
	.min_args = 2,
	.max_args = 2,
	.summary = "choose the certificate of a domain",
	.flags = CMD_APP,
	.run = certs_use_run,
	.details = "NAME is a name that twelve certs shows, or none.",
	.examples = "twelve certs:use quiet-river-4821 shop.example.com -a shop",
};

/* ---- certs:auto ---- */

static int certs_auto_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "DOMAIN", "STATUS", "NEXT", "REASON" };
	_cleanup_json_ json_t *info = NULL, *domains = NULL;
	const char *app = cli_app(c, err);
	_cleanup_table_ struct table t;
	const json_t *d;
	size_t i, n = 0;

	table_init(&t, ARRAY_SIZE(headings), headings);
	if (!app || !cli_api(c, err) || api_get(c->api, &info, err, "/apps/%s", app) < 0 ||
	    api_get(c->api, &domains, err, "/apps/%s/domains", app) < 0)
		return -1;
	if (printed_json(c, domains))
		return 0;
	if (!json_bool(info, "acm")) {
		note(c,
		     "%s has no automatic certificates: twelve certs:auto:enable -a %s turns them "
		     "on",
		     app, app);
		return 0;
	}
	json_array_foreach (domains, i, d) {
		int64_t left_ms = json_time(d, "twelve.acm_next_at") - clock_wall_ms();
		char next[DURATION_SIZE] = "";

		if (streq(json_str(d, "kind", ""), "heroku"))
			continue;
		n++;
		if (json_time(d, "twelve.acm_next_at"))
			duration_text(left_ms, next);
		table_add(&t, json_str(d, "hostname", ""),
			  json_str(d, "acm_status", "own certificate"), next,
			  json_str(d, "acm_status_reason", ""));
	}
	if (!n)
		note(c, "%s has no domain that needs a certificate: twelve domains:add adds one",
		     app);
	else
		table_print(c, &t);
	return 0;
}

static const struct command cmd_certs_auto = {
	.name = "certs:auto",
	.usage = "",
	.summary = "show the status of automatic certificates",
	.flags = CMD_APP | CMD_JSON,
	.run = certs_auto_run,
	.details = "NEXT is the time until the certificate is renewed, or requested again after a "
		   "failure.",
	.examples = "twelve certs:auto -a shop",
};

static int change_auto(struct cli *c, const char *method, const char *done, json_t **ret,
		       struct error *err)
{
	const char *app = cli_app(c, err);

	if (!app || !cli_api(c, err) ||
	    api_request(c->api, method, NULL, ret, err, "/apps/%s/acm", app) < 0)
		return -1;
	note(c, "%s %s", app, done);
	return 0;
}

static void warn_of_port(struct cli *c, const json_t *info)
{
	int64_t port = json_i64(info, "twelve.http_port", 80);

	if (port != 80)
		note(c,
		     "The authority looks at port 80 of each domain, and apps are served on port "
		     "%lld here (TWELVE_HTTP): unless port "
		     "80 is led there, it will find nothing",
		     (long long)port);
}

static int certs_auto_enable_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *info = NULL;
	int r = change_auto(c, "POST",
			    "gets certificates for its domains, and has them renewed. How they "
			    "are: twelve certs:auto",
			    &info, err);

	if (r == 0)
		warn_of_port(c, info);
	return r;
}

static const struct command cmd_certs_auto_enable = {
	.name = "certs:auto:enable",
	.usage = "",
	.summary = "get and renew certificates for an app's domains by ACME",
	.flags = CMD_APP,
	.run = certs_auto_enable_run,
	.details =
		"The authority is Let's Encrypt or that of TWELVE_ACME_DIRECTORY; enabling agrees "
		"to its terms. It requests http://DOMAIN/.well-known/acme-challenge/ on port 80, "
		"so the domain's DNS must point to this machine, and the port to TWELVE_HTTP. "
		"Wildcards are not possible: use certs:add. Domains with a certificate of their "
		"own are left alone. Certificates are renewed 30 days before they expire.",
	.examples = "twelve certs:auto:enable -a shop",
};

static int certs_auto_disable_run(struct cli *c, struct error *err)
{
	return change_auto(c, "DELETE", "has no automatic certificates any more", NULL, err);
}

static const struct command cmd_certs_auto_disable = {
	.name = "certs:auto:disable",
	.usage = "",
	.summary = "remove automatic certificates and stop renewing them",
	.flags = CMD_APP,
	.run = certs_auto_disable_run,
	.examples = "twelve certs:auto:disable -a shop",
};

static int certs_auto_refresh_run(struct cli *c, struct error *err)
{
	return change_auto(c, "PATCH", "asks again now for what failed", NULL, err);
}

static const struct command cmd_certs_auto_refresh = {
	.name = "certs:auto:refresh",
	.usage = "",
	.summary = "retry certificates that failed",
	.flags = CMD_APP,
	.run = certs_auto_refresh_run,
	.details = "Authorities limit failed requests: correct the DNS of the domain first.",
	.examples = "twelve certs:auto:refresh -a shop",
};

const struct command *const certs_commands[] = {
	&cmd_certs,
	&cmd_certs_info,
	&cmd_certs_add,
	&cmd_certs_update,
	&cmd_certs_remove,
	&cmd_certs_use,
	&cmd_certs_auto,
	&cmd_certs_auto_enable,
	&cmd_certs_auto_disable,
	&cmd_certs_auto_refresh,
	NULL,
};
