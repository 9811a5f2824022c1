/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an app: its row, its first release, its repository, and what goes with it. */
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

/*
 * An app of `who`, with its first release and its repository; all or nothing. *app has what is
 * wanted of it; the rest is filled in.
 */
int apps_make(struct apps *as, struct app *app, const struct caller *who, struct error *err);
/* Another name for it, and for its repository: all or nothing; *app has the name. ERROR_INVALID,
 * ERROR_CONFLICT. */
int apps_rename(struct apps *as, struct app *app, const char *name, struct error *err);
/* With all that belongs to it. `who` is for the log. An error says why the app stays. */
int apps_destroy(struct apps *as, const struct app *app, const char *who, struct error *err);
/* The same, with a line in the audit trail in one transaction with the app's row. */
int apps_destroy_noted(struct apps *as, const struct app *app, const char *who,
		       const struct audit *line, struct error *err);
/* At start, before anything is taken: what a kill left half-done of apps that were being made,
 * renamed or destroyed, and of promotions. */
int apps_mend(struct platform *p, struct error *err);
