/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory against the database. At start a database that is less than the directory is
 * refused; and of what has no row only that is removed which the database says is gone
 * (store/gone.h). The rest is lost and found: it stays, runs on, and is told.
 */
#pragma once

#include "daemon/core/daemon.h"

/* Opens d->store, or says what is there without a database and how to restore it. */
int state_open(struct daemon *d, struct error *err);

/* True when a row says that this was removed on purpose. False when it was not, or when the store
 * can't be asked. Kinds: store/gone.h. */
bool state_is_gone(struct store *s, const char *kind, const char *id);

/*
 * What is here and in no row, and was not removed on purpose, as an array of {"kind", "id",
 * "path"}: repositories, volumes, backups, slugs, and dynos, which have no path.
 */
json_t *state_lost(struct daemon *d);
