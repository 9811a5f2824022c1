/* SPDX-License-Identifier: Apache-2.0 */
/* The room that a volume has; see room.h. */
#include "addon/room.h"

#define ROOM_AGAIN_PERCENT 90
#define PAUSE_MIN_MS 10000
#define PAUSE_MAX_MS 600000

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

int room_step(const struct room *r)
{
	static const int warn_at[] = { 80, 90, 95 };
	int step = 0;

	while (step < 3 && r->used >= r->quota / 100 * warn_at[step])
		step++;
	return step;
}

int64_t room_pause_ms(const struct room *r, enum room_level now, int64_t used_before,
		      int64_t pause_ms)
{
	int64_t moved = r->used > used_before ? r->used - used_before : used_before - r->used;

	if (now != ROOM_FREE || room_step(r) || moved > r->quota / 100 || pause_ms < PAUSE_MIN_MS)
		return PAUSE_MIN_MS;
	return pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
}

bool room_is_near(const struct room *r, int64_t shrunk)
{
	return r->used >= again(r) || shrunk >= (again(r) - r->used) / 2 || shrunk >= r->quota / 20;
}

const char *room_word(enum room_level level)
{
	static const char *const words[_ROOM_MAX] = { "free", "full", "hard", "closed" };

	return words[level];
}
