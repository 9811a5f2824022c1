/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How large the slugs of apps are, for lists of apps: looked up once for each app's current release
 * and kept, as neither a release nor a slug ever changes. A table of fixed size in which another
 * app may take an app's place.
 */
#pragma once

#include "daemon/core/platform.h"

struct slug_sizes *slug_sizes_new(const struct platform *p);
void slug_sizes_free(struct slug_sizes *s);
/* Of the app's current release; -1 when it has no slug. */
int64_t slug_sizes_get(struct slug_sizes *s, const struct app *a);
