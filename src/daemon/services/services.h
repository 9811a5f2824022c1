/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Add-ons: services that run here, services elsewhere, services of providers; who is
 * attached to them, their credentials, their backups.
 *
 * What is wanted is in the store, what runs in the world (dynos/dynos.h): each add-on has a
 * turn whenever something changed, looks at both, and does what addon/life.h says next. Scripts
 * run as jobs (services/job.h), so nothing here blocks.
 *
 * Attachments belong to releases (addon/attach.h). A credential lives while a release that
 * runs or may yet run refers to it, or a change that is under way holds it; one that nothing refers
 * to is revoked. So a kill in the middle of a change leaves nothing: its credential is nobody's.
 */
#pragma once

#include "addon/attach.h"
#include "addon/service.h"
#include "daemon/core/caller.h"
#include "daemon/core/platform.h"
#include "daemon/dynos/dynos.h"

#define SERVICE_EXTERNAL "external"
/* The key of a manifest's config that is the URL over TLS, of services that have a port of its own
 * for it. */
#define ADDON_TLS_KEY "TLS_URL"

struct collect;
struct logs_client;
struct services;
struct walls;
struct wanted;

struct services_options {
	struct platform *platform;
	struct dynos *dynos;
	struct walls *walls;
	struct logs_client *logs;
	struct wanted *wanted;
	const struct collect *collect;
};
struct services *services_new(const struct services_options *o);
/* Ends jobs; servers go on. */
void services_free(struct services *sv);
/* Says which apps reach which servers (walls/walls.h: collect). */
int services_reaches(struct services *sv, struct error *err);
/* At the start: apps whose config vars have other addresses of add-ons than those of now get a
 * release with these. */
int services_readdress(struct services *sv, struct error *err);
/* A dyno, of an app or an add-on, has changed. */
void services_dyno_changed(struct services *sv, struct dyno *dyno);
/* Something that an add-on's turn looks at has changed: releases, apps. */
void services_kick(struct services *sv);
/* The same for one, at once. */
void services_kick_one(struct services *sv, const char *addon_id);

/* Whether a job is under way, whose stack no row refers to yet. */
bool services_have_jobs(const struct services *sv);

/* The services there are, read anew. Borrowed until the next call. */
const struct service_set *services_catalog(struct services *sv);
/* Of the manifest of this add-on; NULL for "external", a provider's, and when it is not there any
 * more. */
const struct service *services_service_of(struct services *sv, const struct addon *a);
bool addon_is_server(const struct addon *a);

/* ---- what an add-on is like now ---- */

struct addon_status {
	bool healthy;
	const char *word;	 /* "is up", "is starting", ... */
	int64_t disk_used_bytes; /* -1: not known yet */
	bool backing_up;
	bool changing; /* it does not have its plan yet */
};
void services_status(struct services *sv, const struct addon *a, struct addon_status *ret);

/* ---- making, changing, ending ---- */

struct addon_create {
	const struct app *app;
	const char *service, *plan; /* plan NULL: the default */
	const char *name;	    /* NULL: made up */
	const char *attachment;	    /* NULL: the usual */
	const char *url;	    /* external: has been checked */
	const char *from_backup;    /* id, or NULL */
	bool tls;		    /* its URL is the one over TLS */
	json_t *options;	    /* for a provider: an object of strings, borrowed; or NULL */
	const struct caller *who;
};
/*
 * Whether a URL of a service elsewhere can be read, and then, by a job, whether what is there
 * answers and takes its credentials. fn is called once, reason NULL: it does. NULL with *err when
 * the URL can't be read.
 */
typedef void (*addon_check_fn)(const char *reason, void *userdata);
struct addon_job;
struct addon_job *services_check_url(struct services *sv, const char *app_id, const char *url,
				     addon_check_fn fn, void *userdata, struct error *err);
/*
 * Something that is done to the owner's database: "sessions" ends those that are open, "reset"
 * makes it anew and empty. fn is called once, reason NULL: it is done. NULL with *err when it can't
 * be begun.
 */
struct addon_maintenance {
	const char *verb;
	const char *extensions; /* of a reset: names, separated by blanks, or NULL */
};
struct addon_job *services_maintain(struct services *sv, const struct addon *a,
				    const struct addon_maintenance *o, addon_check_fn fn,
				    void *userdata, struct error *err);
/* A URL of a service without its password, for people. Heap. */
char *addon_shown_url(const char *url);

/* The row; its life begins in the next turn. */
int services_create(struct services *sv, const struct addon_create *o, struct addon *ret,
		    struct error *err);
/*
 * What to tell who asked by one of Heroku's names: "heroku-postgresql:essential-0 is Heroku's; this
 * is postgresql:mini". Heap; NULL when it was one of ours.
 */
char *services_taken(struct services *sv, const struct addon *a, const char *service,
		     const char *plan);
/* Whether this is a service of a provider. */
bool services_is_provided(struct services *sv, const char *service);
int services_check_name(const char *name, struct error *err);
/* `service` is what it was called, one of its names here or at Heroku; NULL: as when it was made.
 */
int services_set_plan(struct services *sv, struct addon *a, const char *service, const char *plan,
		      struct error *err);
/* The name at Heroku by which it was made, or NULL. */
const char *addon_heroku_name(const struct addon *a);
/*
 * Takes it from every app (a release each), then takes a last backup and removes it. Without
 * force, other apps than the owner that are attached are an error that names them, and so is
 * a last backup that can't be made.
 */
