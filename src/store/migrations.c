/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema, as numbered steps. A step that was released is never changed: a
 * change is a new step at the end.
 */
#include "base/str.h"
#include "store/store-priv.h"
#include "store/webhook.h"

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

static const char schema_2[] =
	"ALTER TABLE release ADD COLUMN attachments TEXT NOT NULL DEFAULT '[]';"
	"DROP TRIGGER release_is_immutable;"
	"CREATE TRIGGER release_is_immutable BEFORE UPDATE OF"
	"  id, app_id, version, slug, stack, commit_id, description, user, output_id, processes, "
	"config, attachments, created_ms ON release"
	"  BEGIN SELECT RAISE(ABORT, 'a release never changes'); END;"

	"CREATE TABLE addon ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  app_id TEXT NOT NULL,"
	"  app_name TEXT NOT NULL,"
	"  name TEXT NOT NULL UNIQUE,"
	"  service TEXT NOT NULL,"
	"  plan TEXT NOT NULL,"
	"  attachment TEXT,"
	"  state TEXT NOT NULL CHECK (state IN "
	"('provisioning', 'provisioned', 'deprovisioning', 'deprovisioned')),"
	"  first_port INTEGER NOT NULL,"
	"  stack TEXT,"
	"  applied TEXT,"
	"  reason TEXT,"
	"  restoring TEXT,"
	"  is_full INTEGER NOT NULL,"
	"  keep_last INTEGER NOT NULL,"
	"  provider_id TEXT,"
	"  schedule_minute INTEGER NOT NULL,"
	"  schedule_keep INTEGER NOT NULL,"
	"  secret BLOB NOT NULL,"
	"  created_ms INTEGER NOT NULL,"
	"  updated_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX addon_of_app ON addon (app_id);"

	"CREATE TABLE credential ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  addon_id TEXT NOT NULL REFERENCES addon (id) ON DELETE CASCADE,"
	"  app_id TEXT NOT NULL,"
	"  username TEXT NOT NULL,"
	"  database TEXT NOT NULL,"
	"  password BLOB NOT NULL,"
	"  made INTEGER NOT NULL,"
	"  created_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX credential_of_addon ON credential (addon_id);"

	"CREATE TABLE addon_database ("
	"  addon_id TEXT NOT NULL REFERENCES addon (id) ON DELETE CASCADE,"
	"  app_id TEXT NOT NULL,"
	"  name TEXT NOT NULL,"
	"  PRIMARY KEY (addon_id, app_id),"
	"  UNIQUE (addon_id, name)"
	") STRICT, WITHOUT ROWID;"

	"CREATE TABLE backup ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  addon_id TEXT NOT NULL,"
	"  app_id TEXT NOT NULL,"
	"  addon_name TEXT NOT NULL,"
	"  app_name TEXT NOT NULL,"
	"  service TEXT NOT NULL,"
	"  plan TEXT NOT NULL,"
	"  attachment TEXT NOT NULL,"
	"  extension TEXT NOT NULL,"
	"  number INTEGER NOT NULL,"
	"  status TEXT NOT NULL CHECK (status IN ('running', 'succeeded', 'failed')),"
	"  kind TEXT NOT NULL,"
	"  bytes INTEGER NOT NULL,"
	"  sha256 TEXT,"
	"  summary TEXT,"
	"  error TEXT,"
	"  databases TEXT NOT NULL,"
	"  verified_ms INTEGER NOT NULL,"
	"  verified_ok INTEGER NOT NULL,"
	"  verified_text TEXT,"
	"  created_ms INTEGER NOT NULL,"
	"  finished_ms INTEGER NOT NULL,"
	"  expires_ms INTEGER NOT NULL,"
	"  UNIQUE (addon_id, number)"
	") STRICT;"
	"CREATE INDEX backup_of_app ON backup (app_id);"

	"CREATE TABLE provider ("
	"  name TEXT PRIMARY KEY NOT NULL,"
	"  manifest BLOB NOT NULL,"
	"  created_ms INTEGER NOT NULL"
	") STRICT;";

