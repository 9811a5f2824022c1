/* SPDX-License-Identifier: Apache-2.0 */
/* Routing as values. What HAProxy itself makes of it is tests/e2e/test_router.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/str.h"
#include "route/route.h"

#define ID_A "11111111-1111-4111-8111-111111111111"
#define ID_B "22222222-2222-4222-8222-222222222222"

static struct route_place place_of(uint16_t port)
{
	return (struct route_place){ { htonl(0x0ad41001) }, port };
}

static struct route_config *make(size_t n_slots)
{
	struct route_config *c = xcalloc(1, sizeof(*c));

	*c = (struct route_config){
		.bind_address = xstrdup("127.0.0.1:5080"),
		.apps_domain = xstrdup("localhost"),
		.runtime_socket = xstrdup("/r/admin.sock"),
		.router_log_socket = xstrdup("/r/router.sock"),
		.errors_dir = xstrdup("/r/errors"),
		.maps_dir = xstrdup("/r"),
		.timeout_request_ms = 30000,
		.timeout_idle_ms = 55000,
		.limits = { .apps = 8192,
			    .api = 1024,
			    .apps_source = 1000,
			    .api_source = 256,
			    .source_rate = 2000 },
		.apps = xcalloc(2, sizeof(*c->apps)),
		.n_apps = 2,
	};
	snprintf(c->apps[0].id, sizeof(c->apps[0].id), "%s", ID_A);
	snprintf(c->apps[0].name, sizeof(c->apps[0].name), "shop");
	snprintf(c->apps[1].id, sizeof(c->apps[1].id), "%s", ID_B);
	snprintf(c->apps[1].name, sizeof(c->apps[1].name), "blog");
	strv_push(&c->apps[0].hosts, "www.shop.example");
	strv_push(&c->apps[0].hosts, "*.shop.example");
	for (size_t i = 0; i < 2; i++) {
		c->apps[i].servers = xcalloc(n_slots, sizeof(*c->apps[i].servers));
		c->apps[i].n_servers = n_slots;
	}
	c->apps[0].servers[0] = (struct route_server){ ROUTE_READY, place_of(20001), "web.1" };
	c->apps[0].servers[1] = (struct route_server){ ROUTE_DRAIN, place_of(20002), "web.2" };
	c->apps[1].down = ROUTE_DOWN_NO_WEB;
	return c;
}

static void drop(struct route_config *c)
{
	route_config_done(c);
	free(c);
}

static void check_commands(const struct route_config *from, const struct route_config *to,
			   const char *want)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	assert_true(route_commands(from, to, &out));
	assert_string_equal(out.data, want);
}

static void test_render(void **state)
{
	_cleanup_buf_ struct buf a = BUF_INIT, b = BUF_INIT;
	struct route_config *c = make(3), copy;

	(void)state;
	route_render(c, &a);
	route_config_copy(&copy, c);
	route_render(&copy, &b);
	assert_string_equal(a.data, b.data);
	assert_non_null(strstr(a.data, "bind 127.0.0.1:5080\n"));
	assert_non_null(strstr(a.data, "  httpclient.ssl.verify none\n"));
	assert_non_null(strstr(a.data,
			       "\nbackend app-" ID_A " from apps\n"
			       "  # app shop down=0 maintenance=0 www.shop.example *.shop.example\n"
			       ".if version_atleast(3.0)\n"
			       "  http-request set-timeout server 30000ms if !{ var(txn.upload) -m "
			       "found }\n"
			       "  http-response set-timeout server 55000ms\n"
			       ".else\n"
			       "  tcp-response inspect-delay 30000ms\n"));
	assert_non_null(strstr(a.data, "  server s1 10.212.16.1:20001 # ready web.1\n"
				       "  server s2 10.212.16.1:20002 disabled # drain web.2\n"
				       "  server s3 127.0.0.1:1 disabled # free -\n"));
	route_config_done(&copy);
	drop(c);
}

static void test_parse_apps_is_the_inverse(void **state)
{
	struct route_config *c = make(3), back;
	_cleanup_buf_ struct buf a = BUF_INIT, b = BUF_INIT;

	(void)state;
	c->apps[0].maintenance = true;
	snprintf(c->apps[0].acme, sizeof(c->apps[0].acme), "abc_-1");
	c->apps[0].first_byte_ms = 90000;
	c->apps[1].idle_ms = 300000;
	c->apps[1].closes = true;
	/* The platform's own servers stand in the same file. */
	c->door_dir = xstrdup("/run/twelve/door");
	c->cert_list = xstrdup("/run/twelve/door/certs.list");
	c->api_address = xstrdup("127.0.0.1:5000");
	route_render(c, &a);
	assert_non_null(strstr(a.data, "unix@/run/twelve/door/rendezvous.sock"));
	route_config_copy(&back, c);
	for (size_t i = 0; i < back.n_apps; i++)
		route_app_done(&back.apps[i]);
	free(back.apps);
	assert_int_equal(route_parse_apps(a.data, &back.apps, &back.n_apps, NULL), 0);
	assert_true(route_listens(a.data, c->bind_address));
	assert_false(route_listens(a.data, "127.0.0.1:808"));
	route_render(&back, &b);
	assert_string_equal(a.data, b.data);
	route_config_done(&back);
	drop(c);
}

