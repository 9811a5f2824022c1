/* SPDX-License-Identifier: Apache-2.0 */
/* The proof of a release, as a pure function of what its rollout measured. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The router's counters of an app at one moment. */
struct proof_counts {
	bool known;
	int64_t requests, failed;
};

struct proof_facts {
	json_t *dynos; /* [{"dyno": "web.1", "ready_ms": 412}], borrowed; NULL: none was ready */
	const char *not_up; /* the types that it was not held up by ("worker, clock"), or "" */
	bool complete;	    /* all that is old is gone */
	int64_t began_ms, now_ms,
		drain_began_ms; /* wall clock; drain_began_ms 0: there was nothing to drain */
	struct proof_counts before, now;
};

/*
 * {dynos, complete, rollout_ms} and, where they are known, not_up; requests and failed, both during the
 * switch; drain_ms of a complete one. A new reference.
 */
json_t *proof_make(const struct proof_facts *f);
