/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App setups: apps created from an archive with an app.json. Conventions: store/store.h.
 *
 * A setup outlives its app, because it says why the app failed and was removed. Its input and its
 * result are sealed, as they contain config vars.
 */
#pragma once

#include "store/store.h"

struct setup {
	char id[UUID_SIZE];
	char user_id[UUID_SIZE];
	char app_id[UUID_SIZE]; /* "": not made yet */
	char *app_name;
	char *step;		   /* daemon/apps/setups.h; "succeeded" and "failed" are the ends */
	char source_id[UUID_SIZE]; /* of the upload */
	char build_id[UUID_SIZE];  /* "": none yet */
	char *failure;		   /* a sentence, or NULL */
	json_t *data;		   /* object; sealed on disk */
	int64_t created_ms, updated_ms;
};
void setup_done(struct setup *s);
void setup_free_array(struct setup *s, size_t n);
#define SETUP_KEPT_MS (90LL * 86400 * 1000) /* one that has ended, unless a review app is of it */

/* Fills id and times, and deletes setups that ended long ago. */
int store_setup_create(struct store *s, struct setup *setup, struct error *err);
int store_setup_get(struct store *s, const char *id, struct setup *ret, struct error *err);
/* Those that have not come to an end, oldest first. */
int store_setup_list_pending(struct store *s, struct setup **ret, size_t *ret_n, struct error *err);
/* Writes app_id, step, build_id, failure and data back. */
int store_setup_update(struct store *s, struct setup *setup, struct error *err);
int store_setup_delete(struct store *s, const char *id, struct error *err);
