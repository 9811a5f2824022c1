/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routing: HAProxy's configuration as a pure function of what is to be routed,
 * the runtime commands that lead from one state to another without a reload,
 * and the parsers of what HAProxy answers. Nothing here does I/O.
 *
 * Names in the configuration: frontend `web`; backend `app-UUID`, one per app;
 * in it servers `s1` to `sN`, slots that are filled over the runtime socket
 * ("set server app-UUID/s1 addr 127.0.0.1 port 20001", "... state ready").
 * A server's slot is free when `port` is 0 (rendered disabled).
 *
 * Reference: HAProxy 2.6 Configuration Manual and Management Guide.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum route_server_state {
	ROUTE_FREE,  /* the slot is empty */
	ROUTE_READY, /* gets traffic */
	ROUTE_DRAIN, /* finishes what it has */
};

struct route_server {
	enum route_server_state state;
	uint16_t port;
	char dyno[64]; /* web.1: for the log line */
};

/* Why an app without a ready server answers with an error page. */
enum route_down {
	ROUTE_DOWN_NONE,
	ROUTE_DOWN_CRASHED,      /* H10 App crashed */
	ROUTE_DOWN_NO_WEB,       /* H14 No web processes running */
	ROUTE_DOWN_STARTING,     /* H20 App boot timeout: there are dynos, none is healthy yet */
	ROUTE_DOWN_NO_RELEASE,   /* H81 Blank app */
};

struct route_app {
	char id[37];
	char name[64];
	bool maintenance; /* H80 */
	enum route_down down;
	char **hosts; /* custom domains; "*.example.com" is allowed */
	struct route_server *servers;
	size_t n_servers; /* slots */
};

struct route_config {
	char *bind_address; /* "127.0.0.1:5080" or ":80" */
	char *apps_domain;  /* "localhost": NAME.localhost */
	char *api_socket;   /* path of twelved's API socket, for api.APPS_DOMAIN; NULL: not routed */
	char *runtime_socket; /* HAProxy's own: 0600 */
	char *router_log_socket; /* twelve-logs's datagram socket */
	char *pid_file;
	char *errors_dir;   /* where the pages of route_error_page() are written */
	char *maps_dir;     /* where hosts.map is written */
	int64_t timeout_request_ms; /* H12; 30 s at Heroku */
	int n_threads;
	struct route_app *apps;
	size_t n_apps;
};

void route_config_done(struct route_config *c);

/* haproxy.cfg, complete. Deterministic: apps in the order given. */
void route_render(const struct route_config *c, struct buf *out);
/* hosts.map: "HOST BACKEND" lines for all apps, exact names; and wildcards for map_dom/map_end use. */
void route_render_hosts(const struct route_config *c, struct buf *out);
/* The page for an H-code ("H10", "H14", ..., "maintenance" for H80) as a complete HTTP response for `errorfile`. */
void route_error_page(const char *code, struct buf *out);

/*
 * The runtime commands, one a line, that turn a HAProxy which runs `from` into
 * `to`. False when that takes a reload (an app or slot more or less, another
 * address or timeout); *out then has no meaning. Hosts, maintenance and the
 * reason of being down go by `set map`, `add map`, `del map`.
 */
bool route_commands(const struct route_config *from, const struct route_config *to, struct buf *out);

/* What "show stat" tells of one server or backend. */
struct route_stat {
	char backend[64];
	char server[64]; /* "BACKEND" for the whole */
	uint64_t sessions;     /* current */
	uint64_t requests;     /* total */
	uint64_t responses_5xx;
	uint64_t errors;       /* connection and response errors: requests that a user saw fail because of us */
	char status[24];
};
/* Parses CSV of "show stat" by the names in its header line. Calls fn for each row. */
int route_parse_stat(const char *csv, void (*fn)(const struct route_stat *s, void *userdata),
		     void *userdata, struct error *err);
