/* SPDX-License-Identifier: Apache-2.0 */
/*
 * haproxy.cfg. What changes while it runs (hosts, states, dynos' names) is in
 * maps; the ports are here and are kept right by the router, so that a HAProxy
 * that comes back after a kill routes as before. The comments behind backends
 * and servers carry what the file alone doesn't say; route_parse_apps() reads them.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "route/route-priv.h"

/* Labels that a wildcard is looked for behind: *.c.d, *.d for a.b.c.d, and so on. */
#define WILDCARD_DEPTH 5

/* Of a request and of a response: the lines of the head together. */
#define HEAD_MAX_BYTES 65536
#define BUFFER_BYTES 81920
/* A body of this size is there as a whole before a dyno gets the request. */
#define SMALL_BODY_BYTES 65536
/* Of a client, in the middle of a request or of taking a response. */
#define CLIENT_SILENCE_MS 55000
/* Longer than a client may be silent, so that a dyno is not blamed for a client that pauses. */
#define UPLOAD_SILENCE_MS 60000

static const char *const state_names[] = {
	[ROUTE_FREE] = "free",
	[ROUTE_READY] = "ready",
	[ROUTE_DRAIN] = "drain",
};

static void render_global(const struct route_config *c, struct buf *out)
{
	buf_puts(out, "# Written by twelved; changes are lost.\n"
		      "global\n"
		      /* WebSockets live on in the old worker after a reload; a day is long enough
			 for both. */
		      "  hard-stop-after 24h\n"
		      "  mworker-max-reloads 25\n");
	buf_printf(out, "  stats socket %s mode 600 level admin\n  maxconn %" PRId64 "\n",
		   c->runtime_socket, route_limits_total(&c->limits));
	/* What is larger is refused with a sentence: the buffer has room for what we put in, too.
	 */
	buf_printf(out, "  tune.bufsize %d\n  tune.maxrewrite 4096\n  tune.http.maxhdr 256\n",
		   BUFFER_BYTES);
	/* Nothing here makes requests by its HTTP client, for which each check, load and worker would
	 * parse all certificate authorities of the machine: three quarters of its time. */
	buf_puts(out, "  httpclient.ssl.verify none\n");
	if (c->user)
		buf_printf(out, "  user %s\n  group %s\n", c->user, c->user);
	if (c->n_threads)
		buf_printf(out, "  nbthread %d\n", c->n_threads);
}

static void render_defaults(const struct route_config *c, struct buf *out)
{
	static const char *const pages[][2] = { { "400", "400" },
						{ "408", "408" },
						{ "503", "H21" },
						{ "504", "H28" },
						{ "500", "H99" } };

	buf_puts(out, "\ndefaults base\n"
		      "  mode http\n"
		      "  option forwardfor\n"
		      "  option dontlognull\n"
		      "  option http-ignore-probes\n"
		      "  option idle-close-on-response\n"
		      "  option redispatch 1\n"
		      "  retries 3\n"
		      "  retry-on conn-failure\n"
		      "  timeout connect 5s\n"
		      "  timeout queue 10s\n"
		      "  timeout http-request 10s\n"
		      "  timeout http-keep-alive 60s\n"
		      "  timeout client-fin 10s\n"
		      "  timeout tunnel 1h\n");
	/* A handshake is no silence that a client has earned; before 3.0 the client's timeout is
	 * its only limit. */
	buf_puts(out, ".if version_atleast(3.0)\n  timeout client-hs 10s\n.endif\n");
	buf_printf(out, "  timeout server %" PRId64 "ms\n  timeout client %dms\n",
		   c->timeout_idle_ms, CLIENT_SILENCE_MS);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		buf_printf(out, "  errorfile %s %s/%s.http\n", pages[i][0], c->errors_dir,
			   pages[i][1]);
	buf_printf(out,
		   "  http-error status 502 content-type \"text/html; charset=utf-8\" lf-file "
		   "%s/502.html hdr Cache-Control no-store\n",
		   c->errors_dir);
}

/* HAProxy's 502 and 504 are Heroku's 503; a dyno's own stay as they are. */
static void render_no_answer(struct buf *out)
{
	buf_printf(out, "  http-request set-timeout server %dms if { var(txn.upload) -m found }\n",
		   UPLOAD_SILENCE_MS);
	buf_puts(out, "  http-response set-var(txn.answered) bool(1) if { status 502 504 }\n"
		      "  http-after-response set-var(txn.state) str(upload) if { status 504 } { "
		      "var(txn.upload) -m found }"
		      " !{ var(txn.answered) -m found }\n"
		      "  http-after-response set-status 503 reason \"Service Unavailable\""
		      " if { status 502 } !{ var(txn.answered) -m found }\n");
}

