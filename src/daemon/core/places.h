/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The platform's directories and who may enter them: one table. What tenants write (archives,
 * builds, slugs, volumes) may hold a program with any bit; so nobody local but root gets to it, at
 * no time.
 */
#pragma once

#include "base/error.h"

struct settings;

/* Makes what is missing, and sets owner and mode of what is there: an older installation is mended
 * so. */
int places_make(const struct settings *s, struct error *err);
