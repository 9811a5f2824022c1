/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the store share: the open database, its statements, and
 * sealing.
 *
 * A query is one use of a prepared statement. Parameters are bound and columns
 * read in the order in which the statement in statements.c names them:
 *
 *     _cleanup_query_ struct query q = query_make(s, STATEMENT_APP_GET);
 *
 *     query_bind_text(&q, name);
 *     r = query_row(&q, err);        1: a row, 0: none, -1: *err
 *     id = query_text(&q);           first column, second column ...
 *
 * An error of binding waits in the query and comes out of query_row() or
 * query_run().
 */
#pragma once

#include <sqlite3.h>

#include "base/cleanup.h"
#include "store/store.h"

#define SEAL_KEY_SIZE 32

enum statement {
	STATEMENT_APP_INSERT,
	STATEMENT_APP_GET,
	STATEMENT_APP_LIST,
	STATEMENT_APP_COUNT_OWNERS,
	STATEMENT_APP_UPDATE,
	STATEMENT_APP_DELETE,
	STATEMENT_APP_NEXT_VERSION,
	STATEMENT_RELEASE_EXPIRE,
	STATEMENT_RELEASE_INSERT,
	STATEMENT_RELEASE_GET,
	STATEMENT_RELEASE_BY_ID,
	STATEMENT_RELEASE_LIST,
	STATEMENT_RELEASE_UPDATE,
	STATEMENT_RELEASE_HEADS,
	STATEMENT_RELEASE_ATTACHMENTS,
	STATEMENT_FORMATION_LIST,
	STATEMENT_FORMATION_SET,
	STATEMENT_MONITOR_INSERT,
	STATEMENT_MONITOR_UPDATE,
	STATEMENT_MONITOR_GET,
	STATEMENT_MONITOR_LIST,
	STATEMENT_RESTART_LIST,
	STATEMENT_RESTART_SET,
	STATEMENT_BUILD_INSERT,
	STATEMENT_BUILD_GET,
	STATEMENT_BUILD_LIST,
	STATEMENT_BUILD_UPDATE,
	STATEMENT_BUILD_FAIL_PENDING,
	STATEMENT_DOMAIN_INSERT,
	STATEMENT_DOMAIN_OWNER,
	STATEMENT_DOMAIN_LIST,
	STATEMENT_DOMAIN_GET,
	STATEMENT_DOMAIN_DELETE,
	STATEMENT_DOMAIN_SET_SNI,
	STATEMENT_SNI_INSERT,
	STATEMENT_SNI_UPDATE,
	STATEMENT_SNI_LIST,
	STATEMENT_SNI_GET,
	STATEMENT_SNI_KEY,
	STATEMENT_SNI_DELETE,
	STATEMENT_SNI_DELETE_ORPHANS,
	STATEMENT_ACM_ENABLE,
	STATEMENT_ACM_DISABLE,
	STATEMENT_ACM_GET,
	STATEMENT_ACM_STATE_GET,
	STATEMENT_ACM_STATE_SET,
	STATEMENT_ACM_STATE_FORGET,
	STATEMENT_DRAIN_INSERT,
	STATEMENT_DRAIN_LIST,
	STATEMENT_DRAIN_UPDATE,
	STATEMENT_DRAIN_DELETE,
	STATEMENT_ADDON_INSERT,
	STATEMENT_ADDON_GET,
	STATEMENT_ADDON_LIST,
	STATEMENT_ADDON_UPDATE,
	STATEMENT_ADDON_DELETE,
	STATEMENT_ADDON_DELETE_DEAD,
	STATEMENT_CREDENTIAL_INSERT,
	STATEMENT_CREDENTIAL_GET,
	STATEMENT_CREDENTIAL_LIST,
	STATEMENT_CREDENTIAL_SET_MADE,
	STATEMENT_CREDENTIAL_UNMAKE,
	STATEMENT_CREDENTIAL_DELETE,
	STATEMENT_DATABASE_GET,
	STATEMENT_DATABASE_SET,
	STATEMENT_DATABASE_LIST,
	STATEMENT_BACKUP_NEXT_NUMBER,
	STATEMENT_BACKUP_INSERT,
	STATEMENT_BACKUP_GET,
	STATEMENT_BACKUP_BY_NUMBER,
	STATEMENT_BACKUP_LIST,
	STATEMENT_BACKUP_UPDATE,
	STATEMENT_BACKUP_DELETE,
	STATEMENT_PROVIDER_PUT,
	STATEMENT_PROVIDER_LIST,
	STATEMENT_PROVIDER_DELETE,
	STATEMENT_USER_INSERT,
	STATEMENT_USER_GET,
	STATEMENT_USER_LIST,
	STATEMENT_USER_UPDATE,
	STATEMENT_USER_DELETE,
	STATEMENT_USER_OWNS,
	STATEMENT_USER_OTHER_ADMINS,
	STATEMENT_COLLABORATOR_SET,
	STATEMENT_COLLABORATOR_LIST,
	STATEMENT_COLLABORATOR_GET,
	STATEMENT_COLLABORATOR_DELETE,
	STATEMENT_AUDIT_INSERT,
	STATEMENT_AUDIT_LIST,
	STATEMENT_AUDIT_FORGET,
	STATEMENT_PIPELINE_INSERT,
	STATEMENT_PIPELINE_GET,
	STATEMENT_PIPELINE_LIST,
	STATEMENT_PIPELINE_UPDATE,
	STATEMENT_PIPELINE_DELETE,
	STATEMENT_COUPLING_INSERT,
	STATEMENT_COUPLING_GET,
	STATEMENT_COUPLING_LIST,
	STATEMENT_COUPLING_SET_STAGE,
	STATEMENT_COUPLING_DELETE,
	STATEMENT_PROMOTION_INSERT,
	STATEMENT_PROMOTION_TARGET_INSERT,
	STATEMENT_PROMOTION_FORGET,
	STATEMENT_PROMOTION_GET,
	STATEMENT_PROMOTION_TARGETS,
	STATEMENT_PROMOTION_TARGET_SET,
	STATEMENT_PROMOTION_FAIL_PENDING,
	STATEMENT_TRANSFER_PUT,
	STATEMENT_TRANSFER_GET,
	STATEMENT_TRANSFER_LIST,
	STATEMENT_TRANSFER_SET_STATE,
	STATEMENT_TRANSFER_DELETE,
	STATEMENT_REVIEW_INSERT,
	STATEMENT_REVIEW_GET,
	STATEMENT_REVIEW_LIST,
	STATEMENT_REVIEW_SET_DELETED,
	STATEMENT_REVIEW_AGES,
	STATEMENT_REVIEW_CONFIG_PUT,
	STATEMENT_REVIEW_CONFIG_GET,
	STATEMENT_REVIEW_CONFIG_DELETE,
	STATEMENT_SETUP_PUT,
	STATEMENT_SETUP_GET,
	STATEMENT_SETUP_PENDING,
	STATEMENT_SETUP_DELETE,
	STATEMENT_SETUP_FORGET,
	STATEMENT_APP_SET_OWNER,
	STATEMENT_COLLABORATOR_LEAVE,
	STATEMENT_WEBHOOK_INSERT,
	STATEMENT_WEBHOOK_GET,
	STATEMENT_WEBHOOK_LIST,
	STATEMENT_WEBHOOK_UPDATE,
	STATEMENT_WEBHOOK_DELETE,
	STATEMENT_WEBHOOK_WANTED,
	STATEMENT_WEBHOOK_TELL,
	STATEMENT_WEBHOOK_EVENT_GET,
	STATEMENT_WEBHOOK_EVENT_LIST,
	STATEMENT_WEBHOOK_DELIVERY_GET,
	STATEMENT_WEBHOOK_DELIVERY_LIST,
	STATEMENT_WEBHOOK_DELIVERY_DUE,
	STATEMENT_WEBHOOK_DELIVERY_NEXT,
	STATEMENT_WEBHOOK_DELIVERY_UPDATE,
	STATEMENT_KEY_INSERT,
	STATEMENT_KEY_LIST,
	STATEMENT_KEY_DELETE,
	STATEMENT_TOKEN_INSERT,
	STATEMENT_TOKEN_GET,
	STATEMENT_TOKEN_USED,
	STATEMENT_TOKEN_LIST,
	STATEMENT_TOKEN_UPDATE,
	STATEMENT_TOKEN_DELETE,
	STATEMENT_NEXT_NUMBER,
	STATEMENT_SLUG_INSERT,
	STATEMENT_SLUG_GET,
	STATEMENT_SLUG_UPDATE,
	STATEMENT_SLUG_OF_DIGEST,
	STATEMENT_SLUG_UPLOADS,
	STATEMENT_FETCH_KEY_GET,
	STATEMENT_FETCH_KEY_PUT,
	STATEMENT_FETCH_KEY_DELETE,
	STATEMENT_SLUGS_IN_USE,
	STATEMENT_STACKS_IN_USE,
	STATEMENT_SLUGS_RELEASED,
	STATEMENT_BUILD_FORGET,
	STATEMENT_TOKEN_FORGET,
	STATEMENT_META_GET,
	STATEMENT_META_SET,
	STATEMENT_META_PUT,
	STATEMENT_AUDIT_NEWEST,
	STATEMENT_ADDON_STOP_RESTORES,
	STATEMENT_WAS_USED,
	STATEMENT_GONE_GET,
	STATEMENT_GONE_FORGET,
	STATEMENT_SLUGS_KNOWN,
	STATEMENT_NUMBER_GET,
	STATEMENT_NUMBER_NEXT,
	STATEMENT_NUMBER_INSERT,
	STATEMENT_NUMBER_LIST,
	STATEMENT_NUMBER_DELETE,
	STATEMENT_EGRESS_GET,
	STATEMENT_EGRESS_PUT,
	STATEMENT_EGRESS_LIST,
	STATEMENT_OWNER_LIMIT_LIST,
	STATEMENT_OWNER_LIMIT_PUT,
	STATEMENT_OWNER_LIMIT_DELETE,
	STATEMENT_OWNED_APPS,
	STATEMENT_OWNED_DYNOS,
	STATEMENT_OWNED_ADDONS,
	_STATEMENT_MAX,
};

