/* SPDX-License-Identifier: Apache-2.0 */
/* What a rollout measures, tells and leaves: the proof of a release, or why it was undone. */
#pragma once

#include "daemon/dynos/dynos.h"
#include "daemon/rollout/state.h"

void rollout_begin(struct app_state *a, const struct release *candidate);
/* Whether the counters that the proof begins with, and ends with, are read, or can't be; else the
 * router is being asked. */
bool rollout_counted_before(struct app_state *a);
bool rollout_counted(struct app_state *a);
/* A dyno of the candidate is ready. */
void rollout_note_ready(struct app_state *a, const struct dyno *dyno);
/* not_up: the process types that it was not held up by ("worker, clock"), or "". */
int rollout_commit(struct app_state *a, struct app *app, struct release *candidate,
		   const char *not_up, struct error *err);
/* Everything old is gone: completes the proof. */
void rollout_settled(struct app_state *a);
/* Marks the candidate failed; fetches the last lines of the dyno that failed first (NULL: none). */
void rollout_undo(struct app_state *a, struct release *take_candidate, const struct dyno *failed,
		  const char *reason);
/* The newest release came before those after version `after` were done: who waits for one of them
 * is told. */
void rollout_superseded(struct app_state *a, int64_t after, int64_t by);
void rollout_clear(struct app_state *a);
/* The app is gone: with what is under way for it. */
void rollout_forget(struct app_state *a);
