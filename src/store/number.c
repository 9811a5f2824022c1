/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of apps and add-ons; see number.h. */
#include "store/number.h"

#include "store/store-priv.h"

/* Rows outlive what they are of: what bears the number may still run. */
const char store_schema_number[] = "CREATE TABLE number ("
				   "  id TEXT PRIMARY KEY NOT NULL,"
				   "  number INTEGER NOT NULL UNIQUE"
				   ") STRICT;";

/* 1: *ret, 0: it has none. */
static int get(struct store *s, const char *id, int64_t *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_NUMBER_GET);
	int r;

	query_bind_text(&q, id);
	r = query_row(&q, err);
	if (r == 1)
		*ret = query_int(&q);
	return r;
}

static int next(struct store *s, int64_t *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_NUMBER_NEXT);

	if (query_row(&q, err) != 1)
		return -1;
	*ret = query_int(&q);
	if (*ret > STORE_NUMBER_MAX)
		return error_set(
			err, ERROR_CONFLICT,
			"This machine has %d apps and add-ons, and can tell no more apart: "
			"destroy some",
			STORE_NUMBER_MAX);
	return 0;
}

int store_number_give(struct store *s, const char *id, int64_t *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_NUMBER_INSERT);
	int r = get(s, id, ret, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	if (next(s, ret, err) < 0)
		return -1;
	query_bind_text(&q, id);
	query_bind_int(&q, *ret);
	return query_run(&q, err);
}

static int read_number(struct query *q, void *record, struct error *err)
{
	struct number *n = record;

	(void)err;
	query_id(q, n->id);
	n->number = query_int(q);
	return 0;
}

static void done_number(void *record)
{
	(void)record;
}

int store_number_list(struct store *s, struct number **ret, size_t *ret_n, struct error *err)
{
	static const struct record_type type = { sizeof(struct number), read_number, done_number };
	_cleanup_query_ struct query q = query_make(s, STATEMENT_NUMBER_LIST);

	return query_all(&q, &type, ret, ret_n, err);
}

int store_number_forget(struct store *s, int64_t number, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_NUMBER_DELETE);

	query_bind_int(&q, number);
	return query_run(&q, err);
}