/* The state's page is answered in the backend, so that it counts there: see router_counts(). */
static void render_apps_defaults(const struct route_config *c, struct buf *out)
{
	static const char *const states[] = { "H10", "H14", "H20", "H81" };

	buf_puts(out, "\ndefaults apps from base\n  balance leastconn\n");
	route_render_keep(out);
	/* With HAProxy 3.0 it is that of the first byte, too. */
	buf_printf(out, ".if version_atleast(3.0)\n  errorfile 504 %s/H12.http\n.endif\n",
		   c->errors_dir);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		buf_printf(out,
			   "  http-request return status 503 errorfile %s/%s.http"
			   " if { var(txn.state) -m str %s }\n",
			   c->errors_dir, states[i], states[i]);
	render_no_answer(out);
}

/* In the frontend, before a dyno has the request: its time has not begun. */
static void render_body(struct buf *out)
{
	buf_printf(
		out,
		"  http-request set-var(txn.upload) req.hdr(content-length) if { var(txn.once) -m "
		"int 1 } { req.hdr(content-length) -m int gt %d }\n"
		"  http-request set-var(txn.upload) str(-) if { var(txn.once) -m int 1 } { "
		"req.hdr(transfer-encoding) -m found }\n"
		"  http-request set-var(txn.upload) str(-) if { var(txn.once) -m int 1 } { req.ver "
		"2.0 } { method POST PUT PATCH DELETE }"
		" !{ req.hdr(content-length) -m found }\n"
		"  http-request wait-for-body time %dms if { var(txn.once) -m int 1 } { "
		"req.hdr(content-length) -m int 1:%d }\n"
		"  http-request set-var(txn.start) date(0,us) if { var(txn.once) -m int 1 }\n",
		SMALL_BODY_BYTES, CLIENT_SILENCE_MS, SMALL_BODY_BYTES);
}

/* Whom to refuse once the app is known, whose log then says so. */
static void render_refusals(const struct route_config *c, struct buf *out)
{
	buf_printf(out,
		   "  http-request return status 431 errorfile %s/431.http if { "
		   "req.hdrs,length gt %d }\n",
		   c->errors_dir, HEAD_MAX_BYTES);
	route_render_stream_limit(c, out);
}

/* Before anything of the app: maintenance, and having no dyno, must not keep a certificate from
 * being renewed. */
static void render_challenges(const struct route_config *c, struct buf *out)
{
	static const char is[] = "{ path_beg /.well-known/acme-challenge/ }";

	buf_printf(out,
		   "  http-request set-var(txn.acme) var(txn.host),map_str(%s/%s)"
		   " if %s { path -m reg ^/[.]well-known/acme-challenge/[A-Za-z0-9_-]+$ }\n"
		   "  http-request set-log-level silent if %s { var(txn.acme) -m found }\n"
		   "  http-request return status 200 content-type text/plain lf-string"
		   " %%[path,field(4,/)].%%[var(txn.acme)] if %s { var(txn.acme) -m found }\n",
		   c->maps_dir, route_map_files[ROUTE_MAP_ACME], is, is, is);
}

/* The longest suffix first: a label less each time. */
static void render_wildcards(const struct route_config *c, struct buf *out)
{
	if (!route_has_wildcards(c))
		return;
	buf_puts(out, "  http-request set-var(txn.rest) var(txn.host) if !{ var(txn.backend) -m "
		      "found }\n");
	for (int i = 0; i < WILDCARD_DEPTH; i++)
		buf_printf(out,
			   "  http-request set-var(txn.rest) 'var(txn.rest),regsub(^[^.]*[.]?,)'"
			   " if !{ var(txn.backend) -m found }\n"
			   "  http-request set-var(txn.backend) "
			   "str(*.),concat(,txn.rest),map_str(%s/%s)"
			   " if !{ var(txn.backend) -m found }\n",
			   c->maps_dir, route_map_files[ROUTE_MAP_HOSTS]);
}

static void render_lookup(const struct route_config *c, struct buf *out)
{
	buf_puts(out, "  http-request set-var(txn.host) req.hdr(host),host_only,lower,rtrim(.)\n");
	render_challenges(c, out);
	buf_printf(out, "  http-request set-var(txn.backend) var(txn.host),map_str(%s/%s)\n",
		   c->maps_dir, route_map_files[ROUTE_MAP_HOSTS]);
	render_wildcards(c, out);
	buf_printf(out,
		   "  http-request set-log-level silent if !{ var(txn.backend) -m found }\n"
		   "  http-request return status 404 errorfile %s/404.http"
		   " if !{ var(txn.backend) -m found }\n"
		   "  http-request set-var(txn.state) var(txn.backend),map_str(%s/%s,-)\n",
		   c->errors_dir, c->maps_dir, route_map_files[ROUTE_MAP_STATES]);
}

