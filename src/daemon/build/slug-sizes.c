/* SPDX-License-Identifier: Apache-2.0 */
/* How large slugs are; see slug-sizes.h. */
#include "daemon/build/slug-sizes.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "build/build.h"

/* 128 KB. An app's place is one of a few next to each other, so that hardly any two take turns. */
#define N_SLOTS 2048
#define N_PLACES 8

struct slug_sizes {
	const struct platform *platform;
	struct slot {
		char app_id[UUID_SIZE];
		int64_t version, bytes;
	} slots[N_SLOTS];
};

struct slug_sizes *slug_sizes_new(const struct platform *p)
{
	struct slug_sizes *s = xcalloc(1, sizeof(*s));

	s->platform = p;
	return s;
}

void slug_sizes_free(struct slug_sizes *s)
{
	free(s);
}

/* False when it can't be told now. */
static bool look_up(const struct platform *p, const struct app *a, int64_t *ret)
{
	struct error err = ERROR_INIT;
	struct release r = { 0 };
	uint64_t bytes = 0;
	bool known = store_release_get(p->store, a->id, a->current_version, &r, &err) == 0;

	*ret = -1;
	if (known && r.slug) {
		known = build_slug_size(p->settings.state_dir, r.slug, &bytes, &err) == 0;
		*ret = known ? (int64_t)bytes : -1;
	}
	release_done(&r);
	return known;
}

/* The app's own place, or else a free one, or else the first. */
static struct slot *find(struct slug_sizes *s, const struct app *a)
{
	/* The first digits of a random id are as good as a hash of it. */
	struct slot *first = &s->slots[strtoul(a->id, NULL, 16) % (N_SLOTS / N_PLACES) * N_PLACES],
		    *free_one = NULL;

	for (struct slot *slot = first; slot < first + N_PLACES; slot++) {
		if (streq(slot->app_id, a->id))
			return slot;
		if (!free_one && !slot->version)
			free_one = slot;
	}
	return free_one ? free_one : first;
}

int64_t slug_sizes_get(struct slug_sizes *s, const struct app *a)
{
	struct slot *slot = find(s, a);

	if (!a->current_version)
		return -1;
	if (slot->version == a->current_version && streq(slot->app_id, a->id))
		return slot->bytes;
	slot->version = look_up(s->platform, a, &slot->bytes) ? a->current_version : 0;
	memcpy(slot->app_id, a->id, sizeof(slot->app_id));
	return slot->bytes;
}