extern const char *const statement_sql[_STATEMENT_MAX];

struct store {
	sqlite3 *db;
	char *path; /* of the database */
	char *key_path;
	unsigned char *key; /* guarded memory that is not in core files */
	char identity[UUID_SIZE];
	int64_t put_back_ms; /* age.c */
	bool first; /* being created: a key without a database, or a database that does not know
		       its key, is fine */
	sqlite3_stmt *statements[_STATEMENT_MAX];
	void (*webhook_fn)(void *userdata); /* webhook.h */
	void *webhook_userdata;
};

/* ---- db.c ---- */

/* The sentence for what SQLite just said. Returns -1. */
int store_error(struct store *s, int rc, struct error *err);
/* Opens s->path, and makes the file if it is not there. */
int db_open(struct store *s, struct error *err);
/* Finds a damaged page before anybody reads it. */
int db_check_pages(struct store *s, struct error *err);
/* SQL without parameters and rows. */
int db_exec(struct store *s, const char *sql, struct error *err);
/* From here on, waits only briefly for a lock that another program holds, then ERROR_UNAVAILABLE:
 * the caller may have an event loop to run. */
void db_give_up_soon(struct store *s);
/* How long to wait when the database was locked n_before times already; -1: give up. */
int db_busy_pause_ms(int n_before);
/* With the statements. Takes a store whose database never opened. */
void db_close(struct store *s);

