/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Desired state, in SQLite (WAL, synchronous FULL): STATE/twelve.db.
 *
 * Migrations are numbered (migrations.c) and run at open, each in a
 * transaction; a database newer than the program is refused. Statements are
 * one table (statements.c) and prepared once. One .c file per record.
 *
 * Config and other secrets are sealed with libsodium's secretbox under the key
 * in STATE/secret.key (0600, made at the first open).
 *
 * Functions return 0, or -1 with *err. Those that look one thing up return
 * ERROR_NOT_FOUND with a sentence for the API when it is not there. Strings in
 * records are heap strings owned by the record; x_done() frees them. Times are
 * wall-clock milliseconds.
 *
 * Writes that belong together go between store_begin() and store_commit();
 * store_rollback() undoes. They don't nest. Many reads go faster between store_read_begin() and
 * store_read_end(), which see one state; nothing is written in between.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "model/procfile.h"

struct store;

int store_open(const char *state_dir, struct store **ret, struct error *err);
/*
 * The same beside what is there already: `shows` says in words what the directory shows ("2
 * repositories, 1 volume"), NULL for nothing. A database that is missing, empty or another
 * platform's is then ERROR_CONFLICT, with how to restore: identity.c.
 */
int store_open_beside(const char *state_dir, const char *shows, struct store **ret,
		      struct error *err);
/* A consistent copy of a database that may be in use, in one file without a -wal: db is its path,
 * to is not there yet. Takes as long as it is large. */
int store_copy(const char *db, const char *to, struct error *err);
/* Beside the database: the number of the newest change; age.c. */
#define STORE_CHANGES "changes"
/* When a start found that the database is older than its directory, last; 0: never. What goes by
 * its age does so from then on. */
int64_t store_put_back_ms(const struct store *s);
/* The uuid of this state. */
const char *store_identity(const struct store *s);
void store_close(struct store *s);
int store_begin(struct store *s, struct error *err);
int store_commit(struct store *s, struct error *err);
void store_rollback(struct store *s);
int store_read_begin(struct store *s, struct error *err);
void store_read_end(struct store *s);

/* ---- apps (app.c) ---- */

#define APP_REGION_DEFAULT "us"

struct app {
	char id[UUID_SIZE];
	char *name;
	char *stack;	 /* the name that it was given: stack_names[]; what the next build uses */
	char *run_stack; /* what the release that runs was built for, by its name; NULL: nothing was
			    deployed. Read only */
	char *region;	 /* "us" or "eu", which are both this machine */
	char *buildpacks; /* JSON array of strings; "[]": detect */
	char *branch;	  /* the one that deploys: "main" ("master" is taken for it as well) */
	char owner_id[UUID_SIZE]; /* a user */
	bool maintenance;
	int64_t current_version; /* the release that runs, or last ran well; 0: none */
	int64_t last_version;	 /* the newest release's number */
	int64_t created_ms, updated_ms;
	int64_t released_ms; /* 0: never */
};

void app_done(struct app *a);
/* Fills id and the times. A name that is taken is ERROR_INVALID: "Name NAME is already taken". */
int store_app_create(struct store *s, struct app *a, struct error *err);
/* By name or id. */
int store_app_get(struct store *s, const char *name_or_id, struct app *ret, struct error *err);
/* All, sorted by name; *ret is an array that the caller frees after app_done() of each. */
int store_app_list(struct store *s, struct app **ret, size_t *ret_n, struct error *err);
/* How many different owners the apps have; apps without one count as one's. */
int store_app_count_owners(struct store *s, int64_t *ret, struct error *err);
/* Writes name, stack, region, buildpacks, branch, owner_id, maintenance, current_version,
 * released_ms back. */
int store_app_update(struct store *s, const struct app *a, struct error *err);
/* With all that belongs to it. */
int store_app_delete(struct store *s, const char *id, struct error *err);

/* ---- releases (release.c) ---- */

enum release_status {
	RELEASE_PENDING,   /* its release phase or its rollout is not done */
	RELEASE_SUCCEEDED, /* it ran, or runs; or has no slug, so that there was nothing to run */
	RELEASE_FAILED,	   /* refused by its release phase, or its rollout was undone */
	RELEASE_EXPIRED,   /* a newer release came before it was done */
};
extern const char *const release_status_names[]; /* "pending", "succeeded", "failed", "expired" */

