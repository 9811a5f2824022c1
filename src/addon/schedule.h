/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a scheduled backup is due, as a pure function. A schedule is a minute of the day in UTC. A
 * backup that was missed, because twelved did not run then, is made up for within a day.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct schedule {
	int64_t minute;	  /* of the day; -1: there is none */
	int64_t since_ms; /* when it was set: what was due before that is not made */
	int64_t last_ms;  /* when the newest backup by it was begun; 0: there is none */
};

/* When it was due last, which may be yesterday. */
int64_t schedule_due_ms(const struct schedule *s, int64_t now_ms);
bool schedule_is_due(const struct schedule *s, int64_t now_ms);