static void test_parse_apps_refuses(void **state)
{
	static const char *const bad[] = {
		"backend app-x\n  server s1 127.0.0.1:80\n",
		"backend app-x\n  server s1 10.0.0:80 # ready web.1\n",
		"backend app-x\n  server s1 127.0.0.1:70000 # ready web.1\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = ERROR_INIT;
		struct route_app *apps;
		size_t n;

		assert_int_equal(route_parse_apps(bad[i], &apps, &n, &err), -1);
		assert_int_equal(err.kind, ERROR_INVALID);
	}
}

static void test_maps(void **state)
{
	static const char *const want[_ROUTE_MAP_MAX] = {
		[ROUTE_MAP_HOSTS] =
			"*.shop.example app-" ID_A "\nblog.localhost app-" ID_B
			"\nshop.localhost app-" ID_A "\nwww.shop.example app-" ID_A "\n",
		[ROUTE_MAP_STATES] = "app-" ID_B " H14\n",
		[ROUTE_MAP_DYNOS] = "s1@app-" ID_A " web.1\ns2@app-" ID_A " web.2\n",
		[ROUTE_MAP_ACME] = "*.shop.example thumb\nwww.shop.example thumb\n",
	};
	struct route_config *c = make(4);

	(void)state;
	/* A host that two claim goes to one of them, always the same. */
	strv_push(&c->apps[1].hosts, "shop.localhost");
	snprintf(c->apps[0].acme, sizeof(c->apps[0].acme), "thumb");
	for (int i = 0; i < _ROUTE_MAP_MAX; i++) {
		_cleanup_buf_ struct buf out = BUF_INIT;

		route_render_map(c, (enum route_map)i, &out);
		assert_string_equal(out.data, want[i]);
	}
	drop(c);
}

