/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many may come through the door, in all and from one source. A connection is refused before
 * anything is kept of it but its descriptor; a stream of HTTP/2, which costs a connection to a dyno
 * as well, with a page.
 */
#include "route/route-priv.h"

#include <inttypes.h>

#include "base/str.h"

/* A client of the API over TLS passes three frontends: door, door-tls, door-https. */
#define API_STEPS 3
/* Two descriptors each: the client's and the server's. Listeners, logs, questions, and streams
 * beyond one a connection. */
#define SPARE_CONNECTIONS 512
#define PLACES_MIN 64
/* When this part of all places is taken, a source has only this part of its own. */
#define CROWDED(n) ((n)*3 / 4)
#define CROWDED_SHARE(n) ((n) / 8 > 16 ? (n) / 8 : 16)
#define SOURCE "src,ipmask(32,64)"

int64_t route_limits_total(const struct route_limits *l)
{
	return l->apps + API_STEPS * l->api + SPARE_CONNECTIONS;
}

int64_t route_limits_descriptors(const struct route_limits *l)
{
	return 2 * route_limits_total(l) + SPARE_CONNECTIONS;
}

bool route_limits_fit(struct route_limits *l, int64_t n_descriptors)
{
	const struct route_limits none = { 0 };
	int64_t fixed = route_limits_descriptors(&none), need = route_limits_descriptors(l) - fixed;
	int64_t have = n_descriptors > fixed ? n_descriptors - fixed : 0;

	if (need <= have)
		return false;
	l->apps = l->apps * have / need > PLACES_MIN ? l->apps * have / need : PLACES_MIN;
	l->api = l->api * have / need > PLACES_MIN ? l->api * have / need : PLACES_MIN;
	return true;
}

bool route_limits_same(const struct route_limits *a, const struct route_limits *b)
{
	return a->apps == b->apps && a->api == b->api && a->apps_source == b->apps_source &&
	       a->api_source == b->api_source && a->source_rate == b->source_rate &&
	       streq(a->unlimited ? a->unlimited : "", b->unlimited ? b->unlimited : "");
}

static bool has_unlimited(const struct route_config *c)
{
	return c->limits.unlimited && *c->limits.unlimited;
}

void route_render_source_limit(const struct route_config *c, const char *name, int64_t places,
			       int64_t of_source, struct buf *out)
{
	if (has_unlimited(c))
		buf_printf(out, "  tcp-request connection accept if { src %s }\n",
			   c->limits.unlimited);
	buf_printf(out,
		   "  tcp-request connection track-sc0 " SOURCE " table sources-%s\n"
		   "  tcp-request connection reject if { sc0_conn_cur gt %" PRId64 " }\n"
		   "  tcp-request connection reject if { sc0_conn_rate gt %" PRId64 " }\n"
		   "  tcp-request connection reject if { sc0_conn_cur gt %" PRId64
		   " } { fe_conn gt %" PRId64 " }\n",
		   name, of_source, 10 * c->limits.source_rate, CROWDED_SHARE(of_source),
		   CROWDED(places));
}

static char *unless_unlimited(const struct route_config *c, const char *and)
{
	return has_unlimited(c) ? xasprintf(" if %s !{ src %s }", and, c->limits.unlimited)
	       : *and		? xasprintf(" if %s", and)
				: xstrdup("");
}

void route_render_request_limit(const struct route_config *c, const char *name, const char *code,
				int64_t of_source, struct buf *out)
{
	_cleanup_free_ char *unless = unless_unlimited(c, "");

	buf_printf(out,
		   "  http-request track-sc2 " SOURCE " table requests-%s%s\n"
		   "  http-request return status 429 errorfile %s/%s.http if { sc2_conn_cur gt "
		   "%" PRId64 " }\n",
		   name, unless, c->errors_dir, code, of_source);
}

/*
 * A connection of HTTP/1 has one request at a time and is counted as a connection; to count it again
 * would cost each request. So the limit is for streams together with connections, of which the
 * stream's own is one too many.
 */
void route_render_stream_limit(const struct route_config *c, struct buf *out)
{
	_cleanup_free_ char *unless = unless_unlimited(c, "{ fc_http_major 2 }");

	buf_printf(
		out,
		"  http-request track-sc1 " SOURCE " table requests-web%s\n"
		"  http-request set-var(txn.conns) sc0_conn_cur if { fc_http_major 2 }\n"
		"  http-request return status 429 errorfile %s/429.http if { fc_http_major 2 } { "
		"sc1_conn_cur,add(txn.conns) gt %" PRId64 " }\n",
		unless, c->errors_dir, c->limits.apps_source + 1);
}

void route_render_tables(const struct route_config *c, struct buf *out)
{
	static const char *const names[] = { "sources-web", "requests-web", "sources-door",
					     "requests-api" };

	(void)c;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		buf_printf(out,
			   "\nbackend %s from base\n  stick-table type ipv6 size 100k expire 60s "
			   "store conn_cur,conn_rate(10s)\n",
			   names[i]);
}
