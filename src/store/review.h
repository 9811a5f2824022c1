/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Review apps: app setups (setup.h) that belong to a pipeline. The status follows from the setup
 * and the app; the row only says what it reviews and whether it was deleted. Rows are deleted with
 * their pipeline, whose apps stay, and so is the pipeline's optional configuration of review apps.
 */
#pragma once

#include "store/store.h"

struct review {
	char id[UUID_SIZE];
	char pipeline_id[UUID_SIZE], setup_id[UUID_SIZE];
	char *branch;
	int64_t pr_number; /* 0: none */
	bool deleted;
	int64_t created_ms, updated_ms;
};
void review_done(struct review *v);
void review_free_array(struct review *v, size_t n);
/* Fills id and times. */
int store_review_create(struct store *s, struct review *v, struct error *err);
/* By its id, or the id of its app. */
int store_review_get(struct store *s, const char *id_or_app_id, struct review *ret,
		     struct error *err);
/* Those of a pipeline that were not deleted, oldest first. */
int store_review_list(struct store *s, const char *pipeline_id, struct review **ret, size_t *ret_n,
		      struct error *err);
int store_review_set_deleted(struct store *s, struct review *v, struct error *err);

/* Facts on how long nothing was deployed to a review app. */
struct review_age {
	char id[UUID_SIZE], app_id[UUID_SIZE];
	char *branch, *pipeline_name;
	int64_t stale_days;
	int64_t created_ms, build_ms, release_ms; /* the newest of each; 0: none */
};
void review_age_free_array(struct review_age *a, size_t n);
/* Of those that are set up, still have an app, and whose pipeline destroys stale ones; oldest
 * first. */
int store_review_ages(struct store *s, struct review_age **ret, size_t *ret_n, struct error *err);

struct review_config {
	char pipeline_id[UUID_SIZE];
	char *repo, *base_name; /* NULL: none */
	char *target;		/* a region as its name was given, or NULL */
	bool destroy_stale;
	int64_t stale_days;
};
void review_config_done(struct review_config *c);
/* Writes all of it; it may be there or not. */
int store_review_config_put(struct store *s, const struct review_config *c, struct error *err);
/* Of a pipeline: 1, or 0 when it has none. */
int store_review_config_get(struct store *s, const char *pipeline_id, struct review_config *ret,
			    struct error *err);
int store_review_config_delete(struct store *s, const char *pipeline_id, struct error *err);
