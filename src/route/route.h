/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routing: HAProxy's configuration as a pure function of what is to be routed,
 * the runtime commands that lead from one state to another without a reload,
 * and the parsers of what HAProxy answers. Nothing here does I/O.
 *
 * Names in the configuration: frontend `web`; backend `app-UUID`, one per app;
 * in it servers `s1` to `sN`, slots that are filled over the runtime socket
 * ("set server app-UUID/s1 addr 10.212.16.1 port 20000", "... state ready").
 * A free slot is rendered disabled, as 127.0.0.1:1.
 *
 * Four maps hold what changes at runtime besides servers:
 *     hosts.map   HOST app-UUID          also "*.example.com"
 *     states.map  app-UUID H10           apps that answer with a page
 *     dynos.map   s1@app-UUID web.1      for the log lines
 *     acme.map    HOST THUMBPRINT        whose ACME challenges are answered here
 *
 * Each request to an app is a line of the router's log (log_format in config.c):
 *     twelve APP-UUID TS STATE at=info method=GET path="/" host=... status=200 ...
 * TS is HAProxy's termination state, STATE the H-code of states.map or "-".
 * route_log_line() makes Heroku's line of what follows the UUID.
 *
 * Reference: HAProxy 2.6 Configuration Manual and Management Guide.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum route_server_state {
	ROUTE_FREE,  /* the slot is empty */
	ROUTE_READY, /* gets traffic */
	ROUTE_DRAIN, /* finishes what it has */
};

/* Where a dyno listens. */
struct route_place {
	struct in_addr address;
	uint16_t port; /* 0: nowhere; then `address` does not count */
};
bool route_place_same(const struct route_place *a, const struct route_place *b);
#define ROUTE_PLACE_TEXT_MAX 24
/* "10.212.16.1:20000"; "127.0.0.1:1" for nowhere, since a server of HAProxy's has an address. */
void route_place_print(const struct route_place *p, char text[static ROUTE_PLACE_TEXT_MAX]);
/* Of an address and a port in decimal, as HAProxy tells them; port 1 is nowhere. False for text
 * that is none. */
bool route_place_parse(const char *address, const char *port, struct route_place *ret);

struct route_server {
	enum route_server_state state;
	struct route_place place;
	char dyno[64]; /* web.1: for the log line */
};

/* Why an app without a ready server answers with an error page. */
enum route_down {
	ROUTE_DOWN_NONE,
	ROUTE_DOWN_CRASHED,    /* H10 App crashed */
	ROUTE_DOWN_NO_WEB,     /* H14 No web processes running */
	ROUTE_DOWN_STARTING,   /* H20 App boot timeout: there are dynos, none is healthy yet */
	ROUTE_DOWN_NO_RELEASE, /* H81 Blank app */
};

struct route_app {
	char id[37];
	char name[64];
	bool maintenance; /* H80 */
	enum route_down down;
	char **hosts; /* custom domains; "*.example.com" is allowed */
	/*
	 * Of the account that gets certificates for these hosts, or "": each challenge at
	 * /.well-known/acme-challenge/TOKEN is then answered TOKEN.THUMBPRINT (RFC 8555,
	 * section 8.1), which proves something to the holder of the account's key alone.
	 */
	char acme[44];
	/* How long its dynos may be silent before the first byte of a response, and then between
	 * two; 0: as the platform has it. */
	int64_t first_byte_ms, idle_ms;
	bool closes; /* each request has a connection of its own to its dyno (keep.c) */
	struct route_server *servers;
	size_t n_servers; /* slots */
};

/*
 * How many connections there are at a time. Each side of the door has places of its own, so that
 * who fills one keeps nobody from the other; and a source (an IPv4 address, a /64 of IPv6) has only
 * a part of them.
 */