struct release {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];
	int64_t version;
	enum release_status status;
	bool phase_done;   /* the release command ended well, or there is none */
	char *slug;	   /* digest, or NULL */
	char *stack;	   /* digest of the run stack, or NULL */
	char *stack_name;  /* of stack_names[]; NULL with stack */
	char *commit;	   /* "" when unknown */
	char *description; /* "Deploy 3f2a91c", "Set GREETING config vars", "Rollback to v3" */
	char *user;	   /* who: an e-mail address or user name */
	char *output_id;   /* names the output stream, or NULL */
	char *reason;	   /* why it failed, or NULL */
	struct procfile processes;
	json_t *attachments; /* array, see addon/attach.h; NULL stands for an empty one when it is
				created */
	json_t *config; /* object of strings, the attachments' vars among them; sealed on disk */
	json_t *proof;	/* or NULL: {"dynos":[...],"requests":N,"failed":N,"drain_ms":N,...} */
	int64_t created_ms, updated_ms;
};

void release_done(struct release *r);
/* Gives it id, times and the next version of its app, and writes it; older pending ones of the app
 * become expired. Call in a transaction. */
int store_release_create(struct store *s, struct release *r, struct error *err);
int store_release_get(struct store *s, const char *app_id, int64_t version, struct release *ret,
		      struct error *err);
/* By UUID. */
int store_release_by_id(struct store *s, const char *id, struct release *ret, struct error *err);
/* Newest first, at most max (0: all). Without config (config is NULL). */
int store_release_list(struct store *s, const char *app_id, size_t max, struct release **ret,
		       size_t *ret_n, struct error *err);
/* Writes status, phase_done, reason and proof: the rest of a release never changes. */
int store_release_update(struct store *s, const struct release *r, struct error *err);

/*
 * The attachments of an app's release, without its config; ERROR_NOT_FOUND when there
 * is none such. A new reference.
 */
int store_release_attachments(struct store *s, const char *app_id, int64_t version, json_t **ret,
			      struct error *err);

/* ---- formation (formation.c) ---- */

struct formation {
	char id[UUID_SIZE];
	char *type;
	int64_t quantity;
	char *size;
	int64_t created_ms, updated_ms;
};
void formation_done(struct formation *f);
void formation_free_array(struct formation *f, size_t n);
/* Sorted by type. Only types that were set; others count as web=1 and everything else 0. */
int store_formation_list(struct store *s, const char *app_id, struct formation **ret, size_t *ret_n,
			 struct error *err);
/* `id` is a new row's; one that is there keeps its own. */
int store_formation_set(struct store *s, const char *app_id, const char *id, const char *type,
			int64_t quantity, const char *size, struct error *err);

/* A restart that was asked for: dynos made before at_ms are to be replaced. type "" means all;
 * number 0 all of the type. */
struct restart {
	char *type;
	int64_t number;
	int64_t at_ms;
};
void restart_done(struct restart *r);
int store_restart_list(struct store *s, const char *app_id, struct restart **ret, size_t *ret_n,
		       struct error *err);
int store_restart_set(struct store *s, const char *app_id, const char *type, int64_t number,
		      int64_t at_ms, struct error *err);

/* ---- builds (build.c) ---- */

struct build {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char *status; /* "pending", "succeeded", "failed" */
	char *commit;
	char *user;
	char *slug;		 /* digest, or NULL */
	char *stack;		 /* digest of the run stack, or NULL */
	char *buildpacks;	 /* for people, or NULL */
	char *error;		 /* why it failed, or NULL */
	int64_t release_version; /* 0: none */
	int64_t created_ms, updated_ms;
};
void build_row_done(struct build *b);
int store_build_create(struct store *s, struct build *b, struct error *err);
int store_build_get(struct store *s, const char *app_id, const char *id, struct build *ret,
		    struct error *err);
int store_build_list(struct store *s, const char *app_id, struct build **ret, size_t *ret_n,
		     struct error *err);
int store_build_update(struct store *s, const struct build *b, struct error *err);
/* At start: builds that were pending when twelved died are marked failed with this reason. */
int store_build_fail_pending(struct store *s, const char *reason, struct error *err);

/* ---- domains (domain.c) ---- */

struct domain {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char sni_id[UUID_SIZE]; /* the SNI endpoint that it is served with; "": none */
	char *hostname;
	int64_t created_ms;
};
void domain_done(struct domain *d);
int store_domain_create(struct store *s, struct domain *d, struct error *err);
/* Of an app, or of all apps when app_id is NULL. */
int store_domain_list(struct store *s, const char *app_id, struct domain **ret, size_t *ret_n,
		      struct error *err);
