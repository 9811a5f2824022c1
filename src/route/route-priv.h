/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the route module share. */
#pragma once

#include "route/route.h"

struct route_entry {
	char *key;
	char *value;
};

struct route_entries {
	struct route_entry *list; /* sorted by key, each key once */
	size_t n;
};

void route_entries_make(const struct route_config *c, enum route_map map,
			struct route_entries *ret);
void route_entries_done(struct route_entries *e);

/* door.c: the platform's own frontends, and the backend `api`. */
void route_render_door(const struct route_config *c, struct buf *out);

/* keep.c: what is kept and tried again: of all apps, of a request, and of an app. */
void route_render_keep(struct buf *out);
void route_render_once(struct buf *out);
void route_render_first_byte(int64_t first_byte_ms, int64_t idle_ms, struct buf *out);

/* maps.c: whether any app has a host "*.example.com". */
bool route_has_wildcards(const struct route_config *c);

/* limits.c: in a frontend, from `places`; and in what takes its requests, with the page of a code.
 * `name` is the table's. */
void route_render_source_limit(const struct route_config *c, const char *name, int64_t places,
			       int64_t of_source, struct buf *out);
void route_render_request_limit(const struct route_config *c, const char *name, const char *code,
				int64_t of_source, struct buf *out);
/* The same for what may have many requests on one connection: HTTP/2, in the frontend `web`. */
void route_render_stream_limit(const struct route_config *c, struct buf *out);
void route_render_tables(const struct route_config *c, struct buf *out);
bool route_limits_same(const struct route_limits *a, const struct route_limits *b);
