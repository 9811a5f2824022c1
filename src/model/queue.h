/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decides whose build is next. Turns alternate between owners, and between an owner's apps: first
 * who has the fewest running, then whose last build started longest ago, then who has waited
 * longest. So an owner with a hundred builds, or with two that hang, does not keep others waiting.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue_entry {
	const char *owner, *app;
	int64_t asked_ms;
	int64_t owner_last_ms,
		app_last_ms; /* when the owner's and the app's last build started; 0: never */
	size_t owner_max;    /* of this owner at a time; 0: as the rules say */
	int running;
};

struct queue_rules {
	size_t slots;
	size_t per_owner; /* of an owner at a time */
};

#define QUEUE_NONE SIZE_MAX

/* Writes the indices of waiting builds to ret_order (room for n), in the order in which they would
 * start if nothing else came. Returns their number. */
size_t queue_order(const struct queue_entry *e, size_t n, size_t *ret_order);
/* The build of that order that starts now. QUEUE_NONE: no slot is free, or each waiting owner has
 * as many running as allowed. */
size_t queue_next(const struct queue_entry *e, size_t n, const size_t *order, size_t n_order,
		  const struct queue_rules *rules);
/* Whether the owner of the i-th has as many running as allowed. */
bool queue_owner_is_full(const struct queue_entry *e, size_t n, size_t i,
			 const struct queue_rules *rules);
/* How many of an owner's are running. */
size_t queue_running_of(const struct queue_entry *e, size_t n, const char *owner);
