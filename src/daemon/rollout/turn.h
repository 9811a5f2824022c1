/* SPDX-License-Identifier: Apache-2.0 */
/* The input of one turn of the reconciler: the desired state of one app, and its running dynos. */
#pragma once

#include "daemon/dynos/dynos.h"
#include "daemon/rollout/state.h"
#include "model/plan.h"

struct turn {
	struct app_state *a;
	const struct reconciler_options *o;
	struct app app;
	struct release current, candidate; /* version 0: none */
	struct plan_type *types;
	size_t n_types;
	struct restart *restarts;
	struct plan_restart *plan_restarts;
	size_t n_restarts;
	struct dyno **dynos; /* of the formation */
	struct plan_dyno *plan_dynos;
	size_t n_dynos;
	struct plan_desired desired;
};

/* Reads the desired state and the running dynos (gather.c). ERROR_NOT_FOUND: the app does not
 * exist. Call turn_done() in any case. */
int turn_gather(struct turn *t, struct error *err);
void turn_done(struct turn *t);
