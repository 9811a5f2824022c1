/* SPDX-License-Identifier: Apache-2.0 */
/* Which release a change starts from, and what became of one that a newer one took the place of. */
#pragma once

#include "daemon/wanted/wanted.h"

/* The newest release while it is pending and not failing, else the current one. ERROR_NOT_FOUND
 * when the app has none. */
int releases_base(const struct wanted *w, const struct app *app, struct release *ret,
		  struct error *err);
/* Its number, for an app whose newest release has this status; 0: it has none. */
int64_t releases_base_version(const struct wanted *w, const struct app *app,
			      enum release_status newest);
/*
 * While *r has expired and its successor has the same slug and commit, so that it has *r in it, *r
 * becomes that one.
 */
int releases_follow(const struct wanted *w, struct release *r, struct error *err);

/*
 * This pending release has failed: its row says so only when its last lines are there, and until
 * then no change may start from it, since its push is told that it was rejected. One per app.
 * wanted_forget_failing() when the row is written.
 */
void wanted_mark_failing(struct wanted *w, const char *app_id, int64_t version);
void wanted_forget_failing(struct wanted *w, const char *app_id);
