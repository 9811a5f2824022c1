/* SPDX-License-Identifier: Apache-2.0 */
/* Slugs that are being packed to be downloaded: how many one user may have at a time, and the room
 * that all of them will take. */
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

/* A place for so many bytes, until packings_leave(); the caller keeps *ret where it is. */
int packings_enter(struct packings *ps, const char *user_id, int64_t bytes,
		   struct packings_place *ret, struct error *err);
void packings_leave(struct packings_place *p);
