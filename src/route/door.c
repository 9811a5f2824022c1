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

#include "base/str.h"

/* A tail is silent for as long as twelved's heartbeats are apart; a build may be for as long as it may take. */
#define API_SILENCE "1h"
#define SESSION_SILENCE "24h"

static bool is_set(const char *s)
{
	return s && *s;
}

static void render_bind(const struct route_config *c, const char *name, const char *rest, struct buf *out)
{
	buf_printf(out, "  bind unix@%s/%s.sock mode 600%s%s accept-proxy%s\n", c->door_dir, name,
		   c->user ? " user " : "", c->user ? c->user : "", rest);
}

static void render_pass(const char *backend, const char *dir, const char *socket, const char *silence,
			const char *options, struct buf *out)
{
	buf_printf(out,
		   "\nbackend %s from door\n  timeout server %s\n"
		   "  server %s unix@%s/%s.sock%s\n",
		   backend, silence, socket, dir, socket, options);
}

/* A client whose network is gone says nothing, as one that waits does; so it is asked, for two minutes. */
static void render_first_bytes(const struct route_config *c, struct buf *out)
{
	buf_printf(out,
		   "\ndefaults door\n  mode tcp\n  timeout connect 5s\n  timeout client " SESSION_SILENCE "\n"
		   "  timeout server " SESSION_SILENCE "\n  timeout client-fin 30s\n"
		   "\nfrontend door from door\n  bind %s\n"
		   "  option clitcpka\n  clitcpka-idle 60s\n  clitcpka-intvl 20s\n  clitcpka-cnt 3\n"
		   "  tcp-request inspect-delay 30s\n"
		   "  tcp-request content accept if { req.len gt 0 }\n"
		   "  tcp-request content reject if WAIT_END\n"
		   "  use_backend to-door-tls if { req.payload(0,1),hex 16 }\n"
		   "  default_backend to-door-plain\n",
		   c->api_address);
	render_pass("to-door-tls", c->door_dir, "door-tls", SESSION_SILENCE, " send-proxy-v2", out);
	render_pass("to-door-plain", c->door_dir, "door-plain", API_SILENCE, " send-proxy-v2", out);
}

/* "SECRET\r\n": what is no request line of HTTP. Node's client sends no SNI, and gets the first certificate of the list. */
static void render_inside_tls(const struct route_config *c, struct buf *out)
{
	_cleanup_free_ char *ssl = xasprintf(" ssl crt-list %s alpn http/1.1", c->cert_list);

	buf_puts(out, "\nfrontend door-tls from door\n");
	render_bind(c, "door-tls", ssl, out);
	buf_puts(out, "  tcp-request inspect-delay 30s\n"
		      "  tcp-request content accept if HTTP\n"
		      "  tcp-request content accept if { req.payload(0,0) -m reg ^[^\\ ]{1,255}\\r\\n }\n"
		      "  tcp-request content reject if WAIT_END\n"
		      "  use_backend to-door-https if HTTP\n"
		      "  default_backend rendezvous\n");
	render_pass("to-door-https", c->door_dir, "door-https", API_SILENCE, " send-proxy-v2", out);
	render_pass("rendezvous", c->door_dir, "rendezvous", SESSION_SILENCE, "", out);
}

static void render_http(const struct route_config *c, const char *name, const char *proto, struct buf *out)
{
	buf_printf(out, "\nfrontend %s from base\n", name);
	render_bind(c, name, "", out);
	buf_printf(out,
		   "  timeout client " API_SILENCE "\n"
		   "  http-request set-header X-Forwarded-Proto %s\n  default_backend api\n",
		   proto);
}

void route_render_door(const struct route_config *c, struct buf *out)
{
	if (!is_set(c->door_dir))
		return;
	buf_printf(out,
		   "\n# certificates %s\nbackend api from base\n"
		   /* What it says of where a request comes from is in the audit trail: no client's word counts. */
		   "  http-request del-header X-Forwarded-For\n  timeout server " API_SILENCE
		   "\n  timeout tunnel " SESSION_SILENCE "\n"
		   "  errorfile 503 %s/API.http\n  server twelved unix@%s/api.sock\n",
		   is_set(c->certs_digest) ? c->certs_digest : "-", c->errors_dir, c->door_dir);
	if (!is_set(c->api_address))
		return;
	render_first_bytes(c, out);
	render_inside_tls(c, out);
	render_http(c, "door-plain", "http", out);
	render_http(c, "door-https", "https", out);
}