static void render_headers(struct buf *out)
{
	buf_puts(out, "  http-request set-var(txn.request_id) req.hdr(x-request-id)"
		      " if { req.hdr(x-request-id) -m reg ^[A-Za-z0-9+/=_-]{20,200}$ }\n"
		      "  http-request set-var(txn.request_id) uuid() if !{ var(txn.request_id) -m "
		      "found }\n"
		      "  http-request set-header X-Request-Id %[var(txn.request_id)]\n"
		      "  http-request set-header X-Request-Start %[var(txn.start),div(1000)]\n"
		      "  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]\n"
		      "  http-request set-header X-Forwarded-Port %[dst_port]\n");
}

static void render_log_format(const struct route_config *c, struct buf *out)
{
	/* The raw fields stand first, so that a line which is cut keeps them. */
	buf_printf(out, "  log %s len 8192 format raw local0\n", c->router_log_socket);
	/* What was no request, or not in time: of which app, only the name in its TLS may tell. */
	buf_printf(out,
		   "  error-log-format \"twelve %%[ssl_fc_sni,lower,map_str(%s/%s),bytes(4)] %%ts "
		   "%%ST at=info method=- path=- host=%%[ssl_fc_sni]"
		   " fwd=%%{+Q,+E}[src] dyno=- connect=- service=- status=%%ST bytes=%%B "
		   "protocol=http\"\n",
		   c->maps_dir, route_map_files[ROUTE_MAP_HOSTS]);
	buf_printf(out,
		   "  log-format \"twelve %%[var(txn.backend),bytes(4)] %%ts %%[var(txn.state)] "
		   "at=info method=%%HM"
		   " path=%%{+Q,+E}[var(txn.path)] host=%%[var(txn.host)]"
		   " request_id=%%[var(txn.request_id)] fwd=%%{+Q,+E}[src]"
		   " dyno=%%[srv_name,concat(@,txn.backend),map_str(%s/%s,-)]"
		   " connect=%%Tc%%[str(ms)] service=%%Ta%%[str(ms)] status=%%ST bytes=%%B "
		   "protocol=http\"\n",
		   c->maps_dir, route_map_files[ROUTE_MAP_DYNOS]);
}

static void render_frontend(const struct route_config *c, struct buf *out)
{
	buf_printf(out, "\nfrontend web from base\n  maxconn %" PRId64 "\n  bind %s\n",
		   c->limits.apps, c->bind_address);
	if (c->https_address && *c->https_address)
		buf_printf(out, "  bind %s ssl crt-list %s alpn h2,http/1.1\n", c->https_address,
			   c->cert_list);
	route_render_source_limit(c, "web", c->limits.apps, c->limits.apps_source, out);
	render_log_format(c, out);
	render_lookup(c, out);
	buf_puts(out, "  http-request set-var(txn.path) pathq,bytes(0,2048)\n"
		      "  http-request set-var(txn.start) date(0,us)\n");
	route_render_once(out);
	render_refusals(c, out);
	render_headers(out);
	/* Not in the backend: maintenance was asked for, and is no failure. */
	buf_printf(out,
		   "  http-request return status 503 errorfile %s/H80.http"
		   " if { var(txn.state) -m str H80 }\n",
		   c->errors_dir);
	render_body(out);
	buf_puts(out, "  use_backend %[var(txn.backend)]\n");
}

static void render_app_timeouts(const struct route_config *c, const struct route_app *a,
				struct buf *out)
{
	int64_t first = a->first_byte_ms ? a->first_byte_ms : c->timeout_request_ms;
	int64_t idle = a->idle_ms ? a->idle_ms : c->timeout_idle_ms;

	/* With HAProxy 2.6 it goes for the wait for the first byte, too. */
	if (idle <= first)
		idle = first + 1000;
	route_render_first_byte(first, idle, out);
	if (idle != c->timeout_idle_ms)
		buf_printf(out, "  timeout server %" PRId64 "ms\n", idle);
	/* After that of the defaults, so it wins. */
	if (idle > UPLOAD_SILENCE_MS)
		buf_printf(out,
			   "  http-request set-timeout server %" PRId64
			   "ms if { var(txn.upload) -m found }\n",
			   idle);
}

static void render_app(const struct route_config *c, const struct route_app *a, struct buf *out)
{
	buf_printf(out, "\nbackend app-%s from apps\n  # app %s down=%d maintenance=%d", a->id,
		   a->name, (int)a->down, a->maintenance);
	if (a->acme[0])
		buf_printf(out, " acme=%s", a->acme);
	if (a->first_byte_ms || a->idle_ms)
		buf_printf(out, " first=%" PRId64 " idle=%" PRId64, a->first_byte_ms, a->idle_ms);
	if (a->closes)
		buf_puts(out, " closes=1");
	for (char **h = a->hosts; h && *h; h++)
		buf_printf(out, " %s", *h);
	buf_putc(out, '\n');
	if (a->closes)
		buf_puts(out, "  option http-server-close\n");
	render_app_timeouts(c, a, out);
	for (size_t i = 0; i < a->n_servers; i++) {
		const struct route_server *s = &a->servers[i];

		char place[ROUTE_PLACE_TEXT_MAX];

		route_place_print(&s->place, place);
		/* One that drains does so in the old worker: a new one has nothing of it. */
		buf_printf(out, "  server s%zu %s%s # %s %s\n", i + 1, place,
			   s->state == ROUTE_READY ? "" : " disabled", state_names[s->state],
			   s->state == ROUTE_FREE ? "-" : s->dyno);
	}
}

