/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the add-ons share. */
#pragma once

#include <netinet/in.h>

#include "addon/life.h"
#include "addon/room.h"
#include "base/digest.h"
#include "daemon/services/job.h"
#include "daemon/services/services.h"

#define ADDON_PORTS_EACH SERVICE_MAX_PORTS
#define ADDON_MAX_STEPS 64
/* Volumes are named by their add-on's id. These are on their way out, or of a verification, and go
 * at the next start. */
#define VOLUME_REMOVED ".removed"
#define VOLUME_SCRATCH "verify-"

/* Of each add-on, while twelved runs: nothing that has to survive. */
struct resource {
	struct services *owner;
	char id[UUID_SIZE];
	struct watch *timer;
	struct addon_job *job; /* of the action that is under way */
	enum life_action doing;
	char credential[UUID_SIZE]; /* that is being made or revoked */
	int64_t not_before_ms; /* clock_now_ms(): when a failed action is tried again; 0: now */
	int64_t pause_ms;
	bool failed; /* provisioning has failed; the reason is in the row */
	bool healthy;
	int64_t healthy_since_ms; /* clock_now_ms() of the last good health */
	int64_t crashes_seen;	  /* of the server: when it grows, health is not known any more */
	bool destroyed;
	uint64_t rules; /* the change of the network's rules that its next action waits for */
	bool attaching; /* the change of the first attachment is under way */
	struct last_lines *last_lines; /* of the server, for the reason */
	/* Disk (services/quota.c). */
	bool counted;		/* its volume is counted now and then (services/count.c) */
	int64_t count_at_ms;	/* clock_now_ms(): when next by the clock */
	int64_t count_pause_ms; /* between the last two */
	int64_t disk_used;	/* bytes; -1: not known */
	int64_t disk_quota;	/* of the plan when it was counted */
	int warned;		/* the step of the last warning */
	int64_t free_then;	/* of the file system, when it was counted; -1: not known */
	enum room_level level, doing_level; /* what is right; what the service is being told */
	bool level_known;		    /* `level` is of a count, and not of the row */
	bool level_told; /* the server that runs has been told what the row says */
	/* The certificate that its server is being given (services/tls.c). */
	int64_t tls_until_ms, tls_not_before_ms;
	char tls_by[DIGEST_HEX_SIZE], tls_host[INET_ADDRSTRLEN];
	/* Backups (services/backup.c). */
	struct addon_job *backup_job, *verify_job;
	struct backup backup; /* the row of backup_job */
	char verify_id[UUID_SIZE];
};

struct change_step {
	char attachment_id[UUID_SIZE], addon_id[UUID_SIZE], credential_id[UUID_SIZE];
	char *name;
	bool shared;
	int64_t created_ms;
};

enum change_kind { CHANGE_ATTACH, CHANGE_SWAP, CHANGE_ROTATE, CHANGE_ROLLBACK };

struct change {
	struct services *owner;
	enum change_kind kind;
	char app_id[UUID_SIZE];
	struct caller who;
	int64_t version; /* of a rollback */
	char *description;
	struct change_step *steps;
	size_t n_steps;
	addon_change_fn fn; /* NULL: nobody waits */
	void *userdata;
};

struct count;
struct unsaved;

struct services {
	struct platform *platform;
	struct dynos *dynos;
	struct walls *walls;
	struct logs_client *logs;
	struct wanted *wanted;
	const struct collect *collect;
	struct service_set catalog;
	struct resource **list;
	size_t n;
	struct change **changes;
	size_t n_changes;
	struct count *count;	 /* the one that is under way, or NULL */
	struct unsaved *unsaved; /* rows of backups that the database did not take yet */
	int64_t n_left_jobs; /* of a twelved before us, which may still hold volumes: no turn before
				they are gone */
	struct watch *sweep_timer, *minute_timer, *room_timer;
	/* What releases refer to, as of the last sweep: ids of add-ons and credentials as keys. */
	json_t *references;
	char authority[DIGEST_HEX_SIZE]; /* of the local authority's certificate; "": not known */
	bool references_old;		 /* something changed since they were read */
	void (*on_turn)(void *resource); /* services/turns.c: when the timer of one is due */
};

/* services/catalog.c */
/* The id of the provider that runs it; NULL: none does. */
const char *addon_provider(const struct addon *a);

