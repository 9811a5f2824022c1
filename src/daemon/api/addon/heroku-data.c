/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Heroku's tools ask of its data services, on the host that HEROKU_DATA_HOST names: databases
 * as `heroku pg:info`, `pg:wait`, `pg:credentials` and `redis:info` see them. It is no published
 * API: paths and members are those that the heroku command (11.10) sends and reads. Backups are in
 * api/addon/heroku-transfers.c.
 *
 * URLs with passwords are shown to those who may operate the owner of the add-on, as config vars
 * are.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "daemon/api/addon/attach.h"
#include "daemon/api/addon/heroku-data.h"
#include "daemon/services/services.h"
#include "daemon/api/table.h"
#include "daemon/api/authz.h"

/* The owner's first attachment of the add-on. *ret borrows from *ret_list. False when it has none.
 */
static bool owners_attachment(struct request *r, const struct addon *a, struct app *app,
			      json_t **ret_list, struct attachment *ret)
{
	struct parts *parts = request_parts(r);
	struct error ignored = ERROR_INIT;

	if (store_app_get(parts->platform.store, a->app_id, app, &ignored) < 0 ||
	    services_attachments(parts->services, app, ret_list, &ignored) < 0)
		return false;
	for (size_t i = 0; attach_at(*ret_list, i, ret); i++)
		if (streq(ret->addon, a->id))
			return true;
	return false;
}

char *api_data_variable(struct request *r, const struct addon *a)
{
	struct app app = { 0 };
	struct attachment at;
	json_t *list = NULL;
	char *var = NULL;

	if (owners_attachment(r, a, &app, &list, &at) && json_array_size(at.vars))
		var = xstrdup(json_string_value(json_array_get(at.vars, 0)));
	json_decref(list);
	app_done(&app);
	return var;
}

/* The URL in the owner's config; a new reference, null when there is none or the caller may not see
 * it. */
static json_t *resource_url(struct request *r, const struct addon *a)
{
	struct parts *parts = request_parts(r);
	struct error ignored = ERROR_INIT;
	json_t *list = NULL, *vars = NULL, *url = NULL;
	struct app app = { 0 };
	struct attachment at;

	if (authz_allow_id(r, a->app_id, NEED_OPERATE, &ignored) == 0 &&
	    owners_attachment(r, a, &app, &list, &at) &&
	    services_vars(parts->services, list, &vars, &ignored) == 0)
		url = json_incref(
			json_object_get(vars, json_string_value(json_array_get(at.vars, 0))));
	json_decref(vars);
	json_decref(list);
	app_done(&app);
	return url ? url : json_null();
}

/* ---- databases ---- */

static void add_info(json_t *info, const char *name, char *take_value)
{
	if (take_value)
		json_array_append_new(info, json_pack("{s:s, s:[o]}", "name", name, "values",
						      json_text(take_value)));
	free(take_value);
}

static char *megabytes(int64_t bytes)
{
	return bytes < 0 ? NULL : xasprintf("%.1f MB", (double)bytes / (1 << 20));
}

static json_t *info_of(struct request *r, const struct addon *a, const struct addon_status *now)
{
	struct services *services = request_parts(r)->services;
	const struct service *s = addon_is_server(a) ? services_service_of(services, a) : NULL;
	const struct service_plan *p = s ? service_plan(s, a->plan) : NULL;
	json_t *info = json_array();
	char created[CLOCK_ISO_SIZE];

	add_info(info, "Plan", xstrdup(a->plan));
	add_info(info, "Status",
		 xstrdup(a->restoring	? "Restoring"
			 : now->healthy ? "Available"
					: now->word));
	add_info(info, "Version", s && s->version ? xstrdup(s->version) : NULL);
	add_info(info, "Data Size", megabytes(now->disk_used_bytes));
	add_info(info, "Disk Quota", p ? megabytes((int64_t)p->disk_bytes) : NULL);
	add_info(info, "Memory", p ? megabytes((int64_t)p->memory_bytes) : NULL);
	add_info(info, "Created", xstrdup(clock_iso(a->created_ms, created)));
	add_info(info, "Maintenance", xstrdup("not required"));
	return info;
}

/* Something is wrong, or is not done, in a sentence; NULL when it is ready. */
static const char *not_ready(const struct addon *a, const struct addon_status *now)
{
	if (a->restoring)
		return "restoring a backup";
	if (a->state != ADDON_PROVISIONED)
		return addon_state_names[a->state];
	return now->healthy ? NULL : now->word;
}

/* A service with a port of its own for TLS has it, as Heroku's had, behind the one of its URL; the
 * heroku command counts on it. */
static int native_tls(struct request *r, const struct addon *a)
{
	struct services *services = request_parts(r)->services;
	const struct service *s = addon_is_server(a) ? services_service_of(services, a) : NULL;

	return !s || !json_object_get(s->config, ADDON_TLS_KEY) ||
	       json_object_get(a->secret, "tls");
}

static int api_data_database(struct request *r, struct error *err)
{
	struct addon_status now;
	const struct addon *a = request_addon(r);
	json_t *j;

	(void)err;
	services_status(request_parts(r)->services, a, &now);
	j = json_pack("{s:s, s:s, s:s, s:o, s:o, s:b}", "addon_id", a->id, "name", a->name, "plan",
		      a->plan, "resource_url", resource_url(r, a), "info", info_of(r, a, &now),
		      "waiting?", not_ready(a, &now) != NULL);
	json_object_update_new(
		j, json_pack("{s:o, s:n, s:n, s:b, s:o}", "created_at", json_time(a->created_ms),
			     "following", "leader", "prefer_native_tls", native_tls(r, a), "app",
			     json_pack("{s:s, s:s}", "id", a->app_id, "name", a->app_name)));
	return request_answer(r, 200, j);
}

