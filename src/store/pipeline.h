/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipelines: which apps are deploys of one codebase, in which stages, and what was promoted from
 * one to others. Conventions: store/store.h.
 *
 * An app is in at most one pipeline; its coupling is deleted with the app or the pipeline. The
 * result of a promotion is not stored but read from the releases that it created: a target has a
 * release, or a sentence that says why not, or, during the call, neither.
 */
#pragma once

#include "model/stage.h"
#include "store/store.h"

#define PROMOTIONS_KEPT 100 /* of a pipeline, the newest */

struct pipeline {
	char id[UUID_SIZE];
	char *name;		  /* unique */
	char owner_id[UUID_SIZE]; /* a user; "": administrators only */
	int64_t created_ms, updated_ms;
};
void pipeline_done(struct pipeline *p);
void pipeline_free_array(struct pipeline *p, size_t n);
/* Fills id and times. ERROR_INVALID if the name is taken. */
int store_pipeline_create(struct store *s, struct pipeline *p, struct error *err);
/* By name or id. */
int store_pipeline_get(struct store *s, const char *name_or_id, struct pipeline *ret,
		       struct error *err);
/* By name. */
int store_pipeline_list(struct store *s, struct pipeline **ret, size_t *ret_n, struct error *err);
/* Writes name and owner_id. */
int store_pipeline_update(struct store *s, struct pipeline *p, struct error *err);
/* With its couplings and promotions; the apps stay. */
int store_pipeline_delete(struct store *s, const char *id, struct error *err);

struct coupling {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE], pipeline_id[UUID_SIZE];
	enum stage stage;
	int64_t created_ms, updated_ms;
	char *app_name, *pipeline_name; /* read along */
};
void coupling_done(struct coupling *c);
void coupling_free_array(struct coupling *c, size_t n);
/* Fills id, times and names. ERROR_INVALID if the app is in a pipeline already, which the message
 * names. */
int store_coupling_create(struct store *s, struct coupling *c, struct error *err);
/* By its id, or by the id of its app. */
int store_coupling_get(struct store *s, const char *id_or_app_id, struct coupling *ret,
		       struct error *err);
/* Of a pipeline, or all when pipeline_id is NULL; by stage, then by the app's name. */
int store_coupling_list(struct store *s, const char *pipeline_id, struct coupling **ret,
			size_t *ret_n, struct error *err);
int store_coupling_set_stage(struct store *s, const char *id, enum stage stage, struct error *err);
int store_coupling_delete(struct store *s, const char *id, struct error *err);

struct promotion {
	char id[UUID_SIZE];
	char pipeline_id[UUID_SIZE];
	char app_id[UUID_SIZE], release_id[UUID_SIZE]; /* the source, which may be gone by now */
	int64_t created_ms;
};
struct promotion_target {
	char id[UUID_SIZE];
	char promotion_id[UUID_SIZE], app_id[UUID_SIZE];
	char release_id[UUID_SIZE]; /* "": none was made, or not yet */
	char *error;		    /* why none was made, or NULL */
};
void promotion_target_free_array(struct promotion_target *t, size_t n);
/* Creates a promotion and its targets, whose app_id is set, all or nothing. Fills ids and times,
 * and deletes old promotions. */
int store_promotion_create(struct store *s, struct promotion *p, struct promotion_target *targets,
			   size_t n, struct error *err);
int store_promotion_get(struct store *s, const char *id, struct promotion *ret, struct error *err);
int store_promotion_targets(struct store *s, const char *promotion_id,
			    struct promotion_target **ret, size_t *ret_n, struct error *err);
/* Sets the result: a release or an error; the other is NULL. */
int store_promotion_target_set(struct store *s, const char *id, const char *release_id,
			       const char *error, struct error *err);
/* At start: gives this error to targets that a kill left without a result. */
int store_promotion_fail_pending(struct store *s, const char *error, struct error *err);
