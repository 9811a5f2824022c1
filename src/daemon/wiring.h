/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one file that ties rooms together: which parts there are, the order in which they are made
 * and freed, and who is told when something changes. A room never asks for one below it in the
 * table of docs/architecture.md; what it has to tell upwards it tells a function that is given to
 * it here.
 */
#pragma once

#include "daemon/api/parts.h"

/* Makes every part; d->settings and d->runtime are set. On failure the process ends: nothing is
 * freed. */
int wiring_start(struct parts *parts, struct error *err);
/* Ends HTTP, and frees the parts that would start dynos again, so that all dynos can be ended. */
void wiring_end_apps(struct parts *parts);
/* Frees what is left; `everything`: ends haproxy and twelve-logs as well. */
void wiring_stop(struct parts *parts, bool everything);
