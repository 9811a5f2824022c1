/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one turn of the reconciler works on: the app's releases, formation and
 * restarts from the store, its dynos from the world, as plan_make() wants them.
 */
#include "daemon/rollout/turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "model/size.h"

#define DRAIN_MS 30000

void turn_done(struct turn *t)
{
	app_done(&t->app);
	release_done(&t->current);
	release_done(&t->candidate);
	for (size_t i = 0; i < t->n_restarts; i++)
		restart_done(&t->restarts[i]);
	free(t->types);
	free(t->restarts);
	free(t->plan_restarts);
	free(t->dynos);
	free(t->plan_dynos);
}

static int gather_releases(struct turn *t, struct error *err)
{
	struct store *s = t->o->platform->store;
	struct release newest = { 0 };

	if (t->app.current_version &&
	    store_release_get(s, t->app.id, t->app.current_version, &t->current, err) < 0)
		return -1;
	/* A release without a slug has nothing to run. */
	if (t->current.version && !t->current.slug)
		release_done(&t->current);
	if (!t->app.last_version || t->app.last_version == t->app.current_version)
		return 0;
	if (store_release_get(s, t->app.id, t->app.last_version, &newest, err) < 0)
		return -1;
	if (newest.status == RELEASE_PENDING && newest.slug)
		t->candidate = newest;
	else
		release_done(&newest);
	return 0;
}

static struct plan_type *add_type(struct turn *t, const char *name)
{
	struct plan_type *type;

	for (size_t i = 0; i < t->n_types; i++)
		if (streq(t->types[i].type, name))
			return &t->types[i];
	t->types = xrealloc(t->types, (t->n_types + 1) * sizeof(*t->types));
	type = &t->types[t->n_types++];
	*type = (struct plan_type){ .quantity = streq(name, "web") ? 1 : 0 };
	snprintf(type->type, sizeof(type->type), "%s", name);
	snprintf(type->size, sizeof(type->size), "%s", DYNO_SIZE_DEFAULT);
	return type;
}

static void add_types_of(struct turn *t, const struct release *r, bool candidate)
{
	for (size_t i = 0; r->version && i < r->processes.n_types; i++) {
		const char *name = r->processes.types[i].name;
		struct plan_type *type;

		if (streq(name, "release"))
			continue;
		type = add_type(t, name);
		*(candidate ? &type->in_candidate : &type->in_current) = true;
	}
}

