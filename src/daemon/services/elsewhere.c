/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services elsewhere: a URL that somebody gave (addons:create external). They are attached, swapped
 * and looked at like the others; there is no server, no volume and no credential of ours. A URL is
 * checked with the health script of the service that knows its scheme, in that service's stack; one
 * that no service knows by a connection to its port.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"
#include "daemon/walls/walls.h"

#define CHECK_EVERY_MS 300000
#define CHECK_TIMEOUT_MS 30000

static const char connect_script[] =
	"timeout 10 bash -c 'exec 3<>\"/dev/tcp/$HOST/$PORT\"' 2>/dev/null || "
	"{ echo \"$HOST does not answer at port $PORT\"; exit 1; }";
static const char health_script[] = "timeout 20 /app/bin/health";

/* ---- URLs (RFC 3986, 3) ---- */

struct url {
	char *scheme, *host, *port;
};

static void url_done(struct url *u)
{
	free(u->scheme);
	free(u->host);
	free(u->port);
}

static const char *usual_port(const char *scheme)
{
	static const char *const known[][2] = { { "postgres", "5432" }, { "postgresql", "5432" },
						{ "mysql", "3306" },	{ "redis", "6379" },
						{ "rediss", "6379" },	{ "amqp", "5672" },
						{ "amqps", "5671" },	{ "http", "80" },
						{ "https", "443" },	{ "mongodb", "27017" },
						{ "smtp", "25" },	{ "memcached", "11211" } };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (streq(known[i][0], scheme))
			return known[i][1];
	return NULL;
}

static int no_url(const char *why, struct error *err)
{
	return error_set(err, ERROR_INVALID,
			 "The URL can't be read: %s. It looks like "
			 "postgres://USER:PASSWORD@HOST:PORT/DATABASE",
			 why);
}

