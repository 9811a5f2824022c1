/* SPDX-License-Identifier: Apache-2.0 */
/* How large slugs are; see slug-sizes.h. */
#include "daemon/slug-sizes.h"

#include <stdlib.h>

#include "base/str.h"
#include "build/build.h"

/* 128 KB. */
#define N_SLOTS 2048

struct slug_sizes {
	struct slot {
		char app_id[UUID_SIZE];
		int64_t version, bytes;
	} slots[N_SLOTS];
};

struct slug_sizes *slug_sizes_new(void)
{
	return xcalloc(1, sizeof(struct slug_sizes));
}

void slug_sizes_free(struct slug_sizes *s)
{
	free(s);
}

static int64_t look_up(struct daemon *d, const struct app *a)
{
	struct build_result slug = { 0 };
	struct error err = ERROR_INIT;
	struct release r = { 0 };
	int64_t bytes = -1;

	if (store_release_get(d->store, a->id, a->current_version, &r, &err) == 0 && r.slug &&
	    build_open_slug(d->settings.state_dir, r.slug, &slug, &err) == 0)
		bytes = (int64_t)slug.size_bytes;
	build_result_done(&slug);
	release_done(&r);
	return bytes;
}

int64_t slug_sizes_get(struct daemon *d, const struct app *a)
{
	/* The first digits of a random id are as good as a hash of it. */
	struct slot *slot = &d->slug_sizes->slots[strtoul(a->id, NULL, 16) % N_SLOTS];

	if (!a->current_version)
		return -1;
	if (slot->version == a->current_version && streq(slot->app_id, a->id))
		return slot->bytes;
	slot->bytes = look_up(d, a);
	slot->version = slot->bytes < 0 ? 0 : a->current_version;
	memcpy(slot->app_id, a->id, sizeof(slot->app_id));
	return slot->bytes;
}
