/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads: files in STATE/sources, each for one build, slug or restore. An upload is requested
 * first; then whoever knows its ID may send it without a token, as with Heroku's put_url. Unused
 * ones are removed after a day. */
#pragma once

#include "base/error.h"
#include "daemon/core/caller.h"
#include "daemon/core/settings.h"

/* Whether a user may request another one; removes those that are a day old. ERROR_RATE_LIMIT.
 * Administrators always may: a day of failed pushes must not lock them out. */
int upload_check(const struct settings *s, const struct caller *who, struct error *err);
/* An upload with this id is awaited, for a user. */
int upload_announce(const struct settings *s, const char *id, const struct caller *who,
		    struct error *err);
/* Whether it is: ERROR_NOT_FOUND. */
int upload_expected(const struct settings *s, const char *id, struct error *err);
/* It is awaited no longer. */
void upload_taken(const struct settings *s, const char *id);
/* Where it stands when it has come; heap. */
char *upload_path(const struct settings *s, const char *id);
