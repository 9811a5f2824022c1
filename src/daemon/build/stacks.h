/* SPDX-License-Identifier: Apache-2.0 */
/* Creates the stack of new apps and its build variant when twelved starts, by a child with low
 * priority, so that the first push does not wait for them; an earlier push waits for the child. A
 * failure is logged, and the build that needs the stack tries again. */
#pragma once

#include "daemon/core/platform.h"

struct stacks;

struct stacks *stacks_new(const struct platform *p);
/* Ends the child. */
void stacks_free(struct stacks *st);
/* Starts the child, unless TWELVE_PREPARE_STACKS is 0 or the disk reserve is in use. */
void stacks_prepare(struct stacks *st);
/* Whether the child runs. */
bool stacks_are_prepared(const struct stacks *st);

/* The child: "twelved stacks STATE DATA [PACKAGES...]", with packages a run stack that has them.
 * Returns the exit code. */
int stacks_worker_main(const char *state_dir, const char *data_dir, char *const *packages);
