/* SPDX-License-Identifier: Apache-2.0 */
/* Decides whether a scheduled backup is due. A schedule is a minute of the day in UTC. If twelved
 * did not run at that time, the backup is made up for within a day. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct schedule {
	int64_t minute;	  /* of the day; -1: there is none */
	int64_t since_ms; /* when it was set: what was due before that is not made */
	int64_t last_ms;  /* when its newest backup was started; 0: there is none */
};

/* Whether no backup was started since the schedule last came round, today or yesterday. */
bool schedule_is_due(const struct schedule *s, int64_t now_ms);