static const char schema_3[] = "CREATE TABLE drain ("
			       "  id TEXT PRIMARY KEY NOT NULL,"
			       "  app_id TEXT NOT NULL REFERENCES app (id) ON DELETE CASCADE,"
			       "  token TEXT NOT NULL UNIQUE,"
			       "  format TEXT NOT NULL CHECK (format IN ('raw', 'records')),"
			       "  on_full TEXT NOT NULL CHECK (on_full IN ('drop', 'block')),"
			       "  created_ms INTEGER NOT NULL,"
			       "  updated_ms INTEGER NOT NULL,"
			       "  secret BLOB NOT NULL"
			       ") STRICT;"
			       "CREATE INDEX drain_of_app ON drain (app_id);";

#define UUID_SQL                                                                            \
	"lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || "                 \
	"substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || " \
	"hex(randomblob(6)))"

/* What there was before there were users belongs to the administrator of the machine. */
static const char schema_4[] =
	"CREATE TABLE user ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  email TEXT NOT NULL UNIQUE,"
	"  name TEXT NOT NULL,"
	"  admin INTEGER NOT NULL,"
	"  password_hash TEXT,"
	"  created_ms INTEGER NOT NULL,"
	"  updated_ms INTEGER NOT NULL,"
	"  login_ms INTEGER NOT NULL"
	") STRICT;"
	"INSERT INTO user SELECT " UUID_SQL ", 'root@localhost', 'root', 1, NULL, t.ms, t.ms, 0"
	"  FROM (SELECT unixepoch() * 1000 AS ms) t WHERE EXISTS (SELECT 1 FROM app UNION ALL"
	"  SELECT 1 FROM token UNION ALL SELECT 1 FROM ssh_key);"
	"ALTER TABLE app ADD COLUMN owner_id TEXT REFERENCES user (id);"
	"ALTER TABLE ssh_key ADD COLUMN user_id TEXT REFERENCES user (id) ON DELETE CASCADE;"
	"ALTER TABLE token ADD COLUMN user_id TEXT REFERENCES user (id) ON DELETE CASCADE;"
	"ALTER TABLE token ADD COLUMN masked TEXT NOT NULL DEFAULT 'tw-**********';"
	"UPDATE app SET owner_id = (SELECT id FROM user);"
	"UPDATE ssh_key SET user_id = (SELECT id FROM user);"
	"UPDATE token SET user_id = (SELECT id FROM user);"
	"CREATE INDEX app_of_owner ON app (owner_id);"

	"CREATE TABLE collaborator ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  app_id TEXT NOT NULL REFERENCES app (id) ON DELETE CASCADE,"
	"  user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,"
	"  permissions INTEGER NOT NULL CHECK (permissions > 0),"
	"  created_ms INTEGER NOT NULL,"
	"  updated_ms INTEGER NOT NULL,"
	"  UNIQUE (app_id, user_id)"
	") STRICT;"

	"CREATE TABLE audit ("
	"  number INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  at_ms INTEGER NOT NULL,"
	"  user_id TEXT NOT NULL,"
	"  user TEXT NOT NULL,"
	"  app_id TEXT NOT NULL,"
	"  app_name TEXT NOT NULL,"
	"  action TEXT NOT NULL,"
	"  note TEXT NOT NULL,"
	"  status INTEGER NOT NULL,"
	"  version INTEGER NOT NULL,"
	"  request_id TEXT NOT NULL,"
	"  source TEXT NOT NULL"
	") STRICT;"
	"CREATE INDEX audit_of_app ON audit (app_id, number);";

