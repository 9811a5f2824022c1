/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks, their events and deliveries; see webhook.h. A URL may hold a token, so it is sealed
 * with the secrets. */
#include "store/webhook.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/names.h"
#include "store/store-priv.h"

const char *const webhook_entities[] = {
	"api:addon",	    "api:addon-attachment", "api:app",	"api:build",
	"api:collaborator", "api:domain",	    "api:dyno", "api:formation",
	"api:release",	    "api:sni-endpoint",	    NULL
};

/* ---- webhooks ---- */

void webhook_done(struct webhook *w)
{
	free(w->include);
	free(w->url);
	free(w->authorization);
	free(w->secret);
	*w = (struct webhook){ 0 };
}

void webhook_free_array(struct webhook *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		webhook_done(&w[i]);
	free(w);
}

static char *copy_member(json_t *secret, const char *name)
{
	const char *s = json_string_value(json_object_get(secret, name));

	return s ? xstrdup(s) : NULL;
}

static int read_webhook(struct query *q, void *record, struct error *err)
{
	struct webhook *w = record;
	_cleanup_free_ char *context = NULL;
	const void *sealed;
	json_t *secret;
	size_t n;

	query_id(q, w->id);
	query_id(q, w->app_id);
	w->include = query_text(q);
	w->sync = query_int(q);
	w->created_ms = query_int(q);
	w->updated_ms = query_int(q);
	context = xasprintf("webhook/%s", w->id);
	sealed = query_blob(q, &n);
	secret = seal_unseal_json(q->s, context, sealed, n);
	w->url = copy_member(secret, "url");
	w->authorization = copy_member(secret, "authorization");
	w->secret = copy_member(secret, "secret");
	json_decref(secret);
	if (w->url && w->secret)
		return 0;
	return error_set(err, ERROR_SYSTEM,
			 "The URL of the webhook %s in %s can't be read: it is damaged, or was "
			 "sealed with another key "
			 "than %s",
			 w->id, q->s->path, q->s->key_path);
}

static void done_webhook(void *record)
{
	webhook_done(record);
}

static const struct record_type webhook_type = { sizeof(struct webhook), read_webhook,
						 done_webhook };

static unsigned char *seal(struct store *s, const struct webhook *w, size_t *ret_n,
			   struct error *err)
{
	_cleanup_free_ char *context = xasprintf("webhook/%s", w->id);
	json_t *secret = json_pack("{s:s, s:s?, s:s}", "url", w->url, "authorization",
				   w->authorization, "secret", w->secret);
	unsigned char *sealed = secret ? seal_json(s, context, secret, ret_n) : NULL;

	json_decref(secret);
	if (!sealed)
		error_set(err, ERROR_INVALID, "The webhook's URL and secrets must be UTF-8");
	return sealed;
}

int store_webhook_create(struct store *s, struct webhook *w, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_WEBHOOK_INSERT);
	_cleanup_free_ unsigned char *sealed = NULL;
	size_t n = 0;

	uuid_make(w->id);
	w->created_ms = w->updated_ms = clock_wall_ms();
	sealed = seal(s, w, &n, err);
	if (!sealed)
		return -1;
	query_bind_text(&q, w->id);
	query_bind_text(&q, w->app_id);
	query_bind_text(&q, w->include);
	query_bind_int(&q, w->sync);
	query_bind_int(&q, w->created_ms);
	query_bind_int(&q, w->updated_ms);
	query_bind_blob(&q, sealed, n);
	return query_run(&q, err);
}

/* One of an app, by its id, of any of the tables here. */
static int get_one(struct store *s, enum statement statement, const struct record_type *type,
		   const char *app_id, const char *id, void *ret, const char *what,
		   struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, statement);
	char excerpt[NAME_EXCERPT_SIZE];
	int r;

	query_bind_text(&q, app_id);
	query_bind_text(&q, id);
	r = query_one(&q, type, ret, err);
	if (r == 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that %s: %s", what,
				 name_excerpt(excerpt, id));
	return r < 0 ? -1 : 0;
}

int store_webhook_get(struct store *s, const char *app_id, const char *id, struct webhook *ret,
		      struct error *err)
{
	return get_one(s, STATEMENT_WEBHOOK_GET, &webhook_type, app_id, id, ret, "webhook", err);
}

int store_webhook_list(struct store *s, const char *app_id, struct webhook **ret, size_t *ret_n,
		       struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_WEBHOOK_LIST);

	query_bind_text(&q, app_id);
	return query_all(&q, &webhook_type, ret, ret_n, err);
}

int store_webhook_update(struct store *s, struct webhook *w, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_WEBHOOK_UPDATE);
	_cleanup_free_ unsigned char *sealed = NULL;
	size_t n = 0;

	w->updated_ms = clock_wall_ms();
	sealed = seal(s, w, &n, err);
	if (!sealed)
		return -1;
	query_bind_text(&q, w->include);
	query_bind_int(&q, w->sync);
	query_bind_int(&q, w->updated_ms);
	query_bind_blob(&q, sealed, n);
	query_bind_text(&q, w->id);
	return query_run(&q, err);
}

int store_webhook_delete(struct store *s, const char *id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_WEBHOOK_DELETE);

	query_bind_text(&q, id);
	return query_run(&q, err);
}

/* ---- events ---- */

void webhook_event_done(struct webhook_event *e)
{
	free(e->include);
	free(e->resource);
	free(e->action);
	free(e->actor);
	free(e->data);
	free(e->previous);
	*e = (struct webhook_event){ 0 };
}

void webhook_event_free_array(struct webhook_event *e, size_t n)
{
	for (size_t i = 0; i < n; i++)
		webhook_event_done(&e[i]);
	free(e);
}

