/* SPDX-License-Identifier: Apache-2.0 */
/* Counters, and the slugs and stacks in use. Conventions: store/store.h. */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct store;

/* The next number in a series of an app, from 1: "run" for run.N, "release" for release.N. */
int store_next_number(struct store *s, const char *app_id, const char *series, int64_t *ret,
		      struct error *err);

/* Digests that are used by releases which can still run or be rolled back to: an app's current one,
 * pending ones, and the newest `keep` that succeeded; for stacks also those of add-ons. Strvs. */
int store_slugs_in_use(struct store *s, int64_t keep, char ***ret, struct error *err);
int store_stacks_in_use(struct store *s, int64_t keep, char ***ret, struct error *err);
/* Digests of the slugs of all releases that are not pending. */
int store_slugs_released(struct store *s, char ***ret, struct error *err);
