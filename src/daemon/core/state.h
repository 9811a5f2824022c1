/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory against the database. At start a database that is less than the directory is
 * refused; and of what has no row only that is removed which the database says is gone
 * (store/gone.h). The rest is lost and found: it stays, runs on, and is told.
 */
#pragma once

#include "daemon/core/platform.h"

/* Opens p->store, or says what is there without a database and how to restore it. */
int state_open(struct platform *p, struct error *err);

/* True when a row says that this was removed on purpose. False when it was not, or when the store
 * can't be asked. Kinds: store/gone.h. */
bool state_is_gone(struct store *s, const char *kind, const char *id);

/* A folder of the platform and what its entries are. */
struct state_place {
	const char *folder, *one, *many;
	bool in_run; /* below RUN; else below STATE */
	bool (*is_one)(const char *name);
};
#define N_STATE_PLACES 6
extern const struct state_place state_places[N_STATE_PLACES];