/* By hostname or id. */
int store_domain_get(struct store *s, const char *app_id, const char *host_or_id,
		     struct domain *ret, struct error *err);
int store_domain_delete(struct store *s, const char *id, struct error *err);
/* sni_id NULL: none. */
int store_domain_set_sni(struct store *s, const char *id, const char *sni_id, struct error *err);

/* ---- certificates of apps (sni.c) ---- */

/* A certificate with its chain, and apart from it, since few need it, the key. */
struct sni_endpoint {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char *name;
	char *chain;  /* PEM */
	bool acm;     /* got by ACME for one domain; goes when that domain has none or another */
	bool trusted; /* leads to an authority that this machine trusted when it was added */
	int64_t created_ms, updated_ms;
};
void sni_endpoint_done(struct sni_endpoint *e);
void sni_endpoint_free_array(struct sni_endpoint *e, size_t n);
/* Fills id and times. The key (PEM) is sealed. */
int store_sni_create(struct store *s, struct sni_endpoint *e, const char *key, struct error *err);
/* Another chain and key. */
int store_sni_update(struct store *s, struct sni_endpoint *e, const char *key, struct error *err);
/* Of an app, or of all when app_id is NULL; the oldest first. */
int store_sni_list(struct store *s, const char *app_id, struct sni_endpoint **ret, size_t *ret_n,
		   struct error *err);
/* By name or id; of any app when app_id is NULL. */
int store_sni_get(struct store *s, const char *app_id, const char *which, struct sni_endpoint *ret,
		  struct error *err);
/* A heap string that the caller wipes and frees. */
int store_sni_key(struct store *s, const char *id, char **ret, struct error *err);
int store_sni_delete(struct store *s, const char *id, struct error *err);
/* Those that came by ACME and that no domain has any more. */
int store_sni_delete_orphans(struct store *s, struct error *err);

/* ---- automatic certificates (acm.c) ---- */

int store_acm_set(struct store *s, const char *app_id, bool enabled, struct error *err);
/* False when the app is not there. */
int store_acm_get(struct store *s, const char *app_id, bool *ret, struct error *err);

/* How asking for the certificate of a domain has gone. All zero: nothing was asked yet. */
struct acm_state {
	int64_t failures; /* in a row */
	int64_t tried_ms;
	int64_t next_ms; /* not before */
	char *reason;	 /* of the last failure, or NULL */
};
void acm_state_done(struct acm_state *a);
int store_acm_state_get(struct store *s, const char *domain_id, struct acm_state *ret,
			struct error *err);
int store_acm_state_set(struct store *s, const char *domain_id, const struct acm_state *a,
			struct error *err);
/* Forgets how the domains of an app went: they are tried again at once. */
int store_acm_state_forget(struct store *s, const char *app_id, struct error *err);

/* ---- add-ons (addon.c) ---- */

/* Their words: "provisioning", "provisioned", "deprovisioning", "deprovisioned". The last is of one
 * that failed, or is gone but for its name. */
enum addon_state {
	ADDON_PROVISIONING,
	ADDON_PROVISIONED,
	ADDON_DEPROVISIONING,
	ADDON_DEPROVISIONED,
	_ADDON_STATE_MAX,
};
extern const char *const addon_state_names[_ADDON_STATE_MAX];

/*
 * A resource: a server that runs here, a service elsewhere ("external"), or one of a
 * provider. It is owned by an app, which may be gone while it is being deprovisioned.
 */
struct addon {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];	  /* the owner */
	char owner_id[UUID_SIZE]; /* the user who owned that app, when it is destroyed; "": it is
				     there */
	char *app_name;		  /* of the owner, and after that is gone the one that it had */
	char *name;		  /* unique among those that are not deprovisioned */
	char *service, *plan;
	char *attachment; /* the name wanted for the owner's first attachment, or NULL: the usual
			     one */
	enum addon_state state;
	int64_t first_port; /* of the block that it has for its life; 0: none */
	char *stack;	 /* digest of the stack that it runs in; NULL: the volume is not prepared */
	char *applied;	 /* "VERSION PLAN" that the volume was last used with; NULL: none */
	char *reason;	 /* for people: why it failed, or what is wrong now; NULL: nothing */
	char *restoring; /* the backup that is being restored, or NULL */
	int64_t full;	 /* a room_level (addon/room.h): what its service was told of its volume */
	bool keep_last;	 /* DEPROVISIONING: a last backup is still to be made */
	char *provider_id;	 /* what its provider calls it, or NULL */
	int64_t schedule_minute; /* of the day, UTC, for scheduled backups; -1: none */
	int64_t schedule_keep;
	json_t *secret; /* object of strings; sealed on disk */
	int64_t created_ms, updated_ms;
};
void addon_done(struct addon *a);
void addon_free_array(struct addon *a, size_t n);
/* Fills id and times. A name that is taken is ERROR_INVALID; one that a deprovisioned add-on has is
 * taken over. */
