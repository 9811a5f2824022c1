/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a webhook's delivery after an attempt, as a pure function. An answer of 2xx ends
 * it. Else level "notify" is tried once; "sync" 12 times in about a day, each pause three times the
 * one before: 1 s, 3 s, 9 s ... 16 h 24 min.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DELIVERY_ATTEMPTS 12
#define DELIVERY_FIRST_PAUSE_MS 1000

struct delivery_attempt {
	bool sync;	/* the webhook's level */
	int64_t number; /* of this attempt, from 1 */
	long status;	/* of HTTP; 0: no answer */
};

enum delivery_fate { DELIVERY_SUCCEEDED, DELIVERY_RETRYING, DELIVERY_FAILED, _DELIVERY_FATE_MAX };
/* Heroku's words for them. */
extern const char *const delivery_fate_names[_DELIVERY_FATE_MAX];

/* *ret_pause_ms: until the next attempt of one that is RETRYING, else 0. */
enum delivery_fate delivery_after(const struct delivery_attempt *a, int64_t *ret_pause_ms);
