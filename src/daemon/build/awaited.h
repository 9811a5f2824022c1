/* SPDX-License-Identifier: Apache-2.0 */
/* Requested uploads that no build has taken yet: STATE/sources/ID.awaited contains the user who
 * requested it. */
#pragma once

#include "base/error.h"

/* Whether the user may have another one. "": the platform, which always may. */
int awaited_check(const char *sources_dir, const char *user_id, struct error *err);
