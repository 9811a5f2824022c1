/* SPDX-License-Identifier: Apache-2.0 */
/* Keys for fetching; see fetch-key.h. */
#include "store/fetch-key.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/store-priv.h"

const char store_schema_fetch_key[] =
	"CREATE TABLE fetch_key ("
	"  app_id TEXT PRIMARY KEY NOT NULL REFERENCES app (id) ON DELETE CASCADE,"
	"  public_key TEXT NOT NULL,"
	"  private_key BLOB NOT NULL,"
	"  created_ms INTEGER NOT NULL"
	") STRICT;";

void fetch_key_done(struct fetch_key *k)
{
	if (k->private_key)
		explicit_bzero(k->private_key, strlen(k->private_key));
	free(k->private_key);
	free(k->public_key);
	*k = (struct fetch_key){ 0 };
}

static char *context_of(const char *app_id)
{
	return xasprintf("fetch-key/%s", app_id);
}

int store_fetch_key_get(struct store *s, const char *app_id, struct fetch_key *ret,
			struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_FETCH_KEY_GET);
	_cleanup_free_ char *context = context_of(app_id);
	struct fetch_key k = { 0 };
	const void *sealed;
	size_t n, n_text;
	int r;

	query_bind_text(&q, app_id);
	r = query_row(&q, err);
	if (r != 1)
		return r;
	k.public_key = query_text(&q);
	k.created_ms = query_int(&q);
	sealed = query_blob(&q, &n);
	k.private_key = seal_unseal(s, context, sealed, n, &n_text);
	if (k.private_key) {
		*ret = k;
		return 1;
	}
	fetch_key_done(&k);
	return error_set(err, ERROR_SYSTEM,
			 "The key of an app in %s by which it fetches can't be read: it is "
			 "damaged, or was sealed with another key than %s",
			 s->path, s->key_path);
}

int store_fetch_key_put(struct store *s, const char *app_id, struct fetch_key *k, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_FETCH_KEY_PUT);
	_cleanup_free_ char *context = context_of(app_id);
	size_t n = 0;
	_cleanup_free_ unsigned char *sealed =
		seal_bytes(s, context, k->private_key, strlen(k->private_key), &n);

	k->created_ms = clock_wall_ms();
	query_bind_text(&q, app_id);
	query_bind_text(&q, k->public_key);
	query_bind_blob(&q, sealed, n);
	query_bind_int(&q, k->created_ms);
	return query_run(&q, err);
}

int store_fetch_key_delete(struct store *s, const char *app_id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_FETCH_KEY_DELETE);

	query_bind_text(&q, app_id);
	return query_run(&q, err);
}
