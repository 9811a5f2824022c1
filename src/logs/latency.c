/* SPDX-License-Identifier: Apache-2.0 */
/* How long requests took; see latency.h. */
#include "logs/latency.h"

#define STEPS 8
#define STEP_BITS 3

static unsigned bucket_of(int64_t ms)
{
	unsigned power, i;

	if (ms < STEPS)
		return ms < 0 ? 0 : (unsigned)ms;
	power = 63 - (unsigned)__builtin_clzll((unsigned long long)ms);
	i = (power - STEP_BITS + 1) * STEPS + (unsigned)((ms >> (power - STEP_BITS)) & (STEPS - 1));
	return i < LATENCY_BUCKETS ? i : LATENCY_BUCKETS - 1;
}

/* The first value of a bucket; that of the next one is where it ends. */
static int64_t first_of(unsigned bucket)
{
	unsigned power = bucket / STEPS;

	return power ? (int64_t)(STEPS + bucket % STEPS) << (power - 1) : bucket;
}

void latency_add(struct latency *l, int64_t ms, bool failed)
{
	l->requests++;
	l->failed += failed;
	l->buckets[bucket_of(ms)]++;
}

int64_t latency_p95(const struct latency *l)
{
	/* The nearest rank. */
	uint64_t rank = ((uint64_t)l->requests * 95 + 99) / 100, before = 0;

	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		int64_t first = first_of(i), last = first_of(i + 1) - 1;

		/* Within a bucket they are taken to lie evenly. */
		if (l->buckets[i] && before + l->buckets[i] >= rank)
			return first + (last - first) * (int64_t)(2 * (rank - before) - 1) /
					       (2 * (int64_t)l->buckets[i]);
		before += l->buckets[i];
	}
	return 0;
}
