/* SPDX-License-Identifier: Apache-2.0 */
/* Creating, renaming and destroying apps: the row, the first release, the repository, and what
 * belongs to it. */
#pragma once

#include "daemon/core/caller.h"
#include "daemon/core/platform.h"

struct apps;

/* What a life touches; all of it outlives the apps. */
struct apps_options {
	struct platform *platform;
	struct wanted *wanted;
	struct builds *builds;
	struct reconciler *reconciler;
	struct certs *certs;
	struct services *services;
	struct logs_client *logs;
};

struct apps *apps_new(const struct apps_options *o);
void apps_free(struct apps *as);

/* Creates an app owned by `who` with its first release and its repository, all or nothing. *app has
 * the requested values; the rest is filled in. */
int apps_make(struct apps *as, struct app *app, const struct caller *who, struct error *err);
/* Renames the app and its repository, all or nothing; *app gets the name. ERROR_INVALID,
 * ERROR_CONFLICT. */
int apps_rename(struct apps *as, struct app *app, const char *name, struct error *err);
/* Destroys it with everything that belongs to it. `who` is for the log. An error says why the app
 * stays. */
int apps_destroy(struct apps *as, const struct app *app, const char *who, struct error *err);
/* The same, with a row in the audit trail in the transaction that deletes the app's row. */
int apps_destroy_noted(struct apps *as, const struct app *app, const char *who,
		       const struct audit *line, struct error *err);
/* At start, before the first request: completes or undoes creations, renames, destructions and
 * promotions that a kill interrupted. */
int apps_mend(struct platform *p, struct error *err);