static int read_event(struct query *q, void *record, struct error *err)
{
	struct webhook_event *e = record;

	(void)err;
	e->number = query_int(q);
	query_id(q, e->id);
	query_id(q, e->app_id);
	e->include = query_text(q);
	e->resource = query_text(q);
	e->action = query_text(q);
	e->actor = query_text(q);
	e->data = query_text(q);
	e->previous = query_text(q);
	e->created_ms = query_int(q);
	return 0;
}

static void done_event(void *record)
{
	webhook_event_done(record);
}

static const struct record_type event_type = { sizeof(struct webhook_event), read_event,
					       done_event };

int store_webhook_event_get(struct store *s, const char *app_id, const char *id,
			    struct webhook_event *ret, struct error *err)
{
	return get_one(s, STATEMENT_WEBHOOK_EVENT_GET, &event_type, app_id, id, ret,
		       "webhook event", err);
}

int store_webhook_wanted(struct store *s, const char *app_id, const char *include, bool *ret,
			 struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_WEBHOOK_WANTED);

	query_bind_text(&q, app_id);
	query_bind_text(&q, include);
	if (query_row(&q, err) <= 0)
		return -1;
	*ret = query_int(&q) != 0;
	return 0;
}

int store_webhook_tell(struct store *s, const char *app_id, const struct webhook_news *n,
		       struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_WEBHOOK_TELL);
	char id[UUID_SIZE];

	query_bind_text(&q, uuid_make(id));
	query_bind_text(&q, app_id);
	query_bind_text(&q, n->include);
	query_bind_text(&q, n->resource);
	query_bind_text(&q, n->action);
	query_bind_text(&q, n->actor);
	query_bind_text(&q, n->data);
	query_bind_text(&q, n->previous);
	query_bind_int(&q, clock_wall_ms());
	return query_run(&q, err);
}

int store_webhook_event_list(struct store *s, const char *app_id, struct webhook_event **ret,
			     size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_WEBHOOK_EVENT_LIST);

	query_bind_text(&q, app_id);
	return query_all(&q, &event_type, ret, ret_n, err);
}

/* ---- deliveries ---- */

void webhook_delivery_done(struct webhook_delivery *d)
{
	free(d->include);
	free(d->status);
	free(d->attempt_error);
	*d = (struct webhook_delivery){ 0 };
}

void webhook_delivery_free_array(struct webhook_delivery *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		webhook_delivery_done(&d[i]);
	free(d);
}

static int read_delivery(struct query *q, void *record, struct error *err)
{
	struct webhook_delivery *d = record;

	(void)err;
	d->number = query_int(q);
	query_id(q, d->id);
	query_id(q, d->app_id);
	query_id(q, d->webhook_id);
	query_id(q, d->event_id);
	d->include = query_text(q);
	d->sync = query_int(q);
	d->status = query_text(q);
	d->n_attempts = query_int(q);
	d->next_ms = query_int(q);
	query_id(q, d->attempt_id);
	d->attempt_code = query_int(q);
	d->attempt_error = query_text(q);
	d->attempt_ms = query_int(q);
	d->created_ms = query_int(q);
	d->updated_ms = query_int(q);
	return 0;
}

static void done_delivery(void *record)
{
	webhook_delivery_done(record);
}

static const struct record_type delivery_type = { sizeof(struct webhook_delivery), read_delivery,
						  done_delivery };

int store_webhook_delivery_get(struct store *s, const char *app_id, const char *id,
			       struct webhook_delivery *ret, struct error *err)
{
	return get_one(s, STATEMENT_WEBHOOK_DELIVERY_GET, &delivery_type, app_id, id, ret,
		       "webhook delivery", err);
}

int store_webhook_delivery_list(struct store *s, const char *app_id, struct webhook_delivery **ret,
				size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_WEBHOOK_DELIVERY_LIST);

	query_bind_text(&q, app_id);
	return query_all(&q, &delivery_type, ret, ret_n, err);
}

int store_webhook_delivery_due(struct store *s, int64_t now_ms, struct webhook_delivery **ret,
			       size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_WEBHOOK_DELIVERY_DUE);

	query_bind_int(&q, now_ms);
	return query_all(&q, &delivery_type, ret, ret_n, err);
}

int store_webhook_delivery_next(struct store *s, int64_t now_ms, int64_t *ret_ms, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_WEBHOOK_DELIVERY_NEXT);

	query_bind_int(&q, now_ms);
	if (query_row(&q, err) < 0)
		return -1;
	*ret_ms = query_int(&q);
	return 0;
}

int store_webhook_delivery_update(struct store *s, struct webhook_delivery *d, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_WEBHOOK_DELIVERY_UPDATE);

	d->updated_ms = clock_wall_ms();
	query_bind_text(&q, d->status);
	query_bind_int(&q, d->n_attempts);
	query_bind_int(&q, d->next_ms);
	query_bind_text(&q, d->attempt_id);
	query_bind_int(&q, d->attempt_code);
	query_bind_text(&q, d->attempt_error);
	query_bind_int(&q, d->attempt_ms);
	query_bind_int(&q, d->updated_ms);
	query_bind_text(&q, d->id);
	return query_run(&q, err);
}

/* ---- what was written ---- */

static void on_row(void *userdata, int operation, const char *database, const char *table,
		   sqlite3_int64 row)
{
	struct store *s = userdata;

	(void)database;
	(void)row;
	if (operation == SQLITE_INSERT && streq(table, "webhook_delivery"))
		s->webhook_fn(s->webhook_userdata);
}

void store_webhook_watch(struct store *s, void (*fn)(void *userdata), void *userdata)
{
	s->webhook_fn = fn;
	s->webhook_userdata = userdata;
	sqlite3_update_hook(s->db, fn ? on_row : NULL, s);
}
