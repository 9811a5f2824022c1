/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks in the database. An event is written by a trigger, in the transaction that changes the
 * row which it is about, with what there is to tell of it; a delivery for each webhook that wants
 * it by another. So none can be lost, whatever is killed, and the code that changes things does not
 * know of webhooks.
 *
 * Dynos are in no table: theirs come from twelved (store_webhook_tell()).
 *
 * Events that nobody asked for are not written. The last WEBHOOK_EVENTS_KEPT_TEXT of an app stay,
 * with their deliveries. When an app is destroyed its webhooks go with it, so that there is nobody
 * to tell.
 */
#include "base/str.h"
#include "store/webhook.h"

#define TIME(ms) "strftime('%Y-%m-%dT%H:%M:%SZ', " ms " / 1000, 'unixepoch')"
#define NOW "unixepoch() * 1000"
/* Random, version 4. */
#define UUID                                                                                \
	"lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || "                 \
	"substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || " \
	"hex(randomblob(6)))"
#define NOBODY "'00000000-0000-4000-8000-000000000000'"

/* SQL inside of macros is laid out by hand. */
/* clang-format off */
#define APP(row) \
	"json_object('id', " row ".app_id, 'name', (SELECT name FROM app WHERE id = " row ".app_id))"
/* Who a release or a build is by: a user's address, or a name. */
#define PERSON(user) \
	"json_object('id', ifnull((SELECT id FROM user WHERE email = " user "), " NOBODY "), " \
	"'email', iif(instr(" user ", '@'), " user ", 'platform@localhost'))"
#define USER_ID(id) "json_object('id', " id ", 'email', (SELECT email FROM user WHERE id = " id "))"
#define PLATFORM "json_object('id', " NOBODY ", 'email', 'platform@localhost')"
#define CREATED(row) "'created_at', " TIME(row ".created_ms")
#define CREATED_AND_UPDATED(row) CREATED(row) ", 'updated_at', " TIME(row ".updated_ms")

#define RELEASE(row) \
	"json_object('id', " row ".id, 'version', " row ".version, 'status', " row ".status, " \
	"'description', " row ".description, 'app', " APP(row) ", 'user', " PERSON(row ".user") ", " \
	CREATED_AND_UPDATED(row) ", 'twelve', " \
	"json_object('slug', " row ".slug, 'commit', " row ".commit_id, 'reason', " row ".reason))"
#define BUILD(row) \
	"json_object('id', " row ".id, 'status', " row ".status, 'app', " APP(row) ", " \
	"'user', " PERSON(row ".user") ", 'source_blob', json_object('version', " row ".commit_id), " \
	CREATED_AND_UPDATED(row) ", " \
	"'twelve', json_object('slug', " row ".slug, 'error', " row ".error))"
#define FORMATION(row) \
	"json_object('id', " row ".id, 'type', " row ".type, 'quantity', " row ".quantity, " \
	"'size', " row ".size, 'app', " APP(row) ", " CREATED_AND_UPDATED(row) ")"
#define DOMAIN(row) \
	"json_object('id', " row ".id, 'hostname', " row ".hostname, 'kind', 'custom', " \
	"'app', " APP(row) ", " CREATED(row) ")"
#define COLLABORATOR(row) \
	"json_object('id', " row ".id, 'user', " USER_ID(row ".user_id") ", 'app', " APP(row) ", " \
	CREATED_AND_UPDATED(row) ")"
#define ADDON(row) \
	"json_object('id', " row ".id, 'name', " row ".name, 'state', " row ".state, " \
	"'addon_service', json_object('name', " row ".service), " \
	"'plan', json_object('name', " row ".service || ':' || " row ".plan), " \
	"'app', " APP(row) ", " CREATED_AND_UPDATED(row) ")"
#define THE_APP(row) \
	"json_object('id', " row ".id, 'name', " row ".name, " \
	"'maintenance', json(iif(" row ".maintenance, 'true', 'false')), " \
	"'owner', " USER_ID(row ".owner_id") ", " CREATED_AND_UPDATED(row) ")"

#define ASKED(app_id, entity) \
	"EXISTS (SELECT 1 FROM app WHERE id = " app_id ") AND EXISTS " \
	"(SELECT 1 FROM webhook WHERE app_id = " app_id " AND instr(include, '\"" entity "\"'))"
#define EVENT(app_id, entity, resource, action, actor, data, previous) \
	" BEGIN INSERT INTO webhook_event (id, app_id, include, resource, action, actor, data, " \
	"previous, created_ms) VALUES (" UUID ", " app_id ", '" entity "', '" resource "', " \
	"'" action "', " actor ", " data ", " previous ", " NOW "); END;"

