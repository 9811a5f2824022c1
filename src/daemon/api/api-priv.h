/* SPDX-License-Identifier: Apache-2.0 */
/* What the API's files share: looking things up, and the JSON shapes of Heroku's schema. */
#pragma once

#include "daemon/services/services.h"
#include "daemon/api/route.h"
#include "daemon/api/shapes.h"
#include "daemon/dynos/dynos.h"

/* The app named in the path, if the caller may what the endpoint needs; ERROR_NOT_FOUND and
 * ERROR_FORBIDDEN in Heroku's words. */
int api_app(struct request *r, struct app *ret, struct error *err);

/* New references. */
json_t *api_app_json(struct request *r, const struct app *a);
json_t *api_app_ref(const struct app *a);
/* By version ("3" or "v3"), or id, or "current". */
int api_release_find(struct request *r, const struct app *app, const char *which,
		     struct release *ret, struct error *err);
/*
 * What many items of a list have is made once for a request and shared by them: by kind and name,
 * with make(r, name). It is not to be changed. A new reference.
 */
json_t *api_shared(struct request *r, const char *kind, const char *name,
		   json_t *(*make)(struct request *r, const char *name));
/* Answers with the one of a list whose name or id is the path's parameter `what`. Takes the list.
 */
int api_answer_one(struct request *r, json_t *take, const char *what, struct error *err);
json_t *api_release_json(struct request *r, const struct app *a, const struct release *rel);
json_t *api_dyno_json(struct request *r, const struct app *a, const struct dyno *dyno);
char *api_app_url(struct daemon *d, const char *app_name);

/* The handlers, by resource. */
/* clang-format off */
#define API_HANDLERS(X) \
	X(account_get) X(account_update) X(users_list) X(users_create) X(users_update) X(users_delete) \
	X(collaborators_list) X(collaborators_get) X(collaborators_create) X(collaborators_update) \
	X(collaborators_delete) X(audit_list) X(audit_of_app) X(keys_all) X(keys_get) X(rate_limits) \
	X(regions) X(stacks) X(dyno_sizes) X(no_rows) X(status) X(gc) X(stack_updates_get) X(stack_updates_create) X(lost) X(platform_backup) X(ca_get) X(registry_get) X(registry_list) \
	X(apps_list) X(apps_create) X(apps_get) X(apps_update) X(apps_delete) \
	X(config_get) X(config_update) X(config_of_release) \
	X(releases_list) X(releases_get) X(releases_create) X(releases_sbom) \
	X(formation_list) X(formation_get) X(formation_update) X(formation_batch) X(monitors_list) X(monitors_create) X(monitors_update) \
	X(dynos_list) X(dynos_get) X(dynos_create) X(dynos_run_inside) X(dynos_attach_session) X(dynos_restart_all) \
	X(dynos_restart) X(dynos_restart_type) X(dynos_stop_one) X(dynos_stop_type) \
	X(slugs_create) X(slugs_get) X(slugs_content) X(sources_create) X(sources_put) X(builds_create) X(builds_list) X(builds_get) X(builds_delete) X(build_cache_delete) \
	X(stream_get) X(log_sessions_create) X(log_stream) \
	X(drains_list) X(drains_create) X(drains_get) X(drains_update) X(drains_delete) X(drains_test) \
	X(buildpacks_get) X(buildpacks_put) X(buildpack_key_create) X(buildpack_key_delete) X(domains_list) X(domains_create) X(domains_get) \
	X(domains_update) X(sni_list) X(sni_get) X(sni_create) X(sni_update) X(sni_delete) \
	X(acm_get) X(acm_enable) X(acm_refresh) X(acm_disable) \
	X(domains_delete) X(keys_list) X(keys_create) X(keys_delete) X(tokens_list) X(tokens_get) X(tokens_create) X(tokens_update) X(tokens_regenerate) X(tokens_delete) \
	X(stack_get) X(region_get) X(dyno_size_get) \
	X(no_session) X(login_ask) X(login_page) X(login_answer) X(login_wait) \
	X(addons_list) X(addons_get) X(addons_of_app) X(addons_create) X(addons_update) X(addons_delete) \
	X(addons_resolve) X(addons_attachments) X(services_list) X(services_get) X(plans_list) X(plans_get) \
	X(attachments_list) X(attachments_get) X(attachments_of_app) X(attachments_create) \
	X(attachments_delete) X(attachments_resolve) X(attachments_swap) X(attachments_rotate) \
	X(attachments_client) X(backups_of_addon) X(backups_of_app) X(backups_destroyed) X(backups_create) X(backups_get) \
	X(backups_delete) X(backups_content) X(backups_verify) X(backups_restore) X(schedule_get) \
	X(schedule_put) X(schedule_delete) X(providers_create) X(providers_delete) X(addon_config_get) \
	X(addon_config_update) X(addon_provisioned) X(addon_not_provisioned) X(oauth_token) \
	X(pipelines_list) X(pipelines_get) X(pipelines_create) X(pipelines_update) X(pipelines_delete) \
	X(pipelines_stack) X(pipelines_transfer) X(pipelines_releases) \
	X(couplings_list) X(couplings_of_pipeline) X(coupling_of_app) X(couplings_create) X(couplings_get) \
	X(couplings_update) X(couplings_delete) \
	X(app_transfers_list) X(app_transfers_create) X(app_transfers_get) X(app_transfers_update) \
	X(app_transfers_delete) X(features_list) X(features_get) X(features_update) X(no_account_feature) X(account_feature) X(no_such) \
	X(webhooks_list) X(webhooks_create) X(webhooks_get) X(webhooks_update) X(webhooks_delete) \
	X(webhook_events_list) X(webhook_events_get) X(webhook_deliveries_list) X(webhook_deliveries_get) \
	X(promotions_create) X(promotions_get) X(promotions_targets) X(filter_apps) \
	X(setups_create) X(setups_get) X(reviews_create) X(reviews_get) X(reviews_delete) \
	X(reviews_of_pipeline) X(review_of_app) X(review_config_create) X(review_config_get) \
	X(review_config_update) X(review_config_delete) \
	X(data_database) X(data_wait) X(data_credentials) X(data_credential) X(data_rotate) X(data_killall) X(data_reset) X(data_copy) X(data_capture) \
	X(data_restore) X(data_schedules) X(data_schedule) X(data_unschedule) X(transfers_list) \
	X(transfers_get) X(transfers_delete) X(transfers_url) X(download) \
	X(git_refs) X(git_upload_pack) X(git_receive_pack)