/* Stages are numbers of enum stage (model/stage.h), so that they sort. */
static const char schema_5[] =
	"CREATE TABLE pipeline ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  name TEXT NOT NULL UNIQUE,"
	"  owner_id TEXT REFERENCES user (id) ON DELETE SET NULL,"
	"  created_ms INTEGER NOT NULL,"
	"  updated_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE coupling ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  app_id TEXT NOT NULL UNIQUE REFERENCES app (id) ON DELETE CASCADE,"
	"  pipeline_id TEXT NOT NULL REFERENCES pipeline (id) ON DELETE CASCADE,"
	"  stage INTEGER NOT NULL CHECK (stage BETWEEN 0 AND 3),"
	"  created_ms INTEGER NOT NULL,"
	"  updated_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX coupling_of_pipeline ON coupling (pipeline_id);"
	"CREATE TABLE promotion ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  pipeline_id TEXT NOT NULL REFERENCES pipeline (id) ON DELETE CASCADE,"
	"  app_id TEXT NOT NULL,"
	"  release_id TEXT NOT NULL,"
	"  created_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX promotion_of_pipeline ON promotion (pipeline_id);"
	"CREATE TABLE promotion_target ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  promotion_id TEXT NOT NULL REFERENCES promotion (id) ON DELETE CASCADE,"
	"  app_id TEXT NOT NULL,"
	"  release_id TEXT,"
	"  error TEXT"
	") STRICT;"
	"CREATE INDEX promotion_target_of_promotion ON promotion_target (promotion_id);";

/* Tokens that are for less than everything (model/role.h, enum scope). */
static const char schema_6[] = "ALTER TABLE token ADD COLUMN scopes INTEGER NOT NULL DEFAULT 1;";

static const char schema_7[] =
	"CREATE TABLE sni_endpoint ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  app_id TEXT NOT NULL REFERENCES app (id) ON DELETE CASCADE,"
	"  name TEXT NOT NULL UNIQUE,"
	"  chain TEXT NOT NULL,"
	"  acm INTEGER NOT NULL,"
	"  trusted INTEGER NOT NULL,"
	"  created_ms INTEGER NOT NULL,"
	"  updated_ms INTEGER NOT NULL,"
	"  key BLOB NOT NULL"
	") STRICT;"
	"CREATE INDEX sni_endpoint_of_app ON sni_endpoint (app_id);"
	"ALTER TABLE domain ADD COLUMN sni_id TEXT REFERENCES sni_endpoint (id) ON DELETE SET NULL;"
	"CREATE INDEX domain_of_sni_endpoint ON domain (sni_id);"

	"CREATE TABLE acm ("
	"  app_id TEXT PRIMARY KEY NOT NULL REFERENCES app (id) ON DELETE CASCADE,"
	"  enabled_ms INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE acm_domain ("
	"  domain_id TEXT PRIMARY KEY NOT NULL REFERENCES domain (id) ON DELETE CASCADE,"
	"  failures INTEGER NOT NULL,"
	"  tried_ms INTEGER NOT NULL,"
	"  next_ms INTEGER NOT NULL,"
	"  reason TEXT"
	") STRICT;";

/* Slugs built elsewhere. */
static const char schema_9[] = "CREATE TABLE slug ("
			       "  id TEXT PRIMARY KEY NOT NULL,"
			       "  app_id TEXT NOT NULL REFERENCES app (id) ON DELETE CASCADE,"
			       "  upload_id TEXT NOT NULL,"
			       "  stack TEXT NOT NULL,"
			       "  types TEXT NOT NULL,"
			       "  commit_id TEXT,"
			       "  commit_description TEXT,"
			       "  checksum TEXT,"
			       "  description TEXT,"
			       "  digest TEXT,"
			       "  run_stack TEXT,"
			       "  size_bytes INTEGER NOT NULL,"
			       "  created_ms INTEGER NOT NULL,"
			       "  updated_ms INTEGER NOT NULL"
			       ") STRICT;"
			       "CREATE INDEX slug_of_app ON slug (app_id);"
			       "CREATE INDEX slug_of_digest ON slug (digest);";

static const char schema_transfers[] =
	"CREATE TABLE app_transfer ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  app_id TEXT NOT NULL UNIQUE REFERENCES app (id) ON DELETE CASCADE,"
	"  owner_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,"
	"  recipient_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,"
	"  state TEXT NOT NULL CHECK (state IN ('pending', 'accepted', 'declined')),"
	"  created_ms INTEGER NOT NULL,"
	"  updated_ms INTEGER NOT NULL"
	") STRICT;";

