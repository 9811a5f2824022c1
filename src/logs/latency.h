/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long requests took, as a histogram of fixed size: exact below 16 ms, then eight steps to each
 * doubling, so that one value is off by a sixteenth at most. What is longer than two minutes counts
 * as that.
 */
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
/* The milliseconds within which 95 of 100 requests were answered; 0 when there was none. */
int64_t latency_p95(const struct latency *l);
