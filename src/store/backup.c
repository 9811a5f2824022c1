/* SPDX-License-Identifier: Apache-2.0 */
/* Backups; see store.h. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/store-priv.h"

void backup_done(struct backup *b)
{
	char *const strings[] = { b->addon_name, b->app_name,  b->service, b->plan,
				  b->attachment, b->extension, b->status,  b->kind,
				  b->sha256,	 b->summary,   b->error,   b->verified_text };

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	json_decref(b->databases);
	json_decref(b->attachments);
	*b = (struct backup){ 0 };
}

void backup_copy(struct backup *ret, const struct backup *b)
{
	char **const strings[] = { &ret->addon_name, &ret->app_name,   &ret->service,
				   &ret->plan,	     &ret->attachment, &ret->extension,
				   &ret->status,     &ret->kind,       &ret->sha256,
				   &ret->summary,    &ret->error,      &ret->verified_text };

	*ret = *b;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		*strings[i] = *strings[i] ? xstrdup(*strings[i]) : NULL;
	json_incref(ret->databases);
	json_incref(ret->attachments);
}

void backup_free_array(struct backup *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		backup_done(&b[i]);
	free(b);
}

static int read_backup(struct query *q, void *record, struct error *err)
{
	struct backup *b = record;
	_cleanup_free_ char *databases = NULL, *attachments = NULL;

	query_id(q, b->id);
	query_id(q, b->addon_id);
	query_id(q, b->app_id);
	b->addon_name = query_text(q);
	b->app_name = query_text(q);
	b->service = query_text(q);
	b->plan = query_text(q);
	b->attachment = query_text(q);
	b->extension = query_text(q);
	b->number = query_int(q);
	b->status = query_text(q);
	b->kind = query_text(q);
	b->bytes = query_int(q);
	b->sha256 = query_text(q);
	b->summary = query_text(q);
	b->error = query_text(q);
	databases = query_text(q);
	b->verified_ms = query_int(q);
	b->verified_ok = query_int(q);
	b->verified_text = query_text(q);
	b->created_ms = query_int(q);
	b->finished_ms = query_int(q);
	b->expires_ms = query_int(q);
	attachments = query_text(q);
	query_id(q, b->owner_id);
	b->databases = databases ? json_loads(databases, 0, NULL) : NULL;
	b->attachments = attachments ? json_loads(attachments, 0, NULL) : NULL;
	if (b->databases && b->attachments)
		return 0;
	return error_set(err, ERROR_SYSTEM, "The row of backup b%lld of %s in %s is damaged",
			 (long long)b->number, b->addon_name, q->s->path);
}

static void done_backup(void *record)
{
	backup_done(record);
}

static const struct record_type backup_type = { sizeof(struct backup), read_backup, done_backup };

static int next_number(struct store *s, const char *addon_id, int64_t *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_BACKUP_NEXT_NUMBER);

	query_bind_text(&q, addon_id);
	if (query_row(&q, err) < 0)
		return -1;
	*ret = query_int(&q);
	return 0;
}

int store_backup_create(struct store *s, struct backup *b, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_BACKUP_INSERT);
	_cleanup_free_ char *databases =
		b->databases ? json_dumps(b->databases, JSON_COMPACT) : xstrdup("{}");
	_cleanup_free_ char *attachments =
		b->attachments ? json_dumps(b->attachments, JSON_COMPACT) : xstrdup("[]");

	if (next_number(s, b->addon_id, &b->number, err) < 0)
		return -1;
	uuid_make(b->id);
	b->created_ms = clock_wall_ms();
	query_bind_text(&q, b->id);
	query_bind_text(&q, b->addon_id);
	query_bind_text(&q, b->app_id);
	query_bind_text(&q, b->addon_name);
	query_bind_text(&q, b->app_name);
	query_bind_text(&q, b->service);
	query_bind_text(&q, b->plan);
	query_bind_text(&q, b->attachment ? b->attachment : "");
	query_bind_text(&q, b->extension);
	query_bind_int(&q, b->number);
	query_bind_text(&q, b->status);
	query_bind_text(&q, b->kind);
	query_bind_int(&q, b->bytes);
	query_bind_text(&q, b->sha256);
	query_bind_text(&q, b->summary);
	query_bind_text(&q, b->error);
	query_bind_text(&q, databases);
	query_bind_int(&q, b->verified_ms);
	query_bind_int(&q, b->verified_ok);
	query_bind_text(&q, b->verified_text);
	query_bind_int(&q, b->created_ms);
	query_bind_int(&q, b->finished_ms);
	query_bind_int(&q, b->expires_ms);
	query_bind_text(&q, attachments);
	/* A trigger knows. */
	query_bind_text(&q, "");
	return query_run(&q, err);
}

static int found(int r, const char *what, struct error *err)
{
	if (r == 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that backup: %.64s", what);
	return r < 0 ? -1 : 0;
}

int store_backup_get(struct store *s, const char *id, struct backup *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_BACKUP_GET);

	query_bind_text(&q, id);
	return found(query_one(&q, &backup_type, ret, err), id, err);
}

int store_backup_by_number(struct store *s, const char *addon_id, int64_t number,
			   struct backup *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_BACKUP_BY_NUMBER);
	_cleanup_free_ char *name = xasprintf("b%lld", (long long)number);

	query_bind_text(&q, addon_id);
	query_bind_int(&q, number);
	return found(query_one(&q, &backup_type, ret, err), name, err);
}

int store_backup_list(struct store *s, const char *addon_id, const char *app_id,
		      struct backup **ret, size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_BACKUP_LIST);

	query_bind_text(&q, addon_id);
	query_bind_text(&q, app_id);
	query_bind_int(&q, 0);
	query_bind_text(&q, NULL);
	return query_all(&q, &backup_type, ret, ret_n, err);
}

int store_backup_list_destroyed(struct store *s, const char *owner_id, struct backup **ret,
				size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_BACKUP_LIST);

	query_bind_text(&q, NULL);
	query_bind_text(&q, NULL);
	query_bind_int(&q, 1);
	query_bind_text(&q, owner_id);
	return query_all(&q, &backup_type, ret, ret_n, err);
}

int store_backup_update(struct store *s, const struct backup *b, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_BACKUP_UPDATE);

	query_bind_text(&q, b->status);
	query_bind_int(&q, b->bytes);
	query_bind_text(&q, b->sha256);
	query_bind_text(&q, b->summary);
	query_bind_text(&q, b->error);
	query_bind_int(&q, b->verified_ms);
	query_bind_int(&q, b->verified_ok);
	query_bind_text(&q, b->verified_text);
	query_bind_int(&q, b->finished_ms);
	query_bind_int(&q, b->expires_ms);
	query_bind_text(&q, b->id);
	return query_run(&q, err);
}

int store_backup_delete(struct store *s, const char *id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_BACKUP_DELETE);

	query_bind_text(&q, id);
	return query_run(&q, err);
}
