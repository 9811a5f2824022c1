/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the audit trail that are not written by a request's response (those are in api/audit.h).
 * If a row can't be written, that is logged as an error: the action has happened already. */
#pragma once

#include <stdint.h>

#include "daemon/core/caller.h"
#include "store/store.h"

/* A build's release, which is created after the request was answered. */
void trail_release(struct store *store, const struct caller *who, const struct app *app,
		   int64_t version, const char *note);
/* An action of the platform itself; `who` and `action` describe it. */
void trail_platform(struct store *store, const char *who, const struct app *app, const char *action,
		    const char *note);
