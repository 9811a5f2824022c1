/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The I/O shell around src/route: keeps haproxy running (master-worker, as a
 * child that outlives twelved and is found again by its pid file and sockets),
 * gives it new configurations by runtime commands where they suffice and by a
 * checked, hitless reload where not, and reads its counters.
 *
 * The desired routing is handed over whole each time; the router finds the
 * difference. The rendered files on disk always say what haproxy runs, so a
 * haproxy that is killed comes back right.
 */
#pragma once

#include "daemon/core/platform.h"
#include "route/route.h"

struct router;

/* Starts haproxy, or adopts the one that runs from RUN/haproxy/. */
int router_new(const struct platform *p, struct router **ret, struct error *err);
/* Lets go: haproxy goes on. */
void router_free(struct router *r);
/* Ends haproxy, for a shutdown that leaves nothing running. */
void router_shutdown(struct router *r);

/*
 * One app's part. It is applied by runtime commands where they do, else with a reload; either is
 * started at once and joins what comes until it is done. Nothing here waits for haproxy: see
 * router_is_settled(). *app is copied. Slots are managed by the router: the caller lists only the
 * servers that are not free, and the router keeps each where it is.
 */
int router_set_app(struct router *r, const struct route_app *app, struct error *err);
/* Whether haproxy already answers ACME challenges for an app's host. */
bool router_answers_acme(struct router *r, const char *app_id, const char *host);
/* certs.list or its files may have changed: reloads if they have. */
int router_certs_changed(struct router *r, struct error *err);
int router_remove_app(struct router *r, const char *app_id, struct error *err);
/* True if haproxy runs the latest configuration (no command or reload is in progress). */
bool router_is_settled(struct router *r);
/* fn is called when what was set has been applied, when haproxy was restarted, and when what was
 * asked below is known. */
void router_on_settled(struct router *r, void (*fn)(void *userdata), void *userdata);

/*
 * Counters of an app's backend, summed over reloads and restarts of haproxy: use
 * differences. `failed` is what HAProxy counts as 5xx of the backend, less those
 * that its servers gave (so: no dyno, refused, timed out, closed without an
 * answer, an answer that is none), and the answers that a dyno began and did
 * not end. A 5xx of the app itself is no failure of ours, nor is a client that goes
 * away, nor the page of an app in maintenance, which is not counted as a request either.
 * What an old haproxy process serves between the last look and its end is missed.
 */
struct router_counts {
	uint64_t requests;
	uint64_t failed;
	uint64_t responses_5xx; /* both kinds */
};
enum router_known {
	ROUTER_NOT_YET, /* haproxy is being asked; the settled function is called when it has
			   answered */
	ROUTER_KNOWN,
	ROUTER_UNKNOWN, /* it did not answer */
};
/* The counters at since_ms (clock_now_ms()) or later. *ret always gets what is known. */
enum router_known router_counts(struct router *r, const char *app_id, int64_t since_ms,
				struct router_counts *ret);
/* Requests in flight at a server of an app, by port, at since_ms (clock_now_ms()) or later.
 * Includes old haproxy processes after a reload. 1 while unknown. */
enum router_known router_sessions(struct router *r, const char *app_id,
				  const struct route_place *place, int64_t since_ms, int64_t *ret);
/* What haproxy has now for an app: which ports are ready or draining; for adoption. Free slots are
 * left out. */
int router_servers(struct router *r, const char *app_id, struct route_server **ret, size_t *ret_n,
		   struct error *err);
