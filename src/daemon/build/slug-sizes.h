/* SPDX-License-Identifier: Apache-2.0 */
/* Caches the slug sizes of apps for lists of apps: looked up once for each app's current release,
 * as neither releases nor slugs ever change. A table of fixed size, in which apps may replace each
 * other. */
#pragma once

#include "daemon/core/platform.h"

struct slug_sizes *slug_sizes_new(const struct platform *p);
void slug_sizes_free(struct slug_sizes *s);
/* Of the app's current release; -1 when it has no slug. */
int64_t slug_sizes_get(struct slug_sizes *s, const struct app *a);
