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

int store_review_get(struct store *s, const char *id_or_app_id, struct review *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_REVIEW_GET);
	char excerpt[NAME_EXCERPT_SIZE];
	int r;

	query_bind_text(&q, id_or_app_id);
	r = query_one(&q, &review_type, ret, err);
	if (r == 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that review app: %s", name_excerpt(excerpt, id_or_app_id));
	return r < 0 ? -1 : 0;
}

int store_review_list(struct store *s, const char *pipeline_id, struct review **ret, size_t *ret_n, struct error *err)
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
