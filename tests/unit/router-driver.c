/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The router alone, driven over stdin by tests/e2e/test_router.py: a line of JSON
 * in, a line of JSON out.
 *
 *     router-driver RUN_DIR ADDRESS [APP-ID...]    the ids are the apps that the store has
 */
#include <arpa/inet.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/core/state.h"
#include "daemon/edge/door.h"
#include "daemon/edge/router-priv.h"

static char **known_ids;
static struct platform d;
static struct router *router;
static struct buf input = BUF_INIT;

/* Stands for the store: the apps of the command line. */
bool state_is_gone(struct store *s, const char *kind, const char *id)
{
	(void)s, (void)kind, (void)id;
	return true;
}

int store_app_list(struct store *s, struct app **ret, size_t *ret_n, struct error *err)
{
	(void)s;
	(void)err;
	*ret_n = strv_len(known_ids);
	*ret = xcalloc(*ret_n + 1, sizeof(**ret));
	for (size_t i = 0; i < *ret_n; i++)
		snprintf((*ret)[i].id, sizeof((*ret)[i].id), "%s", known_ids[i]);
	return 0;
}

void app_done(struct app *a)
{
	(void)a;
}

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static struct route_place place_of(const json_t *o)
{
	return (struct route_place){ { htonl(INADDR_LOOPBACK) },
				     (uint16_t)json_integer_value(json_object_get(o, "port")) };
}

static int set_app(const json_t *o, struct error *err)
{
	json_t *servers = json_object_get(o, "servers"), *hosts = json_object_get(o, "hosts"), *v;
	struct route_app a = {
		.down = (enum route_down)json_integer_value(json_object_get(o, "down")),
		.maintenance = json_is_true(json_object_get(o, "maintenance")),
		.first_byte_ms = json_integer_value(json_object_get(o, "first_byte_ms")),
		.idle_ms = json_integer_value(json_object_get(o, "idle_ms")),
		.closes = json_is_true(json_object_get(o, "closes")),
		.servers = xcalloc(json_array_size(servers) + 1, sizeof(*a.servers)),
		.n_servers = json_array_size(servers),
	};
	size_t i;
	int r;

	snprintf(a.id, sizeof(a.id), "%s", text(o, "id"));
	snprintf(a.name, sizeof(a.name), "%s", text(o, "name"));
	json_array_foreach (hosts, i, v)
		strv_push(&a.hosts, json_string_value(v));
	json_array_foreach (servers, i, v) {
		a.servers[i].place = place_of(v);
		a.servers[i].state = streq(text(v, "state"), "drain") ? ROUTE_DRAIN : ROUTE_READY;
		snprintf(a.servers[i].dyno, sizeof(a.servers[i].dyno), "%s", text(v, "dyno"));
	}
	r = router_set_app(router, &a, err);
	route_app_done(&a);
	return r;
}