/* The platform's own names are nobody's, whatever an app says. */
static void test_the_platform_has_its_names(void **state)
{
	struct route_config *c = make(4);
	_cleanup_buf_ struct buf out = BUF_INIT;

	(void)state;
	c->door_dir = xstrdup("/run/twelve/door");
	strv_push(&c->apps[1].hosts, "api.localhost");
	strv_push(&c->apps[1].hosts, "git.localhost");
	route_render_map(c, ROUTE_MAP_HOSTS, &out);
	assert_non_null(strstr(out.data, "\napi.localhost api\n"));
	assert_non_null(strstr(out.data, "\ngit.localhost api\n"));
	assert_null(strstr(out.data, "api.localhost app-"));
	drop(c);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

/* Each costs every request: the host, the state of its app, and in its log line the dyno. Who has no
 * wildcard does not look for one. */
static void test_lookups_of_a_request(void **state)
{
	struct route_config *c = make(4);

	(void)state;
	for (int wildcards = 1; wildcards >= 0; wildcards--) {
		_cleanup_buf_ struct buf out = BUF_INIT;
		char *web, *end;

		if (!wildcards)
			c->apps[0].hosts[1][0] = 'x';
		route_render(c, &out);
		web = strstr(out.data, "\nfrontend web ");
		assert_non_null(web);
		end = strstr(web, "\nbackend ");
		*end = '\0';
		/* And two that few come to: the challenge's, and that of an error without a request.
		 */
		assert_int_equal(count(web, "map_str("), 5 + 5 * (size_t)wildcards);
		assert_int_equal(count(web, "\n  http-request "), 31 + 11 * (size_t)wildcards);
	}
	drop(c);
}

/* What a kept connection is for, and what is sent again: docs/decisions/0044. */
static void test_what_is_sent_again(void **state)
{
	struct route_config *c = make(4);
	_cleanup_buf_ struct buf out = BUF_INIT;
	const char *web, *apps;

	(void)state;
	c->apps[1].closes = true;
	route_render(c, &out);
	apps = strstr(out.data, "\ndefaults apps ");
	web = strstr(out.data, "\nfrontend web ");
	assert_true(strstr(apps, "  retries 1\n  retry-on conn-failure empty-response\n") < web);
	assert_true(strstr(apps, ".else\n  option http-server-close\n.endif\n") < web);
	assert_non_null(strstr(web, "  http-request set-var(txn.once) int(1) if !{ method GET HEAD "
				    "OPTIONS }"));
	assert_non_null(
		strstr(web, "  http-request disable-l7-retry if { var(txn.once) -m int 1 }"));
	/* Of the one app alone. */
	assert_int_equal(count(web, "  option http-server-close\n"), 1);
	drop(c);
}

static void test_states(void **state)
{
	static const struct {
		enum route_down down;
		bool maintenance;
		const char *code;
	} rows[] = {
		{ ROUTE_DOWN_NONE, false, NULL },	 { ROUTE_DOWN_NONE, true, "H80" },
		{ ROUTE_DOWN_CRASHED, false, "H10" },	 { ROUTE_DOWN_CRASHED, true, "H80" },
		{ ROUTE_DOWN_NO_WEB, false, "H14" },	 { ROUTE_DOWN_STARTING, false, "H20" },
		{ ROUTE_DOWN_NO_RELEASE, false, "H81" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct route_app a = { .down = rows[i].down, .maintenance = rows[i].maintenance };

		if (rows[i].code)
			assert_string_equal(route_app_state(&a), rows[i].code);
		else
			assert_null(route_app_state(&a));
	}
}

static void test_commands_give_before_they_take(void **state)
{
	struct route_config *from = make(4), *to = make(4);

	(void)state;
	check_commands(from, to, "");
	/* web.1 is replaced: a new one in a free slot, the old one drains, the drained one goes. */
	to->apps[0].servers[0].state = ROUTE_DRAIN;
	to->apps[0].servers[1] = (struct route_server){ 0 };
	to->apps[0].servers[2] = (struct route_server){ ROUTE_READY, place_of(20003), "web.1" };
	check_commands(from, to,
		       "del map /r/dynos.map s2@app-" ID_A "\n"
		       "add map /r/dynos.map s3@app-" ID_A " web.1\n"
		       "set server app-" ID_A "/s3 addr 10.212.16.1 port 20003\n"
		       "set server app-" ID_A "/s3 state ready\n"
		       "set server app-" ID_A "/s1 state maint\n"
		       "set server app-" ID_A "/s2 state maint\n"
		       "set server app-" ID_A "/s2 addr 127.0.0.1 port 1\n");
	drop(from);
	drop(to);
}

static void test_commands_for_maps(void **state)
{
	struct route_config *from = make(4), *to = make(4);

	(void)state;
	to->apps[0].maintenance = true;
	to->apps[1].down = ROUTE_DOWN_CRASHED;
	snprintf(to->apps[1].name, sizeof(to->apps[1].name), "diary");
	check_commands(from, to,
		       "add map /r/states.map app-" ID_A " H80\n"
		       "set map /r/states.map app-" ID_B " H10\n"
		       "del map /r/hosts.map blog.localhost\n"
		       "add map /r/hosts.map diary.localhost app-" ID_B "\n");
	drop(from);
	drop(to);
}

static void test_a_drained_server_comes_back(void **state)
{
	struct route_config *from = make(4), *to = make(4);

	(void)state;
	to->apps[0].servers[1].state = ROUTE_READY;
	check_commands(from, to, "set server app-" ID_A "/s2 state ready\n");
	drop(from);
	drop(to);
}

/* Whatever may be had of descriptors, all that may come has room in it. */
static void test_limits_fit(void **state)
{
	(void)state;
	for (int64_t n = 4096; n < 60000; n += 1000) {
		struct route_limits l = { .apps = 8192, .api = 1024 };
		bool less = route_limits_fit(&l, n);

		assert_int_equal(less, l.apps < 8192);
		assert_true(route_limits_descriptors(&l) <= n);
		assert_true(l.apps >= 64 && l.api >= 64);
	}
}

static void test_what_takes_a_reload(void **state)
{
	struct route_config *from = make(4);
	_cleanup_buf_ struct buf out = BUF_INIT;

	(void)state;
	for (int i = 0; i < 8; i++) {
		struct route_config *to = make(i == 0 ? 8 : 4);

		if (i == 1)
			route_app_done(&to->apps[--to->n_apps]);
		if (i == 2)
			to->apps[1].id[0] = '3';
		if (i == 3)
			to->timeout_request_ms++;
		if (i == 4)
			to->apps[0].idle_ms = 1000;
		if (i == 5)
			to->limits.api++;
		if (i == 6)
			to->apps[1].closes = true;
		/* The last app with a wildcard has none any more. */
		if (i == 7)
			to->apps[0].hosts[1][0] = 'x';
		assert_false(route_commands(from, to, &out));
		drop(to);
	}
	drop(from);
}

static void test_slots(void **state)
{
	const struct route_server a = { ROUTE_READY, place_of(1001), "web.1" },
				  b = { ROUTE_READY, place_of(1002), "web.2" },
				  c = { ROUTE_READY, place_of(1003), "web.3" }, free_slot = { 0 };
	const struct route_server have[] = { free_slot, b, a, free_slot };
	const struct route_server want[] = { c, a, b };
	struct route_server many[5], *slots;
	size_t n;

	(void)state;
	route_assign_slots(NULL, 0, NULL, 0, &slots, &n);
	assert_int_equal(n, 4);
	free(slots);
	route_assign_slots(have, 4, want, 3, &slots, &n);
	assert_int_equal(n, 4);
	assert_int_equal(slots[0].place.port, 1003);
	assert_int_equal(slots[1].place.port, 1002);
	assert_int_equal(slots[2].place.port, 1001);
	assert_int_equal(slots[3].state, ROUTE_FREE);
	free(slots);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct route_server){ ROUTE_READY, place_of((uint16_t)(1001 + i)),
						 "web.1" };
	route_assign_slots(have, 4, many, 5, &slots, &n);
	assert_int_equal(n, 16);
	assert_int_equal(slots[1].place.port, 1002);
	assert_int_equal(slots[2].place.port, 1001);
	free(slots);
}

static void test_pages(void **state)
{
	(void)state;
	for (const char *const *code = route_page_codes; *code; code++) {
		_cleanup_buf_ struct buf out = BUF_INIT;
		_cleanup_free_ char *want = NULL;
		const char *body, *length;

		route_error_page(*code, &out);
		body = strstr(out.data, "\r\n\r\n");
		length = strstr(out.data, "Content-Length: ");
		assert_non_null(body);
		assert_int_equal(strtoul(length + 16, NULL, 10), strlen(body + 4));
		/* The API's clients are told in JSON, with Heroku's member names. */
		want = xasprintf("HTTP/1.1 %s ", (*code)[0] == '4'	  ? *code
						 : streq(*code, "API429") ? "429"
									  : "503");
		assert_non_null(strstr(body, streq(*code, "API")      ? "\"id\":\"unavailable\""
					     : streq(*code, "API429") ? "\"id\":\"rate_limit\""
								      : *code));
		assert_true(str_starts(out.data, want));
	}
}

static void test_log_lines(void **state)
{
	static const char text[] =
		"method=GET path=\"/\" dyno=web.1 status=%s bytes=1 protocol=http";
	static const struct {
		const char *prefix, *status, *at, *shown;
	} rows[] = {
		{ "-- - ", "200", "at=info ", "200" },
		{ "-- - ", "503", "at=info ", "503" },
		{ "LR H10 ", "503", "at=error code=H10 desc=\"App crashed\" ", "503" },
		{ "LR H80 ", "503", "at=error code=H80 desc=\"Maintenance mode\" ", "503" },
		{ "sH - ", "504", "at=error code=H12 desc=\"Request timeout\" ", "503" },
		{ "SH - ", "502", "at=error code=H13 desc=\"Connection closed without response\" ",
		  "503" },
		{ "PH - ", "502",
		  "at=error code=H17 desc=\"Poorly formatted HTTP response: not HTTP, or headers "
		  "over 64 KB\" ",
		  "503" },
		/* The first byte did not come in time, and HAProxy closed the connection to the
		   dyno. */
		{ "SH H12 ", "502", "at=error code=H12 desc=\"Request timeout\" ", "503" },
		{ "PD H12 ", "502", "at=error code=H12 desc=\"Request timeout\" ", "503" },
		{ "sH upload ", "504",
		  "at=error code=H12 desc=\"Request timeout: neither the rest of the request came "
		  "nor an answer\" ",
		  "503" },
		{ "LR - ", "431", "at=error code=431 desc=\"Request headers over 64 KB\" ", "431" },
		/* Whatever state the app is in: the page was another. */
		{ "LR H10 ", "429",
		  "at=error code=429 desc=\"Too many requests at once from one address\" ", "429" },
		{ "PR 400 ", "400",
		  "at=error code=400 desc=\"Bad request: not HTTP, characters that must be written "
		  "as %XX, or headers over 64 KB\" ",
		  "400" },
		{ "cR 408 ", "408", "at=error code=408 desc=\"Request not whole in time\" ",
		  "408" },
		{ "SD - ", "200", "at=error code=H18 desc=\"Server Request Interrupted\" ", "200" },
		{ "sD - ", "200", "at=error code=H15 desc=\"Idle connection\" ", "200" },
		{ "SC - ", "503", "at=error code=H21 desc=\"Backend connection refused\" ", "503" },
		{ "sC - ", "503", "at=error code=H19 desc=\"Backend connection timeout\" ", "503" },
		{ "CD - ", "200", "at=error code=H27 desc=\"Client Request Interrupted\" ", "200" },
		{ "cD - ", "200", "at=error code=H28 desc=\"Client Connection Idle\" ", "200" },
		{ "CD - ", "101", "at=info ", "101" },
		{ "RC - ", "503", "at=error code=H99 desc=\"Platform error\" ", "503" },
		/* Whatever the state says, it was not what ended this one. */
		{ "-- H10 ", "200", "at=info ", "200" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf raw = BUF_INIT, want = BUF_INIT, out = BUF_INIT;

		buf_printf(&raw,
			   "%sat=info method=GET path=\"/\" dyno=web.1 status=%s bytes=1 "
			   "protocol=http",
			   rows[i].prefix, rows[i].status);
		buf_puts(&want, rows[i].at);
		buf_append(&want, text, (size_t)(strstr(text, "%s") - text));
		buf_printf(&want, "%s%s", rows[i].shown, strstr(text, "%s") + 2);
		route_log_line(raw.data, raw.len, &out);
		assert_string_equal(out.data, want.data);
	}
}

static void test_log_measures(void **state)
{
	static const struct {
		const char *line;
		int64_t service_ms; /* -1: no measure */
		bool failed;
	} rows[] = {
		{ "at=info method=GET path=\"/\" dyno=web.1 connect=0ms service=12ms status=200 "
		  "bytes=9 protocol=http",
		  12, false },
		{ "at=info method=GET path=\"/\" dyno=web.12 connect=1ms service=0ms status=404 "
		  "bytes=9 protocol=http",
		  0, false },
		{ "at=info method=GET path=\"/\" dyno=web.1 connect=0ms service=7ms status=500 "
		  "bytes=9 protocol=http",
		  7, true },
		{ "at=error code=H12 desc=\"Request timeout\" method=GET dyno=web.1 connect=0ms "
		  "service=30001ms status=503 bytes=9 "
		  "protocol=http",
		  30001, false },
		/* What the client wrote is no measure. */
		{ "at=info method=GET path=\"/? dyno=web.9 service=1ms status=500 \" dyno=web.1 "
		  "connect=0ms service=40ms status=200 "
		  "bytes=9 protocol=http",
		  40, false },
		/* A WebSocket; the router itself; the client was gone; the app was. */
		{ "at=info method=GET dyno=web.1 connect=0ms service=90000ms status=101 bytes=9 "
		  "protocol=http",
		  -1, false },
		{ "at=info method=GET dyno=- connect=-1ms service=0ms status=404 bytes=9 "
		  "protocol=http",
		  -1, false },
		{ "at=info method=GET dyno=web.1 connect=0ms service=-1ms status=200 bytes=9 "
		  "protocol=http",
		  -1, false },
		{ "at=error code=H10 desc=\"App crashed\" dyno=- connect=-1ms service=0ms "
		  "status=503 bytes=9 protocol=http",
		  -1, false },
		{ "at=error code=H27 desc=\"Client Request Interrupted\" dyno=web.1 connect=0ms "
		  "service=900ms status=200 bytes=9 protocol=http",
		  -1, false },
		{ "at=error code=H13 desc=\"Connection closed without response\" dyno=web.1 "
		  "connect=0ms service=9ms status=503 bytes=9 "
		  "protocol=http",
		  -1, false },
		{ "", -1, false },
		{ "at=info ", -1, false },
		{ "at=info dyno=web.1 connect=0ms service=", -1, false },
		{ "at=info dyno=web.1 connect=0ms service=5ms stat", -1, false },
		{ "Proxy web stopped.", -1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct route_measure m = { .service_ms = -2 };
		bool is = route_log_measure(rows[i].line, strlen(rows[i].line), &m);

		if (is != (rows[i].service_ms >= 0) ||
		    (is && (m.service_ms != rows[i].service_ms || m.failed != rows[i].failed)))
			fail_msg("%s: %d %lld %d", rows[i].line, is, (long long)m.service_ms,
				 m.failed);
	}
}

static void test_log_lines_of_others(void **state)
{
	static const char *const odd[] = { "",
					   "-",
					   "--",
					   "-- ",
					   "-- -",
					   "-- - hello",
					   "at=info method=GET",
					   "Proxy web stopped." };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		_cleanup_buf_ struct buf out = BUF_INIT;

		route_log_line(odd[i], strlen(odd[i]), &out);
		assert_string_equal(out.data, odd[i]);
	}
}

static void note_row(const struct route_stat *s, void *userdata)
{
	buf_printf(userdata, "%s/%s %u %u %u %u %s\n", s->backend, s->server, (unsigned)s->sessions,
		   (unsigned)s->requests, (unsigned)s->responses_5xx, (unsigned)s->cut_off,
		   s->status);
}

static void test_stat(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(
		route_parse_stat("# pxname,svname,scur,status,hrsp_5xx,last_chk,srv_abrt,req_tot,\n"
				 "app-x,s1,2,no check,3,\"a, \"\"b\"\"\",4,5,\n"
				 "app-x,BACKEND,2,UP,7,,8,9,\n\n",
				 note_row, &out, &err),
		0);
	assert_string_equal(out.data, "app-x/s1 2 5 3 4 no check\napp-x/BACKEND 2 9 7 8 UP\n");
	assert_int_equal(route_parse_stat("Permission denied\n", note_row, &out, &err), -1);
	assert_non_null(strstr(err.message, "Permission denied"));
	assert_int_equal(route_parse_stat("", note_row, &out, &err), -1);
}

static void test_servers(void **state)
{
	static const char text[] =
		"1\n# be_id be_name srv_id srv_name srv_addr srv_admin_state srv_port\n"
		"3 app-x 1 s1 10.212.16.1 0 20001\n3 app-x 2 s2 10.212.16.1 4 20002\n"
		"3 app-x 3 s3 10.212.16.1 12 20003\n3 app-x 4 s4 10.212.16.1 5 20004\n"
		"3 app-x 5 s5 127.0.0.1 5 1\n\n";
	const struct route_server want[] = {
		{ ROUTE_READY, place_of(20001), "" }, { ROUTE_READY, place_of(20002), "" },
		{ ROUTE_DRAIN, place_of(20003), "" }, { ROUTE_DRAIN, place_of(20004), "" },
		{ ROUTE_FREE, { { 0 }, 0 }, "" },
	};
	_cleanup_free_ struct route_server *servers = NULL;
	struct error err = ERROR_INIT;
	size_t n;

	(void)state;
	assert_int_equal(route_parse_servers(text, &servers, &n, &err), 0);
	assert_int_equal(n, ARRAY_SIZE(want));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(servers[i].state, want[i].state);
		assert_true(route_place_same(&servers[i].place, &want[i].place));
	}
	assert_int_equal(route_parse_servers("Can't find backend.\n", &servers, &n, &err), -1);
}

static void test_procs(void **state)
{
	static const char text[] =
		"#<PID>          <type>          <reloads>       <uptime>        <version>\n"
		"1752            master          2 [failed: 1]   0d00h00m02s     2.6.12\n"
		"# workers\n2241            worker          0               0d00h00m00s     "
		"2.6.12\n"
		"# old workers\n1777            worker          1               0d00h00m02s     "
		"2.6.12\n"
		"1778            worker          2               0d00h00m02s     2.6.12\n# "
		"programs\n\n";
	struct route_procs p;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(route_parse_procs(text, &p, &err), 0);
	assert_int_equal(p.master, 1752);
	assert_int_equal(p.reloads, 2);
	assert_int_equal(p.failed, 1);
	assert_int_equal(p.worker, 2241);
	assert_int_equal(p.n_old, 2);
	assert_int_equal(p.old[1], 1778);
	assert_int_equal(route_parse_procs("", &p, &err), -1);
}

static void test_commands_done(void **state)
{
	_cleanup_free_ char *complaint = NULL;

	(void)state;
	assert_true(route_commands_done(
		"\n\nno need to change the addr, port changed from '1' to '2' by 'x'\n\n",
		&complaint));
	assert_false(route_commands_done("\nNo such server.\n\n", &complaint));
	assert_string_equal(complaint, "No such server.");
}

static void test_bad_requests(void **state)
{
	static const char errors[] =
		"Total events captured on [28/Nov/2026:16:02:06.663] : 1\n \n"
		"[28/Nov/2026:16:02:06.663] frontend web (#2): invalid request\n"
		"  backend <NONE> (#-1), server <NONE> (#-1), event #0, src 127.0.0.1:42702\n"
		"  H1 chunk len 0 bytes, H1 body len 0 bytes :\n  \n"
		"  00000  GET /b\\xC3\\xBCcher?x=\"\n  00070+ 1 HTTP/1.1\\r\\n\n"
		"  00027  HOST:  Shop.localhost.:80\\r\\n\n  00049  Host: other\\r\\n\n\n";
	static const char map[] = "*.shop.example app-" ID_B "\nblog.localhost app-" ID_B
				  "\nshop.localhost app-" ID_A "\n";
	_cleanup_buf_ struct buf raw = BUF_INIT, line = BUF_INIT;
	_cleanup_free_ char *host = NULL, *a = NULL, *b = NULL;

	(void)state;
	assert_true(route_bad_request(errors, &host, &raw));
	assert_string_equal(host, "shop.localhost");
	route_log_line(raw.data, raw.len, &line);
	assert_non_null(strstr(line.data, "at=error code=400 desc=\"Bad request"));
	assert_non_null(strstr(line.data, " method=GET path=\"/b\\xC3\\xBCcher?x=\\\"1\" "
					  "host=shop.localhost fwd=\"127.0.0.1\" dyno=- "));
	a = route_host_app(map, host);
	b = route_host_app(map, "a.b.shop.example");
	assert_string_equal(a, ID_A);
	assert_string_equal(b, ID_B);
	assert_null(route_host_app(map, "shop.example"));
	assert_null(route_host_app(map, "localhost"));
	/* Cut anywhere: said, or not; never more than is there. */
	for (size_t n = 0; n < sizeof(errors); n++) {
		_cleanup_free_ char *cut = xstrndup(errors, n), *of = NULL;
		_cleanup_buf_ struct buf out = BUF_INIT;

		if (route_bad_request(cut, &of, &out))
			assert_true(str_starts("shop.localhost", of));
		else
			assert_int_equal(out.len, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_render),
		cmocka_unit_test(test_parse_apps_is_the_inverse),
		cmocka_unit_test(test_parse_apps_refuses),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_the_platform_has_its_names),
		cmocka_unit_test(test_lookups_of_a_request),
		cmocka_unit_test(test_what_is_sent_again),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_commands_give_before_they_take),
		cmocka_unit_test(test_commands_for_maps),
		cmocka_unit_test(test_a_drained_server_comes_back),
		cmocka_unit_test(test_limits_fit),
		cmocka_unit_test(test_what_takes_a_reload),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_log_lines),
		cmocka_unit_test(test_log_measures),
		cmocka_unit_test(test_log_lines_of_others),
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_procs),
		cmocka_unit_test(test_commands_done),
		cmocka_unit_test(test_bad_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
