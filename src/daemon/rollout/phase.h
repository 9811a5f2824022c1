/* SPDX-License-Identifier: Apache-2.0 */
/* The release phase: the process type `release`, run from the candidate before its dynos start. */
#pragma once

#include "daemon/dynos/dynos.h"
#include "daemon/rollout/state.h"

/* Starts the release command or waits for it; marks the phase done if there is none. */
void phase_step(struct app_state *a, const struct app *app, struct release *candidate);
/* A dyno of type release has ended. */
void phase_ended(struct app_state *a, const struct dyno *dyno);
void phase_clear(struct app_state *a);
