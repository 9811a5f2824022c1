/* SPDX-License-Identifier: Apache-2.0 */
/* The formation of an app, and requested restarts. Conventions: store/store.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct store;

struct formation {
	char id[UUID_SIZE];
	char *type;
	int64_t quantity;
	char *size;
	int64_t created_ms, updated_ms;
};
void formation_done(struct formation *f);
void formation_free_array(struct formation *f, size_t n);
/* Sorted by type. Only types that were set; the defaults are web=1 and 0 for others. */
int store_formation_list(struct store *s, const char *app_id, struct formation **ret, size_t *ret_n,
			 struct error *err);
/* `id` is a new row's; one that is there keeps its own. */
int store_formation_set(struct store *s, const char *app_id, const char *id, const char *type,
			int64_t quantity, const char *size, struct error *err);

/* A requested restart: dynos created before at_ms are to be replaced. type "" means all; number 0
 * means all of the type. */
struct restart {
	char *type;
	int64_t number;
	int64_t at_ms;
};
void restart_done(struct restart *r);
int store_restart_list(struct store *s, const char *app_id, struct restart **ret, size_t *ret_n,
		       struct error *err);
int store_restart_set(struct store *s, const char *app_id, const char *type, int64_t number,
		      int64_t at_ms, struct error *err);
