/* SPDX-License-Identifier: Apache-2.0 */
/* The platform's directories and their permissions, in one table. What tenants write (archives,
 * builds, slugs, volumes) may contain setuid programs, so no local user but root can ever reach it.
 */
#pragma once

#include "base/error.h"

struct settings;

/* Creates missing directories, and sets owner and mode of existing ones, which repairs older
 * installations. */
int places_make(const struct settings *s, struct error *err);