#define ON_INSERT(table, entity, resource, action, actor, shape) \
	"CREATE TRIGGER webhook_" table "_insert AFTER INSERT ON " table \
	" WHEN " ASKED("NEW.app_id", entity) \
	EVENT("NEW.app_id", entity, resource, action, actor, shape("NEW"), "'{}'")
#define ON_UPDATE(table, entity, resource, changed, actor, shape) \
	"CREATE TRIGGER webhook_" table "_update AFTER UPDATE ON " table \
	" WHEN (" changed ") AND " ASKED("NEW.app_id", entity) \
	EVENT("NEW.app_id", entity, resource, "update", actor, shape("NEW"), shape("OLD"))
#define ON_DELETE(table, entity, resource, shape) \
	"CREATE TRIGGER webhook_" table "_delete AFTER DELETE ON " table \
	" WHEN " ASKED("OLD.app_id", entity) \
	EVENT("OLD.app_id", entity, resource, "destroy", PLATFORM, shape("OLD"), shape("OLD"))

const char store_schema_webhooks[] =
	"CREATE TABLE webhook ("
	"  id TEXT PRIMARY KEY NOT NULL,"
	"  app_id TEXT NOT NULL REFERENCES app (id) ON DELETE CASCADE,"
	"  include TEXT NOT NULL," /* a JSON array of strings */
	"  sync INTEGER NOT NULL,"
	"  created_ms INTEGER NOT NULL,"
	"  updated_ms INTEGER NOT NULL,"
	"  secret BLOB NOT NULL"
	") STRICT;"
	"CREATE INDEX webhook_of_app ON webhook (app_id);"
	"CREATE TABLE webhook_event ("
	"  number INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  id TEXT NOT NULL UNIQUE,"
	"  app_id TEXT NOT NULL,"
	"  include TEXT NOT NULL,"
	"  resource TEXT NOT NULL,"
	"  action TEXT NOT NULL,"
	"  actor TEXT NOT NULL,"
	"  data TEXT NOT NULL,"
	"  previous TEXT NOT NULL,"
	"  created_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX webhook_event_of_app ON webhook_event (app_id, number);"
	"CREATE TABLE webhook_delivery ("
	"  number INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  id TEXT NOT NULL UNIQUE,"
	"  app_id TEXT NOT NULL,"
	"  webhook_id TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,"
	"  event_number INTEGER NOT NULL REFERENCES webhook_event (number) ON DELETE CASCADE,"
	"  status TEXT NOT NULL CHECK (status IN ('pending', 'retrying', 'failed', 'succeeded')),"
	"  n_attempts INTEGER NOT NULL,"
	"  next_ms INTEGER," /* NULL: no more */
	"  attempt_id TEXT,"
	"  attempt_code INTEGER,"
	"  attempt_error TEXT,"
	"  attempt_ms INTEGER,"
	"  created_ms INTEGER NOT NULL,"
	"  updated_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook_id, number) WHERE next_ms "
	"IS NOT NULL;"
	"CREATE INDEX webhook_delivery_of_event ON webhook_delivery (event_number);"
	"CREATE INDEX webhook_delivery_of_app ON webhook_delivery (app_id, number);"

	"CREATE TRIGGER webhook_event_goes_out AFTER INSERT ON webhook_event BEGIN"
	"  INSERT INTO webhook_delivery (id, app_id, webhook_id, event_number, status, n_attempts, "
	"next_ms, created_ms,"
	"    updated_ms) SELECT " UUID
	", NEW.app_id, id, NEW.number, 'pending', 0, NEW.created_ms, NEW.created_ms,"
	"    NEW.created_ms FROM webhook WHERE app_id = NEW.app_id AND instr(include, '\"' || "
	"NEW.include || '\"');"
	"  DELETE FROM webhook_event WHERE app_id = NEW.app_id AND number <= (SELECT number FROM "
	"webhook_event"
	"    WHERE app_id = NEW.app_id ORDER BY number DESC LIMIT 1 "
	"OFFSET " WEBHOOK_EVENTS_KEPT_TEXT ");"
	"END;"
	"CREATE TRIGGER webhook_events_go AFTER DELETE ON app BEGIN"
	"  DELETE FROM webhook_event WHERE app_id = OLD.id; END;"

	ON_INSERT("release", "api:release", "release", "create", PERSON("NEW.user"), RELEASE)
	ON_UPDATE("release", "api:release", "release", "OLD.status IS NOT NEW.status",
		  PERSON("NEW.user"), RELEASE)
	ON_INSERT("build", "api:build", "build", "create", PERSON("NEW.user"), BUILD)
	ON_UPDATE("build", "api:build", "build", "OLD.status IS NOT NEW.status",
		  PERSON("NEW.user"), BUILD)
	/* A formation is there before it has a row. */
	ON_INSERT("formation", "api:formation", "formation", "update", PLATFORM, FORMATION)
	ON_UPDATE("formation", "api:formation", "formation",
		  "OLD.quantity IS NOT NEW.quantity OR OLD.size IS NOT NEW.size",
		  PLATFORM, FORMATION)
	ON_INSERT("domain", "api:domain", "domain", "create", PLATFORM, DOMAIN)
	ON_DELETE("domain", "api:domain", "domain", DOMAIN)
	ON_INSERT("collaborator", "api:collaborator", "collaborator", "create", PLATFORM,
		  COLLABORATOR)
	ON_UPDATE("collaborator", "api:collaborator", "collaborator",
		  "OLD.permissions IS NOT NEW.permissions", PLATFORM, COLLABORATOR)
	ON_DELETE("collaborator", "api:collaborator", "collaborator", COLLABORATOR)
	ON_INSERT("addon", "api:addon", "addon", "create", PLATFORM, ADDON)
	ON_UPDATE("addon", "api:addon", "addon",
		  "OLD.state IS NOT NEW.state OR OLD.plan IS NOT NEW.plan OR OLD.name IS NOT NEW.name",
		  PLATFORM, ADDON)
	ON_DELETE("addon", "api:addon", "addon", ADDON)
	"CREATE TRIGGER webhook_app_update AFTER UPDATE ON app WHEN (OLD.name IS NOT NEW.name OR"
	"  OLD.maintenance IS NOT NEW.maintenance OR OLD.owner_id IS NOT NEW.owner_id) AND "
	ASKED("NEW.id", "api:app")
	EVENT("NEW.id", "api:app", "app", "update", PLATFORM, THE_APP("NEW"), THE_APP("OLD"));

