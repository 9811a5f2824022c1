/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an owner's apps may take together. The decision is model/owner-limit.h; here is what it is
 * decided by: the limits (a user's own, else the settings TWELVE_OWNER_...) and what is used, which
 * is counted from rows, running one-off dynos and the manifests of services each time.
 *
 * Whoever writes something that takes more asks in the transaction that writes it:
 *
 *     owner_begin(w, owner_id, &watch, err)      counts
 *     store_begin(), the rows ...
 *     owner_end(w, &watch, err)                  counts again; -1: roll back
 *     store_commit()
 *
 * so that nobody has to know what a change amounts to, and nothing can come in between. An app
 * without an owner has no limits.
 */
#pragma once

#include "daemon/wanted/wanted.h"
#include "model/owner-limit.h"

/* The limits that hold for a user: a number or OWNER_UNLIMITED each. OWNER_BUILDS is 0 where the
 * queue decides (build/builds.h). */
int owner_limits(const struct wanted *w, const char *owner_id, struct owner_numbers *ret,
		 struct error *err);
/* What is used, but for builds, which are 0 here. */
int owner_used(const struct wanted *w, const char *owner_id, struct owner_numbers *ret,
	       struct error *err);

struct owner_watch {
	char owner_id[UUID_SIZE]; /* "": nothing is limited */
	struct owner_numbers max, before;
};
int owner_begin(const struct wanted *w, const char *owner_id, struct owner_watch *ret,
		struct error *err);
/* The same for the owner of an app. */
int owner_begin_app(const struct wanted *w, const char *app_id, struct owner_watch *ret,
		    struct error *err);
/* ERROR_INVALID with the sentence for people when it is too much now. */
int owner_end(const struct wanted *w, const struct owner_watch *o, struct error *err);

/* Whether this machine may have apps of this owner beside those that there are: not of a second one
 * where nothing stands between apps (walls/walls.h), unless the operator wants it so. */
int owner_may_come(const struct wanted *w, const char *owner_id, struct error *err);
/* Whether a user may take an app over, with all that it has. */
int owner_may_take(const struct wanted *w, const char *owner_id, const struct app *app,
		   struct error *err);
/* Whether an app may have one more one-off dyno of this size now. */
int owner_may_run(const struct wanted *w, const struct app *app, const char *size,
		  struct error *err);
