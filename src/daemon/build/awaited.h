/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads that somebody has asked for and no build has taken: STATE/sources/ID.awaited, which holds
 * who asked. */
#pragma once

#include "base/error.h"

/* Whether the user may have one more. "": the platform, which may. */
int awaited_check(const char *sources_dir, const char *user_id, struct error *err);
