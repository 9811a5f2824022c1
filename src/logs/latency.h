/* SPDX-License-Identifier: Apache-2.0 */
/* A histogram of request times, of fixed size: exact below 16 ms, then eight steps per doubling, so
 * a value is off by a sixteenth at most. Times above two minutes count as two minutes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LATENCY_BUCKETS 120

struct latency {
	uint32_t requests, failed;
	uint32_t buckets[LATENCY_BUCKETS];
};

/* One more. Negative is 0. */
void latency_add(struct latency *l, int64_t ms, bool failed);
/* The 95th percentile in milliseconds; 0 without requests. */
int64_t latency_p95(const struct latency *l);
