/* SPDX-License-Identifier: Apache-2.0 */
/* The autoscaling settings of an app's web dynos: at most one per app, deleted with the app.
 * Conventions: store/store.h. */
#pragma once

#include "store/store.h"

struct monitor {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];
	bool active;
	int64_t min, max;  /* dynos, 1 <= min <= max */
	int64_t target_ms; /* of the 95th percentile */
	int64_t created_ms, updated_ms;
};

/* Fills id and times. ERROR_CONFLICT if the app has one. */
int store_monitor_create(struct store *s, struct monitor *m, struct error *err);
/* Writes active, min, max and target_ms back. */
int store_monitor_update(struct store *s, struct monitor *m, struct error *err);
/* That of an app: 1, or 0 when it has none, or -1. */
int store_monitor_get(struct store *s, const char *app_id, struct monitor *ret, struct error *err);
/* The active ones. The caller frees the array; its elements own nothing. */
int store_monitor_list(struct store *s, struct monitor **ret, size_t *ret_n, struct error *err);
