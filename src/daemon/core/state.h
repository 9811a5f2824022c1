/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the state directory with the database at start. A database that lacks what the directory
 * has is refused. Files without a row are removed only if the database says that they were deleted
 * (store/gone.h); others are kept, keep running, and are reported. */
#pragma once

#include "daemon/core/platform.h"

/* Opens p->store, or says which files have no database and how to restore it. */
int state_open(struct platform *p, struct error *err);

/* True if a row says that this was deleted on purpose. False if not, or if the store can't be read.
 * Kinds: store/gone.h. */
bool state_is_gone(struct store *s, const char *kind, const char *id);

/* A folder of the platform and what its entries are. */
struct state_place {
	const char *folder, *one, *many;
	bool in_run; /* below RUN; else below STATE */
	bool (*is_one)(const char *name);
};
#define N_STATE_PLACES 6
extern const struct state_place state_places[N_STATE_PLACES];