struct route_limits {
	int64_t apps, api;		 /* connections of clients */
	int64_t apps_source, api_source; /* of these, from one source; of HTTP/2, streams too */
	int64_t source_rate;		 /* new ones of a source, a second */
	char *unlimited; /* "10.0.0.0/8 192.0.2.7": sources that these limits are not for; "" or
			    NULL: none */
};
/* What HAProxy has to take in all: connections between the steps of the door are some, too. */
int64_t route_limits_total(const struct route_limits *l);
/* How many descriptors HAProxy needs for them. */
int64_t route_limits_descriptors(const struct route_limits *l);
/* Makes `apps` and `api` smaller, in proportion, until n_descriptors suffice; neither below 64.
 * True when it had to. */
bool route_limits_fit(struct route_limits *l, int64_t n_descriptors);

struct route_config {
	char *bind_address;  /* "127.0.0.1:5080" or ":80" */
	char *https_address; /* the same over TLS; "" or NULL: none */
	char *api_address;   /* the platform's own door (door.c); "" or NULL: none */
	char *door_dir;	    /* where the door's sockets are, api.sock and rendezvous.sock of twelved
			       among them */
	char *cert_list;    /* HAProxy's crt-list: certificates for TLS, the one for unknown names
			       first */
	char *certs_digest; /* of what the list leads to: another one takes a reload */
	char *apps_domain;  /* "localhost": NAME.localhost */
	char *user;	    /* what workers run as, "haproxy"; NULL: as the master */
	char *runtime_socket;	    /* HAProxy's own: 0600 */
	char *router_log_socket;    /* twelve-logs's datagram socket */
	char *errors_dir;	    /* where the pages of route_error_page() are written */
	char *maps_dir;		    /* where the maps are written */
	int64_t timeout_request_ms; /* until the first byte, H12; 30 s at Heroku */
	int64_t timeout_idle_ms;    /* between two, H15; 55 s at Heroku */
	struct route_limits limits;
	int n_threads; /* 0: HAProxy decides */
	struct route_app *apps;
	size_t n_apps;
};

/* Deep, both: apps with their hosts and servers. */
void route_app_done(struct route_app *a);
void route_app_copy(struct route_app *ret, const struct route_app *a);
void route_config_done(struct route_config *c);
void route_config_copy(struct route_config *ret, const struct route_config *c);
/* The app with this id, or NULL. */
struct route_app *route_find(const struct route_config *c, const char *app_id);

/* haproxy.cfg, complete. Deterministic: apps in the order given. */
void route_render(const struct route_config *c, struct buf *out);
/*
 * The apps of a configuration that route_render() wrote, for the one who finds
 * HAProxy running: *ret_apps is an array whose elements are done with
 * route_app_done(). Of the domain the hosts are those of the comment lines.
 */
int route_parse_apps(const char *cfg, struct route_app **ret_apps, size_t *ret_n,
		     struct error *err);

/* Whether a configuration that route_render() wrote listens at this address, as settings write it.
 */
bool route_listens(const char *cfg, const char *address);

enum route_map {
	ROUTE_MAP_HOSTS,
	ROUTE_MAP_STATES,
	ROUTE_MAP_DYNOS,
	ROUTE_MAP_ACME,
	_ROUTE_MAP_MAX,
};
extern const char *const route_map_files[_ROUTE_MAP_MAX]; /* "hosts.map", ... in maps_dir */
/* "KEY VALUE" lines, sorted, each key once. */
void route_render_map(const struct route_config *c, enum route_map map, struct buf *out);

/* What an app that is down, or in maintenance, answers with: "H10"; NULL when it is up. */
const char *route_app_state(const struct route_app *a);

/*
 * The pages are route_page_codes[i], NULL-terminated, each written to
 * errors_dir/CODE.http. A page is a complete HTTP response, as `errorfile`
 * takes it: one sentence that is true, the code, and Retry-After where trying again helps.
 */
extern const char *const route_page_codes[];
void route_error_page(const char *code, struct buf *out);
/* The body of the page for 502, `dir`/502.html: a format of HAProxy's, with what it looks up in
 * `dir`/502.map. */
