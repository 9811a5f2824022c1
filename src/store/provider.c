/* SPDX-License-Identifier: Apache-2.0 */
/* Providers of services that others run; see store.h. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/store-priv.h"

void provider_done(struct provider *p)
{
	free(p->name);
	json_decref(p->manifest);
	*p = (struct provider){ 0 };
}

void provider_free_array(struct provider *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		provider_done(&p[i]);
	free(p);
}

static int read_provider(struct query *q, void *record, struct error *err)
{
	struct provider *p = record;
	_cleanup_free_ char *context = NULL;
	const void *sealed;
	size_t n;

	p->name = query_text(q);
	p->created_ms = query_int(q);
	context = xasprintf("provider/%s", p->name);
	sealed = query_blob(q, &n);
	p->manifest = seal_unseal_json(q->s, context, sealed, n);
	if (p->manifest)
		return 0;
	return error_set(
		err, ERROR_SYSTEM,
		"The manifest of the provider %s in %s can't be read: it is damaged, or was "
		"sealed with another key than %s",
		p->name, q->s->path, q->s->key_path);
}

static void done_provider(void *record)
{
	provider_done(record);
}

static const struct record_type provider_type = { sizeof(struct provider), read_provider,
						  done_provider };

int store_provider_put(struct store *s, const struct provider *p, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_PROVIDER_PUT);
	_cleanup_free_ char *context = xasprintf("provider/%s", p->name);
	size_t n = 0;
	_cleanup_free_ unsigned char *sealed = seal_json(s, context, p->manifest, &n);

	if (!sealed)
		return error_set(err, ERROR_INVALID, "The provider's manifest must be UTF-8");
	query_bind_text(&q, p->name);
	query_bind_int(&q, clock_wall_ms());
	query_bind_blob(&q, sealed, n);
	return query_run(&q, err);
}

int store_provider_list(struct store *s, struct provider **ret, size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_PROVIDER_LIST);

	return query_all(&q, &provider_type, ret, ret_n, err);
}

int store_provider_delete(struct store *s, const char *name, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_PROVIDER_DELETE);

	query_bind_text(&q, name);
	if (query_run(&q, err) < 0)
		return -1;
	return query_n_changed(&q) ? 0
				   : error_set(err, ERROR_NOT_FOUND,
					       "Couldn't find that provider: %.64s", name);
}