static int gather_formation(struct turn *t, struct error *err)
{
	struct formation *rows = NULL;
	size_t n = 0;

	add_types_of(t, &t->current, false);
	add_types_of(t, &t->candidate, true);
	if (store_formation_list(t->o->platform->store, t->app.id, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct plan_type *type = add_type(t, rows[i].type);

		type->quantity = rows[i].quantity;
		snprintf(type->size, sizeof(type->size), "%s", rows[i].size);
	}
	formation_free_array(rows, n);
	if (store_restart_list(t->o->platform->store, t->app.id, &t->restarts, &t->n_restarts,
			       err) < 0)
		return -1;
	t->plan_restarts = xcalloc(t->n_restarts, sizeof(*t->plan_restarts));
	for (size_t i = 0; i < t->n_restarts; i++) {
		struct plan_restart *r = &t->plan_restarts[i];

		snprintf(r->type, sizeof(r->type), "%s", t->restarts[i].type);
		r->number = t->restarts[i].number;
		r->at_ms = t->restarts[i].at_ms;
	}
	return 0;
}

static enum plan_dyno_state plan_state(const struct dyno *dyno)
{
	switch (dyno->state) {
	case DYNO_UP:
		return dyno->ready && dyno_is_alive(dyno) ? PLAN_READY : PLAN_STARTING;
	case DYNO_CRASHED:
		return PLAN_CRASHED;
	case DYNO_STOPPING:
		return PLAN_STOPPING;
	case DYNO_EXITED:
		return PLAN_GONE;
	case DYNO_STARTING:
	case _DYNO_STATE_MAX:
		break;
	}
	/* A process that is started again after a crash in a rollout has failed all the same. */
	return dyno->restarts ? PLAN_CRASHED : PLAN_STARTING;
}

static void gather_dyno(struct turn *t, struct dyno *dyno)
{
	struct plan_dyno *p = &t->plan_dynos[t->n_dynos];

	/* A release goes live with what is up now, not with what once was. */
	if (dyno->ready && dyno->release == t->candidate.version)
		dyno_look_again(dyno);
	const struct route_place place = dyno_place(dyno);

	if (dyno->draining && dyno->port &&
	    router_sessions(t->o->router, t->app.id, &place, dyno->drain_from_ms,
			    &dyno->sessions) == ROUTER_NOT_YET)
		t->a->awaits_router = true;
	*p = (struct plan_dyno){
		.id = dyno->id,
		.number = dyno->number,
		.release = dyno->release,
		.state = plan_state(dyno),
		.ever_ready = dyno->ever_ready,
		.unwell = dyno_is_unwell(dyno),
		.port_based = dyno->port != 0,
		.routed = dyno->routed,
		.draining = dyno->draining,
		.drain_since_ms = dyno->drain_since_ms,
		.sessions = dyno->sessions,
		.created_ms = dyno->created_ms,
		.starting_since_ms = dyno->starting_since_ms,
		.reason = dyno->reason,
	};
	snprintf(p->type, sizeof(p->type), "%s", dyno->type);
	snprintf(p->size, sizeof(p->size), "%s", dyno->size);
	t->dynos[t->n_dynos++] = dyno;
}

static void gather_dynos(struct turn *t)
{
	_cleanup_free_ struct dyno **all = NULL;
	size_t n = dynos_list(t->o->dynos, t->app.id, &all);

	t->dynos = xcalloc(n, sizeof(*t->dynos));
	t->plan_dynos = xcalloc(n, sizeof(*t->plan_dynos));
	for (size_t i = 0; i < n; i++)
		if (!all[i]->one_off)
			gather_dyno(t, all[i]);
}

/* After a restart of twelved: haproxy knows which of the dynos have traffic. */
static void adopt_routes(struct turn *t)
{
	_cleanup_free_ struct route_server *servers = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0;

	if (t->a->routes_adopted)
		return;
	t->a->routes_adopted = true;
	if (router_servers(t->o->router, t->app.id, &servers, &n, &err) < 0) {
		log_warn("asking haproxy for the servers of %s: %s", t->app.name, err.message);
		return;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < t->n_dynos; k++) {
			struct dyno *dyno = t->dynos[k];
			const struct route_place place = dyno_place(dyno);

			if (!place.port || !route_place_same(&place, &servers[i].place))
				continue;
			/* It was healthy when it got its traffic. */
			if (dyno->state == DYNO_UP && servers[i].state != ROUTE_FREE)
				dyno->ready = dyno->ever_ready = true;
			t->plan_dynos[k].state = plan_state(dyno);
			dyno->routed = t->plan_dynos[k].routed = servers[i].state == ROUTE_READY;
			dyno->draining = t->plan_dynos[k].draining =
				servers[i].state == ROUTE_DRAIN;
			dyno->drain_since_ms = t->plan_dynos[k].drain_since_ms = clock_wall_ms();
			dyno->drain_from_ms = clock_now_ms();
		}
}

int turn_gather(struct turn *t, struct error *err)
{
	const struct release *newest;

	if (store_app_get(t->o->platform->store, t->a->id, &t->app, err) < 0 ||
	    gather_releases(t, err) < 0 || gather_formation(t, err) < 0)
		return -1;
	gather_dynos(t);
	adopt_routes(t);
	newest = t->candidate.version ? &t->candidate : &t->current;
	t->desired = (struct plan_desired){
		.current = t->current.version,
		.candidate = t->candidate.version,
		.candidate_phase_done = t->candidate.phase_done,
		.types = t->types,
		.n_types = t->n_types,
		.restarts = t->plan_restarts,
		.n_restarts = t->n_restarts,
		.drain_ms = dyno_config_ms(&t->current, "TWELVE_STOP_TIMEOUT", DRAIN_MS),
		.start_timeout_ms =
			dyno_config_ms(newest, "TWELVE_START_TIMEOUT", DYNO_START_TIMEOUT_MS),
	};
	return 0;
}