/* clang-format on */

#define X(name) int api_##name(struct request *r, struct error *err);
API_HANDLERS(X)
#undef X

/* api/addon/addons.c: the add-on named in the path, of the app in the path if there is one. */
int api_addon(struct request *r, struct addon *ret, struct error *err);
json_t *api_addon_json(struct request *r, const struct addon *a);
/* One by name or id that the caller may do this with: the owner is asked; to view one, that it is
 * attached to what they may view. */
int api_addon_named(struct request *r, const char *name, enum need need, struct addon *ret,
		    struct error *err);
/* {id, name, app: {id, name}} */
/* "plan" of the body: a string, or an object with a name or an id (Heroku's clients send both).
 * NULL: there is none. */
const char *api_plan_of(struct request *r);
json_t *api_addon_ref(const struct addon *a);
/* api/addon/attachments.c: of one app (a is an item of its list). */
json_t *api_attachment_json(struct request *r, const struct app *app, const struct attachment *a);
/*
 * The attachment in the path: of the app in the path, or by id or APP::NAME (as Heroku has it) of
 * any that the caller may. *ret borrows from *ret_list, which is the caller's, as *app is.
 */
int api_attachment(struct request *r, struct app *app, json_t **ret_list, struct attachment *ret,
		   struct error *err);
/* In an app: by id, by name, or by the name of a config var. With `try`, 1 stands for "there is
 * none". */
int api_attachment_in(struct request *r, const struct app *app, const char *which,
		      json_t **ret_list, struct attachment *ret, bool try, struct error *err);
/* All attachments of all apps, or of one, that fn accepts (NULL: all): a new array. */
json_t *api_attachments_where(struct request *r, const struct app *app, const char *addon_id,
			      struct error *err);
/* A new credential for an attachment of an app, make before break: the endpoint's answer. Takes
 * what *app has. */
int api_rotate_attachment(struct request *r, struct app *app, const struct attachment *at,
			  struct error *err);
/* api/addon/heroku-data.c: the first config var that the owner has of an add-on. Heap; NULL when it
 * is not attached there. */
char *api_data_variable(struct request *r, const struct addon *a);
/* api/addon/backups.c: the file as the answer; and daily backups at a minute of the day in UTC, -1
 * for none. */
int api_answer_backup(struct request *r, const struct backup *b, struct error *err);
int api_schedule_set(struct request *r, struct addon *a, int64_t minute, int64_t keep,
		     struct error *err);
/* api/addon/services.c */
json_t *api_plan_json(struct request *r, const struct service *s, const struct service_plan *p);
json_t *api_price(void);
json_t *api_provider_json(struct request *r, const struct partner *p);

/* api/app/slugs.c: POST /apps/:app/releases with a slug. */
int api_slug_release(struct request *r, struct error *err);

/* api/app/formation.c: which dyno sizes there are, to whoever asked for another. */
int api_refuse_size(const char *name, struct error *err);
/*
 * api/team/setups.c: the row of a setup, by the request's "source_blob"; `overrides` are as in its
 * body, `extra` (or NULL) more members of its data. Then, when what belongs to it is written as
 * well (`result` 0), the app; else the row goes again.
 */
struct setup;
int api_setup_begin(struct request *r, const char *name, json_t *overrides, json_t *take_extra,
		    struct setup *s, struct app *app, struct error *err);
int api_setup_go(struct request *r, struct setup *s, struct app *app, int result,
		 struct error *err);

/* Before the body of an upload is read: whether it was announced. ERROR_NOT_FOUND. */
int api_upload_expected(struct request *r, struct error *err);
