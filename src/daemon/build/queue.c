/* SPDX-License-Identifier: Apache-2.0 */
/* Turns; see build/queue.h. */
#include "daemon/build/queue.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/wanted/owner.h"
#include "model/queue.h"

/* Of so many owners and apps it is known when their last build began; then all are forgotten, which
 * costs a turn. */
#define MAX_REMEMBERED 4096

struct turns {
	struct queue_entry *e;
	struct job **jobs; /* of these entries */
	size_t n, *order, n_order;
	struct queue_rules rules;
};

static void turns_done(struct turns *t)
{
	free(t->e);
	free(t->jobs);
	free(t->order);
}

static int64_t last_of(const struct builds *b, const char *id)
{
	return json_integer_value(json_object_get(b->begun, id));
}

/*
 * How many an owner may have at a time, where nobody has said so: all places while every app is the
 * same owner's, who would only keep themselves waiting; else all but one.
 */
static size_t default_per_owner(struct builds *b, size_t slots)
{
	struct error err = ERROR_INIT;
	int64_t n = 0;

	if (store_app_count_owners(b->platform->store, &n, &err) < 0)
		log_error("builds: %s", err.message);
	else if (n <= 1)
		return slots;
	return slots > 1 ? slots - 1 : 1;
}

/* What was set for the owner; 0 where nothing was, then the rules count. */
static size_t max_of(const struct builds *b, const char *owner_id, size_t slots)
{
	struct error err = ERROR_INIT;
	struct owner_numbers max;

	if (!owner_id[0])
		return 0;
	if (owner_limits(b->wanted, owner_id, &max, &err) < 0) {
		log_error("builds: %s", err.message);
		return 0;
	}
	return max.of[OWNER_BUILDS] == OWNER_UNLIMITED ? slots : (size_t)max.of[OWNER_BUILDS];
}

static struct turns turns_of(struct builds *b)
{
	struct turns t = { .e = xcalloc(b->n + 1, sizeof(*t.e)),
			   .jobs = xcalloc(b->n + 1, sizeof(struct job *)),
			   .order = xcalloc(b->n + 1, sizeof(*t.order)),
			   .rules = { .slots = (size_t)b->platform->settings.build_slots,
				      .per_owner = (size_t)b->platform->settings.owner_builds } };

	for (size_t i = 0; i < b->n; i++) {
		struct job *j = b->jobs[i];

		if (j->phase != PHASE_WAITING && j->phase != PHASE_RUNNING)
			continue;
		t.jobs[t.n] = j;
		t.e[t.n++] =
			(struct queue_entry){ .owner = j->owner_id,
					      .app = j->row.app_id,
					      .asked_ms = j->row.created_ms,
					      .owner_last_ms = last_of(b, j->owner_id),
					      .app_last_ms = last_of(b, j->row.app_id),
					      .owner_max = max_of(b, j->owner_id, t.rules.slots),
					      .running = j->phase == PHASE_RUNNING };
	}
	if (!t.rules.per_owner)
		t.rules.per_owner = default_per_owner(b, t.rules.slots);
	t.n_order = queue_order(t.e, t.n, t.order);
	return t;
}

struct job *builds_next(struct builds *b)
{
	__attribute__((cleanup(turns_done))) struct turns t = turns_of(b);
	size_t next = queue_next(t.e, t.n, t.order, t.n_order, &t.rules);

	return next == QUEUE_NONE ? NULL : t.jobs[next];
}

void builds_note_begin(struct builds *b, const struct job *j)
{
	/* Two that begin within a millisecond have an order, too. */
	b->begin_ms = b->begin_ms < clock_wall_ms() ? clock_wall_ms() : b->begin_ms + 1;
	if (json_object_size(b->begun) > MAX_REMEMBERED)
		json_object_clear(b->begun);
	json_object_set_new(b->begun, j->owner_id, json_integer((json_int_t)b->begin_ms));
	json_object_set_new(b->begun, j->row.app_id, json_integer((json_int_t)b->begin_ms));
}

size_t builds_owner_running(struct builds *b, const char *owner_id)
{
	__attribute__((cleanup(turns_done))) struct turns t = turns_of(b);

	return queue_running_of(t.e, t.n, owner_id);
}

size_t builds_owner_max(struct builds *b, const char *owner_id)
{
	size_t slots = (size_t)b->platform->settings.build_slots;
	size_t max = max_of(b, owner_id, slots);

	return max ? max : default_per_owner(b, slots);
}

static void tell(struct job *j, size_t before, size_t own)
{
	if (before == j->told_before && own == j->told_own)
		return;
	j->told_before = before;
	j->told_own = own;
	if (own)
		stream_printf(j->stream,
			      "-----> Waiting: %zu of its owner's builds %s running, as many as "
			      "may (TWELVE_OWNER_BUILDS, twelve users:limits)\n",
			      own, own == 1 ? "is" : "are");
	else
		stream_printf(j->stream, "-----> Waiting: %zu build%s before it\n", before,
			      before == 1 ? " is" : "s are");
}

void builds_tell_places(struct builds *b)
{
	__attribute__((cleanup(turns_done))) struct turns t = turns_of(b);
	size_t running = t.n - t.n_order;

	for (size_t i = 0; i < t.n_order; i++) {
		struct job *j = t.jobs[t.order[i]];
		size_t own = queue_owner_is_full(t.e, t.n, t.order[i], &t.rules) &&
					     running < t.rules.slots
				     ? queue_running_of(t.e, t.n, j->owner_id)
				     : 0;

		tell(j, running + i, own);
	}
}
