/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups as the heroku command sees them (`pg:backups`): transfers of an app's databases, on the
 * data host; see api/addon/heroku-data.c. A capture is a transfer from "pg_dump" to "gof3r"
 * (Heroku's word for its store), a restore one to "pg_restore".
 *
 * Transfers have numbers of their app, backups of their add-on. An app's first add-on with backups
 * has its own numbers, the second begins at 1001, and so on, in the order of their first backups.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/addon/backups.h"
#include "daemon/api/addon/heroku-data.h"
#include "daemon/api/find.h"
#include "daemon/services/services.h"
#include "daemon/api/table.h"
#include "daemon/api/authz.h"
#include "daemon/core/sealed-url.h"
#include "daemon/lines/lines.h"

#define NUMBERS_OF_ONE 1000
#define DOWNLOAD_MS (3600 * 1000LL)
#define KEEP_SCHEDULED 7

/* ---- the backups of an app ---- */

struct transfers {
	const struct app *app; /* borrowed */
	struct backup *rows;   /* the newest first */
	int64_t *numbers;      /* of each */
	size_t n;
};

static void transfers_done(struct transfers *t)
{
	backup_free_array(t->rows, t->n);
	free(t->numbers);
}
#define _cleanup_transfers_ _cleanup_(transfers_done)

static void number_all(struct transfers *t)
{
	_cleanup_strv_ char **addons = NULL;

	t->numbers = xcalloc(t->n + 1, sizeof(*t->numbers));
	for (size_t i = t->n; i-- > 0;) {
		size_t rank = 0, n = strv_len(addons);

		while (rank < n && !streq(addons[rank], t->rows[i].addon_id))
			rank++;
		if (rank == n)
			strv_push(&addons, t->rows[i].addon_id);
		t->numbers[i] = t->rows[i].number + (int64_t)rank * NUMBERS_OF_ONE;
	}
}

static int load_app(struct request *r, const struct app *app, struct transfers *t,
		    struct error *err)
{
	t->app = app;
	if (store_backup_list(request_store(r), NULL, app->id, &t->rows, &t->n, err) < 0)
		return -1;
	number_all(t);
	return 0;
}

static int load(struct request *r, struct transfers *t, struct error *err)
{
	return load_app(r, request_app(r), t, err);
}

/* By number or id. */
static const struct backup *find(const struct transfers *t, const char *which, struct error *err)
{
	int64_t number = 0;

	if (!str_to_i64(which, 1, INT64_MAX, &number))
		number = 0;
	for (size_t i = 0; i < t->n; i++)
		if (number ? t->numbers[i] == number : streq(t->rows[i].id, which))
			return &t->rows[i];
	error_set(err, ERROR_NOT_FOUND, "%s has no backup %.60s", t->app->name, which);
	return NULL;
}

/* ---- shapes ---- */

static json_t *log_lines(const char *text, int64_t at_ms)
{
	return text ? json_pack("[{s:o, s:o}]", "created_at", json_time(at_ms), "message",
				json_text(text))
		    : json_array();
}

static json_t *backup_transfer(struct request *r, const struct transfers *t, const struct backup *b)
{
	_cleanup_free_ char *url = request_url(r, "/backups/%s/content", b->id);
	bool done = b->finished_ms != 0, good = streq(b->status, "succeeded");
	json_t *j = json_pack("{s:s, s:I, s:s, s:s, s:o, s:o}", "uuid", b->id, "num",
			      (json_int_t)t->numbers[b - t->rows], "from_type", "pg_dump",
			      "to_type", "gof3r", "from_name", json_text(b->attachment), "to_name",
			      json_text("BACKUP"));

	json_object_update_new(j, json_pack("{s:o, s:o, s:o, s:n, s:o, s:b}", "created_at",
					    json_time(b->created_ms), "started_at",
					    json_time(b->created_ms), "finished_at",
					    done ? json_time(b->finished_ms) : json_null(),
					    "canceled_at", "updated_at",
					    json_time(done ? b->finished_ms : b->created_ms),
					    "succeeded", (int)good));
	json_object_update_new(
		j, json_pack("{s:I, s:I, s:i, s:{}, s:o, s:s, s:o}", "processed_bytes",
			     (json_int_t)b->bytes, "source_bytes", (json_int_t)b->bytes, "warnings",
			     0, "options", "schedule",
			     streq(b->kind, "scheduled") ? json_object() : json_null(), "to_url",
			     url, "logs", log_lines(good ? b->summary : b->error, b->finished_ms)));
	return j;
}

static int api_transfers_list(struct request *r, struct error *err)
{
	_cleanup_transfers_ struct transfers t = { 0 };
	json_t *list;

	if (load(r, &t, err) < 0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < t.n; i++)
		json_array_append_new(list, backup_transfer(r, &t, &t.rows[i]));
	return request_answer(r, 200, list);
}

/* "BACKUP.ADDON": the restore of one into the other. Over when the add-on says so. */
static json_t *restore_json(struct request *r, const struct addon *a, const char *backup_id)
{
	_cleanup_free_ char *uuid = xasprintf("%s.%s", backup_id, a->id);
	bool running = a->restoring && streq(a->restoring, backup_id);
	json_t *j = json_pack("{s:s, s:i, s:s, s:s, s:s, s:o}", "uuid", uuid, "num", 0, "from_type",
			      "gof3r", "to_type", "pg_restore", "from_name", "BACKUP", "to_name",
			      json_text(a->name));

	(void)r;
	json_object_update_new(j, json_pack("{s:o, s:o, s:o, s:b, s:i, s:i, s:{}, s:o}",
					    "created_at", json_time(a->updated_ms), "started_at",
					    json_time(a->updated_ms), "finished_at",
					    running ? json_null() : json_time(a->updated_ms),
					    "succeeded", !running && !a->reason, "processed_bytes",
					    0, "warnings", 0, "options", "logs",
					    log_lines(running ? NULL : a->reason, a->updated_ms)));
	return j;
}

static int answer_restore(struct request *r, const char *which, const char *dot, struct error *err)
{
	_cleanup_free_ char *backup_id = xstrndup(which, (size_t)(dot - which));
	struct addon a = { 0 };
	int result = api_addon_named(r, NULL, dot + 1, NEED_VIEW, &a, err);

	if (result == 0)
		result = request_answer(r, 200, restore_json(r, &a, backup_id));
	addon_done(&a);
	return result;
}

static int api_transfers_get(struct request *r, struct error *err)
{
	_cleanup_transfers_ struct transfers t = { 0 };
	const char *which = request_param(r, "transfer"), *dot = strchr(which, '.');
	const struct backup *b;

	if (load(r, &t, err) < 0)
		return -1;
	if (dot)
		return answer_restore(r, which, dot, err);
	b = find(&t, which, err);
	return b ? request_answer(r, 200, backup_transfer(r, &t, b)) : -1;
}

static int api_transfers_delete(struct request *r, struct error *err)
{
	_cleanup_transfers_ struct transfers t = { 0 };
	const struct backup *b;
	json_t *j;

	if (load(r, &t, err) < 0 || !(b = find(&t, request_param(r, "transfer"), err)))
		return -1;
	if (services_delete_backup(request_parts(r)->services, b, err) < 0)
		return -1;
	request_note(r, "backup b%lld of %s", (long long)b->number, b->addon_name);
	j = backup_transfer(r, &t, b);
	return request_answer(r, 200, j);
}

/* A URL that needs no credentials, for an hour. */
static int api_transfers_url(struct request *r, struct error *err)
{
	_cleanup_transfers_ struct transfers t = { 0 };
	_cleanup_free_ char *secret = NULL, *path = NULL, *url = NULL;
	const struct backup *b;

	if (load(r, &t, err) < 0 || !(b = find(&t, request_param(r, "transfer"), err)))
		return -1;
	secret = capability_seal(&request_parts(r)->platform, "download",
				 json_pack("{s:s}", "backup", b->id), DOWNLOAD_MS, err);
	if (!secret)
		return -1;
	request_note(r, "a link to backup b%lld of %s", (long long)b->number, b->addon_name);
	path = xasprintf("/downloads/%s", secret);
	/* The command downloads over TLS alone. */
	url = request_tls_url(r, path);
	return request_answer(r, 201, json_pack("{s:s}", "url", url));
}

static int api_download(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	json_t *what =
		capability_open(&parts->platform, "download", request_param(r, "secret"), err);
	struct backup b = { 0 };
	int result;

	if (!what)
		return -1;
	result = store_backup_get(parts->platform.store,
				  json_string_value(json_object_get(what, "backup")), &b, err);
	if (result == 0)
		result = api_answer_backup(r, &b, err);
	backup_done(&b);
	json_decref(what);
	return result;
}

/* ---- making them ---- */

static int answer_backup(struct request *r, const struct addon *a, const char *id,
			 struct error *err)
{
	_cleanup_transfers_ struct transfers t = { 0 };
	struct app app = { 0 };
	const struct backup *b;
	int result = -1;

	if (store_app_get(request_store(r), a->app_id, &app, err) == 0 &&
	    load_app(r, &app, &t, err) == 0 && (b = find(&t, id, err)))
		result = request_answer(r, 201, backup_transfer(r, &t, b));
	app_done(&app);
	return result;
}

static int api_data_capture(struct request *r, struct error *err)
{
	const struct addon *a = request_addon(r);
	struct backup b = { 0 };
	int result;

	if (a->state != ADDON_PROVISIONED)
		return error_set(err, ERROR_CONFLICT, "%s is %s", a->name,
				 addon_state_names[a->state]);
	result = services_backup(request_parts(r)->services, a, "manual", &b, err);
	if (result == 0) {
		request_note(r, "backup b%lld of %s", (long long)b.number, a->name);
		result = answer_backup(r, a, b.id, err);
	}
	backup_done(&b);
	return result;
}

/* The backup that one of our URLs names: .../backups/ID/content, or a download. */
static int backup_of_url(struct request *r, const char *url, struct backup *ret, struct error *err)
{
	const char *p = strstr(url, "/backups/"), *link = strstr(url, "/downloads/");
	_cleanup_free_ char *id = p ? xstrndup(p + 9, strcspn(p + 9, "/?")) : NULL;
	json_t *what = NULL;
	int result;

	if (link)
		what = capability_open(&request_parts(r)->platform, "download",
				       link + strlen("/downloads/"), err);
	if (link && !what)
		return -1;
	if (!link && !id)
		return error_set(err, ERROR_INVALID,
				 "\"backup_url\" is not of a backup here: restore a dump from "
				 "elsewhere with twelve psql, "
				 "or pg_restore and the app's DATABASE_URL");
	result = store_backup_get(request_store(r),
				  link ? json_string_value(json_object_get(what, "backup")) : id,
				  ret, err);
	json_decref(what);
	return result < 0 ? -1 : authz_allow_id(r, ret->app_id, NEED_OPERATE, err);
}

static int api_data_restore(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct addon *a = request_addon(r);
	struct backup b = { 0 };
	const char *url;
	int result = -1;

	if (json_array_size(json_object_get(request_body(r), "extensions")))
		return error_set(err, ERROR_INVALID,
				 "\"extensions\" is not there: a backup has the extensions of its "
				 "database, and they are restored with it");
	if (request_string(r, "backup_url", true, &url, err) == 0 &&
	    backup_of_url(r, url, &b, err) == 0)
		result = services_restore(parts->services, a, &b, err);
	if (result == 0) {
		logs_append(parts->logs, a->app_id, "app", "api",
			    "Restore b%lld into %s by user %s", (long long)b.number, a->name,
			    request_caller(r)->name);
		request_note(r, "backup b%lld into %s", (long long)b.number, a->name);
		result = request_answer(r, 201, restore_json(r, a, b.id));
	}
	backup_done(&b);
	return result;
}

/* ---- schedules: one a database, as the platform has them ---- */

/* `heroku` finds one by the name of a config var. */
static json_t *schedule_json(struct request *r, const struct addon *a)
{
	_cleanup_free_ char *var = api_data_variable(r, a);

	return json_pack("{s:s, s:s, s:I, s:s, s:o, s:o}", "uuid", a->id, "name",
			 var ? var : a->name, "hour", (json_int_t)(a->schedule_minute / 60),
			 "timezone", "UTC", "created_at", json_time(a->updated_ms), "updated_at",
			 json_time(a->updated_ms));
}

static int api_data_schedules(struct request *r, struct error *err)
{
	const struct addon *a = request_addon(r);
	json_t *list = json_array();

	(void)err;
	if (a->schedule_minute >= 0)
		json_array_append_new(list, schedule_json(r, a));
	return request_answer(r, 200, list);
}

static int api_data_schedule(struct request *r, struct error *err)
{
	const char *zone, *hour_text = json_string_value(json_object_get(request_body(r), "hour"));
	struct addon *a = request_addon(r);
	int64_t hour;

	if (request_string(r, "timezone", false, &zone, err) < 0)
		return -1;
	if (!hour_text || !str_to_i64(hour_text, 0, 23, &hour))
		hour = json_is_integer(json_object_get(request_body(r), "hour"))
			       ? json_integer_value(json_object_get(request_body(r), "hour"))
			       : -1;
	if (hour < 0 || hour > 23)
		return error_set(err, ERROR_INVALID,
				 "\"hour\" must be a whole number from 0 to 23");
	if (zone && !streq(zone, "UTC") && !streq(zone, "Etc/UTC"))
		return error_set(err, ERROR_INVALID,
				 "\"timezone\" is \"%.40s\": backups are scheduled in UTC here, "
				 "give the hour in that",
				 zone);
	if (api_schedule_set(r, a, hour * 60, KEEP_SCHEDULED, err) < 0)
		return -1;
	return request_answer(r, 201, schedule_json(r, a));
}

static int api_data_unschedule(struct request *r, struct error *err)
{
	struct addon *a = request_addon(r);
	json_t *j;

	if (a->schedule_minute < 0 || !streq(request_param(r, "schedule"), a->id))
		return error_set(err, ERROR_NOT_FOUND, "%s has no such schedule of backups",
				 a->name);
	j = schedule_json(r, a);
	if (api_schedule_set(r, a, -1, a->schedule_keep, err) == 0)
		return request_answer(r, 200, j);
	json_decref(j);
	return -1;
}

const struct api_route data_transfers_routes[] = {
	{ "POST", "/client/v11/databases/:addon/backups", NEED_OPERATE, api_data_capture,
	  "for pg:backups:capture", .answer = "transfer" },
	{ "POST", "/client/v11/databases/:addon/restores", NEED_OPERATE, api_data_restore,
	  "for pg:backups:restore: a backup of ours, by its URL",
	  "backup_url:string extensions?:array", .answer = "transfer" },
	{ "GET", "/client/v11/databases/:addon/transfer-schedules", NEED_VIEW, api_data_schedules,
	  "for pg:backups:schedules", .answer = "[transfer-schedule]" },
	{ "POST", "/client/v11/databases/:addon/transfer-schedules", NEED_OPERATE,
	  api_data_schedule, "for pg:backups:schedule: daily at an hour, UTC",
	  "hour:any timezone?:string schedule_name?:string", .answer = "transfer-schedule" },
	{ "DELETE", "/client/v11/databases/:addon/transfer-schedules/:schedule", NEED_OPERATE,
	  api_data_unschedule, "for pg:backups:unschedule", .answer = "transfer-schedule" },
	{ "GET", "/client/v11/apps/:app/transfers", NEED_VIEW, api_transfers_list,
	  "for pg:backups: the backups of an app", .answer = "[transfer]" },
	{ "GET", "/client/v11/apps/:app/transfers/:transfer", NEED_VIEW, api_transfers_get,
	  "for pg:backups:info: one, by number or id", .answer = "transfer" },
	{ "DELETE", "/client/v11/apps/:app/transfers/:transfer", NEED_OPERATE, api_transfers_delete,
	  "for pg:backups:delete", .answer = "transfer" },
	{ "POST", "/client/v11/apps/:app/transfers/:transfer/actions/public-url", NEED_OPERATE,
	  api_transfers_url, "for pg:backups:url: a URL that needs no credentials, for an hour",
	  .answer = "url" },
	{ "GET", "/downloads/:secret", NEED_NOTHING, api_download,
	  "the file of a backup, by its public URL", .answer = "file" },
	{ 0 },
};
