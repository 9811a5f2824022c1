/* SPDX-License-Identifier: Apache-2.0 */
/* How many dynos of what size an app wants, and the restarts that were asked for; see store.h. */
#include <stdlib.h>

#include "base/clock.h"
#include "store/store-priv.h"

void formation_done(struct formation *f)
{
	free(f->type);
	free(f->size);
	*f = (struct formation){ 0 };
}

void formation_free_array(struct formation *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		formation_done(&f[i]);
	free(f);
}

static int read_formation(struct query *q, void *record, struct error *err)
{
	struct formation *f = record;

	(void)err;
	query_id(q, f->id);
	f->type = query_text(q);
	f->quantity = query_int(q);
	f->size = query_text(q);
	f->created_ms = query_int(q);
	f->updated_ms = query_int(q);
	return 0;
}

static void done_formation(void *record)
{
	formation_done(record);
}

static const struct record_type formation_type = { sizeof(struct formation), read_formation,
						   done_formation };

int store_formation_list(struct store *s, const char *app_id, struct formation **ret, size_t *ret_n,
			 struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_FORMATION_LIST);

	query_bind_text(&q, app_id);
	return query_all(&q, &formation_type, ret, ret_n, err);
}

int store_formation_set(struct store *s, const char *app_id, const char *id, const char *type,
			int64_t quantity, const char *size, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_FORMATION_SET);

	query_bind_text(&q, id);
	query_bind_text(&q, app_id);
	query_bind_text(&q, type);
	query_bind_int(&q, quantity);
	query_bind_text(&q, size);
	query_bind_int(&q, clock_wall_ms());
	return query_run(&q, err);
}

void restart_done(struct restart *r)
{
	free(r->type);
	*r = (struct restart){ 0 };
}

static int read_restart(struct query *q, void *record, struct error *err)
{
	struct restart *r = record;

	(void)err;
	r->type = query_text(q);
	r->number = query_int(q);
	r->at_ms = query_int(q);
	return 0;
}

static void done_restart(void *record)
{
	restart_done(record);
}

static const struct record_type restart_type = { sizeof(struct restart), read_restart,
						 done_restart };

int store_restart_list(struct store *s, const char *app_id, struct restart **ret, size_t *ret_n,
		       struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_RESTART_LIST);

	query_bind_text(&q, app_id);
	return query_all(&q, &restart_type, ret, ret_n, err);
}

int store_restart_set(struct store *s, const char *app_id, const char *type, int64_t number,
		      int64_t at_ms, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_RESTART_SET);

	query_bind_text(&q, app_id);
	query_bind_text(&q, type);
	query_bind_int(&q, number);
	query_bind_int(&q, at_ms);
	return query_run(&q, err);
}
