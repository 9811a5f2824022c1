/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an app: its row, its first release, its repository, and what goes with it. */
#pragma once

#include "daemon/core/daemon.h"

/*
 * An app of `who`, with its first release and its repository; all or nothing. *app has what is
 * wanted of it; the rest is filled in.
 */
int apps_make(struct daemon *d, struct app *app, const struct caller *who, struct error *err);
/* Another name for it, and for its repository: all or nothing; *app has the name. ERROR_INVALID,
 * ERROR_CONFLICT. */
int apps_rename(struct daemon *d, struct app *app, const char *name, struct error *err);
/* With all that belongs to it. `who` is for the log. An error says why the app stays. */
int apps_destroy(struct daemon *d, const struct app *app, const char *who, struct error *err);
/* The same, with a line in the audit trail in one transaction with the app's row. */
int apps_destroy_noted(struct daemon *d, const struct app *app, const char *who,
		       const struct audit *line, struct error *err);
/* At start, before anything is taken: what a kill left half-done of apps that were being made,
 * renamed or destroyed, and of promotions. */
int apps_mend(struct daemon *d, struct error *err);
