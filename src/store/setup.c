/* SPDX-License-Identifier: Apache-2.0 */
/* App setups; see setup.h. */
#include "store/setup.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/names.h"
#include "store/store-priv.h"

void setup_done(struct setup *s)
{
	free(s->app_name);
	free(s->step);
	free(s->failure);
	json_decref(s->data);
	*s = (struct setup){ 0 };
}

void setup_free_array(struct setup *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		setup_done(&s[i]);
	free(s);
}

static char *context_of(const char *id)
{
	return xasprintf("setup/%s", id);
}

static int read_setup(struct query *q, void *record, struct error *err)
{
	_cleanup_free_ char *context = NULL;
	struct setup *s = record;
	const void *sealed;
	size_t n;

	query_id(q, s->id);
	query_id(q, s->user_id);
	query_id(q, s->app_id);
	s->app_name = query_text(q);
	s->step = query_text(q);
	query_id(q, s->source_id);
	query_id(q, s->build_id);
	s->failure = query_text(q);
	s->created_ms = query_int(q);
	s->updated_ms = query_int(q);
	sealed = query_blob(q, &n);
	context = context_of(s->id);
	s->data = seal_unseal_json(q->s, context, sealed, n);
	if (s->data)
		return 0;
	return error_set(err, ERROR_SYSTEM,
			 "The app setup %s in %s can't be read: it is damaged, or was sealed with "
			 "another key than %s",
			 s->id, q->s->path, q->s->key_path);
}

static void done_setup(void *record)
{
	setup_done(record);
}

static const struct record_type setup_type = { sizeof(struct setup), read_setup, done_setup };

/* What changes, and the id. */
static int write_setup(struct store *s, enum statement statement, const struct setup *setup,
		       struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, statement);
	_cleanup_free_ char *context = context_of(setup->id);
	size_t n = 0;
	_cleanup_free_ unsigned char *sealed = seal_json(s, context, setup->data, &n);

	if (!sealed)
		return error_set(err, ERROR_INVALID, "What an app setup has must be UTF-8");
	query_bind_text(&q, setup->id);
	query_bind_text(&q, setup->user_id);
	query_bind_text(&q, setup->app_id);
	query_bind_text(&q, setup->app_name);
	query_bind_text(&q, setup->step);
	query_bind_text(&q, setup->source_id);
	query_bind_text(&q, setup->build_id);
	query_bind_text(&q, setup->failure);
	query_bind_int(&q, setup->created_ms);
	query_bind_int(&q, setup->updated_ms);
	query_bind_blob(&q, sealed, n);
	return query_run(&q, err);
}

static int forget(struct store *s, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SETUP_FORGET);

	query_bind_int(&q, clock_wall_ms() - SETUP_KEPT_MS);
	return query_run(&q, err);
}

int store_setup_create(struct store *s, struct setup *setup, struct error *err)
{
	uuid_make(setup->id);
	setup->created_ms = setup->updated_ms = clock_wall_ms();
	return forget(s, err) < 0 ? -1 : write_setup(s, STATEMENT_SETUP_PUT, setup, err);
}

int store_setup_update(struct store *s, struct setup *setup, struct error *err)
{
	setup->updated_ms = clock_wall_ms();
	return write_setup(s, STATEMENT_SETUP_PUT, setup, err);
}

int store_setup_get(struct store *s, const char *id, struct setup *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SETUP_GET);
	char excerpt[NAME_EXCERPT_SIZE];
	int r;

	query_bind_text(&q, id);
	r = query_one(&q, &setup_type, ret, err);
	if (r == 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that app setup: %s",
				 name_excerpt(excerpt, id));
	return r < 0 ? -1 : 0;
}

int store_setup_list_pending(struct store *s, struct setup **ret, size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SETUP_PENDING);

	return query_all(&q, &setup_type, ret, ret_n, err);
}

int store_setup_delete(struct store *s, const char *id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SETUP_DELETE);

	query_bind_text(&q, id);
	return query_run(&q, err);
}
