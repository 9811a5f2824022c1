/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs that are their own secret: what they allow, sealed under a key in the run directory, until a
 * moment that they say themselves. There is nothing to keep, so a client can come back to one after
 * twelved was restarted; they end with the run directory. For what clients open without
 * credentials: log streams, downloads of backups.
 */
#pragma once

#include <jansson.h>

#include "daemon/core/platform.h"

/*
 * Adds "kind" and "until" to an object of small values and seals it: a heap string for a part of a
 * path, or NULL with *err (ERROR_INVALID when it is too long). Takes the reference.
 */
char *capability_seal(const struct platform *p, const char *kind, json_t *take_what,
		      int64_t life_ms, struct error *err);
/* A new reference to what was sealed; NULL with ERROR_NOT_FOUND when it is of another kind, over,
 * or not ours. */
json_t *capability_open(const struct platform *p, const char *kind, const char *sealed,
			struct error *err);
