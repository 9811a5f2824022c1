/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers of apps; see transfer.h. */
#include "store/transfer.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/names.h"
#include "store/fetch-key.h"
#include "store/store-priv.h"

void transfer_done(struct transfer *t)
{
	free(t->state);
	*t = (struct transfer){ 0 };
}

void transfer_free_array(struct transfer *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		transfer_done(&t[i]);
	free(t);
}

static int read_transfer(struct query *q, void *record, struct error *err)
{
	struct transfer *t = record;

	(void)err;
	query_id(q, t->id);
	query_id(q, t->app_id);
	query_id(q, t->owner_id);
	query_id(q, t->recipient_id);
	t->state = query_text(q);
	t->created_ms = query_int(q);
	t->updated_ms = query_int(q);
	return 0;
}

static void done_transfer(void *record)
{
	transfer_done(record);
}

static const struct record_type transfer_type = { sizeof(struct transfer), read_transfer,
						  done_transfer };

int store_transfer_create(struct store *s, struct transfer *t, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_TRANSFER_PUT);

	uuid_make(t->id);
	free(t->state);
	t->state = xstrdup("pending");
	t->created_ms = t->updated_ms = clock_wall_ms();
	query_bind_text(&q, t->id);
	query_bind_text(&q, t->app_id);
	query_bind_text(&q, t->owner_id);
	query_bind_text(&q, t->recipient_id);
	query_bind_text(&q, t->state);
	query_bind_int(&q, t->created_ms);
	query_bind_int(&q, t->updated_ms);
	if (query_run(&q, err) < 0)
		return -1;
	if (!query_n_changed(&q))
		return error_set(
			err, ERROR_CONFLICT,
			"The app is already offered to somebody: cancel that transfer first");
	return 0;
}

int store_transfer_get(struct store *s, const char *id_or_app_id, struct transfer *ret,
		       struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_TRANSFER_GET);
	char excerpt[NAME_EXCERPT_SIZE];
	int r;

	query_bind_text(&q, id_or_app_id);
	r = query_one(&q, &transfer_type, ret, err);
	if (r == 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that app transfer: %s",
				 name_excerpt(excerpt, id_or_app_id));
	return r < 0 ? -1 : 0;
}

int store_transfer_list(struct store *s, const char *user_id, struct transfer **ret, size_t *ret_n,
			struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_TRANSFER_LIST);

	query_bind_text(&q, user_id);
	return query_all(&q, &transfer_type, ret, ret_n, err);
}

static int set_state(struct store *s, struct transfer *t, const char *state, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_TRANSFER_SET_STATE);

	t->updated_ms = clock_wall_ms();
	query_bind_text(&q, state);
	query_bind_int(&q, t->updated_ms);
	query_bind_text(&q, t->id);
	if (query_run(&q, err) < 0)
		return -1;
	if (!query_n_changed(&q))
		return error_set(err, ERROR_CONFLICT, "The transfer was %s already", t->state);
	free(t->state);
	t->state = xstrdup(state);
	return 0;
}

static int set_owner(struct store *s, const struct transfer *t, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_APP_SET_OWNER);

	query_bind_text(&q, t->recipient_id);
	query_bind_int(&q, clock_wall_ms());
	query_bind_text(&q, t->app_id);
	query_bind_text(&q, t->owner_id);
	if (query_run(&q, err) < 0)
		return -1;
	return query_n_changed(&q)
		       ? 0
		       : error_set(err, ERROR_CONFLICT, "The app has another owner by now");
}

/* The owner is no collaborator. */
static int leave(struct store *s, const struct transfer *t, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_COLLABORATOR_LEAVE);

	query_bind_text(&q, t->app_id);
	query_bind_text(&q, t->recipient_id);
	return query_run(&q, err);
}

int store_transfer_accept(struct store *s, struct transfer *t, unsigned permissions,
			  struct error *err)
{
	if (store_begin(s, err) < 0)
		return -1;
	if (set_state(s, t, "accepted", err) == 0 && set_owner(s, t, err) == 0 &&
	    leave(s, t, err) == 0 &&
	    store_collaborator_set(s, t->app_id, t->owner_id, permissions, err) == 0 &&
	    /* What the old owner's deploy keys open is not the new one's to fetch. */
	    store_fetch_key_delete(s, t->app_id, err) == 0 && store_commit(s, err) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

int store_transfer_decline(struct store *s, struct transfer *t, struct error *err)
{
	return set_state(s, t, "declined", err);
}

int store_transfer_delete(struct store *s, const char *id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_TRANSFER_DELETE);

	query_bind_text(&q, id);
	return query_run(&q, err);
}
