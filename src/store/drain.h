/* SPDX-License-Identifier: Apache-2.0 */
/* Log drains. Conventions: store/store.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct store;

struct drain {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char *token;		/* "d.UUID" */
	char *url, *ca;		/* sealed at rest; ca: PEM, or NULL */
	char *format, *on_full; /* "raw" or "records"; "drop" or "block" */
	int64_t created_ms, updated_ms;
};
void drain_done(struct drain *d);
void drain_free_array(struct drain *d, size_t n);
/* Fills id, token, times. */
int store_drain_create(struct store *s, struct drain *d, struct error *err);
/* In the order in which they were added. */
int store_drain_list(struct store *s, const char *app_id, struct drain **ret, size_t *ret_n,
		     struct error *err);
/* By id, token or URL. ERROR_NOT_FOUND. */
int store_drain_get(struct store *s, const char *app_id, const char *which, struct drain *ret,
		    struct error *err);
/* Writes url, ca, format, on_full. */
int store_drain_update(struct store *s, struct drain *d, struct error *err);
int store_drain_delete(struct store *s, const char *id, struct error *err);