void route_render(const struct route_config *c, struct buf *out)
{
	render_global(c, out);
	render_defaults(c, out);
	render_apps_defaults(c, out);
	render_frontend(c, out);
	route_render_door(c, out);
	route_render_tables(c, out);
	for (size_t i = 0; i < c->n_apps; i++)
		render_app(c, &c->apps[i], out);
}

/* ---- reading it back ---- */

static void parse_app_comment(char *words, struct route_app *a)
{
	char *save = NULL, *word = strtok_r(words, " ", &save);
	int64_t ms;
	int down, maintenance, closes;

	if (word)
		snprintf(a->name, sizeof(a->name), "%s", word);
	for (word = strtok_r(NULL, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (sscanf(word, "down=%d", &down) == 1)
			a->down = (enum route_down)down;
		else if (sscanf(word, "maintenance=%d", &maintenance) == 1)
			a->maintenance = maintenance;
		else if (sscanf(word, "first=%" SCNd64, &ms) == 1)
			a->first_byte_ms = ms;
		else if (sscanf(word, "idle=%" SCNd64, &ms) == 1)
			a->idle_ms = ms;
		else if (sscanf(word, "closes=%d", &closes) == 1)
			a->closes = closes;
		else if (str_starts(word, "acme="))
			snprintf(a->acme, sizeof(a->acme), "%s", word + strlen("acme="));
		else
			strv_push(&a->hosts, word);
}

static bool parse_server(const char *line, struct route_app *a)
{
	struct route_server s = { .state = ROUTE_FREE };
	const char *comment = strchr(line, '#');
	char state[8], address[16], port[6];

	if (!comment || sscanf(line, "server s%*u %15[0-9.]:%5[0-9]", address, port) != 2 ||
	    !route_place_parse(address, port, &s.place) ||
	    sscanf(comment, "# %7s %63s", state, s.dyno) != 2)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(state_names); i++)
		if (streq(state, state_names[i]))
			s.state = (enum route_server_state)i;
	if (s.state == ROUTE_FREE)
		s.dyno[0] = '\0';
	a->servers = xrealloc(a->servers, (a->n_servers + 1) * sizeof(*a->servers));
	a->servers[a->n_servers++] = s;
	return true;
}

/* Sections begin at the margin, as conditions do (".if"); servers of others than apps (the platform's own) are not ours to
 * read. */
static int parse_line(char *line, bool *in_app, struct route_app **apps, size_t *n)
{
	char id[37];

	if (line[0] != ' ' && line[0] != '.')
		*in_app = str_starts(line, "backend app-");
	line += strspn(line, " ");
	if (sscanf(line, "backend app-%36s", id) == 1) {
		*apps = xrealloc(*apps, (*n + 1) * sizeof(**apps));
		(*apps)[*n] = (struct route_app){ 0 };
		snprintf((*apps)[(*n)++].id, sizeof(id), "%s", id);
	} else if (*in_app && str_starts(line, "# app ")) {
		parse_app_comment(line + strlen("# app "), &(*apps)[*n - 1]);
	} else if (*in_app && str_starts(line, "server ")) {
		return parse_server(line, &(*apps)[*n - 1]) ? 0 : -1;
	}
	return 0;
}

int route_parse_apps(const char *cfg, struct route_app **ret_apps, size_t *ret_n, struct error *err)
{
	_cleanup_free_ char *text = xstrdup(cfg);
	struct route_app *apps = NULL;
	char *save = NULL;
	bool in_app = false;
	size_t n = 0;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (parse_line(line, &in_app, &apps, &n) < 0) {
			error_set(err, ERROR_INVALID,
				  "haproxy.cfg: not as twelved writes it: \"%s\"", line);
			for (size_t i = 0; i < n; i++)
				route_app_done(&apps[i]);
			free(apps);
			return -1;
		}
	*ret_apps = apps;
	*ret_n = n;
	return 0;
}

bool route_listens(const char *cfg, const char *address)
{
	_cleanup_free_ char *bind = xasprintf("\n  bind %s", address);

	for (const char *at = cfg; (at = strstr(at, bind)); at++)
		if (strchr(" \n", at[strlen(bind)]))
			return true;
	return false;
}
