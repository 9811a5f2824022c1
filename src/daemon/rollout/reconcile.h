/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reconciler: for each app, reads what is wanted from the store, looks at
 * what runs (dynos/dynos.h), asks plan_make() (model/plan.h), and does it. Runs an
 * app's release phase before its candidate may start. Keeps nothing that a
 * restart of twelved would miss.
 */
#pragma once

#include "daemon/core/platform.h"

struct reconciler;
struct dyno;

/* All of them are borrowed and outlive it. */
struct reconciler_options {
	struct platform *platform;
	struct logs_client *logs;
	struct streams *streams;
	struct router *router;
	struct acme *acme;
	struct dynos *dynos;
	struct branches *branches;
	struct wanted *wanted;
	struct builds *builds;
	struct retention *retention;
};
struct reconciler *reconciler_new(const struct reconciler_options *o);
void reconciler_free(struct reconciler *r);
/* Plans for this app in the next turn of the loop. Any number of calls make one plan. */
void reconcile_app(struct reconciler *r, const char *app_id);
void reconcile_all(struct reconciler *r);
/* The app is destroyed: forget it, stop its dynos and take its routes away. Its row is gone
 * already. */
void reconcile_forget(struct reconciler *r, const char *app_id);
/* A dyno of an app, of its formation or a one-off one, has changed. */
void reconcile_dyno_changed(struct reconciler *r, const struct dyno *dyno);
