/* SPDX-License-Identifier: Apache-2.0 */
/* What of the outside the sandboxes of an app reach, where it is not as for everybody. Conventions:
 * store/store.h. */
#pragma once

#include <stdbool.h>

#include "store/store.h"

struct egress {
	char app_id[UUID_SIZE];
	bool closed;	/* nothing but what is allowed */
	char **allowed; /* strv of destinations (net/egress.h) */
};
void egress_done(struct egress *e);
void egress_free_array(struct egress *list, size_t n);

/* Open, and nothing allowed besides, for an app of which nothing was said. */
int store_egress_get(struct store *s, const char *app_id, struct egress *ret, struct error *err);
int store_egress_put(struct store *s, const struct egress *e, struct error *err);
/* Of all apps of which something was said. */
int store_egress_list(struct store *s, struct egress **ret, size_t *ret_n, struct error *err);
