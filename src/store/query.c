/* SPDX-License-Identifier: Apache-2.0 */
/* One use of a prepared statement; see store-priv.h. */
#include <assert.h>
#include <stdlib.h>

#include "base/str.h"
#include "store/store-priv.h"

struct query query_make(struct store *s, enum statement id)
{
	struct query q = { .s = s };

	if (!s->statements[id])
		q.rc = sqlite3_prepare_v3(s->db, statement_sql[id], -1, SQLITE_PREPARE_PERSISTENT,
					  &s->statements[id], NULL);
	q.st = s->statements[id];
	/* A statement has one state: two uses at once would be a bug. */
	assert(!q.st || !sqlite3_stmt_busy(q.st));
	return q;
}

void query_done(struct query *q)
{
	if (!q->st)
		return;
	sqlite3_reset(q->st);
	sqlite3_clear_bindings(q->st);
}

void query_bind_text(struct query *q, const char *s)
{
	q->n_bound++;
	if (!q->rc)
		q->rc = sqlite3_bind_text(q->st, q->n_bound, s, -1, SQLITE_STATIC);
}

void query_bind_int(struct query *q, int64_t v)
{
	q->n_bound++;
	if (!q->rc)
		q->rc = sqlite3_bind_int64(q->st, q->n_bound, v);
}

void query_bind_blob(struct query *q, const void *data, size_t n)
{
	q->n_bound++;
	if (!q->rc)
		q->rc = sqlite3_bind_blob64(q->st, q->n_bound, data, n, SQLITE_STATIC);
}

int query_row(struct query *q, struct error *err)
{
	if (!q->rc || q->rc == SQLITE_ROW)
		q->rc = sqlite3_step(q->st);
	q->n_read = 0;
	if (q->rc == SQLITE_ROW)
		return 1;
	if (q->rc == SQLITE_DONE)
		return 0;
	return store_error(q->s, q->rc, err);
}

int query_run(struct query *q, struct error *err)
{
	int r = query_row(q, err);

	assert(r != 1);
	return r;
}

bool query_is_duplicate(const struct query *q)
{
	return q->rc == SQLITE_CONSTRAINT_UNIQUE || q->rc == SQLITE_CONSTRAINT_PRIMARYKEY;
}

int query_n_changed(const struct query *q)
{
	return sqlite3_changes(q->s->db);
}

char *query_text(struct query *q)
{
	const char *s = (const char *)sqlite3_column_text(q->st, q->n_read++);

	return s ? xstrdup(s) : NULL;
}

int64_t query_int(struct query *q)
{
	return sqlite3_column_int64(q->st, q->n_read++);
}

void query_id(struct query *q, char id[static UUID_SIZE])
{
	const char *s = (const char *)sqlite3_column_text(q->st, q->n_read++);

	snprintf(id, UUID_SIZE, "%s", s ? s : "");
}

const void *query_blob(struct query *q, size_t *ret_n)
{
	int column = q->n_read++;
	const void *data = sqlite3_column_blob(q->st, column);

	*ret_n = (size_t)sqlite3_column_bytes(q->st, column);
	return data;
}

int query_one(struct query *q, const struct record_type *type, void *ret, struct error *err)
{
	_cleanup_free_ void *record = xcalloc(1, type->size);
	int r = query_row(q, err);

	if (r <= 0)
		return r;
	if (type->read(q, record, err) < 0) {
		type->done(record);
		return -1;
	}
	memcpy(ret, record, type->size);
	return 1;
}

int query_all(struct query *q, const struct record_type *type, void *ret_array, size_t *ret_n,
	      struct error *err)
{
	char *array = NULL;
	size_t n = 0, room = 0;
	int r;

	while ((r = query_row(q, err)) == 1) {
		if (n == room) {
			room = room ? 2 * room : 8;
			array = xrealloc(array, room * type->size);
		}
		memset(array + n * type->size, 0, type->size);
		r = type->read(q, array + n++ * type->size, err);
		if (r < 0)
			break;
	}
	if (r < 0) {
		for (size_t i = 0; i < n; i++)
			type->done(array + i * type->size);
		free(array);
		return -1;
	}
	*(void **)ret_array = array;
	*ret_n = n;
	return 0;
}

int query_strv(struct query *q, char ***ret, struct error *err)
{
	_cleanup_strv_ char **v = NULL;
	int r;

	while ((r = query_row(q, err)) == 1)
		strv_push_take(&v, query_text(q));
	if (r < 0)
		return -1;
	strv_free(*ret);
	*ret = steal_ptr(v);
	return 0;
}
