/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose build is next. Turns go round by owner, and an owner's by app: whoever has fewest running,
 * then whose last one began longest ago, then who has waited longest. So an owner with a hundred
 * builds, or with two that never end, keeps nobody else waiting.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct queue_entry {
	const char *owner, *app;
	int64_t asked_ms;
	int64_t owner_last_ms,
		app_last_ms; /* when the owner's and the app's last one began; 0: never */
	int running;
};

struct queue_rules {
	size_t slots;
	size_t per_owner; /* of an owner at a time */
};

#define QUEUE_NONE SIZE_MAX

/*
 * Writes the indices of those that wait, in the order in which they would begin if nothing else
 * came and each turn was free, to ret_order (room for n); returns how many there are.
 */
size_t queue_order(const struct queue_entry *e, size_t n, size_t *ret_order);
/* The one that begins now, of that order; QUEUE_NONE: no slot is free, or each who waits has as
 * many running as an owner may. */
size_t queue_next(const struct queue_entry *e, size_t n, const size_t *order, size_t n_order,
		  const struct queue_rules *rules);
/* How many of an owner's are running. */
size_t queue_running_of(const struct queue_entry *e, size_t n, const char *owner);
