/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the release that a change starts from, and the successor of a superseded one. */
#pragma once

#include "daemon/wanted/wanted.h"

/* The newest release if it is pending and not failing, else the current one. ERROR_NOT_FOUND if the
 * app has none. */
int releases_base(const struct wanted *w, const struct app *app, struct release *ret,
		  struct error *err);
/* Its version, for an app whose newest release has this status; 0: none. */
int64_t releases_base_version(const struct wanted *w, const struct app *app,
			      enum release_status newest);
/* While *r has expired and its successor has the same slug and commit, and so includes it, replaces
 * *r by the successor. */
int releases_follow(const struct wanted *w, struct release *r, struct error *err);

/* Marks a pending release as failing. Its row is written only when its last log lines were fetched;
 * until then no change may start from it, because its push will be rejected. One per app. Call
 * wanted_forget_failing() when the row is written. */
void wanted_mark_failing(struct wanted *w, const char *app_id, int64_t version);
void wanted_forget_failing(struct wanted *w, const char *app_id);
