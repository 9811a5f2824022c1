/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines, couplings, promotions; see pipeline.h. */
#include "store/pipeline.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/names.h"
#include "store/store-priv.h"

/* ---- pipelines ---- */

void pipeline_done(struct pipeline *p)
{
	free(p->name);
	*p = (struct pipeline){ 0 };
}

void pipeline_free_array(struct pipeline *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pipeline_done(&p[i]);
	free(p);
}

static int read_pipeline(struct query *q, void *record, struct error *err)
{
	struct pipeline *p = record;

	(void)err;
	query_id(q, p->id);
	p->name = query_text(q);
	query_id(q, p->owner_id);
	p->created_ms = query_int(q);
	p->updated_ms = query_int(q);
	return 0;
}

static void done_pipeline(void *record)
{
	pipeline_done(record);
}

static const struct record_type pipeline_type = { sizeof(struct pipeline), read_pipeline,
						  done_pipeline };

static int run_named(struct query *q, const char *name, struct error *err)
{
	if (query_run(q, err) == 0)
		return 0;
	if (query_is_duplicate(q))
		return error_set(err, ERROR_INVALID, "Name %s is already taken by another pipeline",
				 name);
	return -1;
}

static const char *or_null(const char *id)
{
	return id[0] ? id : NULL;
}

int store_pipeline_create(struct store *s, struct pipeline *p, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_PIPELINE_INSERT);

	uuid_make(p->id);
	p->created_ms = p->updated_ms = clock_wall_ms();
	query_bind_text(&q, p->id);
	query_bind_text(&q, p->name);
	query_bind_text(&q, or_null(p->owner_id));
	query_bind_int(&q, p->created_ms);
	query_bind_int(&q, p->updated_ms);
	return run_named(&q, p->name, err);
}

int store_pipeline_get(struct store *s, const char *name_or_id, struct pipeline *ret,
		       struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_PIPELINE_GET);
	char excerpt[NAME_EXCERPT_SIZE];
	int r;

	query_bind_text(&q, name_or_id);
	r = query_one(&q, &pipeline_type, ret, err);
	if (r == 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that pipeline: %s",
				 name_excerpt(excerpt, name_or_id));
	return r < 0 ? -1 : 0;
}

int store_pipeline_list(struct store *s, struct pipeline **ret, size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_PIPELINE_LIST);

	return query_all(&q, &pipeline_type, ret, ret_n, err);
}

int store_pipeline_update(struct store *s, struct pipeline *p, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_PIPELINE_UPDATE);

	p->updated_ms = clock_wall_ms();
	query_bind_text(&q, p->name);
	query_bind_text(&q, or_null(p->owner_id));
	query_bind_int(&q, p->updated_ms);
	query_bind_text(&q, p->id);
	return run_named(&q, p->name, err);
}

static int run_for(struct store *s, enum statement statement, const char *id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, statement);

	query_bind_text(&q, id);
	return query_run(&q, err);
}

int store_pipeline_delete(struct store *s, const char *id, struct error *err)
{
	return run_for(s, STATEMENT_PIPELINE_DELETE, id, err);
}

/* ---- couplings ---- */

void coupling_done(struct coupling *c)
{
	free(c->app_name);
	free(c->pipeline_name);
	*c = (struct coupling){ 0 };
}

void coupling_free_array(struct coupling *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		coupling_done(&c[i]);
	free(c);
}

static int read_coupling(struct query *q, void *record, struct error *err)
{
	struct coupling *c = record;

	(void)err;
	query_id(q, c->id);
	query_id(q, c->app_id);
	query_id(q, c->pipeline_id);
	/* The table lets nothing else in. */
	c->stage = (enum stage)query_int(q);
	c->created_ms = query_int(q);
	c->updated_ms = query_int(q);
	c->app_name = query_text(q);
	c->pipeline_name = query_text(q);
	return 0;
}

static void done_coupling(void *record)
{
	coupling_done(record);
}

static const struct record_type coupling_type = { sizeof(struct coupling), read_coupling,
						  done_coupling };

static int get_coupling(struct store *s, const char *id, struct coupling *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_COUPLING_GET);

	query_bind_text(&q, id);
	return query_one(&q, &coupling_type, ret, err);
}

int store_coupling_get(struct store *s, const char *id_or_app_id, struct coupling *ret,
		       struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];
	int r = get_coupling(s, id_or_app_id, ret, err);

	if (r == 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that pipeline coupling: %s",
				 name_excerpt(excerpt, id_or_app_id));
	return r < 0 ? -1 : 0;
}