/* ---- query.c ---- */

struct query {
	struct store *s;
	sqlite3_stmt *st;
	int rc; /* the first error, or of the last step */
	int n_bound, n_read;
};

struct query query_make(struct store *s, enum statement id);
void query_done(struct query *q);
#define _cleanup_query_ _cleanup_(query_done)

/* NULL binds NULL. The bytes are borrowed until the query is done. */
void query_bind_text(struct query *q, const char *s);
void query_bind_int(struct query *q, int64_t v);
void query_bind_blob(struct query *q, const void *data, size_t n);

/* 1 with a row, 0 at the end, -1 with *err. */
int query_row(struct query *q, struct error *err);
/* For statements without rows: 0, or -1. */
int query_run(struct query *q, struct error *err);
/* True if query_run() failed because of a unique constraint, such as a name. */
bool query_is_duplicate(const struct query *q);
/* Rows that the last query_run() changed. */
int query_n_changed(const struct query *q);

/* The next column: a heap string, or NULL. */
char *query_text(struct query *q);
int64_t query_int(struct query *q);
void query_id(struct query *q, char id[static UUID_SIZE]);
/* Borrowed until the next step; NULL if the column is NULL. */
const void *query_blob(struct query *q, size_t *ret_n);

/* Reads one row into a zeroed record; done() frees what is in one, half-read ones too. */
struct record_type {
	size_t size;
	int (*read)(struct query *q, void *record, struct error *err);
	void (*done)(void *record);
};

