/* SPDX-License-Identifier: Apache-2.0 */
/* Slugs that are being packed for download: limits how many one user may have at a time, and
 * reserves disk space for all. */
#pragma once

#include <stdint.h>

#include "daemon/core/platform.h"

struct packings;

struct packings *packings_new(const struct platform *p);
void packings_free(struct packings *ps);

struct packings_place {
	struct packings *owner; /* NULL: it has none */
	char user_id[UUID_SIZE];
	int64_t bytes;
	struct packings_place *next;
};

/* Reserves this many bytes until packings_leave(). *ret must not move. */
int packings_enter(struct packings *ps, const char *user_id, int64_t bytes,
		   struct packings_place *ret, struct error *err);
void packings_leave(struct packings_place *p);
