/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads: a file in STATE/sources that is there for one build, slug or restore. It is announced,
 * so that who knows its id may bring it without a token, as to Heroku's put_url; what nobody takes
 * is removed after a day.
 */
#pragma once

#include "base/error.h"
#include "daemon/core/caller.h"
#include "daemon/core/settings.h"

/* Whether a user may ask for one more; removes what is a day old. ERROR_RATE_LIMIT. An administrator
 * may always: a day of broken pushes must not lock them out, and they have the disk anyway. */
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
