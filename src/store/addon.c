/* SPDX-License-Identifier: Apache-2.0 */
/* Add-ons; see store.h. Secrets are sealed for the row that they stand in. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/store-priv.h"

const char *const addon_state_names[_ADDON_STATE_MAX] = {
	[ADDON_PROVISIONING] = "provisioning",
	[ADDON_PROVISIONED] = "provisioned",
	[ADDON_DEPROVISIONING] = "deprovisioning",
	[ADDON_DEPROVISIONED] = "deprovisioned",
};

void addon_done(struct addon *a)
{
	char *const strings[] = {
		a->app_name, a->name,	 a->service, a->plan,	   a->attachment,
		a->stack,    a->applied, a->reason,  a->restoring, a->provider_id
	};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	json_decref(a->secret);
	*a = (struct addon){ 0 };
}

void addon_free_array(struct addon *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		addon_done(&a[i]);
	free(a);
}

static char *context_of(const struct addon *a)
{
	return xasprintf("addon/%s", a->id);
}

static int damaged(struct store *s, const struct addon *a, const char *what, struct error *err)
{
	return error_set(
		err, ERROR_SYSTEM,
		"The %s of the add-on %s in %s can't be read: it is damaged, or was sealed "
		"with another key than %s",
		what, a->name ? a->name : a->id, s->path, s->key_path);
}

static int read_state(struct addon *a, struct query *q)
{
	_cleanup_free_ char *word = query_text(q);

	for (enum addon_state i = 0; word && i < _ADDON_STATE_MAX; i++) {
		if (!streq(word, addon_state_names[i]))
			continue;
		a->state = i;
		return 0;
	}
	return -1;
}

static int read_secret(struct addon *a, struct query *q)
{
	_cleanup_free_ char *context = context_of(a);
	size_t n;
	const void *sealed = query_blob(q, &n);

	a->secret = seal_unseal_json(q->s, context, sealed, n);
	return a->secret ? 0 : -1;
}

static int read_addon(struct query *q, void *record, struct error *err)
{
	struct addon *a = record;

	query_id(q, a->id);
	query_id(q, a->app_id);
	a->app_name = query_text(q);
	a->name = query_text(q);
	a->service = query_text(q);
	a->plan = query_text(q);
	a->attachment = query_text(q);
	if (read_state(a, q) < 0)
		return damaged(q->s, a, "state", err);
	a->first_port = query_int(q);
	a->stack = query_text(q);
	a->applied = query_text(q);
	a->reason = query_text(q);
	a->restoring = query_text(q);
	a->full = query_int(q);
	a->keep_last = query_int(q);
	a->provider_id = query_text(q);
	a->schedule_minute = query_int(q);
	a->schedule_keep = query_int(q);
	a->created_ms = query_int(q);
	a->updated_ms = query_int(q);
	query_id(q, a->owner_id);
	return read_secret(a, q) < 0 ? damaged(q->s, a, "secret", err) : 0;
}

static void done_addon(void *record)
{
	addon_done(record);
}

static const struct record_type addon_type = { sizeof(struct addon), read_addon, done_addon };

static int delete_dead(struct store *s, const char *name, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_ADDON_DELETE_DEAD);

	query_bind_text(&q, name);
	return query_run(&q, err);
}

static int name_taken(const char *name, struct error *err)
{
	return error_set(err, ERROR_INVALID,
			 "There is an add-on named %s already: give another name", name);
}

/* What may change, and an insert and an update have in the same order. */
static void bind_state(struct query *q, const struct addon *a)
{
	query_bind_text(q, a->plan);
	query_bind_text(q, a->attachment);
	query_bind_text(q, addon_state_names[a->state]);
	query_bind_int(q, a->first_port);
	query_bind_text(q, a->stack);
	query_bind_text(q, a->applied);
	query_bind_text(q, a->reason);
	query_bind_text(q, a->restoring);
	query_bind_int(q, a->full);
	query_bind_int(q, a->keep_last);
	query_bind_text(q, a->provider_id);
	query_bind_int(q, a->schedule_minute);
	query_bind_int(q, a->schedule_keep);
}

int store_addon_create(struct store *s, struct addon *a, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_ADDON_INSERT);
	_cleanup_free_ unsigned char *secret = NULL;
	_cleanup_free_ char *context = NULL;
	size_t n = 0;

	if (delete_dead(s, a->name, err) < 0)
		return -1;
	uuid_make(a->id);
	a->created_ms = a->updated_ms = clock_wall_ms();
	context = context_of(a);
	secret = seal_json(s, context, a->secret, &n);
	if (!secret)
		return error_set(err, ERROR_INVALID, "What the add-on is made with must be UTF-8");
	query_bind_text(&q, a->id);
	query_bind_text(&q, a->app_id);
	query_bind_text(&q, a->app_name);
	query_bind_text(&q, a->name);
	query_bind_text(&q, a->service);
	bind_state(&q, a);
	query_bind_int(&q, a->created_ms);
	query_bind_int(&q, a->updated_ms);
	query_bind_text(&q, a->owner_id);
	query_bind_blob(&q, secret, n);
	if (query_run(&q, err) == 0)
		return 0;
	return query_is_duplicate(&q) ? name_taken(a->name, err) : -1;
}

int store_addon_get(struct store *s, const char *name_or_id, struct addon *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_ADDON_GET);
	int r;

	query_bind_text(&q, name_or_id);
	r = query_one(&q, &addon_type, ret, err);
	if (r == 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that add-on: %.64s",
				 name_or_id);
	return r < 0 ? -1 : 0;
}

int store_addon_list(struct store *s, const char *app_id, struct addon **ret, size_t *ret_n,
		     struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_ADDON_LIST);

	query_bind_text(&q, app_id);
	return query_all(&q, &addon_type, ret, ret_n, err);
}

int store_addon_update(struct store *s, const struct addon *a, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_ADDON_UPDATE);
	_cleanup_free_ char *context = context_of(a);
	size_t n = 0;
	_cleanup_free_ unsigned char *secret = seal_json(s, context, a->secret, &n);

	if (!secret)
		return error_set(err, ERROR_INVALID, "What the add-on is made with must be UTF-8");
	query_bind_text(&q, a->app_name);
	query_bind_text(&q, a->name);
	bind_state(&q, a);
	query_bind_int(&q, clock_wall_ms());
	query_bind_blob(&q, secret, n);
	query_bind_text(&q, a->id);
	if (query_run(&q, err) < 0)
		return query_is_duplicate(&q) ? name_taken(a->name, err) : -1;
	return query_n_changed(&q)
		       ? 0
		       : error_set(err, ERROR_NOT_FOUND, "Couldn't find that add-on: %s", a->name);
}

int store_addon_delete(struct store *s, const char *id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_ADDON_DELETE);

	query_bind_text(&q, id);
	return query_run(&q, err);
}
