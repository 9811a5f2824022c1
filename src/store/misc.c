/* SPDX-License-Identifier: Apache-2.0 */
/* Counters, and what is in use; see store.h. */
#include "store/store-priv.h"

int store_next_number(struct store *s, const char *app_id, const char *series, int64_t *ret,
		      struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_NEXT_NUMBER);
	int64_t n;

	query_bind_text(&q, app_id);
	query_bind_text(&q, series);
	if (query_row(&q, err) < 0)
		return -1;
	n = query_int(&q);
	/* Outside of a transaction it is written when the statement ends. */
	if (query_row(&q, err) < 0)
		return -1;
	*ret = n;
	return 0;
}

int store_slugs_in_use(struct store *s, int64_t keep, char ***ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SLUGS_IN_USE);

	query_bind_int(&q, keep);
	return query_strv(&q, ret, err);
}

int store_stacks_in_use(struct store *s, int64_t keep, char ***ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_STACKS_IN_USE);

	query_bind_int(&q, keep);
	return query_strv(&q, ret, err);
}

int store_slugs_released(struct store *s, char ***ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SLUGS_RELEASED);

	return query_strv(&q, ret, err);
}
