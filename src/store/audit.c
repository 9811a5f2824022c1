/* SPDX-License-Identifier: Apache-2.0 */
/* Who did what; see store.h. The newest AUDIT_MAX rows are kept, so that the disk stays bounded. */
#include <stdlib.h>

#include "base/str.h"
#include "store/store-priv.h"

#define AUDIT_MAX 100000

void audit_done(struct audit *a)
{
	free(a->user);
	free(a->app_name);
	free(a->action);
	free(a->note);
	free(a->from);
	*a = (struct audit){ 0 };
}

void audit_free_array(struct audit *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		audit_done(&a[i]);
	free(a);
}

static int read_audit(struct query *q, void *record, struct error *err)
{
	struct audit *a = record;

	(void)err;
	a->number = query_int(q);
	a->at_ms = query_int(q);
	query_id(q, a->user_id);
	a->user = query_text(q);
	query_id(q, a->app_id);
	a->app_name = query_text(q);
	a->action = query_text(q);
	a->note = query_text(q);
	a->status = query_int(q);
	a->version = query_int(q);
	query_id(q, a->request_id);
	a->from = query_text(q);
	return 0;
}

static void done_audit(void *record)
{
	audit_done(record);
}

static const struct record_type audit_type = { sizeof(struct audit), read_audit, done_audit };

static int forget_old(struct store *s, int64_t newest, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_AUDIT_FORGET);

	query_bind_int(&q, newest - AUDIT_MAX);
	return query_run(&q, err);
}

int store_audit_add(struct store *s, const struct audit *a, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_AUDIT_INSERT);
	int64_t number;

	query_bind_int(&q, a->at_ms);
	query_bind_text(&q, a->user_id);
	query_bind_text(&q, a->user);
	query_bind_text(&q, a->app_id);
	query_bind_text(&q, a->app_name ? a->app_name : "");
	query_bind_text(&q, a->action);
	query_bind_text(&q, a->note ? a->note : "");
	query_bind_int(&q, a->status);
	query_bind_int(&q, a->version);
	query_bind_text(&q, a->request_id);
	query_bind_text(&q, a->from ? a->from : "");
	if (query_run(&q, err) < 0)
		return -1;
	number = sqlite3_last_insert_rowid(s->db);
	/* Of one in a transaction that may yet be undone, the next one tells. */
	if (sqlite3_get_autocommit(s->db) && age_note(s, number, err) < 0)
		return -1;
	return number % 1000 == 0 ? forget_old(s, number, err) : 0;
}

int store_audit_list(struct store *s, const struct audit_filter *f, struct audit **ret,
		     size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_AUDIT_LIST);

	query_bind_text(&q, f->app_id);
	query_bind_text(&q, f->user_id);
	query_bind_int(&q, f->version);
	query_bind_int(&q, (int64_t)f->max);
	return query_all(&q, &audit_type, ret, ret_n, err);
}
