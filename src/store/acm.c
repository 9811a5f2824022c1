/* SPDX-License-Identifier: Apache-2.0 */
/* Automatic certificates: for which apps, and how asking went for each domain; see store.h. */
#include <stdlib.h>

#include "base/clock.h"
#include "store/store-priv.h"

int store_acm_set(struct store *s, const char *app_id, bool enabled, struct error *err)
{
	_cleanup_query_ struct query q =
		query_make(s, enabled ? STATEMENT_ACM_ENABLE : STATEMENT_ACM_DISABLE);

	query_bind_text(&q, app_id);
	if (enabled)
		query_bind_int(&q, clock_wall_ms());
	return query_run(&q, err);
}

int store_acm_get(struct store *s, const char *app_id, bool *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_ACM_GET);
	int r;

	query_bind_text(&q, app_id);
	r = query_row(&q, err);
	if (r >= 0)
		*ret = r > 0;
	return r < 0 ? -1 : 0;
}

void acm_state_done(struct acm_state *a)
{
	free(a->reason);
	*a = (struct acm_state){ 0 };
}

int store_acm_state_get(struct store *s, const char *domain_id, struct acm_state *ret,
			struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_ACM_STATE_GET);
	int r;

	query_bind_text(&q, domain_id);
	r = query_row(&q, err);
	if (r < 0)
		return -1;
	*ret = (struct acm_state){ 0 };
	if (r == 0)
		return 0;
	ret->failures = query_int(&q);
	ret->tried_ms = query_int(&q);
	ret->next_ms = query_int(&q);
	ret->reason = query_text(&q);
	return 0;
}

int store_acm_state_set(struct store *s, const char *domain_id, const struct acm_state *a,
			struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_ACM_STATE_SET);

	query_bind_text(&q, domain_id);
	query_bind_int(&q, a->failures);
	query_bind_int(&q, a->tried_ms);
	query_bind_int(&q, a->next_ms);
	query_bind_text(&q, a->reason);
	return query_run(&q, err);
}

int store_acm_state_forget(struct store *s, const char *app_id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_ACM_STATE_FORGET);

	query_bind_text(&q, app_id);
	return query_run(&q, err);
}
