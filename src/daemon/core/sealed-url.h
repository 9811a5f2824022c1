/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs that work without credentials, for log streams and downloads of backups: what they permit
 * and until when is sealed in them, with a key in the run directory. Nothing else is stored, so
 * they stay valid when twelved restarts; they become invalid with the run directory.
 */
#pragma once

#include <jansson.h>

#include "daemon/core/platform.h"

/* Adds "kind" and "until" to an object of small values and seals it: a heap string for use in a
 * path, or NULL with *err (ERROR_INVALID if it is too long). Takes the reference. */
char *capability_seal(const struct platform *p, const char *kind, json_t *take_what,
		      int64_t life_ms, struct error *err);
/* A new reference to the sealed object; NULL with ERROR_NOT_FOUND if it is of another kind,
 * expired, or not ours. */
json_t *capability_open(const struct platform *p, const char *kind, const char *sealed,
			struct error *err);