static const char schema_setups[] =
	"CREATE TABLE app_setup ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,"
	"  app_id TEXT NOT NULL,"
	"  app_name TEXT NOT NULL,"
	"  step TEXT NOT NULL,"
	"  source_id TEXT NOT NULL,"
	"  build_id TEXT NOT NULL,"
	"  failure TEXT,"
	"  created_ms INTEGER NOT NULL,"
	"  updated_ms INTEGER NOT NULL,"
	"  data BLOB NOT NULL"
	") STRICT;"
	"CREATE INDEX app_setup_step ON app_setup (step);";

static const char schema_reviews[] =
	"CREATE TABLE review_app ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  pipeline_id TEXT NOT NULL REFERENCES pipeline (id) ON DELETE CASCADE,"
	"  setup_id TEXT NOT NULL REFERENCES app_setup (id) ON DELETE CASCADE,"
	"  branch TEXT NOT NULL,"
	"  pr_number INTEGER NOT NULL,"
	"  deleted INTEGER NOT NULL,"
	"  created_ms INTEGER NOT NULL,"
	"  updated_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX review_app_pipeline ON review_app (pipeline_id);"
	"CREATE INDEX app_setup_app ON app_setup (app_id);";

static const char schema_monitors[] =
	"CREATE TABLE monitor ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  app_id TEXT NOT NULL UNIQUE REFERENCES app (id) ON DELETE CASCADE,"
	"  active INTEGER NOT NULL,"
	"  min INTEGER NOT NULL,"
	"  max INTEGER NOT NULL,"
	"  target_ms INTEGER NOT NULL,"
	"  created_ms INTEGER NOT NULL,"
	"  updated_ms INTEGER NOT NULL"
	") STRICT;";

/* How review apps of a pipeline are made and how long they stay. */
static const char schema_review_config[] =
	"CREATE TABLE review_config ("
	"  pipeline_id TEXT PRIMARY KEY NOT NULL REFERENCES pipeline (id) ON DELETE CASCADE,"
	"  repo TEXT,"
	"  base_name TEXT,"
	"  target TEXT,"
	"  destroy_stale INTEGER NOT NULL,"
	"  stale_days INTEGER NOT NULL"
	") STRICT;";

/* The region that an app was asked to be in, by the name that it was asked by. */
static const char schema_regions[] =
	"ALTER TABLE app ADD COLUMN region TEXT NOT NULL DEFAULT 'us';";

/* The stack that a release was built for, by its name; the digest alone does not say it. */
static const char schema_stack_names[] =
	"ALTER TABLE release ADD COLUMN stack_name TEXT;"
	"UPDATE release SET stack_name = (SELECT stack FROM app WHERE app.id = release.app_id) "
	"WHERE stack IS NOT NULL;"
	"DROP TRIGGER release_is_immutable;"
	"CREATE TRIGGER release_is_immutable BEFORE UPDATE OF"
	"  id, app_id, version, slug, stack, stack_name, commit_id, description, user, output_id, "
	"processes, "
	"config, attachments, created_ms ON release"
	"  BEGIN SELECT RAISE(ABORT, 'a release never changes'); END;";

const char *const store_migrations[] = {
	schema_1,
	schema_2,
	schema_3,
	schema_4,
	schema_5,
	schema_6,
	schema_7,
	store_schema_webhooks,
	schema_9,
	schema_transfers,
	schema_setups,
	schema_reviews,
	schema_monitors,
	schema_review_config,
	store_schema_more_webhooks,
	store_schema_gone,
	store_schema_backups,
	schema_regions,
	store_schema_names,
	store_schema_fetch_key,
	schema_stack_names,
	store_schema_number,
	store_schema_owner_limit,
	store_schema_nobodys,
	store_schema_egress,
};
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
