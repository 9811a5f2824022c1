/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links: the lines of an add-on are put into the streams of the apps that it is
 * attached to as well (LOGS_LINK). A link is a cursor on the ring of the one and a
 * writer to the ring of the other; it begins where the add-on's ring ended when
 * this process started, or when the app was attached, whichever is later, so that nothing is
 * copied twice. A kill between the commit to the one ring and that to the other
 * leaves the lines of that batch in the add-on's own stream alone.
 */
#include <string.h>

#include "base/str.h"
#include "logsd/app.h"
#include "logsd/link.h"
#include "logsd/logsd.h"

struct link {
	struct link *next;
	struct app *to;
	uint64_t at; /* the cursor in the ring of `from` */
	bool wanted; /* while the set is being replaced */
};

static void copy_batch(struct link *k, struct app *from, uint64_t tail)
{
	struct log_record what;

	while (k->at < tail) {
		uint64_t next = ring_read(from->ring, k->at, &what);

		/* A release of the add-on's means nothing in the app's stream. */
		what.release = 0;
		if (!ring_put(k->to->ring, &what, clock_wall_ns()))
			return;
		k->at = next;
	}
}

static void drop_rest(struct link *k, struct app *from, uint64_t tail)
{
	struct log_record what;
	uint64_t n = 0;

	for (; k->at < tail; n++)
		k->at = ring_read(from->ring, k->at, &what);
	app_drop(k->to, n);
}

static void pump(struct link *k, struct app *from)
{
	uint64_t tail = ring_tail(from->ring);

	if (k->at < ring_head(from->ring))
		k->at = ring_head(from->ring);
	while (k->at < tail) {
		uint64_t before = k->at;

		if (app_begin(k->to) < 0) {
			drop_rest(k, from, tail);
			return;
		}
		copy_batch(k, from, tail);
		ring_prepare(k->to->ring);
		ring_commit(k->to->ring);
		app_show(k->to);
		if (k->at == before)
			return;
	}
}

/* Copies what was committed. */
static void links_pump(struct app *from)
{
	for (struct link *k = from->links; k; k = k->next)
		pump(k, from);
}

static struct link *find(struct app *from, const struct app *to)
{
	struct link *k = from->links;

	while (k && k->to != to)
		k = k->next;
	return k;
}

static void drop(struct link **at)
{
	struct link *k = *at;

	*at = k->next;
	free(k);
}

static void want(struct app *from, const char *id)
{
	struct app *to =
		uuid_is_valid(id) && !streq(id, from->id) ? app_get(from->logsd, id) : NULL;
	struct link *k = to ? find(from, to) : NULL;

	if (!to)
		return;
	if (!k) {
		k = xcalloc(1, sizeof(*k));
		/* The first set after our start takes over from the one that an earlier process
		 * had. */
		*k = (struct link){ .next = from->links,
				    .to = to,
				    .at = from->linked ? ring_tail(from->ring) : from->boot_tail };
		from->links = k;
	}
	k->wanted = true;
}

void links_set(struct app *from, const char *ids)
{
	_cleanup_free_ char *copy = xstrdup(ids);
	char *save = NULL;

	for (struct link *k = from->links; k; k = k->next)
		k->wanted = false;
	for (char *id = strtok_r(copy, " ", &save); id; id = strtok_r(NULL, " ", &save))
		want(from, id);
	for (struct link **at = &from->links; *at;)
		if ((*at)->wanted)
			at = &(*at)->next;
		else
			drop(at);
	from->linked = true;
	links_pump(from);
}

void links_forget(struct app *a)
{
	while (a->links)
		drop(&a->links);
	for (struct app *other = a->logsd->apps; other; other = other->next)
		for (struct link **at = &other->links; *at;)
			if ((*at)->to == a)
				drop(at);
			else
				at = &(*at)->next;
}

/* A link is pumped before each new batch, so it loses nothing when lines are evicted. */
const struct follower links_follow = { .shown = links_pump };
