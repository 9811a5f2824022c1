/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of apps; see store.h. Keys are sealed, and read apart from the rest. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/names.h"
#include "store/store-priv.h"

void sni_endpoint_done(struct sni_endpoint *e)
{
	free(e->name);
	free(e->chain);
	*e = (struct sni_endpoint){ 0 };
}

void sni_endpoint_free_array(struct sni_endpoint *e, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sni_endpoint_done(&e[i]);
	free(e);
}

static int read_sni(struct query *q, void *record, struct error *err)
{
	struct sni_endpoint *e = record;

	(void)err;
	query_id(q, e->id);
	query_id(q, e->app_id);
	e->name = query_text(q);
	e->chain = query_text(q);
	e->acm = query_int(q);
	e->trusted = query_int(q);
	e->created_ms = query_int(q);
	e->updated_ms = query_int(q);
	return 0;
}

static void done_sni(void *record)
{
	sni_endpoint_done(record);
}

static const struct record_type sni_type = { sizeof(struct sni_endpoint), read_sni, done_sni };

static int not_found(const char *which, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];

	return error_set(err, ERROR_NOT_FOUND, "Couldn't find that certificate: %s",
			 name_excerpt(excerpt, which));
}

static unsigned char *seal_key(struct store *s, const struct sni_endpoint *e, const char *key,
			       size_t *ret_n)
{
	_cleanup_free_ char *context = xasprintf("sni/%s", e->id);

	return seal_bytes(s, context, key, strlen(key), ret_n);
}

int store_sni_create(struct store *s, struct sni_endpoint *e, const char *key, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SNI_INSERT);
	_cleanup_free_ unsigned char *sealed = NULL;
	size_t n;

	uuid_make(e->id);
	e->created_ms = e->updated_ms = clock_wall_ms();
	sealed = seal_key(s, e, key, &n);
	query_bind_text(&q, e->id);
	query_bind_text(&q, e->app_id);
	query_bind_text(&q, e->name);
	query_bind_text(&q, e->chain);
	query_bind_int(&q, e->acm);
	query_bind_int(&q, e->trusted);
	query_bind_int(&q, e->created_ms);
	query_bind_int(&q, e->updated_ms);
	query_bind_blob(&q, sealed, n);
	if (query_run(&q, err) == 0)
		return 0;
	return query_is_duplicate(&q)
		       ? error_set(err, ERROR_CONFLICT,
				   "There is a certificate of the name %s already", e->name)
		       : -1;
}

int store_sni_update(struct store *s, struct sni_endpoint *e, const char *key, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SNI_UPDATE);
	_cleanup_free_ unsigned char *sealed = NULL;
	size_t n;

	e->updated_ms = clock_wall_ms();
	sealed = seal_key(s, e, key, &n);
	query_bind_text(&q, e->chain);
	query_bind_int(&q, e->trusted);
	query_bind_int(&q, e->updated_ms);
	query_bind_blob(&q, sealed, n);
	query_bind_text(&q, e->id);
	if (query_run(&q, err) < 0)
		return -1;
	return query_n_changed(&q) ? 0 : not_found(e->name, err);
}

int store_sni_list(struct store *s, const char *app_id, struct sni_endpoint **ret, size_t *ret_n,
		   struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SNI_LIST);

	query_bind_text(&q, app_id);
	return query_all(&q, &sni_type, ret, ret_n, err);
}

int store_sni_get(struct store *s, const char *app_id, const char *which, struct sni_endpoint *ret,
		  struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SNI_GET);
	int r;

	query_bind_text(&q, app_id);
	query_bind_text(&q, which);
	r = query_one(&q, &sni_type, ret, err);
	if (r == 0)
		return not_found(which, err);
	return r < 0 ? -1 : 0;
}

int store_sni_key(struct store *s, const char *id, char **ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SNI_KEY);
	_cleanup_free_ char *context = xasprintf("sni/%s", id);
	const void *sealed;
	size_t n;
	int r;

	query_bind_text(&q, id);
	r = query_row(&q, err);
	if (r <= 0)
		return r < 0 ? -1 : not_found(id, err);
	sealed = query_blob(&q, &n);
	*ret = seal_unseal(s, context, sealed, n, &n);
	if (*ret)
		return 0;
	return error_set(err, ERROR_SYSTEM,
			 "The key of the SNI endpoint %s in %s can't be read: it is damaged, or "
			 "was sealed with another key than %s",
			 id, s->path, s->key_path);
}

int store_sni_delete(struct store *s, const char *id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SNI_DELETE);

	query_bind_text(&q, id);
	if (query_run(&q, err) < 0)
		return -1;
	return query_n_changed(&q) ? 0 : not_found(id, err);
}

int store_sni_delete_orphans(struct store *s, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SNI_DELETE_ORPHANS);

	return query_run(&q, err);
}
