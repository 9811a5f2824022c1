/* SPDX-License-Identifier: Apache-2.0 */
/* The room that a volume has; see room.h. */
#include "addon/room.h"

#define ROOM_AGAIN_PERCENT 90

static int64_t again(const struct room *r)
{
	return r->quota / 100 * ROOM_AGAIN_PERCENT;
}

enum room_level room_level(const struct room *r, enum room_level now)
{
	if (r->used >= r->hard + (r->hard - r->quota))
		return ROOM_CLOSED;
	if (r->used >= r->hard)
		return now == ROOM_CLOSED ? ROOM_CLOSED : ROOM_HARD;
	if (r->used >= r->quota)
		return now >= ROOM_HARD ? ROOM_HARD : ROOM_FULL;
	return r->used >= again(r) && now != ROOM_FREE ? ROOM_FULL : ROOM_FREE;
}

bool room_is_near(const struct room *r, int64_t shrunk)
{
	return r->used >= again(r) || shrunk >= (again(r) - r->used) / 2;
}

const char *room_word(enum room_level level)
{
	static const char *const words[_ROOM_MAX] = { "free", "full", "hard", "closed" };

	return words[level];
}
