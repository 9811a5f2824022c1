/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every statement that the program runs. The order of columns and parameters
 * is that in which the record's file reads and binds them, one beside the
 * other in each.
 */
#include "model/size.h"
#include "store/store-priv.h"

#define APP                                                                             \
	"id, name, stack, buildpacks, branch, owner_id, maintenance, current_version, " \
	"last_version, created_ms, updated_ms, released_ms, region"

/* As it is read: with what the release that runs was built for. */
#define APP_READ                                                                             \
	APP ", (SELECT r.stack_name FROM release r WHERE r.app_id = app.id AND r.version = " \
	    "app.current_version)"

#define RELEASE                                                                                \
	"id, app_id, version, status, phase_done, slug, stack, commit_id, description, user, " \
	"output_id, reason, processes, attachments, proof, created_ms, updated_ms, stack_name, "

#define BUILD                                                                                    \
	"id, app_id, status, commit_id, user, slug, stack, buildpacks, error, release_version, " \
	"created_ms, updated_ms"

#define DOMAIN "id, app_id, sni_id, hostname, created_ms"
#define SNI "id, app_id, name, chain, acm, trusted, created_ms, updated_ms"
#define DRAIN "id, app_id, token, format, on_full, created_ms, updated_ms, secret"
#define ADDON                                                                                  \
	"id, app_id, app_name, name, service, plan, attachment, state, first_port, stack, "    \
	"applied, "                                                                            \
	"reason, restoring, is_full, keep_last, provider_id, schedule_minute, schedule_keep, " \
	"created_ms, updated_ms, owner_id, secret"

#define CREDENTIAL "id, addon_id, app_id, username, database, made, created_ms, password"

#define BACKUP                                                                               \
	"id, addon_id, app_id, addon_name, app_name, service, plan, attachment, extension, " \
	"number, status, kind, bytes, sha256, summary, error, databases, verified_ms, "      \
	"verified_ok, verified_text, created_ms, finished_ms, expires_ms, attachments, owner_id"

#define SLUG                                                                             \
	"id, app_id, upload_id, stack, types, commit_id, commit_description, checksum, " \
	"description, digest, run_stack, size_bytes, "                                   \
	"created_ms, updated_ms"
#define TOKEN "id, user_id, description, masked, created_ms, used_ms, expires_ms, scopes"
#define USER "id, email, name, admin, password_hash, created_ms, updated_ms, login_ms"
#define AUDIT                                                                                 \
	"at_ms, user_id, user, app_id, app_name, action, note, status, version, request_id, " \
	"source"

#define PIPELINE "id, name, owner_id, created_ms, updated_ms"
#define COUPLING                                                                              \
	"c.id, c.app_id, c.pipeline_id, c.stage, c.created_ms, c.updated_ms, a.name, p.name " \
	"FROM coupling c JOIN app a ON a.id = c.app_id JOIN pipeline p ON p.id = c.pipeline_id "
#define PROMOTION "id, pipeline_id, app_id, release_id, created_ms"

#define TRANSFER "id, app_id, owner_id, recipient_id, state, created_ms, updated_ms"
#define MONITOR "id, app_id, active, min, max, target_ms, created_ms, updated_ms"
#define REVIEW "id, pipeline_id, setup_id, branch, pr_number, deleted, created_ms, updated_ms"
#define REVIEW_CONFIG "pipeline_id, repo, base_name, target, destroy_stale, stale_days"
#define SETUP                                                                             \
	"id, user_id, app_id, app_name, step, source_id, build_id, failure, created_ms, " \
	"updated_ms, data"
#define WEBHOOK "id, app_id, include, sync, created_ms, updated_ms, secret"
#define WEBHOOK_EVENT \
	"number, id, app_id, include, resource, action, actor, data, previous, created_ms"
#define WEBHOOK_DELIVERY                                                                          \
	"d.number, d.id, d.app_id, d.webhook_id, e.id, e.include, w.sync, d.status, "             \
	"d.n_attempts, "                                                                          \
	"d.next_ms, d.attempt_id, d.attempt_code, d.attempt_error, d.attempt_ms, d.created_ms, "  \
	"d.updated_ms FROM webhook_delivery d JOIN webhook_event e ON e.number = d.event_number " \
	"JOIN webhook w ON w.id = d.webhook_id "

/* What an app runs, is about to run, and can go back to: the newest ?1 that succeeded. What failed
 * or was overtaken is never run again. */
#define IN_USE                                                                                  \
	"(r.status = 'pending' OR r.version = (SELECT current_version FROM app WHERE id = "     \
	"r.app_id) OR (r.status = 'succeeded' AND "                                             \
	"(SELECT count(*) FROM release k WHERE k.app_id = r.app_id AND k.status = 'succeeded' " \
	"AND k.slug IS NOT NULL "                                                               \
	"AND k.version > r.version) < ?1))"
/* Of each app so many are remembered. */
#define BUILDS_KEPT "1000"