static int api_data_wait(struct request *r, struct error *err)
{
	struct addon_status now;
	const struct addon *a = request_addon(r);
	const char *why;
	bool failed;
	json_t *j;

	(void)err;
	services_status(request_parts(r)->services, a, &now);
	why = not_ready(a, &now);
	failed = a->state == ADDON_DEPROVISIONED;
	j = json_pack("{s:b, s:b, s:o}", "waiting?", why && !failed, "error?", (int)failed,
		      "message",
		      json_text(failed && a->reason ? a->reason
				: why		    ? why
						    : "available"));
	return request_answer(r, 200, j);
}

/* ---- credentials ---- */

/* What of a URL stands between two marks, decoded as it is written; heap. */
static char *part(const char *url, const char *from, const char *until)
{
	const char *p = strstr(url, from);

	p = p ? p + strlen(from) : "";
	return xstrndup(p, strcspn(p, until));
}

static json_t *credential_json(const char *url)
{
	const char *at = strchr(url, '@');
	_cleanup_free_ char *user = part(url, "://", ":@/"),
			    *host = at ? part(at, "@", ":/") : xstrdup("");
	_cleanup_free_ char *secret =
		part(strstr(url, "://") ? strstr(url, "://") + 3 : url, ":", "@");
	_cleanup_free_ char *port = at ? part(at, ":", "/") : xstrdup(""),
			    *name = at ? part(at, "/", "?") : xstrdup("");
	int64_t number = 0;

	if (!str_to_i64(port, 1, 65535, &number))
		number = 0;
	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:[{s:s, s:s, s:s}]}", "name", "default",
			 "state", "active", "host", host, "port", (json_int_t)number, "database",
			 name, "credentials", "user", user, "password", secret, "state", "active");
}

static json_t *credential_of(struct request *r, struct error *err)
{
	const struct addon *a = request_addon(r);
	json_t *url = resource_url(r, a), *j = NULL;

	if (json_is_string(url))
		j = credential_json(json_string_value(url));
	else
		error_set(err, ERROR_NOT_FOUND,
			  "%s is not attached to its owner %s: it has no credential there", a->name,
			  a->app_name);
	json_decref(url);
	return j;
}

static int api_data_credentials(struct request *r, struct error *err)
{
	json_t *j = credential_of(r, err);

	return j ? request_answer(r, 200, json_pack("[o]", j)) : -1;
}

static int api_data_credential(struct request *r, struct error *err)
{
	json_t *j;

	if (!streq(request_param(r, "credential"), "default"))
		return error_set(err, ERROR_NOT_FOUND,
				 "There is no credential %.60s: each attachment has one of its "
				 "own, and \"default\" is the "
				 "owner's",
				 request_param(r, "credential"));
	j = credential_of(r, err);
	return j ? request_answer(r, 200, j) : -1;
}

/* The owner's, make before break; the others' are rotated at their apps. */
static int api_data_rotate(struct request *r, struct error *err)
{
	const struct addon *a = request_addon(r);
	struct app app = { 0 };
	json_t *list = NULL;
	struct attachment at;
	int result = -1;

	if (json_is_true(json_object_get(request_body(r), "forced")))
		return error_set(err, ERROR_INVALID,
				 "\"forced\" is not there: the old credential ends when the app "
				 "has the new one, which takes seconds");
	if (!owners_attachment(r, a, &app, &list, &at))
		error_set(err, ERROR_NOT_FOUND, "%s is not attached to its owner %s", a->name,
			  a->app_name);
	else
		result = api_rotate_attachment(r, &app, &at, err);
	json_decref(list);
	app_done(&app);
	return result;
}

/* For the heroku command's pg: and redis:, on the host that HEROKU_DATA_HOST names. */
const struct api_route data_databases_routes[] = {
	{ "GET", "/client/v11/databases/:addon", NEED_VIEW, api_data_database,
	  "for pg:info: a database", .answer = "database" },
	{ "GET", "/client/v11/databases/:addon/wait_status", NEED_VIEW, api_data_wait,
	  "for pg:wait: whether it is ready", .answer = "wait-status" },
	{ 0 },
};

const struct api_route data_credentials_routes[] = {
	{ "GET", "/postgres/v0/databases/:addon/credentials", NEED_OPERATE, api_data_credentials,
	  "for pg:credentials: the owner's", .answer = "[credential]" },
	{ "GET", "/postgres/v0/databases/:addon/credentials/:credential", NEED_OPERATE,
	  api_data_credential, "for pg:credentials:url", .answer = "credential" },
	{ "POST", "/postgres/v0/databases/:addon/credentials/:credential/credentials_rotation",
	  NEED_OPERATE, api_data_rotate, "for pg:credentials:rotate, make before break",
	  "forced?:bool", .answer = "add-on-attachment" },
	{ "GET", "/redis/v0/databases/:addon", NEED_VIEW, api_data_database,
	  "for redis:info and redis:cli", .answer = "database" },
	{ "GET", "/redis/v0/databases/:addon/wait", NEED_VIEW, api_data_wait, "for redis:wait",
	  .answer = "wait-status" },
	{ "POST", "/redis/v0/databases/:addon/credentials_rotation", NEED_OPERATE, api_data_rotate,
	  "for redis:credentials --reset", .answer = "add-on-attachment" },
	{ 0 },
};
