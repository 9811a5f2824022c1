/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema, as numbered steps. A step that was released is never changed: a
 * change is a new step at the end.
 */
#include "base/str.h"
#include "store/store-priv.h"

static const char schema_1[] =
	"CREATE TABLE meta ("
	"  key TEXT PRIMARY KEY NOT NULL,"
	"  value BLOB NOT NULL"
	") STRICT;"

	"CREATE TABLE app ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  name TEXT NOT NULL UNIQUE,"
	"  stack TEXT NOT NULL,"
	"  buildpacks TEXT NOT NULL,"
	"  branch TEXT NOT NULL,"
	"  maintenance INTEGER NOT NULL,"
	"  current_version INTEGER NOT NULL,"
	"  last_version INTEGER NOT NULL,"
	"  created_ms INTEGER NOT NULL,"
	"  updated_ms INTEGER NOT NULL,"
	"  released_ms INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE release ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  app_id TEXT NOT NULL REFERENCES app (id) ON DELETE CASCADE,"
	"  version INTEGER NOT NULL,"
	"  status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed', 'expired')),"
	"  phase_done INTEGER NOT NULL,"
	"  slug TEXT,"
	"  stack TEXT,"
	"  commit_id TEXT NOT NULL,"
	"  description TEXT NOT NULL,"
	"  user TEXT NOT NULL,"
	"  output_id TEXT,"
	"  reason TEXT,"
	"  processes TEXT NOT NULL,"
	"  config BLOB NOT NULL,"
	"  proof TEXT,"
	"  created_ms INTEGER NOT NULL,"
	"  updated_ms INTEGER NOT NULL,"
	"  UNIQUE (app_id, version)"
	") STRICT;"
	"CREATE TRIGGER release_is_immutable BEFORE UPDATE OF"
	"  id, app_id, version, slug, stack, commit_id, description, user, output_id, processes, "
	"config,"
	"  created_ms ON release"
	"  BEGIN SELECT RAISE(ABORT, 'a release never changes'); END;"

	"CREATE TABLE formation ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  app_id TEXT NOT NULL REFERENCES app (id) ON DELETE CASCADE,"
	"  type TEXT NOT NULL,"
	"  quantity INTEGER NOT NULL CHECK (quantity >= 0),"
	"  size TEXT NOT NULL,"
	"  created_ms INTEGER NOT NULL,"
	"  updated_ms INTEGER NOT NULL,"
	"  UNIQUE (app_id, type)"
	") STRICT;"

	"CREATE TABLE restart ("
	"  app_id TEXT NOT NULL REFERENCES app (id) ON DELETE CASCADE,"
	"  type TEXT NOT NULL,"
	"  number INTEGER NOT NULL,"
	"  at_ms INTEGER NOT NULL,"
	"  PRIMARY KEY (app_id, type, number)"
	") STRICT, WITHOUT ROWID;"

	"CREATE TABLE build ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  app_id TEXT NOT NULL REFERENCES app (id) ON DELETE CASCADE,"
	"  status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),"
	"  commit_id TEXT NOT NULL,"
	"  user TEXT NOT NULL,"
	"  slug TEXT,"
	"  stack TEXT,"
	"  buildpacks TEXT,"
	"  error TEXT,"
	"  release_version INTEGER NOT NULL,"
	"  created_ms INTEGER NOT NULL,"
	"  updated_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX build_of_app ON build (app_id, created_ms);"

	"CREATE TABLE domain ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  app_id TEXT NOT NULL REFERENCES app (id) ON DELETE CASCADE,"
	"  hostname TEXT NOT NULL UNIQUE COLLATE NOCASE,"
	"  created_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX domain_of_app ON domain (app_id);"

	"CREATE TABLE ssh_key ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  public_key TEXT NOT NULL,"
	"  fingerprint TEXT NOT NULL UNIQUE,"
	"  comment TEXT NOT NULL,"
	"  created_ms INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE token ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  digest TEXT NOT NULL UNIQUE,"
	"  description TEXT NOT NULL,"
	"  created_ms INTEGER NOT NULL,"
	"  used_ms INTEGER NOT NULL,"
	"  expires_ms INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE counter ("
	"  app_id TEXT NOT NULL REFERENCES app (id) ON DELETE CASCADE,"
	"  series TEXT NOT NULL,"
	"  n INTEGER NOT NULL,"
	"  PRIMARY KEY (app_id, series)"
	") STRICT, WITHOUT ROWID;";

const char *const store_migrations[] = { schema_1 };
const size_t n_store_migrations = ARRAY_SIZE(store_migrations);

int store_schema(struct store *s, int64_t *ret, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 0 : store_error(s, rc, err);
}

static int migrate_one(struct store *s, const char *sql, size_t schema, struct error *err)
{
	_cleanup_free_ char *version = xasprintf("PRAGMA user_version = %zu", schema);
	int rc;

	if (store_begin(s, err) < 0)
		return -1;
	rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, version, NULL, NULL, NULL);
	if (rc != SQLITE_OK) {
		store_error(s, rc, err);
		store_rollback(s);
		return error_prefix(err, "Bringing the database to schema %zu", schema);
	}
	return store_commit(s, err);
}

int store_migrate(struct store *s, const char *const *migrations, size_t n, struct error *err)
{
	int64_t schema;

	if (store_schema(s, &schema, err) < 0)
		return -1;
	if (schema < 0 || (uint64_t)schema > n)
		return error_set(
			err, ERROR_INVALID,
			"The database %s has schema %lld, and this program knows up to %zu: it was "
			"written by a newer twelved; install that version again",
			s->path, (long long)schema, n);
	for (size_t i = (size_t)schema; i < n; i++)
		if (migrate_one(s, migrations[i], i + 1, err) < 0)
			return -1;
	return 0;
}