/* All apps of a user, or one app (store/owned.h). */
#define OWNED_SCOPE "(?1 IS NULL OR a.owner_id = ?1) AND (?2 IS NULL OR a.id = ?2)"

const char *const statement_sql[_STATEMENT_MAX] = {
	[STATEMENT_APP_INSERT] = "INSERT INTO app (" APP ") "
				 "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_APP_GET] = "SELECT " APP_READ " FROM app WHERE name = ?1 OR id = ?1",
	[STATEMENT_APP_LIST] = "SELECT " APP_READ " FROM app ORDER BY name",
	[STATEMENT_APP_COUNT_OWNERS] = "SELECT count(DISTINCT coalesce(owner_id, '')) FROM app",
	[STATEMENT_APP_UPDATE] =
		"UPDATE app SET name = ?, stack = ?, buildpacks = ?, branch = ?, owner_id = ?, "
		"maintenance = ?, "
		"current_version = ?, released_ms = ?, updated_ms = ?, region = ? WHERE id = ?",
	[STATEMENT_APP_DELETE] = "DELETE FROM app WHERE id = ?",
	[STATEMENT_APP_NEXT_VERSION] =
		"UPDATE app SET last_version = last_version + 1, updated_ms = ? WHERE id = ? "
		"RETURNING last_version",

	[STATEMENT_RELEASE_EXPIRE] = "UPDATE release SET status = 'expired', updated_ms = ? "
				     "WHERE app_id = ? AND status = 'pending'",
	[STATEMENT_RELEASE_INSERT] =
		"INSERT INTO release (" RELEASE "config) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_RELEASE_GET] =
		"SELECT " RELEASE "config FROM release WHERE app_id = ? AND version = ?",
	[STATEMENT_RELEASE_BY_ID] = "SELECT " RELEASE "config FROM release WHERE id = ?",
	[STATEMENT_RELEASE_LIST] =
		"SELECT " RELEASE
		"NULL FROM release WHERE app_id = ? ORDER BY version DESC LIMIT ?",
	[STATEMENT_RELEASE_UPDATE] = "UPDATE release SET status = ?, phase_done = ?, reason = ?, "
				     "proof = ?, updated_ms = ? "
				     "WHERE id = ?",
	[STATEMENT_RELEASE_HEADS] =
		"SELECT r.app_id, r.version, r.status, r.attachments FROM app a "
		"JOIN release r ON r.app_id = a.id "
		"AND r.version IN (a.last_version, a.current_version) "
		"WHERE ?1 IS NULL OR a.id = ?1 ORDER BY r.app_id, r.version DESC",
	[STATEMENT_RELEASE_ATTACHMENTS] =
		"SELECT attachments FROM release WHERE app_id = ? AND version = ?",

	[STATEMENT_FORMATION_LIST] =
		"SELECT id, type, quantity, size, created_ms, updated_ms FROM formation "
		"WHERE app_id = ? ORDER BY type",
	[STATEMENT_FORMATION_SET] =
		"INSERT INTO formation (id, app_id, type, quantity, size, created_ms, updated_ms) "
		"VALUES (?, ?, ?, ?, ?, ?6, ?6) ON CONFLICT (app_id, type) DO UPDATE SET "
		"quantity = excluded.quantity, size = excluded.size, updated_ms = "
		"excluded.updated_ms",
	[STATEMENT_MONITOR_INSERT] =
		"INSERT INTO monitor (" MONITOR ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_MONITOR_UPDATE] = "UPDATE monitor SET active = ?, min = ?, max = ?, target_ms = "
				     "?, updated_ms = ? WHERE id = ?",
	[STATEMENT_MONITOR_GET] = "SELECT " MONITOR " FROM monitor WHERE app_id = ?",
	[STATEMENT_MONITOR_LIST] =
		"SELECT " MONITOR " FROM monitor WHERE active ORDER BY created_ms, rowid",
	[STATEMENT_RESTART_LIST] =
		"SELECT type, number, at_ms FROM restart WHERE app_id = ? ORDER BY type, number",
	[STATEMENT_RESTART_SET] =
		"INSERT INTO restart (app_id, type, number, at_ms) VALUES (?, ?, ?, ?) "
		"ON CONFLICT DO UPDATE SET at_ms = max(at_ms, excluded.at_ms)",

	[STATEMENT_BUILD_INSERT] = "INSERT INTO build (" BUILD ") "
				   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_BUILD_GET] = "SELECT " BUILD " FROM build WHERE app_id = ? AND id = ?",
	[STATEMENT_BUILD_LIST] = "SELECT " BUILD " FROM build WHERE app_id = ? "
				 "ORDER BY created_ms DESC, rowid DESC",
	[STATEMENT_BUILD_UPDATE] =
		"UPDATE build SET status = ?, slug = ?, stack = ?, buildpacks = ?, error = ?, "
		"release_version = ?, updated_ms = ? WHERE id = ?",
	[STATEMENT_BUILD_FAIL_PENDING] = "UPDATE build SET status = 'failed', error = ?, "
					 "updated_ms = ? WHERE status = 'pending'",

	[STATEMENT_DOMAIN_INSERT] = "INSERT INTO domain (" DOMAIN ") VALUES (?, ?, ?, ?, ?)",
	[STATEMENT_DOMAIN_OWNER] =
		"SELECT app.name FROM domain JOIN app ON app.id = app_id WHERE hostname = ?",
	[STATEMENT_DOMAIN_LIST] =
		"SELECT " DOMAIN " FROM domain WHERE ?1 IS NULL OR app_id = ?1 ORDER BY hostname",
	[STATEMENT_DOMAIN_GET] = "SELECT " DOMAIN " FROM domain "
				 "WHERE (?1 IS NULL OR app_id = ?1) AND (hostname = ?2 OR id = ?2)",
	[STATEMENT_DOMAIN_DELETE] = "DELETE FROM domain WHERE id = ?",
	[STATEMENT_DOMAIN_SET_SNI] = "UPDATE domain SET sni_id = ? WHERE id = ?",

	[STATEMENT_SNI_INSERT] =
		"INSERT INTO sni_endpoint (" SNI ", key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_SNI_UPDATE] = "UPDATE sni_endpoint SET chain = ?, trusted = ?, updated_ms = ?, "
				 "key = ? WHERE id = ?",
	[STATEMENT_SNI_LIST] = "SELECT " SNI " FROM sni_endpoint WHERE ?1 IS NULL OR app_id = ?1 "
			       "ORDER BY created_ms, rowid",
	[STATEMENT_SNI_GET] =
		"SELECT " SNI
		" FROM sni_endpoint WHERE (?1 IS NULL OR app_id = ?1) AND (name = ?2 OR id = ?2)",
	[STATEMENT_SNI_KEY] = "SELECT key FROM sni_endpoint WHERE id = ?",
	[STATEMENT_SNI_DELETE] = "DELETE FROM sni_endpoint WHERE id = ?",
	[STATEMENT_SNI_DELETE_ORPHANS] = "DELETE FROM sni_endpoint WHERE acm = 1 AND id NOT IN "
					 "(SELECT sni_id FROM domain WHERE sni_id IS NOT NULL)",
	[STATEMENT_ACM_ENABLE] =
		"INSERT INTO acm (app_id, enabled_ms) VALUES (?, ?) ON CONFLICT DO NOTHING",
	[STATEMENT_ACM_DISABLE] = "DELETE FROM acm WHERE app_id = ?",
	[STATEMENT_ACM_GET] = "SELECT enabled_ms FROM acm WHERE app_id = ?",
	[STATEMENT_ACM_STATE_GET] =
		"SELECT failures, tried_ms, next_ms, reason FROM acm_domain WHERE domain_id = ?",
	[STATEMENT_ACM_STATE_SET] = "INSERT INTO acm_domain (domain_id, failures, tried_ms, "
				    "next_ms, reason) VALUES (?, ?, ?, ?, ?) "
				    "ON CONFLICT DO UPDATE SET failures = excluded.failures, "
				    "tried_ms = excluded.tried_ms, "
				    "next_ms = excluded.next_ms, reason = excluded.reason",
	[STATEMENT_ACM_STATE_FORGET] = "DELETE FROM acm_domain WHERE domain_id IN (SELECT id FROM "
				       "domain WHERE app_id = ?)",

	[STATEMENT_DRAIN_INSERT] = "INSERT INTO drain (" DRAIN ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_DRAIN_LIST] =
		"SELECT " DRAIN " FROM drain WHERE app_id = ? ORDER BY created_ms, rowid",
	[STATEMENT_DRAIN_UPDATE] =
		"UPDATE drain SET format = ?, on_full = ?, updated_ms = ?, secret = ? WHERE id = ?",
	[STATEMENT_DRAIN_DELETE] = "DELETE FROM drain WHERE id = ?",

	[STATEMENT_ADDON_INSERT] =
		"INSERT INTO addon (" ADDON ") VALUES "
		"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_ADDON_GET] = "SELECT " ADDON " FROM addon WHERE name = ?1 OR id = ?1",
	[STATEMENT_ADDON_LIST] =
		"SELECT " ADDON " FROM addon WHERE ?1 IS NULL OR app_id = ?1 ORDER BY name",
	[STATEMENT_ADDON_UPDATE] =
		"UPDATE addon SET app_name = ?, name = ?, plan = ?, attachment = ?, state = ?, "
		"first_port = ?, stack = ?, applied = ?, reason = ?, restoring = ?, is_full = ?, "
		"keep_last = ?, provider_id = ?, schedule_minute = ?, schedule_keep = ?, "
		"updated_ms = ?, secret = ? WHERE id = ?",
	[STATEMENT_ADDON_DELETE] = "DELETE FROM addon WHERE id = ?",
	[STATEMENT_ADDON_DELETE_DEAD] =
		"DELETE FROM addon WHERE name = ? AND state = 'deprovisioned'",
	[STATEMENT_CREDENTIAL_INSERT] =
		"INSERT INTO credential (" CREDENTIAL ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_CREDENTIAL_GET] = "SELECT " CREDENTIAL " FROM credential WHERE id = ?",
	[STATEMENT_CREDENTIAL_LIST] =
		"SELECT " CREDENTIAL
		" FROM credential WHERE addon_id = ? ORDER BY created_ms, rowid",
	[STATEMENT_CREDENTIAL_SET_MADE] = "UPDATE credential SET made = ? WHERE id = ?",
	[STATEMENT_CREDENTIAL_UNMAKE] = "UPDATE credential SET made = 0 WHERE addon_id = ?",
	[STATEMENT_CREDENTIAL_DELETE] = "DELETE FROM credential WHERE id = ?",
	[STATEMENT_DATABASE_GET] =
		"SELECT name FROM addon_database WHERE addon_id = ? AND app_id = ?",
	[STATEMENT_DATABASE_SET] =
		"INSERT INTO addon_database (addon_id, app_id, name) VALUES (?, ?, ?)",
	[STATEMENT_DATABASE_LIST] =
		"SELECT name FROM addon_database WHERE addon_id = ? ORDER BY name",

	[STATEMENT_BACKUP_NEXT_NUMBER] =
		"SELECT ifnull(max(number), 0) + 1 FROM backup WHERE addon_id = ?",
	[STATEMENT_BACKUP_INSERT] =
		"INSERT INTO backup (" BACKUP ") VALUES "
		"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_BACKUP_GET] = "SELECT " BACKUP " FROM backup WHERE id = ?",
	[STATEMENT_BACKUP_BY_NUMBER] =
		"SELECT " BACKUP " FROM backup WHERE addon_id = ? AND number = ?",
	[STATEMENT_BACKUP_LIST] =
		"SELECT " BACKUP " FROM backup "
		"WHERE (?1 IS NULL OR addon_id = ?1) AND (?2 IS NULL OR app_id = ?2 OR "
		"(app_name = (SELECT name FROM app WHERE id = ?2) AND "
		"app_id NOT IN (SELECT id FROM app) AND owner_id = (SELECT owner_id FROM app WHERE "
		"id = ?2))) "
		"AND (?3 = 0 OR (app_id NOT IN (SELECT id FROM app) AND (?4 IS NULL OR owner_id = "
		"?4))) "
		"ORDER BY created_ms DESC, rowid DESC",
	[STATEMENT_BACKUP_UPDATE] =
		"UPDATE backup SET status = ?, bytes = ?, sha256 = ?, summary = ?, error = ?, "
		"verified_ms = ?, verified_ok = ?, verified_text = ?, finished_ms = ?, "
		"expires_ms = ? WHERE id = ?",
	[STATEMENT_BACKUP_DELETE] = "DELETE FROM backup WHERE id = ?",

	[STATEMENT_PROVIDER_PUT] =
		"INSERT INTO provider (name, created_ms, manifest) VALUES (?, ?, ?) "
		"ON CONFLICT (name) DO UPDATE SET manifest = excluded.manifest",
	[STATEMENT_PROVIDER_LIST] = "SELECT name, created_ms, manifest FROM provider ORDER BY name",
	[STATEMENT_PROVIDER_DELETE] = "DELETE FROM provider WHERE name = ?",

	[STATEMENT_USER_INSERT] = "INSERT INTO user (" USER ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_USER_GET] = "SELECT " USER " FROM user WHERE id = ?1 OR email = lower(?1)",
	[STATEMENT_USER_LIST] = "SELECT " USER " FROM user ORDER BY email",
	[STATEMENT_USER_UPDATE] =
		"UPDATE user SET email = ?, name = ?, admin = ?, password_hash = ?, login_ms = ?, "
		"updated_ms = ? WHERE id = ?",
	[STATEMENT_USER_DELETE] = "DELETE FROM user WHERE id = ?",
	[STATEMENT_USER_OWNS] = "SELECT count(*) FROM app WHERE owner_id = ?",
	[STATEMENT_USER_OTHER_ADMINS] = "SELECT count(*) FROM user WHERE admin AND id != ?",
	[STATEMENT_COLLABORATOR_SET] =
		"INSERT INTO collaborator (id, app_id, user_id, permissions, created_ms, "
		"updated_ms) "
		"VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (app_id, user_id) DO UPDATE "
		"SET permissions = excluded.permissions, updated_ms = excluded.updated_ms",
	[STATEMENT_COLLABORATOR_LIST] = "SELECT c.id, c.app_id, c.user_id, c.permissions, "
					"c.created_ms, c.updated_ms, u.email "
					"FROM collaborator c JOIN user u ON u.id = c.user_id WHERE "
					"c.app_id = ? ORDER BY u.email",
	[STATEMENT_COLLABORATOR_GET] =
		"SELECT permissions FROM collaborator WHERE app_id = ? AND user_id = ?",
	[STATEMENT_COLLABORATOR_DELETE] = "DELETE FROM collaborator WHERE id = ?",
	[STATEMENT_AUDIT_INSERT] =
		"INSERT INTO audit (" AUDIT ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_AUDIT_LIST] =
		"SELECT number, " AUDIT " FROM audit WHERE (?1 IS NULL OR app_id = ?1) "
		"AND (?2 IS NULL OR user_id = ?2) AND (?3 = 0 OR version = ?3) ORDER BY number "
		"DESC LIMIT ?4",
	[STATEMENT_AUDIT_FORGET] = "DELETE FROM audit WHERE number <= ?",
	[STATEMENT_PIPELINE_INSERT] = "INSERT INTO pipeline (" PIPELINE ") VALUES (?, ?, ?, ?, ?)",
	[STATEMENT_PIPELINE_GET] = "SELECT " PIPELINE " FROM pipeline WHERE name = ?1 OR id = ?1",
	[STATEMENT_PIPELINE_LIST] = "SELECT " PIPELINE " FROM pipeline ORDER BY name",
	[STATEMENT_PIPELINE_UPDATE] =
		"UPDATE pipeline SET name = ?, owner_id = ?, updated_ms = ? WHERE id = ?",
	[STATEMENT_PIPELINE_DELETE] = "DELETE FROM pipeline WHERE id = ?",
	[STATEMENT_COUPLING_INSERT] =
		"INSERT INTO coupling (id, app_id, pipeline_id, stage, created_ms, updated_ms) "
		"VALUES (?, ?, ?, ?, ?5, ?5)",
	[STATEMENT_COUPLING_GET] = "SELECT " COUPLING "WHERE c.id = ?1 OR c.app_id = ?1",
	[STATEMENT_COUPLING_LIST] =
		"SELECT " COUPLING
		"WHERE ?1 IS NULL OR c.pipeline_id = ?1 ORDER BY p.name, c.stage, a.name",
	[STATEMENT_COUPLING_SET_STAGE] =
		"UPDATE coupling SET stage = ?, updated_ms = ? WHERE id = ?",
	[STATEMENT_COUPLING_DELETE] = "DELETE FROM coupling WHERE id = ?",
	[STATEMENT_PROMOTION_INSERT] =
		"INSERT INTO promotion (" PROMOTION ") VALUES (?, ?, ?, ?, ?)",
	[STATEMENT_PROMOTION_TARGET_INSERT] =
		"INSERT INTO promotion_target (id, promotion_id, app_id) VALUES (?, ?, ?)",
	[STATEMENT_PROMOTION_FORGET] = "DELETE FROM promotion WHERE pipeline_id = ?1 AND rowid NOT "
				       "IN (SELECT rowid FROM promotion "
				       "WHERE pipeline_id = ?1 ORDER BY rowid DESC LIMIT ?2)",
	[STATEMENT_PROMOTION_GET] = "SELECT " PROMOTION " FROM promotion WHERE id = ?",
	[STATEMENT_PROMOTION_TARGETS] =
		"SELECT id, promotion_id, app_id, release_id, error FROM promotion_target "
		"WHERE promotion_id = ? ORDER BY rowid",
	[STATEMENT_PROMOTION_TARGET_SET] =
		"UPDATE promotion_target SET release_id = ?, error = ? WHERE id = ?",
	[STATEMENT_PROMOTION_FAIL_PENDING] =
		"UPDATE promotion_target SET error = ? WHERE release_id IS NULL AND error IS NULL",
	[STATEMENT_TRANSFER_PUT] =
		"INSERT INTO app_transfer (" TRANSFER
		") VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (app_id) DO UPDATE SET "
		"id = excluded.id, owner_id = excluded.owner_id, recipient_id = "
		"excluded.recipient_id, "
		"state = excluded.state, created_ms = excluded.created_ms, updated_ms = "
		"excluded.updated_ms "
		"WHERE app_transfer.state != 'pending'",
	[STATEMENT_TRANSFER_GET] =
		"SELECT " TRANSFER " FROM app_transfer WHERE id = ?1 OR app_id = ?1",
	[STATEMENT_TRANSFER_LIST] =
		"SELECT " TRANSFER
		" FROM app_transfer WHERE ?1 IS NULL OR owner_id = ?1 OR recipient_id = ?1 "
		"ORDER BY created_ms, rowid",
	[STATEMENT_TRANSFER_SET_STATE] = "UPDATE app_transfer SET state = ?, updated_ms = ? WHERE "
					 "id = ? AND state = 'pending'",
	[STATEMENT_TRANSFER_DELETE] = "DELETE FROM app_transfer WHERE id = ?",
	[STATEMENT_REVIEW_INSERT] =
		"INSERT INTO review_app (" REVIEW ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_REVIEW_GET] =
		"SELECT " REVIEW " FROM review_app WHERE id = ?1 OR setup_id IN (SELECT s.id FROM "
		"app_setup s WHERE s.app_id = ?1)",
	[STATEMENT_REVIEW_LIST] =
		"SELECT " REVIEW
		" FROM review_app WHERE pipeline_id = ? AND NOT deleted ORDER BY created_ms, rowid",
	[STATEMENT_REVIEW_SET_DELETED] =
		"UPDATE review_app SET deleted = 1, updated_ms = ? WHERE id = ?",
	[STATEMENT_REVIEW_AGES] =
		"SELECT v.id, a.id, v.branch, p.name, c.stale_days, v.created_ms, "
		"(SELECT max(b.created_ms) FROM build b WHERE b.app_id = a.id), "
		"(SELECT max(r.created_ms) FROM release r WHERE r.app_id = a.id) "
		"FROM review_app v JOIN review_config c ON c.pipeline_id = v.pipeline_id JOIN "
		"pipeline p ON p.id = v.pipeline_id "
		"JOIN app_setup s ON s.id = v.setup_id JOIN app a ON a.id = s.app_id "
		"WHERE c.destroy_stale AND NOT v.deleted AND s.step IN ('succeeded', 'failed') "
		"ORDER BY v.created_ms, v.rowid",
	[STATEMENT_REVIEW_CONFIG_PUT] =
		"INSERT INTO review_config (" REVIEW_CONFIG
		") VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (pipeline_id) DO UPDATE SET "
		"repo = excluded.repo, base_name = excluded.base_name, target = excluded.target, "
		"destroy_stale = excluded.destroy_stale, stale_days = excluded.stale_days",
	[STATEMENT_REVIEW_CONFIG_GET] =
		"SELECT " REVIEW_CONFIG " FROM review_config WHERE pipeline_id = ?",
	[STATEMENT_REVIEW_CONFIG_DELETE] = "DELETE FROM review_config WHERE pipeline_id = ?",
	[STATEMENT_SETUP_PUT] =
		"INSERT INTO app_setup (" SETUP
		") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
		"app_id = excluded.app_id, step = excluded.step, build_id = excluded.build_id, "
		"failure = excluded.failure, "
		"updated_ms = excluded.updated_ms, data = excluded.data",
	[STATEMENT_SETUP_GET] = "SELECT " SETUP " FROM app_setup WHERE id = ?",
	[STATEMENT_SETUP_PENDING] =
		"SELECT " SETUP " FROM app_setup WHERE step NOT IN ('succeeded', 'failed') ORDER "
		"BY created_ms, rowid",
	[STATEMENT_SETUP_FORGET] = "DELETE FROM app_setup WHERE step IN ('succeeded', 'failed') "
				   "AND updated_ms < ? AND id NOT IN "
				   "(SELECT setup_id FROM review_app WHERE NOT deleted)",
	[STATEMENT_SETUP_DELETE] = "DELETE FROM app_setup WHERE id = ?",
	[STATEMENT_APP_SET_OWNER] =
		"UPDATE app SET owner_id = ?, updated_ms = ? WHERE id = ? AND owner_id = ?",
	[STATEMENT_COLLABORATOR_LEAVE] =
		"DELETE FROM collaborator WHERE app_id = ? AND user_id = ?",
	[STATEMENT_WEBHOOK_INSERT] =
		"INSERT INTO webhook (" WEBHOOK ") VALUES (?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_WEBHOOK_GET] = "SELECT " WEBHOOK " FROM webhook WHERE app_id = ? AND id = ?",
	[STATEMENT_WEBHOOK_LIST] =
		"SELECT " WEBHOOK " FROM webhook WHERE app_id = ? ORDER BY rowid",
	[STATEMENT_WEBHOOK_UPDATE] =
		"UPDATE webhook SET include = ?, sync = ?, updated_ms = ?, secret = ? WHERE id = ?",
	[STATEMENT_WEBHOOK_DELETE] = "DELETE FROM webhook WHERE id = ?",
	[STATEMENT_WEBHOOK_WANTED] = "SELECT EXISTS (SELECT 1 FROM webhook WHERE app_id = ?1 AND "
				     "instr(include, '\"' || ?2 || '\"'))",
	[STATEMENT_WEBHOOK_TELL] = "INSERT INTO webhook_event (id, app_id, include, resource, "
				   "action, actor, data, previous, created_ms)"
				   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_WEBHOOK_EVENT_GET] =
		"SELECT " WEBHOOK_EVENT " FROM webhook_event WHERE app_id = ? AND id = ?",
	[STATEMENT_WEBHOOK_EVENT_LIST] =
		"SELECT " WEBHOOK_EVENT " FROM webhook_event WHERE app_id = ? ORDER BY number",
	[STATEMENT_WEBHOOK_DELIVERY_GET] =
		"SELECT " WEBHOOK_DELIVERY "WHERE d.app_id = ? AND d.id = ?",
	[STATEMENT_WEBHOOK_DELIVERY_LIST] =
		"SELECT " WEBHOOK_DELIVERY "WHERE d.app_id = ? ORDER BY d.number",
	[STATEMENT_WEBHOOK_DELIVERY_DUE] =
		"SELECT " WEBHOOK_DELIVERY
		"WHERE d.number IN (SELECT min(number) FROM webhook_delivery "
		"WHERE next_ms IS NOT NULL AND next_ms <= ? GROUP BY webhook_id) ORDER BY d.number",
	[STATEMENT_WEBHOOK_DELIVERY_NEXT] =
		"SELECT ifnull(min(next_ms), 0) FROM webhook_delivery WHERE next_ms > ?",
	[STATEMENT_WEBHOOK_DELIVERY_UPDATE] =
		"UPDATE webhook_delivery SET status = ?, n_attempts = ?, next_ms = nullif(?, 0), "
		"attempt_id = nullif(?, ''), attempt_code = nullif(?, 0), attempt_error = ?, "
		"attempt_ms = ?, "
		"updated_ms = ? WHERE id = ?",
	[STATEMENT_KEY_INSERT] =
		"INSERT INTO ssh_key (id, user_id, public_key, fingerprint, comment, created_ms) "
		"VALUES (?, ?, ?, ?, ?, ?)",
	[STATEMENT_KEY_LIST] =
		"SELECT id, user_id, public_key, fingerprint, comment, created_ms FROM ssh_key "
		"WHERE ?1 IS NULL OR user_id = ?1 ORDER BY created_ms, rowid",
	[STATEMENT_KEY_DELETE] = "DELETE FROM ssh_key WHERE (id = ?1 OR fingerprint = ?1) "
				 "AND (?2 IS NULL OR user_id = ?2)",
	[STATEMENT_TOKEN_INSERT] =
		"INSERT INTO token (" TOKEN ", digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_TOKEN_GET] = "SELECT " TOKEN " FROM token WHERE digest = ?",
	[STATEMENT_TOKEN_USED] = "UPDATE token SET used_ms = ? WHERE id = ?",
	[STATEMENT_TOKEN_LIST] = "SELECT " TOKEN " FROM token WHERE ?1 IS NULL OR user_id = ?1 "
				 "ORDER BY created_ms, rowid",
	[STATEMENT_TOKEN_UPDATE] = "UPDATE token SET description = ?3, digest = COALESCE(?4, "
				   "digest), masked = COALESCE(?5, masked)"
				   " WHERE id = ?1 AND user_id = ?2",
	[STATEMENT_TOKEN_DELETE] =
		"DELETE FROM token WHERE id = ?1 AND (?2 IS NULL OR user_id = ?2)",

	[STATEMENT_NEXT_NUMBER] = "INSERT INTO counter (app_id, series, n) VALUES (?, ?, 1) "
				  "ON CONFLICT DO UPDATE SET n = n + 1 RETURNING n",
	[STATEMENT_SLUG_INSERT] =
		"INSERT INTO slug (" SLUG ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_SLUG_GET] = "SELECT " SLUG " FROM slug WHERE id = ?",
	[STATEMENT_SLUG_UPDATE] = "UPDATE slug SET digest = ?, run_stack = ?, size_bytes = ?, "
				  "updated_ms = ? WHERE id = ?",
	[STATEMENT_SLUG_OF_DIGEST] = "SELECT id FROM slug WHERE digest = ?1 ORDER BY app_id = ?2 "
				     "DESC, created_ms DESC LIMIT 1",
	[STATEMENT_FETCH_KEY_GET] =
		"SELECT public_key, created_ms, private_key FROM fetch_key WHERE app_id = ?",
	[STATEMENT_FETCH_KEY_PUT] = "INSERT INTO fetch_key (app_id, public_key, private_key, "
				    "created_ms) VALUES (?, ?, ?, ?)",
	[STATEMENT_FETCH_KEY_DELETE] = "DELETE FROM fetch_key WHERE app_id = ?",
	[STATEMENT_NUMBER_GET] = "SELECT number FROM number WHERE id = ?",
	[STATEMENT_NUMBER_NEXT] =
		"SELECT min(n) FROM (SELECT 1 AS n UNION ALL SELECT number + 1 FROM number) "
		"WHERE n NOT IN (SELECT number FROM number)",
	[STATEMENT_NUMBER_INSERT] = "INSERT INTO number (id, number) VALUES (?, ?)",
	[STATEMENT_NUMBER_LIST] = "SELECT id, number FROM number ORDER BY number",
	[STATEMENT_NUMBER_DELETE] = "DELETE FROM number WHERE number = ?",
	[STATEMENT_EGRESS_GET] = "SELECT app_id, closed, allowed FROM egress WHERE app_id = ?",
	[STATEMENT_EGRESS_PUT] = "INSERT INTO egress (app_id, closed, allowed) VALUES (?, ?, ?) "
				 "ON CONFLICT (app_id) DO UPDATE SET closed = excluded.closed, "
				 "allowed = excluded.allowed",
	[STATEMENT_EGRESS_LIST] = "SELECT app_id, closed, allowed FROM egress ORDER BY app_id",
	[STATEMENT_OWNER_LIMIT_LIST] = "SELECT name, value FROM owner_limit WHERE user_id = ?",
	[STATEMENT_OWNER_LIMIT_PUT] =
		"INSERT INTO owner_limit (user_id, name, value) VALUES (?, ?, ?) "
		"ON CONFLICT (user_id, name) DO UPDATE SET value = excluded.value",
	[STATEMENT_OWNER_LIMIT_DELETE] = "DELETE FROM owner_limit WHERE user_id = ? AND name = ?",
	[STATEMENT_OWNED_APPS] = "SELECT count(*) FROM app a WHERE " OWNED_SCOPE,
	[STATEMENT_OWNED_DYNOS] =
		"SELECT ifnull(f.size, '" DYNO_SIZE_DEFAULT "'), "
		"sum(ifnull(f.quantity, t.type = 'web')) FROM "
		"(SELECT DISTINCT a.id AS app_id, j.key AS type FROM app a JOIN release r "
		"ON r.app_id = a.id AND r.version IN (a.last_version, a.current_version) "
		"AND r.slug IS NOT NULL "
		"AND (r.version = a.current_version OR r.status = 'pending') "
		"JOIN json_each(r.processes) j WHERE " OWNED_SCOPE " AND j.key != 'release') t "
		"LEFT JOIN formation f ON f.app_id = t.app_id AND f.type = t.type GROUP BY 1",
	[STATEMENT_OWNED_ADDONS] =
		"SELECT d.service, d.plan, count(*) FROM addon d "
		"LEFT JOIN app a ON a.id = d.app_id WHERE d.state != 'deprovisioned' AND "
		"(?1 IS NULL OR ifnull(a.owner_id, d.owner_id) = ?1) AND "
		"(?2 IS NULL OR d.app_id = ?2) GROUP BY 1, 2",
	[STATEMENT_SLUG_UPLOADS] = "SELECT upload_id FROM slug WHERE digest IS NULL",
	[STATEMENT_SLUGS_IN_USE] =
		"SELECT DISTINCT slug FROM release r WHERE slug IS NOT NULL AND " IN_USE
		" ORDER BY slug",
	[STATEMENT_STACKS_IN_USE] =
		"SELECT stack FROM release r WHERE stack IS NOT NULL AND " IN_USE
		" UNION SELECT stack FROM addon WHERE stack IS NOT NULL ORDER BY 1",
	[STATEMENT_SLUGS_RELEASED] =
		"SELECT DISTINCT slug FROM release WHERE slug IS NOT NULL AND status != 'pending'",
	[STATEMENT_BUILD_FORGET] = "DELETE FROM build WHERE app_id = ?1 AND status != 'pending' "
				   "AND rowid <= (SELECT rowid FROM build WHERE app_id = ?1 "
				   "ORDER BY rowid DESC LIMIT 1 OFFSET " BUILDS_KEPT ")",
	[STATEMENT_TOKEN_FORGET] = "DELETE FROM token WHERE expires_ms != 0 AND expires_ms < ?",
	[STATEMENT_META_GET] = "SELECT value FROM meta WHERE key = ?",
	[STATEMENT_META_PUT] = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO "
			       "UPDATE SET value = excluded.value",
	[STATEMENT_AUDIT_NEWEST] = "SELECT ifnull(max(number), 0) FROM audit",
	[STATEMENT_ADDON_STOP_RESTORES] =
		"UPDATE addon SET restoring = NULL, reason = 'The platform was put back from "
		"before this restore had ended: ask for it again' "
		"WHERE restoring IS NOT NULL",
	[STATEMENT_META_SET] = "INSERT INTO meta (key, value) VALUES (?, ?)",
	[STATEMENT_WAS_USED] = "SELECT EXISTS (SELECT 1 FROM app) OR EXISTS (SELECT 1 FROM addon) "
			       "OR EXISTS (SELECT 1 FROM audit) "
			       "OR EXISTS (SELECT 1 FROM gone)",
	[STATEMENT_GONE_GET] = "SELECT 1 FROM gone WHERE kind = ? AND id = ?",
	[STATEMENT_GONE_FORGET] = "DELETE FROM gone WHERE at_ms < ?",
	[STATEMENT_SLUGS_KNOWN] = "SELECT slug FROM release WHERE slug IS NOT NULL UNION SELECT "
				  "slug FROM build WHERE slug IS NOT NULL UNION "
				  "SELECT digest FROM slug WHERE digest IS NOT NULL UNION SELECT "
				  "id FROM gone WHERE kind = 'slug'",
};
