/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of builds; src/build runs them. Conventions: store/store.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct store;

struct build {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char *status; /* "pending", "succeeded", "failed" */
	char *commit;
	char *user;
	char *slug;		 /* digest, or NULL */
	char *stack;		 /* digest of the run stack, or NULL */
	char *buildpacks;	 /* for people, or NULL */
	char *error;		 /* why it failed, or NULL */
	int64_t release_version; /* 0: none */
	int64_t created_ms, updated_ms;
};
void build_row_done(struct build *b);
int store_build_create(struct store *s, struct build *b, struct error *err);
int store_build_get(struct store *s, const char *app_id, const char *id, struct build *ret,
		    struct error *err);
int store_build_list(struct store *s, const char *app_id, struct build **ret, size_t *ret_n,
		     struct error *err);
int store_build_update(struct store *s, const struct build *b, struct error *err);
/* At start: builds that were pending when twelved died are marked failed with this reason. */
int store_build_fail_pending(struct store *s, const char *reason, struct error *err);