/* One row into *ret: 1, or 0 when there is none (*ret is untouched), or -1. */
int query_one(struct query *q, const struct record_type *type, void *ret, struct error *err);
/* All rows as an array; NULL and 0 when there are none. */
int query_all(struct query *q, const struct record_type *type, void *ret_array, size_t *ret_n,
	      struct error *err);
/* All rows of one text column as a strv. */
int query_strv(struct query *q, char ***ret, struct error *err);

/* ---- migrations.c ---- */

extern const char store_schema_gone[], store_schema_backups[], store_schema_names[],
	store_schema_nobodys[];		      /* gone.c */
extern const char store_schema_fetch_key[];   /* fetch-key.c */
extern const char store_schema_number[];      /* number.c */
extern const char store_schema_egress[];      /* egress.c */
extern const char store_schema_owner_limit[]; /* owner-limit.c */
extern const char *const store_migrations[];  /* [n - 1] leads to schema n */
extern const size_t n_store_migrations;

/* The schema of the database: 0 for an empty one. */
int store_schema(struct store *s, int64_t *ret, struct error *err);
/* From the schema that the database has to schema n, one transaction each. A newer one is refused.
 */
int store_migrate(struct store *s, const char *const *migrations, size_t n, struct error *err);

/* ---- identity.c ---- */

/* In this order around opening and migrating. `shows` as of store_open_beside(). */
int identity_begin(struct store *s, const char *shows, struct error *err);
int identity_check_schema(struct store *s, int64_t schema, const char *shows, struct error *err);
int identity_check(struct store *s, const char *shows, struct error *err);
/* The path of a file beside the database. */
char *store_file(const struct store *s, const char *name);

/* ---- age.c ---- */

int age_check(struct store *s, struct error *err);
/* After the row of this number is committed. */
int age_note(struct store *s, int64_t number, struct error *err);

/* ---- seal.c ---- */

/* Reads the key, or makes it if `create`. */
int seal_open(struct store *s, bool create, struct error *err);
/* Proves that the key is the one that the database was sealed with; a new database remembers it. */
int seal_check(struct store *s, struct error *err);
void seal_close(struct store *s);
/* Seals n bytes to the place that `context` names ("config" and an id): elsewhere they can't be
 * opened. The caller frees. */
unsigned char *seal_bytes(const struct store *s, const char *context, const void *data, size_t n,
			  size_t *ret_n);
/* The bytes with a NUL behind them, which the caller wipes and frees; NULL when they were not
 * sealed by this key for this context. */
char *seal_unseal(const struct store *s, const char *context, const void *sealed, size_t n_sealed,
		  size_t *ret_n);
/* The same for a JSON object, NULL standing for an empty one. NULL when it can't be written as
 * UTF-8. */
unsigned char *seal_json(const struct store *s, const char *context, json_t *object, size_t *ret_n);
/* A new reference; NULL when it can't be opened or is no JSON. */
json_t *seal_unseal_json(const struct store *s, const char *context, const void *sealed,
			 size_t n_sealed);
