/* SPDX-License-Identifier: Apache-2.0 */
/* What was removed on purpose; see gone.h. */
#include "store/gone.h"

#include "base/clock.h"
#include "store/store-priv.h"

#define NOW "unixepoch() * 1000"
#define TRIGGER(table, when, kind, id, name)                                                 \
	"CREATE TRIGGER gone_" table " AFTER DELETE ON " table when                          \
	" BEGIN INSERT OR REPLACE INTO gone (kind, id, name, at_ms) VALUES ('" kind "', " id \
	", " name ", " NOW "); END;"

/* Written by triggers, so that no way to delete a row can forget it, and in the transaction that
 * deletes. */
/* clang-format off */
const char store_schema_gone[] =
	"CREATE TABLE gone ("
	"  kind TEXT NOT NULL,"
	"  id TEXT NOT NULL,"
	"  name TEXT NOT NULL,"
	"  at_ms INTEGER NOT NULL,"
	"  PRIMARY KEY (kind, id)"
	") STRICT, WITHOUT ROWID;"
	TRIGGER("app", "", "app", "OLD.id", "OLD.name")
	TRIGGER("addon", "", "addon", "OLD.id", "OLD.name")
	TRIGGER("backup", "", "backup", "OLD.id", "''")
	TRIGGER("drain", "", "drain", "OLD.id", "''")
	TRIGGER("sni_endpoint", "", "sni", "OLD.id", "OLD.name")
	TRIGGER("release", " WHEN OLD.slug IS NOT NULL", "slug", "OLD.slug", "''")
	TRIGGER("build", " WHEN OLD.slug IS NOT NULL", "slug", "OLD.slug", "''")
	TRIGGER("slug", " WHEN OLD.digest IS NOT NULL", "slug", "OLD.digest", "''");
/* clang-format on */

/*
 * An app that is destroyed leaves its owner to the backups that were taken of its add-ons, and to
 * those that will yet be: they are theirs to find. "" is of an app that is there, or went before
 * this was noted. `attachments` are the names under which apps had the add-on.
 */
const char store_schema_backups[] =
	"ALTER TABLE backup ADD COLUMN owner_id TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE backup ADD COLUMN attachments TEXT NOT NULL DEFAULT '[]';"
	"ALTER TABLE addon ADD COLUMN owner_id TEXT NOT NULL DEFAULT '';"
	"CREATE TRIGGER owner_of_backups BEFORE DELETE ON app BEGIN"
	"  UPDATE backup SET owner_id = OLD.owner_id WHERE app_id = OLD.id;"
	"  UPDATE addon SET owner_id = OLD.owner_id WHERE app_id = OLD.id; END;"
	"CREATE TRIGGER owner_of_backup AFTER INSERT ON backup BEGIN"
	"  UPDATE backup SET owner_id = ifnull((SELECT owner_id FROM addon WHERE id = "
	"NEW.addon_id), '') WHERE id = NEW.id; END;";

/* An app is renamed with what says its name for the time after it: its add-ons, and their backups,
 * are found by the name that it had at the end. */
const char store_schema_names[] =
	"UPDATE addon SET app_name = (SELECT name FROM app WHERE id = app_id) WHERE app_id IN "
	"(SELECT id FROM app);"
	"UPDATE backup SET app_name = (SELECT name FROM app WHERE id = app_id) WHERE app_id IN "
	"(SELECT id FROM app);"
	"CREATE TRIGGER name_of_addons AFTER UPDATE OF name ON app WHEN NEW.name != OLD.name BEGIN"
	"  UPDATE addon SET app_name = NEW.name WHERE app_id = NEW.id;"
	"  UPDATE backup SET app_name = NEW.name WHERE app_id = NEW.id; END;";

/* An app without an owner leaves "". */
const char store_schema_nobodys[] =
	"DROP TRIGGER owner_of_backups;"
	"CREATE TRIGGER owner_of_backups BEFORE DELETE ON app BEGIN"
	"  UPDATE backup SET owner_id = ifnull(OLD.owner_id, '') WHERE app_id = OLD.id;"
	"  UPDATE addon SET owner_id = ifnull(OLD.owner_id, '') WHERE app_id = OLD.id; END;";

int store_gone(struct store *s, const char *kind, const char *id, bool *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_GONE_GET);
	int r;

	query_bind_text(&q, kind);
	query_bind_text(&q, id);
	r = query_row(&q, err);
	if (r < 0)
		return -1;
	*ret = r == 1;
	return 0;
}

int store_gone_forget(struct store *s, int64_t before_ms, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_GONE_FORGET);

	query_bind_int(&q, before_ms);
	return query_run(&q, err);
}

int store_slugs_known(struct store *s, char ***ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SLUGS_KNOWN);

	return query_strv(&q, ret, err);
}
