/* SPDX-License-Identifier: Apache-2.0 */
/* Destroys review apps to which nothing was deployed for as many days as their pipeline says
 * (model/stale.h), as a request would. Checks at start, when the configuration changes, when the
 * next one is due, and every hour. */
#pragma once

#include "daemon/apps/apps.h"
#include "daemon/core/platform.h"

struct stale;

struct stale *stale_new(struct platform *p, struct apps *as);
void stale_free(struct stale *s);
/* Soon. NULL is fine. */
void stale_look(struct stale *s);
