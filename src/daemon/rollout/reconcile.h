/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reconciler: for each app, reads the desired state from the store and the running dynos
 * (dynos/dynos.h), and carries out what plan_make() (model/plan.h) returns. Runs an app's release
 * phase before its candidate starts. Keeps no state that has to survive a restart of twelved.
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
/* Plans this app in the next turn of the loop. Several calls result in one plan. */
void reconcile_app(struct reconciler *r, const char *app_id);
void reconcile_all(struct reconciler *r);
/* After an app was destroyed and its row deleted: stops its dynos and removes its routes. */
void reconcile_forget(struct reconciler *r, const char *app_id);
/* A dyno of an app, of its formation or a one-off one, has changed. */
void reconcile_dyno_changed(struct reconciler *r, const struct dyno *dyno);