/* services/resource.c */
struct resource *resource_find(struct services *sv, const char *id);
struct resource *resource_add(struct services *sv, const char *id);
void resource_turn_soon(struct resource *r);
/* The action failed: it is tried again after a pause that grows. */
void resource_retry(struct resource *r);
void resource_succeeded(struct resource *r);
/* Writes the row back; a failure is logged. */
void addon_save(struct services *sv, const struct addon *a);
void addon_set_reason(struct addon *a, char *take);
struct dyno *addon_server(struct services *sv, const struct addon *a);
/* A line in the add-on's stream, and so in those of the apps that it is attached to. */
void addon_say(struct services *sv, const struct addon *a, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* services/env.c: what scripts are given. New references, heap strings. */
json_t *addon_env(struct services *sv, const struct addon *a, const struct service *s);
/* The address of its server, as text. Heap. */
char *addon_host(struct services *sv, const struct addon *a);
/* The order of a script of the add-on: lower, stack, volume, limits. The strings are borrowed from
 * *a, *s and *volume. */
void addon_order(struct services *sv, const struct addon *a, const struct service *s, char **volume,
		 struct addon_job_order *ret);
char *addon_volume(struct services *sv, const char *id);
/* A block of ports that nobody has; 0 when there is none. */
int64_t addon_pick_ports(struct services *sv);
/* "15 mini": what the volume is used with. Heap. */
char *addon_use(const struct addon *a, const struct service *s);

/* services/vars.c */
/* The config vars of one attachment, a new reference; NULL with *err. */
json_t *addon_vars(struct services *sv, const char *addon_id, const char *credential_id,
		   const char *name, struct error *err);
/* Of a service elsewhere: the keys of its config vars (an object), and the usual name of its
 * attachments (heap). */
json_t *addon_elsewhere_keys(struct services *sv, const struct addon *a, char **ret_usual);
/* The URL that somebody gave; "" for none. */
const char *addon_url(const struct addon *a);

/* services/credential.c: the row of a new credential for this step; a service elsewhere has none.
 */
int change_credential(struct services *sv, struct change_step *step, const struct app *app,
		      struct error *err);

/* services/first.c: the owner's first attachment, and then it is provisioned. */
void addon_attach_first(struct resource *r, struct addon *a);

/* services/script.c: the actions that are scripts of the service. */
void addon_script(struct resource *r, struct addon *a, const struct service *s,
		  enum life_action action);

/* services/act.c: the actions of a life. */
void addon_act(struct resource *r, struct addon *a, const struct service *s,
	       enum life_action action);

/* services/links.c */
struct services_links {
	struct app *apps; /* by name */
	size_t n_apps;
	struct release *heads; /* as store_release_heads() gives them */
	size_t n_heads;
	struct services_link *list; /* by add-on, then as the apps have them */
	size_t n;
};
/* A head of the app; NULL when this version is none. */
const struct release *links_head(const struct services_links *l, const struct app *app,
				 int64_t version);
/* The head that a change would start from; NULL when there is no release. */
const struct release *links_base(const struct services *sv, const struct services_links *l,
				 const struct app *app);

/* services/refs.c */
/* Reads anew what releases and dynos refer to; tells twelve-logs who is attached to what. */
int references_read(struct services *sv, struct error *err);
bool reference_has(const struct services *sv, const char *id);
/* The names under which apps have it, or had it when it was destroyed: an array of {"app",
 * "app_name", "name"}. A new reference. */
json_t *services_names_of(struct services *sv, const struct addon *a);
/* Names of the apps (base releases) that an add-on is attached to, as a strv. */
int references_apps(struct services *sv, const char *addon_id, char ***ret, struct error *err);

/* services/change.c */
/* Whether a change under way holds this credential. */
bool change_holds(const struct services *sv, const char *credential_id);
/* A credential was made, or can't be made (reason not NULL). */
void changes_credential(struct services *sv, const char *credential_id, const char *reason);
/* The add-on is destroyed: changes that wait for a credential of it end with an error. */
void changes_addon_gone(struct services *sv, const char *addon_id);
void changes_free(struct services *sv);

/* services/count.c */
/* From here on its volume is counted. */
void count_begin(struct resource *r);
/* In a second, whatever the clock says. */
void count_soon(struct resource *r);
/* Each second: who is due, or may have grown, is counted, one after the other. */
void counts_look(struct services *sv);
void counts_stop(struct services *sv);

/* services/quota.c */
/* Its volume was counted: r->disk_used. Tells the add-on's stream, and wants its service told. */
void quota_judge(struct resource *r, const struct addon *a, const struct service *s,
		 const struct service_plan *p);
/* Whether the service has to be told what is right, and what that is. */
bool quota_due(const struct resource *r, const struct addon *a);
enum room_level quota_level(const struct resource *r, const struct addon *a);
/* The user's name and password of the door, when a volume is full; heap. */
char *quota_rescue_name(const char *database);
char *quota_rescue_password(const struct addon *a, const char *database);

/* services/tls.c */
/* Looks which authority there is. */
void tls_note_authority(struct services *sv);
/* Whether its server needs a certificate. */
bool tls_due(const struct resource *r, const struct addon *a, const struct service *s);
/* What bin/tls is given, with a certificate made for it; NULL with *err. */
json_t *tls_env(struct resource *r, const struct addon *a, const struct service *s, bool running,
		struct error *err);
/* It was taken: the row knows it. Or not: its old one goes on, and another is tried later. */
void tls_taken(const struct resource *r, struct addon *a);
void tls_failed(struct resource *r, const struct addon *a, const char *reason);

/* services/backup.c */
#define BACKUP_TIMEOUT_MS (4 * 3600 * 1000)
void backups_cancel(struct resource *r);
/* The add-on is no more: as before, and the row of a backup that was being made says so. */
void backups_bury(struct resource *r);
/* Its directory, the name of its file in there; heap. */
char *backup_dir(struct services *sv, const char *backup_id);
char *backup_file_name(const struct backup *b);
void backup_drop_file(struct services *sv, const char *id);
/* The last line of what a script said. Heap. */
char *backup_last_line(const char *text);
/* The names of the add-on's databases, separated by blanks. Heap. */
char *backup_databases(struct services *sv, const struct addon *a);

/* services/unsaved.c */
/* Writes the row back. What the database does not take is logged and written again, each second,
 * until it does. */
void backup_save(struct services *sv, const struct backup *b);
void unsaved_look(struct services *sv);
void unsaved_free(struct services *sv);

/* services/schedule.c */
void backups_minute(struct services *sv);
void backups_mend(struct services *sv);

/* services/elsewhere.c: a service elsewhere has no server; what its turn does. */
void addon_elsewhere_turn(struct resource *r, struct addon *a);

/* services/provider.c: the same for a service of a provider. */
void addon_provider_turn(struct resource *r, struct addon *a);