/* What came later: certificates, and attachments, which are part of a release and count when that
 * has gone live. */
#define SNI(row) \
	"json_object('id', " row ".id, 'name', " row ".name, 'display_name', " row ".name, " \
	"'app', " APP(row) ", " CREATED_AND_UPDATED(row) ")"
#define ATTACHMENT \
	"json_object('id', value ->> 'id', 'name', value ->> 'name', " \
	"'addon', json_object('id', value ->> 'addon', 'name', " \
	"(SELECT name FROM addon WHERE id = value ->> 'addon')), " \
	"'app', " APP("NEW") ", 'created_at', " TIME("(value ->> 'created_ms')") ")"
#define ATTACHMENTS_BEFORE \
	"ifnull((SELECT attachments FROM release WHERE app_id = NEW.app_id AND version < " \
	"NEW.version AND status = 'succeeded' ORDER BY version DESC LIMIT 1), '[]')"
/* One event for each that `list` has and `other` has not. */
#define ATTACHMENT_EVENTS(list, other, action, previous) \
	"INSERT INTO webhook_event (id, app_id, include, resource, action, actor, data, " \
	"previous, created_ms) SELECT " UUID ", NEW.app_id, 'api:addon-attachment', " \
	"'addon-attachment', '" action "', " PERSON("NEW.user") ", " ATTACHMENT ", " previous ", " NOW \
	" FROM json_each(" list ") WHERE value ->> 'id' NOT IN " \
	"(SELECT value ->> 'id' FROM json_each(" other "));"
#define ON_LIVE(name, when) \
	"CREATE TRIGGER webhook_attachment_" name " ON release WHEN NEW.status = 'succeeded' AND " \
	when ASKED("NEW.app_id", "api:addon-attachment") " BEGIN " \
	ATTACHMENT_EVENTS("NEW.attachments", ATTACHMENTS_BEFORE, "create", "'{}'") \
	ATTACHMENT_EVENTS(ATTACHMENTS_BEFORE, "NEW.attachments", "destroy", ATTACHMENT) " END;"

const char store_schema_more_webhooks[] =
	ON_INSERT("sni_endpoint", "api:sni-endpoint", "sni-endpoint", "create", PLATFORM, SNI)
	ON_UPDATE("sni_endpoint", "api:sni-endpoint", "sni-endpoint", "OLD.chain IS NOT NEW.chain",
		  PLATFORM, SNI)
	ON_DELETE("sni_endpoint", "api:sni-endpoint", "sni-endpoint", SNI)
	ON_LIVE("live AFTER INSERT", "")
	ON_LIVE("goes_live AFTER UPDATE OF status", "OLD.status IS NOT NEW.status AND ");
/* clang-format on */
