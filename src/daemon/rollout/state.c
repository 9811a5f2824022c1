/* SPDX-License-Identifier: Apache-2.0 */
/* The states of apps; see state.h. */
#include "daemon/rollout/state.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

struct app_state *state_find(const struct reconciler *r, const char *app_id)
{
	for (size_t i = 0; i < r->n; i++)
		if (streq(r->apps[i]->id, app_id))
			return r->apps[i];
	return NULL;
}

struct app_state *state_of(struct reconciler *r, const char *app_id)
{
	struct app_state *a = state_find(r, app_id);

	if (a)
		return a;
	a = xcalloc(1, sizeof(*a));
	a->owner = r;
	snprintf(a->id, sizeof(a->id), "%s", app_id);
	a->timer = watch_timer(r->o.platform->loop, r->on_turn, a);
	r->apps = xrealloc(r->apps, (r->n + 1) * sizeof(*r->apps));
	r->apps[r->n++] = a;
	return a;
}

void state_drop(struct app_state *a)
{
	struct reconciler *r = a->owner;
	size_t i = 0;

	while (r->apps[i] != a)
		i++;
	r->apps[i] = r->apps[--r->n];
	watch_free(a->timer);
	free(a->last_route);
	free(a);
}

void state_turn_soon(struct app_state *a)
{
	watch_arm(a->timer, 0);
}