void route_no_answer_page(const char *dir, struct buf *out);
void route_no_answer_map(struct buf *out);

/*
 * Puts the wanted servers (none of them free) into slots: those that have one
 * keep it, the others get free ones. There are more slots only when these don't
 * suffice: max(4, the power of two from 2 * n_want on). Never fewer than n_have.
 */
void route_assign_slots(const struct route_server *have, size_t n_have,
			const struct route_server *want, size_t n_want, struct route_server **ret,
			size_t *ret_n);

/*
 * The runtime commands, one a line, that turn a HAProxy which runs `from` into
 * `to`. False when that takes a reload (an app or slot more or less, another
 * address or timeout); *out then has no meaning. Hosts, maintenance and the
 * reason of being down go by `set map`, `add map`, `del map`. What gives traffic
 * comes before what takes it away. Empty when nothing differs.
 */
bool route_commands(const struct route_config *from, const struct route_config *to,
		    struct buf *out);

/*
 * True when HAProxy's answer to runtime commands says that all were done: it
 * holds nothing but empty lines and the sentences with which `set server addr`
 * succeeds. Else *ret_complaint (a heap string) is the first other line.
 */
bool route_commands_done(const char *answer, char **ret_complaint);

/* What "show stat" tells of one server or backend. */
struct route_stat {
	char backend[64];
	char server[64];	/* "BACKEND" for the whole */
	uint64_t sessions;	/* current */
	uint64_t requests;	/* total */
	uint64_t responses_5xx; /* of a server: its own; of a backend: with those that HAProxy made
				   itself */
	uint64_t cut_off;	/* responses that the server began and did not end */
	char status[24];
	struct route_place place; /* of a server */
};
/* Parses CSV of "show stat" by the names in its header line. Calls fn for each row. */
int route_parse_stat(const char *csv, void (*fn)(const struct route_stat *s, void *userdata),
		     void *userdata, struct error *err);

/* The slots of one backend, as "show servers state BACKEND" has them; `dyno` stays empty. */
int route_parse_servers(const char *text, struct route_server **ret, size_t *ret_n,
			struct error *err);

/* HAProxy's processes, as the master's "show proc" has them. */
struct route_procs {
	int64_t master;
	int64_t reloads; /* since its start */
	int64_t failed;	 /* reloads in a row that did not work */
	int64_t worker;	 /* the one that takes connections; 0: none */
	int64_t old[64]; /* those that finish what they have */
	size_t n_old;
};
int route_parse_procs(const char *text, struct route_procs *ret, struct error *err);

/*
 * The line for the app's log, in Heroku's form, of the `n` bytes that follow the
 * UUID in a line of the router's log: "at=info method=GET ..." or "at=error
 * code=H12 desc="Request timeout" method=GET ...". What is not such a line is
 * appended as it is.
 */
void route_log_line(const char *raw, size_t n, struct buf *out);

/* What a line of the log, as route_log_line() made it, says of the app's speed. */
struct route_measure {
	int64_t service_ms; /* from the request's first byte to the answer's last, as HAProxy sees
			       it */
	bool failed;	    /* answered with a 5xx of the app's own */
};
/*
 * False for what is no measure of the app: what the router answered without it (H10, H14, H20, H80,
 * H81, H99), connections that were upgraded (WebSockets), and requests that were cut short or never
 * came to the app (H13, H15, H17, H18, H19, H21; H27 and H28, the client's doing). A timeout (H12)
 * is one: the app took that long.
 */
bool route_log_measure(const char *line, size_t n, struct route_measure *ret);

/*
 * What "show errors" tells of the last request that was refused: its Host (a heap string), and a
 * line for route_log_line(). False when its head does not say.
 */
bool route_bad_request(const char *errors, char **ret_host, struct buf *line);
/* The id of the app that has this host, of the text of hosts.map; NULL when none has. Heap. */
char *route_host_app(const char *map, const char *host);
