/* SPDX-License-Identifier: Apache-2.0 */
/* See packings.h. */
#include "daemon/build/packings.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/str.h"

/* The platform's own are not counted. */
#define OF_ONE_USER 2

struct packings {
	const struct platform *platform;
	struct packings_place *first;
};

struct packings *packings_new(const struct platform *p)
{
	struct packings *ps = xcalloc(1, sizeof(*ps));

	ps->platform = p;
	return ps;
}

void packings_free(struct packings *ps)
{
	free(ps);
}

static int check_user(const struct packings *ps, const char *user_id, struct error *err)
{
	int n = 0;

	for (const struct packings_place *p = ps->first; p; p = p->next)
		n += streq(p->user_id, user_id);
	if (!user_id[0] || n < OF_ONE_USER)
		return 0;
	return error_set(err, ERROR_RATE_LIMIT,
			 "%d slugs are being packed or read for you already: try again when one of "
			 "them has come",
			 OF_ONE_USER);
}

/* Packed it is hardly larger than it is. What the others will write is not on the disk yet: what
 * has to stay free stays free. */
static int check_room(const struct packings *ps, int64_t bytes, struct error *err)
{
	int64_t promised = bytes;
	uint64_t free_bytes = 0;

	for (const struct packings_place *p = ps->first; p; p = p->next)
		promised += p->bytes;
	if (fs_free_bytes(ps->platform->settings.state_dir, &free_bytes) < 0 ||
	    (int64_t)free_bytes >= ps->platform->settings.disk_reserve_bytes + promised)
		return 0;
	return error_set(err, ERROR_UNAVAILABLE,
			 "The disk is too full for a download of %lld MB (TWELVE_DISK_RESERVE): "
			 "\"twelve gc\" deletes unused files and shows disk usage",
			 (long long)bytes >> 20);
}

int packings_enter(struct packings *ps, const char *user_id, int64_t bytes,
		   struct packings_place *ret, struct error *err)
{
	if (check_user(ps, user_id, err) < 0 || check_room(ps, bytes, err) < 0)
		return -1;
	*ret = (struct packings_place){ .owner = ps, .bytes = bytes, .next = ps->first };
	snprintf(ret->user_id, sizeof(ret->user_id), "%s", user_id);
	ps->first = ret;
	return 0;
}

void packings_leave(struct packings_place *p)
{
	struct packings_place **at;

	if (!p->owner)
		return;
	for (at = &p->owner->first; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	p->owner = NULL;
}
