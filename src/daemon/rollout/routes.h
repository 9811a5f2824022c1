/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of an app, as the router is to have them: hosts, the dynos with traffic, and what is
 * answered without one. */
#pragma once

#include "daemon/rollout/turn.h"

/* Hands the app's routes to the router if they have changed. */
int routes_sync(struct turn *t, struct error *err);
/* The slug of what is current was let go by a hand, or is not in the backup that the platform was
 * restored from. */
bool turn_is_slugless(const struct turn *t);
