/* SPDX-License-Identifier: Apache-2.0 */
/* Restarts: replaces dynos of the formation by new ones of the same release. */
#pragma once

#include "daemon/wanted/wanted.h"

/* One dyno ("web", 1), all of a process type ("web", 0) or all of them ("", 0). `by` is a user's
 * name, for the stream. */
int restart_ask(struct wanted *w, const struct app *app, const char *type, int64_t number,
		const char *by, struct error *err);
