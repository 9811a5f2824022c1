/* SPDX-License-Identifier: Apache-2.0 */
/* Log drains; see store.h. A URL may hold a token or a password, so it is sealed. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/store-priv.h"

void drain_done(struct drain *d)
{
	free(d->token);
	free(d->url);
	free(d->ca);
	free(d->format);
	free(d->on_full);
	*d = (struct drain){ 0 };
}

void drain_free_array(struct drain *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		drain_done(&d[i]);
	free(d);
}

static char *copy_member(json_t *secret, const char *name)
{
	const char *s = json_string_value(json_object_get(secret, name));

	return s ? xstrdup(s) : NULL;
}

static int read_drain(struct query *q, void *record, struct error *err)
{
	struct drain *d = record;
	_cleanup_free_ char *context = NULL;
	const void *sealed;
	json_t *secret;
	size_t n;

	query_id(q, d->id);
	query_id(q, d->app_id);
	d->token = query_text(q);
	d->format = query_text(q);
	d->on_full = query_text(q);
	d->created_ms = query_int(q);
	d->updated_ms = query_int(q);
	context = xasprintf("drain/%s", d->id);
	sealed = query_blob(q, &n);
	secret = seal_unseal_json(q->s, context, sealed, n);
	d->url = copy_member(secret, "url");
	d->ca = copy_member(secret, "ca");
	json_decref(secret);
	if (d->url)
		return 0;
	return error_set(
		err, ERROR_SYSTEM,
		"The URL of the drain %s in %s can't be read: it is damaged, or was sealed with "
		"another key than %s",
		d->token, q->s->path, q->s->key_path);
}

static void done_drain(void *record)
{
	drain_done(record);
}

static const struct record_type drain_type = { sizeof(struct drain), read_drain, done_drain };

static unsigned char *seal(struct store *s, const struct drain *d, size_t *ret_n, struct error *err)
{
	_cleanup_free_ char *context = xasprintf("drain/%s", d->id);
	json_t *secret = json_pack("{s:s, s:s?}", "url", d->url, "ca", d->ca);
	unsigned char *sealed = secret ? seal_json(s, context, secret, ret_n) : NULL;

	json_decref(secret);
	if (!sealed)
		error_set(err, ERROR_INVALID, "The drain's URL must be UTF-8");
	return sealed;
}

int store_drain_create(struct store *s, struct drain *d, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_DRAIN_INSERT);
	_cleanup_free_ unsigned char *sealed = NULL;
	char token[UUID_SIZE];
	size_t n = 0;

	uuid_make(d->id);
	d->token = xasprintf("d.%s", uuid_make(token));
	d->created_ms = d->updated_ms = clock_wall_ms();
	sealed = seal(s, d, &n, err);
	if (!sealed)
		return -1;
	query_bind_text(&q, d->id);
	query_bind_text(&q, d->app_id);
	query_bind_text(&q, d->token);
	query_bind_text(&q, d->format);
	query_bind_text(&q, d->on_full);
	query_bind_int(&q, d->created_ms);
	query_bind_int(&q, d->updated_ms);
	query_bind_blob(&q, sealed, n);
	return query_run(&q, err);
}

int store_drain_list(struct store *s, const char *app_id, struct drain **ret, size_t *ret_n,
		     struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_DRAIN_LIST);

	query_bind_text(&q, app_id);
	return query_all(&q, &drain_type, ret, ret_n, err);
}

int store_drain_get(struct store *s, const char *app_id, const char *which, struct drain *ret,
		    struct error *err)
{
	struct drain *list = NULL;
	size_t n = 0, i;

	if (store_drain_list(s, app_id, &list, &n, err) < 0)
		return -1;
	for (i = 0; i < n; i++)
		if (streq(list[i].id, which) || streq(list[i].token, which) ||
		    streq(list[i].url, which))
			break;
	if (i < n) {
		*ret = list[i];
		list[i] = (struct drain){ 0 };
	}
	drain_free_array(list, n);
	/* What was asked for may be a URL with a secret: it is not repeated. */
	return i < n ? 0
		     : error_set(err, ERROR_NOT_FOUND,
				 "Couldn't find that drain: name it by its URL, its token (d.…) or "
				 "its id");
}

int store_drain_update(struct store *s, struct drain *d, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_DRAIN_UPDATE);
	_cleanup_free_ unsigned char *sealed = NULL;
	size_t n = 0;

	d->updated_ms = clock_wall_ms();
	sealed = seal(s, d, &n, err);
	if (!sealed)
		return -1;
	query_bind_text(&q, d->format);
	query_bind_text(&q, d->on_full);
	query_bind_int(&q, d->updated_ms);
	query_bind_blob(&q, sealed, n);
	query_bind_text(&q, d->id);
	return query_run(&q, err);
}

int store_drain_delete(struct store *s, const char *id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_DRAIN_DELETE);

	query_bind_text(&q, id);
	return query_run(&q, err);
}