int services_destroy(struct services *sv, struct addon *a, bool force, const struct caller *who,
		     struct error *err);
/* Before an app is destroyed: its add-ons go with it; an error names the other apps that use one.
 */
int services_check_app_delete(struct services *sv, const struct app *app, struct error *err);
void services_app_deleted(struct services *sv, const struct app *app);

/* ---- attachments ---- */

/* Those of the app's base release. A new reference; empty when there is no release. */
int services_attachments(struct services *sv, const struct app *app, json_t **ret,
			 struct error *err);
/* Config vars of these attachments, from the credentials that there are now. A new reference. */
int services_vars(struct services *sv, json_t *list, json_t **ret, struct error *err);

/*
 * Who is attached to what, as of now: of all apps, in two queries. Borrowed from it until it is
 * freed: the apps, the attachments.
 */
struct services_links;
struct services_link {
	const struct app *app;
	struct attachment at;
	size_t place; /* for sorting */
};
int services_links_read(struct services *sv, struct services_links **ret, struct error *err);
void services_links_free(struct services_links *l);
/* Those of an add-on, by the names of the apps; NULL and 0 when there are none, or no links. */
const struct services_link *services_links_of(const struct services_links *l, const char *addon_id,
					      size_t *ret_n);
/* NULL when there is no such app. */
const struct app *services_links_app(const struct services_links *l, const char *app_id);

/*
 * A change ends with one release, and then fn is called: with an error, or with the id of
 * the attachment (NULL for a rollback). It may be called before the function returns. What it waits
 * for are credentials to be made.
 */
typedef void (*addon_change_fn)(struct error *err, const char *attachment_id, int64_t version,
				void *userdata);

struct addon_change {
	const struct app *app;
	const struct caller *who;
	addon_change_fn fn;
	void *userdata;
};
void services_attach(struct services *sv, const struct addon_change *c, const struct addon *addon,
		     const char *name, bool shared);
void services_swap(struct services *sv, const struct addon_change *c, const char *attachment,
		   const struct addon *to);
void services_rotate(struct services *sv, const struct addon_change *c, const char *attachment);
/*
 * Slug, config, process types and attachments of `version` as a new release: at once, unless its
 * attachments need credentials that are not there any more. A release that failed, or has no slug,
 * is an error with a sentence that says so.
 */
void services_rollback(struct services *sv, const struct addon_change *c, int64_t version);
/* The name that an attachment would get: `wanted`, or the usual one if it is NULL. Heap; NULL with
 * *err. */
char *services_pick_name(struct services *sv, const struct app *app, const struct addon *a,
			 const char *wanted, struct error *err);
/* Whether the service knows it and goes on knowing it: something that runs refers to it. */
bool services_credential_lives(struct services *sv, const char *credential_id);
/* A release with only these attachments left, at once. `names` and the add-on's name are for its
 * description. */
int services_detach(struct services *sv, struct app *app, json_t *left, const char *names,
		    const char *addon, const struct caller *who, struct error *err);
/* Nobody waits for its changes any more. */
void services_abandon(struct services *sv, void *userdata);

/* ---- backups ---- */

/* Starts one; *ret is its row. kind: "manual", "scheduled", "last". */
int services_backup(struct services *sv, const struct addon *a, const char *kind,
		    struct backup *ret, struct error *err);
int services_verify(struct services *sv, const struct backup *b, struct error *err);
/*
 * A backup out of a file that somebody brings, at the path `upload`, which is taken: kind
 * "uploaded". It has to be verified before it may be restored, and expires as a last backup does.
 */
#define BACKUP_UPLOADED "uploaded"
int services_backup_uploaded(struct services *sv, const struct addon *a, const char *upload,
			     struct backup *ret, struct error *err);
/* ERROR_CONFLICT for one that was uploaded and not verified. */
int services_check_uploaded(const struct backup *b, struct error *err);
int services_restore(struct services *sv, struct addon *a, const struct backup *b,
		     struct error *err);
int services_delete_backup(struct services *sv, const struct backup *b, struct error *err);
/* The path of its file. Heap. */
char *services_backup_path(struct services *sv, const struct backup *b);

/* ---- doors ---- */

/* Starts the client of the service with the URL of an attachment: a one-off dyno to attach to. */
struct addon_client {
	const struct app *app;
	const struct release *release;
	const struct attachment *attachment;
	char *const *args;
	bool terminal;
	int columns, rows;
	const char *term;
};
int services_start_client(struct services *sv, const struct addon_client *o, struct dyno **ret,
			  struct error *err);

/* ---- providers (addon/partner.h) ---- */

struct partner;
/* By its id. ret->manifest is *ret_manifest, a new reference; partner_done(). */
int services_partner(struct services *sv, const char *id, json_t **ret_manifest,
		     struct partner *ret, struct error *err);
/* Whether this header is the provider's of the add-on. */
bool services_provider_admit(const struct addon *a, const char *authorization);
/* What a provider calls back: config vars, that it is ready or can't be; a grant's token (heap). */
int services_provider_config(struct services *sv, struct addon *a, json_t *given,
			     struct error *err);
int services_provider_ready(struct services *sv, struct addon *a, bool ready, struct error *err);
int services_provider_token(struct services *sv, const char *code, const char *secret,
			    char **ret_token, struct error *err);
