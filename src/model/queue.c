/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is; see queue.h. */
#include "model/queue.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/str.h"

/* What is known of an owner or an app while turns are given out. */
struct party {
	size_t running;
	int64_t last_ms; /* those begun here come after all that began before */
};

struct seat {
	size_t owner, app; /* indices of the first entry with the same: its party counts */
	bool waits;
};

struct table {
	const struct queue_entry *e;
	struct seat *seats;
	struct party *owners, *apps;
	size_t n;
	int64_t now; /* later than any time there is */
};

static size_t first_with(const struct queue_entry *e, size_t i, bool app)
{
	for (size_t k = 0; k < i; k++)
		if (app ? streq(e[k].app, e[i].app) : streq(e[k].owner, e[i].owner))
			return k;
	return i;
}

static void take_seat(struct table *t, size_t i)
{
	struct seat *s = &t->seats[i];
	struct party *owner, *app;

	s->owner = first_with(t->e, i, false);
	s->app = first_with(t->e, i, true);
	s->waits = !t->e[i].running;
	owner = &t->owners[s->owner];
	app = &t->apps[s->app];
	owner->running += !s->waits;
	app->running += !s->waits;
	if (t->e[i].owner_last_ms > owner->last_ms)
		owner->last_ms = t->e[i].owner_last_ms;
	if (t->e[i].app_last_ms > app->last_ms)
		app->last_ms = t->e[i].app_last_ms;
	if (owner->last_ms > t->now)
		t->now = owner->last_ms;
	if (app->last_ms > t->now)
		t->now = app->last_ms;
}

/* Less than 0: a comes first. */
static int compare(const struct party *a, const struct party *b)
{
	if (a->running != b->running)
		return a->running < b->running ? -1 : 1;
	return a->last_ms == b->last_ms ? 0 : a->last_ms < b->last_ms ? -1 : 1;
}

static bool comes_first(const struct table *t, size_t a, size_t b)
{
	const struct seat *x = &t->seats[a], *y = &t->seats[b];
	int c = compare(&t->owners[x->owner], &t->owners[y->owner]);

	/* Apps are compared within an owner only: many apps are no many turns. */
	if (c == 0 && x->owner == y->owner)
		c = compare(&t->apps[x->app], &t->apps[y->app]);
	return c < 0 || (c == 0 && t->e[a].asked_ms < t->e[b].asked_ms);
}

static size_t pick(const struct table *t)
{
	size_t best = QUEUE_NONE;

	for (size_t i = 0; i < t->n; i++)
		if (t->seats[i].waits && (best == QUEUE_NONE || comes_first(t, i, best)))
			best = i;
	return best;
}

static void give_turn(struct table *t, size_t i)
{
	struct seat *s = &t->seats[i];

	s->waits = false;
	t->now++;
	t->owners[s->owner].running++;
	t->owners[s->owner].last_ms = t->now;
	t->apps[s->app].running++;
	t->apps[s->app].last_ms = t->now;
}

size_t queue_order(const struct queue_entry *e, size_t n, size_t *ret_order)
{
	_cleanup_free_ struct seat *seats = xcalloc(n + 1, sizeof(*seats));
	_cleanup_free_ struct party *owners = xcalloc(n + 1, sizeof(*owners)),
				    *apps = xcalloc(n + 1, sizeof(*apps));
	struct table t = { .e = e, .seats = seats, .owners = owners, .apps = apps, .n = n };
	size_t n_order = 0, i;

	for (i = 0; i < n; i++)
		take_seat(&t, i);
	while ((i = pick(&t)) != QUEUE_NONE) {
		ret_order[n_order++] = i;
		give_turn(&t, i);
	}
	return n_order;
}

size_t queue_running_of(const struct queue_entry *e, size_t n, const char *owner)
{
	size_t running = 0;

	for (size_t i = 0; i < n; i++)
		running += e[i].running && streq(e[i].owner, owner);
	return running;
}

bool queue_owner_is_full(const struct queue_entry *e, size_t n, size_t i,
			 const struct queue_rules *rules)
{
	size_t max = e[i].owner_max ? e[i].owner_max : rules->per_owner;

	return queue_running_of(e, n, e[i].owner) >= max;
}

size_t queue_next(const struct queue_entry *e, size_t n, const size_t *order, size_t n_order,
		  const struct queue_rules *rules)
{
	size_t running = 0;

	for (size_t i = 0; i < n; i++)
		running += (size_t) !!e[i].running;
	if (!n_order || running >= rules->slots)
		return QUEUE_NONE;
	/* The first has the fewest running of all, but may have a lower limit than others. */
	for (size_t i = 0; i < n_order; i++)
		if (!queue_owner_is_full(e, n, order[i], rules))
			return order[i];
	return QUEUE_NONE;
}
