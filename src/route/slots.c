/* SPDX-License-Identifier: Apache-2.0 */
/* Copies and ends of configurations, and which server goes into which slot. */
#include "route/route-priv.h"

#include <stdlib.h>

#include "base/str.h"

#define SLOTS_MIN 4

void route_app_done(struct route_app *a)
{
	strv_free(a->hosts);
	free(a->servers);
	*a = (struct route_app){ 0 };
}

void route_app_copy(struct route_app *ret, const struct route_app *a)
{
	*ret = *a;
	ret->hosts = NULL;
	for (char **h = a->hosts; h && *h; h++)
		strv_push(&ret->hosts, *h);
	ret->servers = xcalloc(a->n_servers + 1, sizeof(*ret->servers));
	if (a->n_servers)
		memcpy(ret->servers, a->servers, a->n_servers * sizeof(*ret->servers));
}

void route_config_done(struct route_config *c)
{
	char *strings[] = { c->bind_address,	c->https_address,     c->api_address, c->door_dir,
			    c->cert_list,	c->certs_digest,      c->apps_domain, c->user,
			    c->runtime_socket,	c->router_log_socket, c->errors_dir,  c->maps_dir,
			    c->limits.unlimited };

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	for (size_t i = 0; i < c->n_apps; i++)
		route_app_done(&c->apps[i]);
	free(c->apps);
	*c = (struct route_config){ 0 };
}

static char *copy_of(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

void route_config_copy(struct route_config *ret, const struct route_config *c)
{
	*ret = (struct route_config){
		.bind_address = copy_of(c->bind_address),
		.https_address = copy_of(c->https_address),
		.api_address = copy_of(c->api_address),
		.door_dir = copy_of(c->door_dir),
		.cert_list = copy_of(c->cert_list),
		.certs_digest = copy_of(c->certs_digest),
		.apps_domain = copy_of(c->apps_domain),
		.user = copy_of(c->user),
		.runtime_socket = copy_of(c->runtime_socket),
		.router_log_socket = copy_of(c->router_log_socket),
		.errors_dir = copy_of(c->errors_dir),
		.maps_dir = copy_of(c->maps_dir),
		.timeout_request_ms = c->timeout_request_ms,
		.timeout_idle_ms = c->timeout_idle_ms,
		.limits = c->limits,
		.n_threads = c->n_threads,
		.apps = xcalloc(c->n_apps + 1, sizeof(*ret->apps)),
		.n_apps = c->n_apps,
	};
	ret->limits.unlimited = copy_of(c->limits.unlimited);
	for (size_t i = 0; i < c->n_apps; i++)
		route_app_copy(&ret->apps[i], &c->apps[i]);
}

struct route_app *route_find(const struct route_config *c, const char *app_id)
{
	for (size_t i = 0; i < c->n_apps; i++)
		if (streq(c->apps[i].id, app_id))
			return &c->apps[i];
	return NULL;
}

static size_t slots_for(size_t n_have, size_t n_want)
{
	size_t n = SLOTS_MIN;

	if (n_have && n_want <= n_have)
		return n_have;
	while (n < 2 * n_want)
		n *= 2;
	return n;
}

static struct route_server *find_place(struct route_server *slots, size_t n,
				       const struct route_place *place)
{
	for (size_t i = 0; i < n; i++)
		if (slots[i].state != ROUTE_FREE && route_place_same(&slots[i].place, place))
			return &slots[i];
	return NULL;
}

void route_assign_slots(const struct route_server *have, size_t n_have,
			const struct route_server *want, size_t n_want, struct route_server **ret,
			size_t *ret_n)
{
	size_t n = slots_for(n_have, n_want), next = 0;
	struct route_server *slots = xcalloc(n, sizeof(*slots));
	_cleanup_free_ bool *placed = xcalloc(n_want + 1, sizeof(*placed));

	/* First those that have a slot, so that nobody else gets it. */
	for (size_t i = 0; i < n_have; i++)
		for (size_t k = 0; k < n_want; k++)
			if (!placed[k] && have[i].state != ROUTE_FREE &&
			    route_place_same(&have[i].place, &want[k].place)) {
				slots[i] = want[k];
				placed[k] = true;
				break;
			}
	for (size_t k = 0; k < n_want; k++) {
		if (placed[k] || find_place(slots, n, &want[k].place))
			continue;
		while (slots[next].state != ROUTE_FREE)
			next++;
		slots[next] = want[k];
	}
	*ret = slots;
	*ret_n = n;
}
