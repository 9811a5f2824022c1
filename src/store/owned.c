/* SPDX-License-Identifier: Apache-2.0 */
/* What a user's apps have and want; see owned.h. */
#include "store/owned.h"

#include <stdlib.h>

#include "store/store-priv.h"

static void bind_scope(struct query *q, const struct owned_scope *scope)
{
	query_bind_text(q, scope->owner_id);
	query_bind_text(q, scope->app_id);
}

int store_owned_apps(struct store *s, const struct owned_scope *scope, int64_t *ret,
		     struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_OWNED_APPS);

	bind_scope(&q, scope);
	if (query_row(&q, err) < 0)
		return -1;
	*ret = query_int(&q);
	return 0;
}

/* ---- dynos ---- */

static int read_dynos(struct query *q, void *record, struct error *err)
{
	struct owned_dynos *d = record;

	(void)err;
	d->size = query_text(q);
	d->n = query_int(q);
	return 0;
}

static void done_dynos(void *record)
{
	struct owned_dynos *d = record;

	free(d->size);
}

static const struct record_type dynos_type = { sizeof(struct owned_dynos), read_dynos, done_dynos };

void owned_dynos_free_array(struct owned_dynos *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		done_dynos(&d[i]);
	free(d);
}

int store_owned_dynos(struct store *s, const struct owned_scope *scope, struct owned_dynos **ret,
		      size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_OWNED_DYNOS);

	bind_scope(&q, scope);
	return query_all(&q, &dynos_type, ret, ret_n, err);
}

/* ---- add-ons ---- */

static int read_addons(struct query *q, void *record, struct error *err)
{
	struct owned_addons *a = record;

	(void)err;
	a->service = query_text(q);
	a->plan = query_text(q);
	a->n = query_int(q);
	return 0;
}

static void done_addons(void *record)
{
	struct owned_addons *a = record;

	free(a->service);
	free(a->plan);
}

static const struct record_type addons_type = { sizeof(struct owned_addons), read_addons,
						done_addons };

void owned_addons_free_array(struct owned_addons *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		done_addons(&a[i]);
	free(a);
}

int store_owned_addons(struct store *s, const struct owned_scope *scope, struct owned_addons **ret,
		       size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_OWNED_ADDONS);

	bind_scope(&q, scope);
	return query_all(&q, &addons_type, ret, ret_n, err);
}