int store_coupling_create(struct store *s, struct coupling *c, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_COUPLING_INSERT);
	struct coupling other = { 0 };
	int r = get_coupling(s, c->app_id, &other, err);

	if (r > 0)
		r = error_set(err, ERROR_INVALID,
			      "%s is in the pipeline %s already: take it out first", other.app_name,
			      other.pipeline_name);
	coupling_done(&other);
	if (r < 0)
		return -1;
	uuid_make(c->id);
	query_bind_text(&q, c->id);
	query_bind_text(&q, c->app_id);
	query_bind_text(&q, c->pipeline_id);
	query_bind_int(&q, c->stage);
	query_bind_int(&q, clock_wall_ms());
	if (query_run(&q, err) < 0)
		return -1;
	return store_coupling_get(s, c->id, c, err);
}

int store_coupling_list(struct store *s, const char *pipeline_id, struct coupling **ret,
			size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_COUPLING_LIST);

	query_bind_text(&q, pipeline_id);
	return query_all(&q, &coupling_type, ret, ret_n, err);
}

int store_coupling_set_stage(struct store *s, const char *id, enum stage stage, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_COUPLING_SET_STAGE);

	query_bind_int(&q, stage);
	query_bind_int(&q, clock_wall_ms());
	query_bind_text(&q, id);
	return query_run(&q, err);
}

int store_coupling_delete(struct store *s, const char *id, struct error *err)
{
	return run_for(s, STATEMENT_COUPLING_DELETE, id, err);
}

/* ---- promotions ---- */

static int read_promotion(struct query *q, void *record, struct error *err)
{
	struct promotion *p = record;

	(void)err;
	query_id(q, p->id);
	query_id(q, p->pipeline_id);
	query_id(q, p->app_id);
	query_id(q, p->release_id);
	p->created_ms = query_int(q);
	return 0;
}

static void done_promotion(void *record)
{
	(void)record;
}

static const struct record_type promotion_type = { sizeof(struct promotion), read_promotion,
						   done_promotion };

static int read_target(struct query *q, void *record, struct error *err)
{
	struct promotion_target *t = record;

	(void)err;
	query_id(q, t->id);
	query_id(q, t->promotion_id);
	query_id(q, t->app_id);
	query_id(q, t->release_id);
	t->error = query_text(q);
	return 0;
}

static void done_target(void *record)
{
	free(((struct promotion_target *)record)->error);
}

static const struct record_type target_type = { sizeof(struct promotion_target), read_target,
						done_target };

void promotion_target_free_array(struct promotion_target *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		done_target(&t[i]);
	free(t);
}

static int insert_promotion(struct store *s, const struct promotion *p, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_PROMOTION_INSERT);

	query_bind_text(&q, p->id);
	query_bind_text(&q, p->pipeline_id);
	query_bind_text(&q, p->app_id);
	query_bind_text(&q, p->release_id);
	query_bind_int(&q, p->created_ms);
	return query_run(&q, err);
}

static int insert_target(struct store *s, const struct promotion_target *t, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_PROMOTION_TARGET_INSERT);

	query_bind_text(&q, t->id);
	query_bind_text(&q, t->promotion_id);
	query_bind_text(&q, t->app_id);
	return query_run(&q, err);
}

static int forget_old(struct store *s, const char *pipeline_id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_PROMOTION_FORGET);

	query_bind_text(&q, pipeline_id);
	query_bind_int(&q, PROMOTIONS_KEPT);
	return query_run(&q, err);
}

int store_promotion_create(struct store *s, struct promotion *p, struct promotion_target *targets,
			   size_t n, struct error *err)
{
	int r;

	if (store_begin(s, err) < 0)
		return -1;
	uuid_make(p->id);
	p->created_ms = clock_wall_ms();
	r = insert_promotion(s, p, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		uuid_make(targets[i].id);
		memcpy(targets[i].promotion_id, p->id, UUID_SIZE);
		r = insert_target(s, &targets[i], err);
	}
	if (r == 0 && forget_old(s, p->pipeline_id, err) == 0 && store_commit(s, err) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

int store_promotion_get(struct store *s, const char *id, struct promotion *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_PROMOTION_GET);
	char excerpt[NAME_EXCERPT_SIZE];
	int r;

	query_bind_text(&q, id);
	r = query_one(&q, &promotion_type, ret, err);
	if (r == 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that promotion: %s",
				 name_excerpt(excerpt, id));
	return r < 0 ? -1 : 0;
}

int store_promotion_targets(struct store *s, const char *promotion_id,
			    struct promotion_target **ret, size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_PROMOTION_TARGETS);

	query_bind_text(&q, promotion_id);
	return query_all(&q, &target_type, ret, ret_n, err);
}

int store_promotion_target_set(struct store *s, const char *id, const char *release_id,
			       const char *error, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_PROMOTION_TARGET_SET);

	query_bind_text(&q, release_id);
	query_bind_text(&q, error);
	query_bind_text(&q, id);
	return query_run(&q, err);
}

int store_promotion_fail_pending(struct store *s, const char *error, struct error *err)
{
	return run_for(s, STATEMENT_PROMOTION_FAIL_PENDING, error, err);
}
