/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one configuration to another without a reload. The order of the commands
 * is what keeps requests from failing: first the servers that come, then the maps
 * that lead to them, and last the servers that go.
 */
#include "route/route-priv.h"

#include <stdlib.h>

#include "base/str.h"

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && streq(a, b));
}

static bool same_frame(const struct route_config *a, const struct route_config *b)
{
	return same(a->bind_address, b->bind_address) && same(a->https_address, b->https_address) &&
	       same(a->api_address, b->api_address) && same(a->door_dir, b->door_dir) &&
	       same(a->cert_list, b->cert_list) && same(a->certs_digest, b->certs_digest) &&
	       same(a->user, b->user) && same(a->runtime_socket, b->runtime_socket) &&
	       same(a->router_log_socket, b->router_log_socket) &&
	       same(a->errors_dir, b->errors_dir) && same(a->maps_dir, b->maps_dir) &&
	       a->timeout_request_ms == b->timeout_request_ms &&
	       a->timeout_idle_ms == b->timeout_idle_ms &&
	       route_limits_same(&a->limits, &b->limits) && a->n_threads == b->n_threads &&
	       /* Hosts are looked for behind a label less only where some app has such. */
	       route_has_wildcards(a) == route_has_wildcards(b);
}

static bool same_backends(const struct route_config *from, const struct route_config *to)
{
	if (from->n_apps != to->n_apps)
		return false;
	for (size_t i = 0; i < to->n_apps; i++) {
		const struct route_app *a = route_find(from, to->apps[i].id);

		if (!a || a->n_servers != to->apps[i].n_servers ||
		    a->first_byte_ms != to->apps[i].first_byte_ms ||
		    a->idle_ms != to->apps[i].idle_ms || a->closes != to->apps[i].closes)
			return false;
	}
	return true;
}

/* "addr 10.212.16.1 port 20000" */
static void set_place(const struct route_app *app, size_t slot, const struct route_place *p,
		      struct buf *out)
{
	char text[ROUTE_PLACE_TEXT_MAX], *colon;

	route_place_print(p, text);
	colon = strchr(text, ':');
	*colon = '\0';
	buf_printf(out, "set server app-%s/s%zu addr %s port %s\n", app->id, slot, text, colon + 1);
}

static void give_traffic(const struct route_app *from, const struct route_app *to, struct buf *out)
{
	for (size_t i = 0; i < to->n_servers; i++) {
		const struct route_server *a = &from->servers[i], *b = &to->servers[i];

		if (b->state == ROUTE_FREE)
			continue;
		if (!route_place_same(&a->place, &b->place))
			set_place(to, i + 1, &b->place, out);
		if (b->state == ROUTE_READY &&
		    (a->state != ROUTE_READY || !route_place_same(&a->place, &b->place)))
			buf_printf(out, "set server app-%s/s%zu state ready\n", to->id, i + 1);
	}
}

static void take_traffic(const struct route_app *from, const struct route_app *to, struct buf *out)
{
	for (size_t i = 0; i < to->n_servers; i++) {
		const struct route_server *a = &from->servers[i], *b = &to->servers[i];

		/* As "drain" does, it lets requests end; and it closes what is idle at once. */
		if (b->state == ROUTE_DRAIN && a->state != ROUTE_DRAIN)
			buf_printf(out, "set server app-%s/s%zu state maint\n", to->id, i + 1);
		if (b->state == ROUTE_FREE && a->state != ROUTE_FREE) {
			buf_printf(out, "set server app-%s/s%zu state maint\n", to->id, i + 1);
			set_place(to, i + 1, &b->place, out);
		}
	}
}

static void change_map(const struct route_config *from, const struct route_config *to,
		       enum route_map map, struct buf *out)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", to->maps_dir, route_map_files[map]);
	struct route_entries a, b;
	size_t i = 0, k = 0;

	route_entries_make(from, map, &a);
	route_entries_make(to, map, &b);
	while (i < a.n || k < b.n) {
		int r = i == a.n ? 1 : k == b.n ? -1 : strcmp(a.list[i].key, b.list[k].key);

		if (r < 0)
			buf_printf(out, "del map %s %s\n", path, a.list[i].key);
		else if (r > 0)
			buf_printf(out, "add map %s %s %s\n", path, b.list[k].key, b.list[k].value);
		else if (!streq(a.list[i].value, b.list[k].value))
			buf_printf(out, "set map %s %s %s\n", path, b.list[k].key, b.list[k].value);
		i += r <= 0;
		k += r >= 0;
	}
	route_entries_done(&a);
	route_entries_done(&b);
}

bool route_commands(const struct route_config *from, const struct route_config *to, struct buf *out)
{
	if (!same_frame(from, to) || !same_backends(from, to))
		return false;
	change_map(from, to, ROUTE_MAP_DYNOS, out);
	change_map(from, to, ROUTE_MAP_ACME, out);
	for (size_t i = 0; i < to->n_apps; i++)
		give_traffic(route_find(from, to->apps[i].id), &to->apps[i], out);
	change_map(from, to, ROUTE_MAP_STATES, out);
	change_map(from, to, ROUTE_MAP_HOSTS, out);
	for (size_t i = 0; i < to->n_apps; i++)
		take_traffic(route_find(from, to->apps[i].id), &to->apps[i], out);
	return true;
}

bool route_commands_done(const char *answer, char **ret_complaint)
{
	static const char *const fine[] = { "no need to change the addr", "IP changed from",
					    "port changed from" };
	_cleanup_free_ char *text = xstrdup(answer);
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		bool ok = !*str_trim(line);

		for (size_t i = 0; i < ARRAY_SIZE(fine); i++)
			ok = ok || str_starts(line, fine[i]);
		if (!ok) {
			*ret_complaint = xstrdup(line);
			return false;
		}
	}
	return true;
}
