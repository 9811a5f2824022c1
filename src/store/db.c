/* SPDX-License-Identifier: Apache-2.0 */
/* The database itself: opened and checked, its errors as sentences, transactions, a copy. Knows
 * neither the schema nor the key. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/str.h"
#include "store/store-priv.h"

/* While it is opened or copied: a twelved before this one may still be closing it. */
#define BUSY_TIMEOUT_MS 5000

static int store_damaged(const struct store *s, const char *said, struct error *err)
{
	return error_set(err, ERROR_SYSTEM,
			 "The database %s is damaged (%.200s): restore it from a backup, with the "
			 "secret.key that belongs to it "
			 "(\"twelve restore FILE\" into an empty directory)",
			 s->path, said);
}

int store_error(struct store *s, int rc, struct error *err)
{
	const char *said = s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc);

	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return store_damaged(s, said, err);
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return error_set(
			err, ERROR_SYSTEM,
			"The database %s can't be opened for writing (%s): check that the file "
			"system is not read-only, and the owner of the file and its directory",
			s->path, said);
	case SQLITE_FULL:
		return error_set(
			err, ERROR_UNAVAILABLE,
			"The disk of %s is full: nothing was changed; make room and try again",
			s->path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return error_set(err, ERROR_UNAVAILABLE,
				 "The database %s is in use by another program: try again",
				 s->path);
	default:
		return error_set(err, ERROR_SYSTEM, "The database %s: %s", s->path, said);
	}
}

int db_exec(struct store *s, const char *sql, struct error *err)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : store_error(s, rc, err);
}

/* SQLite gives its -wal and -shm files the mode of the database; so it is made here, for our eyes
 * only. */
static int make_file(struct store *s, struct error *err)
{
	_cleanup_fd_ int fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno != EEXIST)
		return error_set_errno(err, errno, "Making the database %s", s->path);
	return 0;
}

/* A page that is not what it was is found now, and not by whoever reads it first. */
int db_check_pages(struct store *s, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &st, NULL), result = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc != SQLITE_ROW)
		result = store_error(s, rc, err);
	else if (!streq((const char *)sqlite3_column_text(st, 0), "ok"))
		result = store_damaged(s, (const char *)sqlite3_column_text(st, 0), err);
	sqlite3_finalize(st);
	return result;
}

int db_open(struct store *s, struct error *err)
{
	int rc;

	if (make_file(s, err) < 0)
		return -1;
	rc = sqlite3_open_v2(s->path, &s->db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
			     NULL);
	if (rc != SQLITE_OK)
		return store_error(s, rc, err);
	/* SQLite falls back to reading only, which would fail at the first write and not now. */
	if (sqlite3_db_readonly(s->db, "main"))
		return store_error(s, SQLITE_READONLY, err);
	sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
	/* Our triggers use json_object(), which a schema that is not trusted may not; there is no
	 * function of ours that one could call. */
	return db_exec(s,
		       "PRAGMA journal_mode = WAL;"
		       "PRAGMA synchronous = FULL;"
		       "PRAGMA foreign_keys = ON;"
		       "PRAGMA trusted_schema = ON;",
		       err);
}

int db_busy_pause_ms(int n_before)
{
	static const int pauses_ms[] = { 1, 2, 5, 10, 15, 20, 25 };

	return n_before < (int)ARRAY_SIZE(pauses_ms) ? pauses_ms[n_before] : -1;
}

static int on_busy(void *userdata, int n_before)
{
	int pause_ms = db_busy_pause_ms(n_before);

	(void)userdata;
	if (pause_ms < 0)
		return 0;
	sqlite3_sleep(pause_ms);
	return 1;
}

void db_give_up_soon(struct store *s)
{
	sqlite3_busy_handler(s->db, on_busy, NULL);
}

void db_close(struct store *s)
{
	for (size_t i = 0; i < _STATEMENT_MAX; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->db);
}

static int check_none_open(struct store *s, struct error *err)
{
	if (sqlite3_get_autocommit(s->db))
		return 0;
	return error_set(err, ERROR_SYSTEM,
			 "A transaction of the database %s is open already: nothing was changed",
			 s->path);
}

int store_begin(struct store *s, struct error *err)
{
	if (check_none_open(s, err) < 0)
		return -1;
	/* With the write lock from the start: what is read in here is still so when it is written.
	 */
	return db_exec(s, "BEGIN IMMEDIATE", err);
}

/* Each statement outside of a transaction takes and gives back the file's locks: four calls of the
 * kernel. */
int64_t store_writes(const struct store *s)
{
	return sqlite3_total_changes64(s->db);
}

int store_read_begin(struct store *s, struct error *err)
{
	if (check_none_open(s, err) < 0)
		return -1;
	return db_exec(s, "BEGIN", err);
}

void store_read_end(struct store *s)
{
	store_rollback(s);
}

int store_commit(struct store *s, struct error *err)
{
	if (db_exec(s, "COMMIT", err) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

void store_rollback(struct store *s)
{
	/* A full disk and its like have SQLite roll back by itself. An error of this is none: the
	 * transaction is gone. */
	if (!sqlite3_get_autocommit(s->db))
		db_exec(s, "ROLLBACK", NULL);
}

int store_copy(const char *db, const char *to, struct error *err)
{
	struct store s = { .path = xstrdup(db) };
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_open_v2(
		    db, &s.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
		    NULL),
	    result = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(s.db, BUSY_TIMEOUT_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(s.db, "VACUUM INTO ?", -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(st, 1, to, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc != SQLITE_OK && rc != SQLITE_DONE)
		result = store_error(&s, rc, err);
	sqlite3_finalize(st);
	sqlite3_close(s.db);
	free(s.path);
	return result;
}
