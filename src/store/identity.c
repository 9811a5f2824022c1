/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose state this is. A uuid in the database ("identity" in meta) and in STATE/identity, beside
 * the key: so a database that is missing, empty or another platform's is told from a first start,
 * and refused before anything is done in its name.
 *
 * A first start makes STATE/first-start before the key and the database, and removes it when both
 * are whole. A kill in between leaves that file, and the next start goes on where it was; without
 * it a key without a database is a loss.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/digest.h"
#include "store/store-priv.h"

#define FILE_MAX 64

static const char how[] = "Nothing was changed. Restore it into an empty directory with \"twelve "
			  "restore FILE\"; or, to begin anew, "
			  "move the directory away";

char *store_file(const struct store *s, const char *name)
{
	const char *slash = strrchr(s->path, '/');

	return xasprintf("%.*s/%s", (int)(slash - s->path), s->path, name);
}

static bool has(const struct store *s, const char *name)
{
	_cleanup_free_ char *path = store_file(s, name);

	return fs_exists(path);
}

static int refuse(const struct store *s, const char *what, const char *shows, struct error *err)
{
	_cleanup_buf_ struct buf there = BUF_INIT;

	if (fs_exists(s->key_path))
		buf_puts(&there, "secret.key");
	if (shows)
		buf_printf(&there, "%s%s", there.len ? ", " : "", shows);
	if (!there.len)
		buf_puts(&there, "identity");
	return error_set(err, ERROR_CONFLICT,
			 "The database %s %s, but there is more of this state (%s). %s", s->path,
			 what, there.data, how);
}

/* What a state that is more than nothing looks like. */
static bool shows_any(const struct store *s, const char *shows)
{
	return shows || ((fs_exists(s->key_path) || has(s, "identity")) && !has(s, "first-start"));
}

int identity_begin(struct store *s, const char *shows, struct error *err)
{
	_cleanup_free_ char *marker = store_file(s, "first-start");
	struct stat st;
	int r;

	if (stat(s->path, &st) == 0 && st.st_size > 0)
		return 0;
	if (shows_any(s, shows))
		return refuse(s, fs_exists(s->path) ? "is empty" : "is missing", shows, err);
	r = fs_write_atomic(marker, 0600, "", 0);
	return r < 0 ? error_set_errno(err, r, "Writing %s", marker) : 0;
}

int identity_check_schema(struct store *s, int64_t schema, const char *shows, struct error *err)
{
	s->first = schema == 0 || has(s, "first-start");
	if (schema == 0 && shows_any(s, shows))
		return refuse(s, "has nothing in it (was its -wal file lost?)", shows, err);
	return 0;
}

/* ---- the uuid ---- */

static int read_file(const struct store *s, char ret[static UUID_SIZE], struct error *err)
{
	_cleanup_free_ char *path = store_file(s, "identity");
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = fs_read_file(path, FILE_MAX, &text);

	ret[0] = '\0';
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_set_errno(err, r, "Reading %s", path);
	if (!text.data || !uuid_is_valid(str_trim(text.data)))
		return error_set(err, ERROR_CONFLICT,
				 "%s is damaged: it should hold the uuid of this state. Remove it "
				 "if %s is the right database",
				 path, s->path);
	memcpy(ret, str_trim(text.data), UUID_SIZE);
	return 0;
}

static int write_file(const struct store *s, const char *id, struct error *err)
{
	_cleanup_free_ char *path = store_file(s, "identity"), *text = xasprintf("%s\n", id);
	int r = fs_write_atomic(path, 0600, text, strlen(text));

	return r < 0 ? error_set_errno(err, r, "Writing %s", path) : 0;
}

static int read_row(struct store *s, char ret[static UUID_SIZE], struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_META_GET);
	const void *data;
	size_t n;
	int r;

	ret[0] = '\0';
	query_bind_text(&q, "identity");
	r = query_row(&q, err);
	if (r <= 0)
		return r;
	data = query_blob(&q, &n);
	if (n != UUID_SIZE - 1)
		return error_set(err, ERROR_SYSTEM, "The identity in %s is damaged", s->path);
	memcpy(ret, data, n);
	ret[n] = '\0';
	return 0;
}

static int write_row(struct store *s, const char *id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_META_SET);

	query_bind_text(&q, "identity");
	query_bind_blob(&q, id, strlen(id));
	return query_run(&q, err);
}

/* A database in which nothing was ever done is none of a directory in which much was. */
static int check_used(struct store *s, const char *shows, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_WAS_USED);
	int r = query_row(&q, err);

	if (r < 0)
		return -1;
	return query_int(&q) || !shows
		       ? 0
		       : refuse(s, "knows no app, no add-on and nothing that was ever done", shows,
				err);
}

int identity_check(struct store *s, const char *shows, struct error *err)
{
	_cleanup_free_ char *marker = store_file(s, "first-start");
	char in_file[UUID_SIZE], in_row[UUID_SIZE];

	if (check_used(s, shows, err) < 0 || read_file(s, in_file, err) < 0 ||
	    read_row(s, in_row, err) < 0)
		return -1;
	if (in_file[0] && in_row[0] && !streq(in_file, in_row))
		return error_set(
			err, ERROR_CONFLICT,
			"The database %s is of another platform (%s; this directory is of %s). %s",
			s->path, in_row, in_file, how);
	if (!in_row[0] && write_row(s, in_file[0] ? in_file : uuid_make(in_row), err) < 0)
		return -1;
	if (!in_file[0] && write_file(s, in_row, err) < 0)
		return -1;
	memcpy(s->identity, in_row[0] ? in_row : in_file, UUID_SIZE);
	if (unlink(marker) < 0 && errno != ENOENT)
		return error_set_errno(err, errno, "Removing %s", marker);
	return 0;
}

const char *store_identity(const struct store *s)
{
	return s->identity;
}
