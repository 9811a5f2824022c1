/* SPDX-License-Identifier: Apache-2.0 */
/* Decides when a review app is stale: nothing was deployed to it for some days. Times are
 * wall-clock milliseconds. */
#pragma once

#include <stdint.h>

#define STALE_DAYS_DEFAULT 5
#define STALE_DAYS_MAX 365

struct stale_facts {
	int64_t days;		      /* 1 to STALE_DAYS_MAX */
	int64_t created_ms;	      /* the review app */
	int64_t build_ms, release_ms; /* the newest of each; 0: none */
	int64_t put_back_ms;	      /* when the database was restored from a backup, which lacks
				deployments until then; 0: never */
};

/* From when on it is. */
int64_t stale_due_ms(const struct stale_facts *f);