static int servers(const json_t *o, json_t *answer, struct error *err)
{
	struct route_server *list = NULL;
	json_t *rows = json_array();
	size_t n = 0;

	json_object_set_new(answer, "servers", rows);
	if (router_servers(router, text(o, "id"), &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			rows, json_pack("{s:i, s:s, s:s}", "port", list[i].place.port, "state",
					list[i].state == ROUTE_READY ? "ready" : "drain", "dyno",
					list[i].dyno));
	free(list);
	return 0;
}

/* What a line asks for may take haproxy a moment: the line is tried again until it is known. */
static json_t *pending;
static int64_t asked_ms;
static struct watch *again;

static bool counts(const json_t *o, json_t *answer, struct error *err)
{
	struct router_counts c;
	enum router_known known = router_counts(router, text(o, "id"), asked_ms, &c);

	if (known == ROUTER_UNKNOWN)
		error_set(err, ERROR_UNAVAILABLE, "haproxy did not answer");
	json_object_set_new(answer, "requests", json_integer((json_int_t)c.requests));
	json_object_set_new(answer, "failed", json_integer((json_int_t)c.failed));
	json_object_set_new(answer, "responses_5xx", json_integer((json_int_t)c.responses_5xx));
	return known != ROUTER_NOT_YET;
}

static bool sessions(const json_t *o, json_t *answer)
{
	const struct route_place place = place_of(o);
	int64_t n;
	enum router_known known = router_sessions(router, text(o, "id"), &place, asked_ms, &n);

	json_object_set_new(answer, "sessions", json_integer(n));
	return known != ROUTER_NOT_YET;
}

/* False: not known yet. "set" and "remove" are done once, and answered when haproxy has its
 * commands, or a reload is under way. */
static bool act(const json_t *o, bool first, json_t *answer, struct error *err)
{
	const char *op = text(o, "op");

	if (streq(op, "set") && first)
		set_app(o, err);
	else if (streq(op, "remove") && first)
		router_remove_app(router, text(o, "id"), err);
	else if (streq(op, "servers"))
		servers(o, answer, err);
	else if (streq(op, "counts"))
		return counts(o, answer, err);
	else if (streq(op, "sessions"))
		return sessions(o, answer);
	else if (streq(op, "check-limit"))
		router->h.check_limit_ms = json_integer_value(json_object_get(o, "ms"));
	else if (streq(op, "shutdown"))
		router_shutdown(router);
	else if (!streq(op, "settled") && !streq(op, "set") && !streq(op, "remove"))
		error_set(err, ERROR_INVALID, "no such op: %s", op);
	return router->phase != ROUTER_TELLING || err->kind;
}

static void try_line(bool first)
{
	json_t *answer = json_object();
	struct error err = ERROR_INIT;
	char *out;

	if (!act(pending, first, answer, &err)) {
		json_decref(answer);
		watch_arm(again, 1);
		return;
	}
	if (err.kind)
		json_object_set_new(answer, "error", json_string(err.message));
	json_object_set_new(
		answer, "settled",
		json_boolean(!streq(text(pending, "op"), "shutdown") && router_is_settled(router)));
	out = json_dumps(answer, JSON_COMPACT);
	puts(out);
	fflush(stdout);
	free(out);
	json_decref(answer);
	json_decref(pending);
	pending = NULL;
}

static void on_again(void *userdata)
{
	(void)userdata;
	try_line(false);
}

static void on_line(const char *line)
{
	pending = json_loads(line, 0, NULL);
	asked_ms = clock_now_ms();
	try_line(true);
}

static void on_input(void *userdata)
{
	ssize_t n = fd_read(STDIN_FILENO, buf_reserve(&input, 65536), 65536);
	char *end;

	(void)userdata;
	if (n <= 0) {
		loop_stop(d.loop);
		return;
	}
	buf_added(&input, (size_t)n);
	while ((end = strchr(input.data, '\n'))) {
		*end = '\0';
		on_line(input.data);
		buf_consume(&input, (size_t)(end - input.data) + 1);
	}
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct watch *in;

	if (argc < 3)
		return 2;
	log_init("router-driver");
	signal(SIGPIPE, SIG_IGN);
	for (int i = 3; i < argc; i++)
		strv_push(&known_ids, argv[i]);
	d.settings.run_dir = argv[1];
	d.settings.http_address = argv[2];
	d.settings.apps_domain = xstrdup("localhost");
	/* Apps only: no door for the platform itself. */
	d.settings.state_dir = argv[1];
	d.settings.https_address = d.settings.api_address = d.door_dir = xstrdup("");
	d.settings.max_connections = d.settings.source_connections = 2000;
	d.settings.api_connections = d.settings.api_source_connections = 100;
	d.settings.source_rate = 100000;
	d.settings.unlimited_sources = xstrdup("");
	d.loop = loop_new();
	door_find_user(&d);
	if (router_new(&d, &router, &err) < 0) {
		printf("{\"error\": \"%s\"}\n", err.message);
		return error_exit_code(err.kind);
	}
	again = watch_timer(d.loop, on_again, NULL);
	puts("{\"ready\": true}");
	fflush(stdout);
	in = watch_readable(d.loop, STDIN_FILENO, on_input, NULL);
	loop_run(d.loop);
	watch_free(in);
	watch_free(again);
	router_free(router);
	loop_free(d.loop);
	buf_done(&input);
	strv_free(known_ids);
	free(d.settings.apps_domain);
	free(d.settings.unlimited_sources);
	return 0;
}
