/* SPDX-License-Identifier: Apache-2.0 */
/* Measurements and messages of a rollout, and its result: the proof of a release, or why it was
 * undone. */
#pragma once

#include "daemon/dynos/dynos.h"
#include "daemon/rollout/state.h"

void rollout_begin(struct app_state *a, const struct release *candidate);
/* Whether the router's counters before and after the rollout have been read, or can't be read; if
 * false, they are being requested. */
bool rollout_counted_before(struct app_state *a);
bool rollout_counted(struct app_state *a);
/* A dyno of the candidate is ready. */
void rollout_note_ready(struct app_state *a, const struct dyno *dyno);
/* not_up: crashing process types that did not hold the release up ("worker, clock"), or "". */
int rollout_commit(struct app_state *a, struct app *app, struct release *candidate,
		   const char *not_up, struct error *err);
/* Everything old is gone: completes the proof. */
void rollout_settled(struct app_state *a);
/* Marks the candidate failed, after fetching the last log lines of the dyno that failed (NULL:
 * none). */
void rollout_undo(struct app_state *a, struct release *take_candidate, const struct dyno *failed,
		  const char *reason);
/* The newest release superseded those after version `after`: tells whoever waits for them. */
void rollout_superseded(struct app_state *a, int64_t after, int64_t by);
/* The app is gone: with what is under way for it. */
void rollout_forget(struct app_state *a);
