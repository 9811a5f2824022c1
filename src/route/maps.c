/* SPDX-License-Identifier: Apache-2.0 */
/* The maps as values: what is to be in them for a configuration. */
#include "route/route-priv.h"

#include <stdlib.h>

#include "base/str.h"

const char *const route_map_files[_ROUTE_MAP_MAX] = {
	[ROUTE_MAP_HOSTS] = "hosts.map",
	[ROUTE_MAP_STATES] = "states.map",
	[ROUTE_MAP_DYNOS] = "dynos.map",
	[ROUTE_MAP_ACME] = "acme.map",
};

const char *route_app_state(const struct route_app *a)
{
	static const char *const codes[] = {
		[ROUTE_DOWN_NONE] = NULL,	 [ROUTE_DOWN_CRASHED] = "H10",
		[ROUTE_DOWN_NO_WEB] = "H14",	 [ROUTE_DOWN_STARTING] = "H20",
		[ROUTE_DOWN_NO_RELEASE] = "H81",
	};

	if (a->maintenance)
		return "H80";
	return (size_t)a->down < ARRAY_SIZE(codes) ? codes[a->down] : NULL;
}

static void add(struct route_entries *e, char *take_key, char *take_value)
{
	e->list = xrealloc(e->list, (e->n + 1) * sizeof(*e->list));
	e->list[e->n++] = (struct route_entry){ .key = take_key, .value = take_value };
}

static void add_app(struct route_entries *e, const struct route_config *c,
		    const struct route_app *a, enum route_map map)
{
	const char *state = route_app_state(a);

	if (map == ROUTE_MAP_STATES && state)
		add(e, xasprintf("app-%s", a->id), xstrdup(state));
	for (size_t i = 0; map == ROUTE_MAP_DYNOS && i < a->n_servers; i++)
		if (a->servers[i].state != ROUTE_FREE)
			add(e, xasprintf("s%zu@app-%s", i + 1, a->id), xstrdup(a->servers[i].dyno));
	for (char **h = a->hosts; map == ROUTE_MAP_ACME && a->acme[0] && h && *h; h++)
		add(e, xstrdup(*h), xstrdup(a->acme));
	if (map != ROUTE_MAP_HOSTS)
		return;
	add(e, xasprintf("%s.%s", a->name, c->apps_domain), xasprintf("app-%s", a->id));
	for (char **h = a->hosts; h && *h; h++)
		add(e, xstrdup(*h), xasprintf("app-%s", a->id));
}

bool route_has_wildcards(const struct route_config *c)
{
	for (size_t i = 0; i < c->n_apps; i++)
		for (char **h = c->apps[i].hosts; h && *h; h++)
			if (str_starts(*h, "*."))
				return true;
	return false;
}

/* Of two that claim a host the first in order has it: "api", the platform itself, before apps. */
static int by_key(const void *a, const void *b)
{
	const struct route_entry *x = a, *y = b;
	int r = strcmp(x->key, y->key);

	return r ? r : strcmp(x->value, y->value);
}

void route_entries_make(const struct route_config *c, enum route_map map, struct route_entries *ret)
{
	size_t kept = 0;

	*ret = (struct route_entries){ 0 };
	if (map == ROUTE_MAP_HOSTS && c->door_dir && *c->door_dir) {
		add(ret, xasprintf("api.%s", c->apps_domain), xstrdup("api"));
		add(ret, xasprintf("git.%s", c->apps_domain), xstrdup("api"));
	}
	for (size_t i = 0; i < c->n_apps; i++)
		add_app(ret, c, &c->apps[i], map);
	if (ret->n)
		qsort(ret->list, ret->n, sizeof(*ret->list), by_key);
	for (size_t i = 0; i < ret->n; i++)
		if (kept && streq(ret->list[kept - 1].key, ret->list[i].key)) {
			free(ret->list[i].key);
			free(ret->list[i].value);
		} else {
			ret->list[kept++] = ret->list[i];
		}
	ret->n = kept;
}

void route_entries_done(struct route_entries *e)
{
	for (size_t i = 0; i < e->n; i++) {
		free(e->list[i].key);
		free(e->list[i].value);
	}
	free(e->list);
}

void route_render_map(const struct route_config *c, enum route_map map, struct buf *out)
{
	struct route_entries e;

	route_entries_make(c, map, &e);
	for (size_t i = 0; i < e.n; i++)
		buf_printf(out, "%s %s\n", e.list[i].key, e.list[i].value);
	route_entries_done(&e);
}