int store_addon_create(struct store *s, struct addon *a, struct error *err);
/* By id or name. */
int store_addon_get(struct store *s, const char *name_or_id, struct addon *ret, struct error *err);
/* Of an owner, or all when app_id is NULL; by name. */
int store_addon_list(struct store *s, const char *app_id, struct addon **ret, size_t *ret_n,
		     struct error *err);
/* Writes all but id, app_id, service and created_ms back. */
int store_addon_update(struct store *s, const struct addon *a, struct error *err);
/* With its credentials and databases, not its backups. */
int store_addon_delete(struct store *s, const char *id, struct error *err);

/* Who may use an add-on: a user with a password, of an app's database. */
struct credential {
	char id[UUID_SIZE];
	char addon_id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char *username;
	char *database; /* "" when the service has one for all */
	char *password; /* sealed on disk */
	bool made;	/* the service knows it */
	int64_t created_ms;
};
void credential_done(struct credential *c);
void credential_free_array(struct credential *c, size_t n);
/* Fills id, username, password and time. */
int store_credential_create(struct store *s, struct credential *c, struct error *err);
int store_credential_get(struct store *s, const char *id, struct credential *ret,
			 struct error *err);
int store_credential_list(struct store *s, const char *addon_id, struct credential **ret,
			  size_t *ret_n, struct error *err);
int store_credential_set_made(struct store *s, const char *id, bool made, struct error *err);
/* All of an add-on have to be made again. */
int store_credential_unmake(struct store *s, const char *addon_id, struct error *err);
int store_credential_delete(struct store *s, const char *id, struct error *err);

/* The database that an app has in an add-on, "" when it has none yet. *ret is the caller's. */
int store_database_get(struct store *s, const char *addon_id, const char *app_id, char **ret,
		       struct error *err);
int store_database_set(struct store *s, const char *addon_id, const char *app_id, const char *name,
		       struct error *err);
/* All databases of an add-on, as a strv. */
int store_database_list(struct store *s, const char *addon_id, char ***ret, struct error *err);

/* ---- log drains (drain.c) ---- */

struct drain {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char *token;		/* "d.UUID" */
	char *url, *ca;		/* sealed at rest; ca: PEM, or NULL */
	char *format, *on_full; /* "raw" or "records"; "drop" or "block" */
	int64_t created_ms, updated_ms;
};
void drain_done(struct drain *d);
void drain_free_array(struct drain *d, size_t n);
/* Fills id, token, times. */
int store_drain_create(struct store *s, struct drain *d, struct error *err);
/* In the order in which they were added. */
int store_drain_list(struct store *s, const char *app_id, struct drain **ret, size_t *ret_n,
		     struct error *err);
/* By id, token or URL. ERROR_NOT_FOUND. */
int store_drain_get(struct store *s, const char *app_id, const char *which, struct drain *ret,
		    struct error *err);
/* Writes url, ca, format, on_full. */
int store_drain_update(struct store *s, struct drain *d, struct error *err);
int store_drain_delete(struct store *s, const char *id, struct error *err);

/* ---- backups (backup.c) ---- */

