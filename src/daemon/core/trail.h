/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the audit trail that no request writes when it is answered (those are api/audit.h). A row
 * that can't be written is an error in the log: what it tells of has happened.
 */
#pragma once

#include <stdint.h>

#include "daemon/core/caller.h"
#include "store/store.h"

/* A release that came after the request for it was answered: of a build. */
void trail_release(struct store *store, const struct caller *who, const struct app *app,
		   int64_t version, const char *note);
/* What the platform did by itself: `who` and `action` are words for it. */
void trail_platform(struct store *store, const char *who, const struct app *app, const char *action,
		    const char *note);
