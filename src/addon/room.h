/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The room that a volume has, as a pure function of what it takes and what its plan gives (decision
 * 12).
 *
 *     0 ──────── 90 % ──── quota ─────── hard ─────────── as far again ──▶ what the volume takes
 *       has room     (room again)  full        hard                closed
 *
 * On the way down each state lasts a while longer, so that nothing flaps: "closed" until it is
 * below the hard limit, "hard" until it is below the quota, "full" until a tenth of the quota is
 * free.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct room {
	int64_t used, quota, hard; /* bytes */
};

/* Their numbers are in the store. */
enum room_level { ROOM_FREE, ROOM_FULL, ROOM_HARD, ROOM_CLOSED, _ROOM_MAX };

/* What is right now, after it was `now`. */
enum room_level room_level(const struct room *r, enum room_level now);
/* The warning level: 0 below 80 % of the quota; 1, 2 and 3 from 80, 90 and 95 %. */
int room_step(const struct room *r);
/* How long to wait before the next count. The last one came `pause_ms` after one that found
 * used_before. Short near the quota or while the size changes, else double the last pause, up to
 * ten minutes. room_is_near() detects growth in between. */
int64_t room_pause_ms(const struct room *r, enum room_level now, int64_t used_before,
		      int64_t pause_ms);
/* Whether it must be counted early. A volume can't have grown by more than its file system's free
 * space has shrunk since the last count, so that number tells whether it may be near its quota, or
 * nearer by a twentieth. */
bool room_is_near(const struct room *r, int64_t shrunk);
/* For people and scripts: "free", "full", "hard", "closed". */
const char *room_word(enum room_level level);
