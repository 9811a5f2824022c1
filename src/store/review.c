/* SPDX-License-Identifier: Apache-2.0 */
/* Review apps; see review.h. */
#include "store/review.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/names.h"
#include "store/store-priv.h"

void review_done(struct review *v)
{
	free(v->branch);
	*v = (struct review){ 0 };
}

void review_free_array(struct review *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		review_done(&v[i]);
	free(v);
}

static int read_review(struct query *q, void *record, struct error *err)
{
	struct review *v = record;

	(void)err;
	query_id(q, v->id);
	query_id(q, v->pipeline_id);
	query_id(q, v->setup_id);
	v->branch = query_text(q);
	v->pr_number = query_int(q);
	v->deleted = query_int(q);
	v->created_ms = query_int(q);
	v->updated_ms = query_int(q);
	return 0;
}

static void done_review(void *record)
{
	review_done(record);
}

static const struct record_type review_type = { sizeof(struct review), read_review, done_review };

int store_review_create(struct store *s, struct review *v, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_REVIEW_INSERT);

	uuid_make(v->id);
	v->created_ms = v->updated_ms = clock_wall_ms();
	query_bind_text(&q, v->id);
	query_bind_text(&q, v->pipeline_id);
	query_bind_text(&q, v->setup_id);
	query_bind_text(&q, v->branch);
	query_bind_int(&q, v->pr_number);
	query_bind_int(&q, v->deleted);
	query_bind_int(&q, v->created_ms);
	query_bind_int(&q, v->updated_ms);
	return query_run(&q, err);
}

int store_review_get(struct store *s, const char *id_or_app_id, struct review *ret,
		     struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_REVIEW_GET);
	char excerpt[NAME_EXCERPT_SIZE];
	int r;

	query_bind_text(&q, id_or_app_id);
	r = query_one(&q, &review_type, ret, err);
	if (r == 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that review app: %s",
				 name_excerpt(excerpt, id_or_app_id));
	return r < 0 ? -1 : 0;
}

int store_review_list(struct store *s, const char *pipeline_id, struct review **ret, size_t *ret_n,
		      struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_REVIEW_LIST);

	query_bind_text(&q, pipeline_id);
	return query_all(&q, &review_type, ret, ret_n, err);
}

int store_review_set_deleted(struct store *s, struct review *v, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_REVIEW_SET_DELETED);

	v->deleted = true;
	v->updated_ms = clock_wall_ms();
	query_bind_int(&q, v->updated_ms);
	query_bind_text(&q, v->id);
	return query_run(&q, err);
}

/* ---- how old they are ---- */

static int read_age(struct query *q, void *record, struct error *err)
{
	struct review_age *a = record;

	(void)err;
	query_id(q, a->id);
	query_id(q, a->app_id);
	a->branch = query_text(q);
	a->pipeline_name = query_text(q);
	a->stale_days = query_int(q);
	a->created_ms = query_int(q);
	a->build_ms = query_int(q);
	a->release_ms = query_int(q);
	return 0;
}

static void done_age(void *record)
{
	struct review_age *a = record;

	free(a->branch);
	free(a->pipeline_name);
}

static const struct record_type age_type = { sizeof(struct review_age), read_age, done_age };

void review_age_free_array(struct review_age *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		done_age(&a[i]);
	free(a);
}

int store_review_ages(struct store *s, struct review_age **ret, size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_REVIEW_AGES);

	return query_all(&q, &age_type, ret, ret_n, err);
}

/* ---- how a pipeline wants them ---- */

void review_config_done(struct review_config *c)
{
	free(c->repo);
	free(c->base_name);
	free(c->target);
	*c = (struct review_config){ 0 };
}

static int read_config(struct query *q, void *record, struct error *err)
{
	struct review_config *c = record;

	(void)err;
	query_id(q, c->pipeline_id);
	c->repo = query_text(q);
	c->base_name = query_text(q);
	c->target = query_text(q);
	c->destroy_stale = query_int(q);
	c->stale_days = query_int(q);
	return 0;
}

static void done_config(void *record)
{
	review_config_done(record);
}

static const struct record_type config_type = { sizeof(struct review_config), read_config,
						done_config };

int store_review_config_put(struct store *s, const struct review_config *c, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_REVIEW_CONFIG_PUT);

	query_bind_text(&q, c->pipeline_id);
	query_bind_text(&q, c->repo);
	query_bind_text(&q, c->base_name);
	query_bind_text(&q, c->target);
	query_bind_int(&q, c->destroy_stale);
	query_bind_int(&q, c->stale_days);
	return query_run(&q, err);
}

int store_review_config_get(struct store *s, const char *pipeline_id, struct review_config *ret,
			    struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_REVIEW_CONFIG_GET);

	query_bind_text(&q, pipeline_id);
	return query_one(&q, &config_type, ret, err);
}

int store_review_config_delete(struct store *s, const char *pipeline_id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_REVIEW_CONFIG_DELETE);

	query_bind_text(&q, pipeline_id);
	return query_run(&q, err);
}
