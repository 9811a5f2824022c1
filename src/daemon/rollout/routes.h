/* SPDX-License-Identifier: Apache-2.0 */
/* The routes that the router should have for an app: hosts, the dynos with traffic, and the
 * response without a dyno. */
#pragma once

#include "daemon/rollout/turn.h"

/* Passes the app's routes to the router if they have changed. */
int routes_sync(struct turn *t, struct error *err);
/* True if the current release's slug is missing: it was removed by hand, or is not in the backup
 * that the platform was restored from. */
bool turn_is_slugless(const struct turn *t);