/* They outlive their add-on and its app, so they carry the names. */
struct backup {
	char id[UUID_SIZE];
	char addon_id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char *addon_name, *app_name, *service, *plan, *attachment;
	char *extension; /* of its file */
	int64_t number;	 /* b3: of its add-on */
	char *status;	 /* "running", "succeeded", "failed" */
	char *kind;	 /* "manual", "scheduled", "last" */
	int64_t bytes;
	char *sha256, *summary, *error; /* NULL until known */
	json_t *databases;	  /* object: app id to database, for a restore into a new add-on */
	json_t *attachments;	  /* array of {"app": id, "app_name", "name"}: what the add-on was
				     called, by whom; NULL when it is created: none */
	char owner_id[UUID_SIZE]; /* of the app, when that is destroyed; "": it is there, or was
				     destroyed before this was noted */
	int64_t verified_ms;	  /* 0: never */
	bool verified_ok;
	char *verified_text;			     /* or NULL */
	int64_t created_ms, finished_ms, expires_ms; /* 0: not yet; never */
};
void backup_done(struct backup *b);
void backup_free_array(struct backup *b, size_t n);
/* Fills id, number, time. */
int store_backup_create(struct store *s, struct backup *b, struct error *err);
int store_backup_get(struct store *s, const char *id, struct backup *ret, struct error *err);
/* By number. */
int store_backup_by_number(struct store *s, const char *addon_id, int64_t number,
			   struct backup *ret, struct error *err);
/*
 * Of an add-on, of an app's add-ons, or all (both NULL); newest first. An app has those of one of
 * its name that was destroyed, too, if that had the same owner.
 */
int store_backup_list(struct store *s, const char *addon_id, const char *app_id,
		      struct backup **ret, size_t *ret_n, struct error *err);
/* Of apps that were destroyed: all, or a former owner's. Newest first. */
int store_backup_list_destroyed(struct store *s, const char *owner_id, struct backup **ret,
				size_t *ret_n, struct error *err);
/* Writes what becomes known: status, bytes, sha256, summary, error, verified*, finished_ms,
 * expires_ms. */
int store_backup_update(struct store *s, const struct backup *b, struct error *err);
int store_backup_delete(struct store *s, const char *id, struct error *err);

/* ---- providers (provider.c) ---- */

/* A service of somebody else's, by its manifest (Heroku's addon-manifest.json, sealed: it has a
 * password). */
struct provider {
	char *name;
	json_t *manifest;
	int64_t created_ms;
};
void provider_done(struct provider *p);
void provider_free_array(struct provider *p, size_t n);
/* Replaces one of the same name. */
int store_provider_put(struct store *s, const struct provider *p, struct error *err);
int store_provider_list(struct store *s, struct provider **ret, size_t *ret_n, struct error *err);
int store_provider_delete(struct store *s, const char *name, struct error *err);

/* ---- users and collaborators (user.c) ---- */

#define EMAIL_MAX 254

struct user {
	char id[UUID_SIZE];
	char *email; /* in small letters; who comes over the unix socket is NAME@localhost */
	char *name;  /* may be "" */
	bool admin;
	char *password_hash;			  /* NULL: none, so tokens and keys only */
	int64_t created_ms, updated_ms, login_ms; /* login_ms 0: never by password */
};
void user_done(struct user *u);
void user_free_array(struct user *u, size_t n);
int user_check_email(const char *email, struct error *err);
/* Of 8 to 1,024 bytes. Only in the record: store_user_update() writes it. */
int user_set_password(struct user *u, const char *password, struct error *err);
/* Takes about 15 ms. */
bool user_has_password(const struct user *u, const char *password);
/* Fills id and times. An address that is there is ERROR_INVALID. */
int store_user_create(struct store *s, struct user *u, struct error *err);
/* By address or id. */
int store_user_get(struct store *s, const char *email_or_id, struct user *ret, struct error *err);
/* The user of somebody who has an account of this machine: made as an administrator when there is
 * none yet. */
int store_user_of_system(struct store *s, const char *email, struct user *ret, struct error *err);
/* By address. */
int store_user_list(struct store *s, struct user **ret, size_t *ret_n, struct error *err);
/* Writes email, name, admin, password_hash, login_ms. */
int store_user_update(struct store *s, struct user *u, struct error *err);
/* With their tokens and keys. ERROR_CONFLICT while they own apps, or are the only administrator. */
int store_user_delete(struct store *s, const struct user *u, struct error *err);

struct collaborator {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE], user_id[UUID_SIZE];
	unsigned permissions; /* of enum permission (model/role.h), never 0 */
	int64_t created_ms, updated_ms;
	char *email;
};
void collaborator_done(struct collaborator *c);
void collaborator_free_array(struct collaborator *c, size_t n);
/* Makes somebody a collaborator, or changes what they may. */
int store_collaborator_set(struct store *s, const char *app_id, const char *user_id,
			   unsigned permissions, struct error *err);
