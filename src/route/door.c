/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The platform's own door: on one port the API in plain HTTP and over TLS, git, and
 * rendezvous (what `heroku run` speaks), told apart by their first bytes.
 *
 *     door ──┬─ 0x16: TLS ──▶ door-tls ──┬─ a request line of HTTP ──▶ door-https ──▶ twelved
 *            │                           └─ a rendezvous secret ─────────────────▶ twelved
 *            └─ else ──▶ door-plain ────────────────────────────────────────────▶ twelved
 *
 * The steps are joined by unix sockets, with the client's address in a PROXY header.
 */
#include "route/route-priv.h"

#include <inttypes.h>

#include "base/str.h"

/* A tail is silent for as long as twelved's heartbeats are apart; a build may be for as long as it
 * may take. */
#define API_SILENCE "1h"
#define SESSION_SILENCE "24h"
/* Until a request is whole, or a secret, or a handshake. */
#define FIRST_BYTES "10s"
/* In the middle of a body: git packs what it sends, which takes its time. */
#define BODY_SILENCE "5m"
#define SMALL_BODY_BYTES 65536
/* twelved takes 1024 connections from us (http.c): what is more waits here. */
#define API_REQUESTS 900
/* What a request's head has at most; a longer one is refused by the step that can say so. */
#define HEAD_ROOM 65536

static bool is_set(const char *s)
{
	return s && *s;
}

static void render_bind(const struct route_config *c, const char *name, const char *rest,
			struct buf *out)
{
	buf_printf(out, "  bind unix@%s/%s.sock mode 600%s%s accept-proxy%s\n", c->door_dir, name,
		   c->user ? " user " : "", c->user ? c->user : "", rest);
}

/* The next step closes what is silent too long, so a long time here keeps nobody's place but a
 * session's. */
static void render_pass(const char *backend, const char *dir, const char *socket,
			const char *options, struct buf *out)
{
	buf_printf(out,
		   "\nbackend %s from door\n  timeout tunnel " SESSION_SILENCE "\n"
		   "  server %s unix@%s/%s.sock%s\n",
		   backend, socket, dir, socket, options);
}

/*
 * A client whose network is gone says nothing, as one that waits does; so it is asked, for two
 * minutes. What is plain stays here until its head is whole, and costs one descriptor until then.
 */
static void render_first_bytes(const struct route_config *c, struct buf *out)
{
	buf_printf(
		out,
		"\ndefaults door\n  mode tcp\n  timeout connect 5s\n  timeout client " FIRST_BYTES
		"\n"
		"  timeout server " FIRST_BYTES
		"\n  timeout client-fin 10s\n  timeout server-fin 10s\n"
		"\nfrontend door from door\n  maxconn %" PRId64 "\n  bind %s\n"
		"  option clitcpka\n  clitcpka-idle 60s\n  clitcpka-intvl 20s\n  clitcpka-cnt 3\n",
		c->limits.api, c->api_address);
	route_render_source_limit(c, "door", c->limits.api, c->limits.api_source, out);
	buf_printf(out,
		   "  tcp-request inspect-delay " FIRST_BYTES "\n"
		   "  tcp-request content accept if { req.payload(0,1),hex 16 }\n"
		   "  tcp-request content accept if HTTP\n"
		   "  tcp-request content reject if WAIT_END { req.len lt %d }\n"
		   "  use_backend to-door-tls if { req.payload(0,1),hex 16 }\n"
		   "  default_backend to-door-plain\n",
		   HEAD_ROOM);
	render_pass("to-door-tls", c->door_dir, "door-tls", " send-proxy-v2", out);
	render_pass("to-door-plain", c->door_dir, "door-plain", " send-proxy-v2", out);
}

/* "SECRET\r\n": what is no request line of HTTP. Node's client sends no SNI, and gets the first
 * certificate of the list. */
static void render_inside_tls(const struct route_config *c, struct buf *out)
{
	_cleanup_free_ char *ssl = xasprintf(" ssl crt-list %s alpn http/1.1", c->cert_list);

	buf_printf(out, "\nfrontend door-tls from door\n  maxconn %" PRId64 "\n", c->limits.api);
	render_bind(c, "door-tls", ssl, out);
	buf_printf(
		out,
		"  tcp-request inspect-delay " FIRST_BYTES "\n"
		"  tcp-request content accept if HTTP\n"
		"  tcp-request content accept if { req.payload(0,0) -m reg ^[^\\ ]{1,255}\\r\\n }\n"
		"  tcp-request content reject if WAIT_END { req.len lt %d }\n"
		"  use_backend rendezvous if { req.payload(0,0) -m reg ^[^\\ ]{1,255}\\r\\n } "
		"!HTTP\n"
		"  default_backend to-door-https\n",
		HEAD_ROOM);
	render_pass("to-door-https", c->door_dir, "door-https", " send-proxy-v2", out);
	render_pass("rendezvous", c->door_dir, "rendezvous", "", out);
}

static void render_http(const struct route_config *c, const char *name, const char *proto,
			struct buf *out)
{
	buf_printf(out, "\nfrontend %s from base\n  maxconn %" PRId64 "\n", name, c->limits.api);
	render_bind(c, name, "", out);
	buf_printf(out,
		   "  timeout client " BODY_SILENCE "\n"
		   "  http-request set-header X-Forwarded-Proto %s\n  default_backend api\n",
		   proto);
}

/* What it says of where a request comes from is in the audit trail: no client's word counts. */
static void render_api(const struct route_config *c, struct buf *out)
{
	buf_printf(out,
		   "\n# certificates %s\nbackend api from base\n  option http-server-close\n"
		   "  http-request set-log-level silent\n"
		   "  http-request del-header X-Forwarded-For\n"
		   "  http-request return status 431 errorfile %s/431.http if { req.hdrs,length gt "
		   "%d }\n",
		   is_set(c->certs_digest) ? c->certs_digest : "-", c->errors_dir, HEAD_ROOM);
	route_render_request_limit(c, "api", "API429", c->limits.api_source, out);
	buf_printf(out,
		   "  http-request wait-for-body time " FIRST_BYTES
		   " if { req.hdr(content-length) -m int 1:%d }\n"
		   "  timeout server " API_SILENCE "\n  timeout tunnel " SESSION_SILENCE "\n"
		   "  errorfile 503 %s/API.http\n  server twelved unix@%s/api.sock maxconn %d\n",
		   SMALL_BODY_BYTES, c->errors_dir, c->door_dir, API_REQUESTS);
}

void route_render_door(const struct route_config *c, struct buf *out)
{
	if (!is_set(c->door_dir))
		return;
	render_api(c, out);
	if (!is_set(c->api_address))
		return;
	render_first_bytes(c, out);
	render_inside_tls(c, out);
	render_http(c, "door-plain", "http", out);
	render_http(c, "door-https", "https", out);
}