static int split_host(struct url *u, const char *authority, size_t n, struct error *err)
{
	const char *at = memrchr(authority, '@', n), *host = at ? at + 1 : authority;
	size_t left = n - (size_t)(host - authority);
	const char *close = left && host[0] == '[' ? memchr(host, ']', left) : NULL;
	const char *from = close ? close : host;
	const char *colon = memchr(from, ':', left - (size_t)(from - host));
	int64_t port;

	u->host = close ? xstrndup(host + 1, (size_t)(close - host - 1))
			: xstrndup(host, colon ? (size_t)(colon - host) : left);
	if (colon)
		u->port = xstrndup(colon + 1, left - (size_t)(colon + 1 - host));
	else if (usual_port(u->scheme))
		u->port = xstrdup(usual_port(u->scheme));
	if (!u->host[0] || strspn(u->host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789.-_:%") != strlen(u->host))
		return no_url("it names no host", err);
	if (!u->port || !str_to_i64(u->port, 1, 65535, &port))
		return no_url(u->port ? "its port is none"
				      : "it names no port, and its scheme has none",
			      err);
	return 0;
}

static int url_parse(const char *text, struct url *u, struct error *err)
{
	size_t n = strcspn(text, ":");

	for (const char *p = text; *p; p++)
		if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f)
			return no_url("it has characters that must be percent-encoded", err);
	if (!n || strncmp(text + n, "://", 3) != 0 || !isalpha((unsigned char)text[0]))
		return no_url("it does not begin with SCHEME://", err);
	u->scheme = xstrndup(text, n);
	for (char *p = u->scheme; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	text += n + 3;
	return split_host(u, text, strcspn(text, "/?#"), err);
}

/* The password is between the first colon of the user's part and its "@". */
char *addon_shown_url(const char *url)
{
	const char *from = strstr(url, "://"), *end, *at, *colon;

	if (!from)
		return xstrdup("");
	from += 3;
	end = from + strcspn(from, "/?#");
	at = memrchr(from, '@', (size_t)(end - from));
	colon = at ? memchr(from, ':', (size_t)(at - from)) : NULL;
	/* A query may hold a password too, so it is left out. */
	if (!colon)
		return xstrndup(url, strcspn(url, "?#"));
	return xasprintf("%.*s:***%.*s", (int)(colon - url), url, (int)strcspn(at, "?#"), at);
}

/* ---- looking whether it answers ---- */

struct check {
	addon_check_fn fn;
	void *userdata;
	bool is_private; /* an address that sandboxes don't reach, unless it was allowed */
};

static void on_checked(const struct addon_job_result *result, void *userdata)
{
	struct check *c = userdata;
	const char *reason =
		result->reason && result->reason[0] ? result->reason : "it does not answer";
	_cleanup_free_ char *hint =
		c->is_private ? xasprintf("%s (it is not of the public internet: an administrator "
					  "may allow it, see twelve help egress:allow)",
					  reason)
			      : NULL;

	c->fn(result->ok ? NULL : hint ? hint : reason, c->userdata);
	free(c);
}

static bool is_walled_off(const struct services *sv, const char *host)
{
	struct net_egress e = { 0 };
	struct error ignored = ERROR_INIT;

	return walls_are_up(sv->walls) && net_egress_parse(host, &e, &ignored) == 0 &&
	       !net_egress_is_public(&e);
}

struct addon_job *services_check_url(struct services *sv, const char *app_id, const char *text,
				     addon_check_fn fn, void *userdata, struct error *err)
{
	const struct service *s = service_set_by_url(&sv->catalog, text);
	_cleanup_free_ char *empty = xasprintf("%s/empty", sv->platform->settings.state_dir);
	const char *const argv[] = { "/bin/bash", "-c", s ? health_script : connect_script, NULL };
	struct addon_job_order o = { .packages = s ? s->packages : NULL,
				     .lower = s ? s->dir : empty,
				     .argv = argv,
				     .walls = sv->walls,
				     .owner_id = app_id,
				     .timeout_ms = CHECK_TIMEOUT_MS };
	struct addon_job *job = NULL;
	struct check *c;
	struct url u = { 0 };

	if (url_parse(text, &u, err) < 0 || fs_mkdirs(empty, 0755) < 0) {
		url_done(&u);
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	*c = (struct check){ .fn = fn,
			     .userdata = userdata,
			     .is_private = is_walled_off(sv, u.host) };
	o.env = json_pack("{s:s, s:s, s:s}", "URL", text, "HOST", u.host, "PORT", u.port);
	if (addon_job_start(sv->platform, &o, on_checked, c, &job, err) < 0)
		free(c);
	json_decref(o.env);
	url_done(&u);
	return job;
}

/* ---- a life without a server ---- */

static void on_looked(const char *reason, void *userdata)
{
	struct resource *r = userdata;
	struct error err = ERROR_INIT;
	struct addon a = { 0 };

	r->job = NULL;
	r->healthy = !reason;
	r->healthy_since_ms = clock_now_ms();
	if (store_addon_get(r->owner->platform->store, r->id, &a, &err) < 0) {
		log_error("add-on %s: %s", r->id, err.message);
		resource_retry(r);
		return;
	}
	if (reason && !a.reason)
		addon_say(r->owner, &a, "%s does not answer: %s", a.name, reason);
	addon_set_reason(&a, reason ? xasprintf("does not answer: %s", reason) : NULL);
	addon_save(r->owner, &a);
	addon_done(&a);
	r->pause_ms = r->not_before_ms = 0;
	watch_arm(r->timer, CHECK_EVERY_MS);
}

static void look(struct resource *r, const struct addon *a)
{
	struct error err = ERROR_INIT;

	if (r->job ||
	    (r->healthy_since_ms && clock_now_ms() - r->healthy_since_ms < CHECK_EVERY_MS))
		return;
	r->healthy_since_ms = clock_now_ms();
	r->job = services_check_url(r->owner, a->app_id, addon_url(a), on_looked, r, &err);
	if (!r->job) {
		log_warn("add-on %s: %s", a->name, err.message);
		r->healthy_since_ms = 0;
		resource_retry(r);
	}
}

static void remove_row(struct resource *r, const struct addon *a)
{
	struct error err = ERROR_INIT;

	if (r->job || reference_has(r->owner, a->id))
		return;
	if (store_addon_delete(r->owner->platform->store, a->id, &err) < 0) {
		log_error("add-on %s: %s", a->name, err.message);
		resource_retry(r);
		return;
	}
	resource_turn_soon(r);
}

void addon_elsewhere_turn(struct resource *r, struct addon *a)
{
	struct error err = ERROR_INIT;

	if (r->owner->references_old && references_read(r->owner, &err) < 0)
		log_error("add-ons: %s", err.message);
	if (r->failed && a->state == ADDON_PROVISIONING) {
		a->state = ADDON_DEPROVISIONED;
		addon_save(r->owner, a);
		resource_turn_soon(r);
		return;
	}
	if (addon_provider(a))
		addon_provider_turn(r, a);
	else if (a->state == ADDON_PROVISIONING)
		addon_attach_first(r, a);
	else if (a->state == ADDON_DEPROVISIONING)
		remove_row(r, a);
	else
		look(r, a);
}
