/* SPDX-License-Identifier: Apache-2.0 */
/* What the router is given; see routes.h. */
#include "daemon/rollout/routes.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "build/build.h"
#include "daemon/edge/acme.h"
#include "route/down.h"

static bool wants_web(const struct turn *t)
{
	for (size_t i = 0; i < t->n_types; i++)
		if (streq(t->types[i].type, "web") && t->types[i].quantity > 0)
			return t->types[i].in_current || t->types[i].in_candidate;
	return false;
}

bool turn_is_slugless(const struct turn *t)
{
	return t->current.version &&
	       !build_slug_is_there(t->o->platform->settings.state_dir, t->current.slug);
}

static enum route_down why_down(const struct turn *t)
{
	_cleanup_free_ struct down_dyno *dynos = xcalloc(t->n_dynos, sizeof(*dynos));
	struct down_facts f = { .released = t->current.version,
				.candidate = t->candidate.version,
				.slug_gone = turn_is_slugless(t),
				.wants_web = wants_web(t),
				.dynos = dynos };

	for (size_t i = 0; i < t->n_dynos; i++) {
		const struct dyno *dyno = t->dynos[i];

		if (!dyno->port)
			continue;
		dynos[f.n_dynos++] = (struct down_dyno){
			.routed = dyno->routed,
			.ending = dyno->state == DYNO_STOPPING || dyno->state == DYNO_EXITED ||
				  dyno->draining,
			.crashed = dyno->state == DYNO_CRASHED || dyno->restarts,
		};
	}
	return route_why_down(&f);
}

static int route_hosts(const struct turn *t, char ***ret, struct error *err)
{
	struct domain *domains = NULL;
	size_t n = 0;

	if (store_domain_list(t->o->platform->store, t->app.id, &domains, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		strv_push(ret, domains[i].hostname);
		domain_done(&domains[i]);
	}
	free(domains);
	return 0;
}

/* The same in text, to see whether anything has changed. */
static char *route_text(const struct route_app *r)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_printf(&b, "%s %d %d %s %lld %lld %d", r->name, r->maintenance, (int)r->down, r->acme,
		   (long long)r->first_byte_ms, (long long)r->idle_ms, r->closes);
	for (char **h = r->hosts; h && *h; h++)
		buf_printf(&b, " %s", *h);
	for (size_t i = 0; i < r->n_servers; i++) {
		char place[ROUTE_PLACE_TEXT_MAX];

		route_place_print(&r->servers[i].place, place);
		buf_printf(&b, " %s:%s:%d", r->servers[i].dyno, place, (int)r->servers[i].state);
	}
	return buf_steal(&b);
}

static bool is_keep_alive_off(const struct release *r)
{
	const char *s = json_string_value(json_object_get(r->config, "TWELVE_KEEP_ALIVE"));

	return s && streq(s, "off");
}

static void fill_servers(const struct turn *t, struct route_app *r)
{
	for (size_t i = 0; i < t->n_dynos; i++) {
		const struct dyno *dyno = t->dynos[i];
		struct route_server *server = &r->servers[r->n_servers];

		if (!dyno->port || (!dyno->routed && !dyno->draining))
			continue;
		server->state = dyno->routed ? ROUTE_READY : ROUTE_DRAIN;
		server->place = dyno_place(dyno);
		snprintf(server->dyno, sizeof(server->dyno), "%s", dyno->name);
		r->n_servers++;
	}
}

int routes_sync(struct turn *t, struct error *err)
{
	_cleanup_free_ struct route_server *servers = xcalloc(t->n_dynos, sizeof(*servers));
	_cleanup_strv_ char **hosts = NULL;
	_cleanup_free_ char *text = NULL;
	struct route_app r = { .maintenance = t->app.maintenance, .servers = servers };

	snprintf(r.id, sizeof(r.id), "%s", t->app.id);
	snprintf(r.name, sizeof(r.name), "%s", t->app.name);
	if (route_hosts(t, &hosts, err) < 0)
		return -1;
	r.hosts = hosts;
	acme_thumbprint(t->o->acme, t->app.id, r.acme);
	r.first_byte_ms = dyno_config_ms(&t->current, "TWELVE_FIRST_BYTE_TIMEOUT", 0);
	r.idle_ms = dyno_config_ms(&t->current, "TWELVE_IDLE_TIMEOUT", 0);
	r.closes = is_keep_alive_off(&t->current);
	r.down = why_down(t);
	fill_servers(t, &r);
	text = route_text(&r);
	if (t->a->last_route && streq(t->a->last_route, text))
		return 0;
	if (router_set_app(t->o->router, &r, err) < 0)
		return -1;
	free(t->a->last_route);
	t->a->last_route = steal_ptr(text);
	return 0;
}