/* Of an app, by address. The owner is none. */
int store_collaborator_list(struct store *s, const char *app_id, struct collaborator **ret,
			    size_t *ret_n, struct error *err);
/* 0 for who is none. */
int store_permissions_of(struct store *s, const char *app_id, const char *user_id, unsigned *ret,
			 struct error *err);
int store_collaborator_delete(struct store *s, const char *id, struct error *err);

/* ---- the audit trail (audit.c) ---- */

struct audit {
	int64_t number; /* grows by one */
	int64_t at_ms;
	char user_id[UUID_SIZE];
	char *user;		/* as it was called then */
	char app_id[UUID_SIZE]; /* "": none */
	char *app_name;		/* "": none */
	char *action;		/* "PATCH /apps/:app/config-vars" */
	char *note;		/* what of it, for people: "set GREETING"; never a secret */
	int64_t status;		/* of the answer */
	int64_t version;	/* of the release that it made, or 0 */
	char request_id[UUID_SIZE];
	char *from; /* "socket", an address, "" */
};
void audit_done(struct audit *a);
void audit_free_array(struct audit *a, size_t n);
int store_audit_add(struct store *s, const struct audit *a, struct error *err);
struct audit_filter {
	const char *app_id, *user_id; /* NULL: of all */
	int64_t version;	      /* what made this release; 0: all */
	size_t max;
};
/* Newest first. */
int store_audit_list(struct store *s, const struct audit_filter *f, struct audit **ret,
		     size_t *ret_n, struct error *err);

/* ---- keys and tokens (access.c) ---- */

struct ssh_key {
	char id[UUID_SIZE];
	char user_id[UUID_SIZE];
	char *public_key;  /* "ssh-ed25519 AAAA... comment" */
	char *fingerprint; /* SHA256:... as ssh-keygen prints */
	char *comment;
	int64_t created_ms;
};
void ssh_key_done(struct ssh_key *k);
int store_key_create(struct store *s, struct ssh_key *k, struct error *err);
/* Of a user, or all when user_id is NULL. */
int store_key_list(struct store *s, const char *user_id, struct ssh_key **ret, size_t *ret_n,
		   struct error *err);
int store_key_delete(struct store *s, const char *user_id, const char *id_or_fingerprint,
		     struct error *err);

#define TOKEN_MASKED_SIZE 24

struct token {
	char id[UUID_SIZE];
	char user_id[UUID_SIZE];
	char masked[TOKEN_MASKED_SIZE]; /* "tw-1a2b**********9f8e": enough to find it again, of no
					   use otherwise */
	char *description;
	int64_t created_ms, used_ms, expires_ms; /* 0: never */
	unsigned scopes;			 /* of enum scope (model/role.h), never 0 */
};
void token_done(struct token *t);
/* Makes a token "tw-" + 64 hex digits, shown once: only its digest is stored. *ret_secret is the
 * caller's. */
int store_token_create(struct store *s, struct token *t, char **ret_secret, struct error *err);
/* ERROR_UNAUTHORIZED when unknown or expired. */
int store_token_check(struct store *s, const char *secret, struct token *ret, struct error *err);
/* Of a user, or all when user_id is NULL. */
int store_token_list(struct store *s, const char *user_id, struct token **ret, size_t *ret_n,
		     struct error *err);
/* Of a user, by id. */
int store_token_get(struct store *s, const char *user_id, const char *id, struct token *ret,
		    struct error *err);
/* Writes the description; with `ret_secret` it is another token from here on, and the old one is
 * nobody's. */
int store_token_update(struct store *s, struct token *t, char **ret_secret, struct error *err);
int store_token_delete(struct store *s, const char *user_id, const char *id, struct error *err);

/* ---- counters (misc.c) ---- */

/* The next number of a series of an app, from 1: "run" for run.N, "release" for release.N. */
int store_next_number(struct store *s, const char *app_id, const char *series, int64_t *ret,
		      struct error *err);

/*
 * Digests in use by any release that can still run or be rolled back to: an app's current one,
 * pending ones, and the newest `keep` that succeeded. Of stacks also those of add-ons. Strvs.
 */
int store_slugs_in_use(struct store *s, int64_t keep, char ***ret, struct error *err);
int store_stacks_in_use(struct store *s, int64_t keep, char ***ret, struct error *err);
/* Digests of the slugs of all releases that are not pending. */
int store_slugs_released(struct store *s, char ***ret, struct error *err);
