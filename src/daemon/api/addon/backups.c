/* SPDX-License-Identifier: Apache-2.0 */
/* Backups of add-ons, and their schedules. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "daemon/api/addon/shapes.h"
#include "daemon/api/addon/backups.h"
#include "daemon/api/find.h"
#include "daemon/services/services.h"
#include "daemon/api/table.h"
#include "daemon/api/authz.h"
#include "daemon/build/upload.h"
#include "daemon/lines/lines.h"

#define KEEP_DEFAULT 7
#define KEEP_MAX 365

/* ---- shapes ---- */

static json_t *verified_json(const struct backup *b)
{
	if (!b->verified_ms)
		return json_null();
	return json_pack("{s:o, s:b, s:o}", "at", json_time(b->verified_ms), "ok",
			 (int)b->verified_ok, "message", json_text(b->verified_text));
}

static json_t *backup_json(const struct backup *b)
{
	_cleanup_free_ char *name = xasprintf("b%lld", (long long)b->number);
	json_t *j = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s}, s:s, s:s, s:s, s:s, s:s}",
			      "id", b->id, "name", name, "addon", "id", b->addon_id, "name",
			      b->addon_name, "app", "id", b->app_id, "name", b->app_name, "service",
			      b->service, "plan", b->plan, "status", b->status, "kind", b->kind,
			      "attachment", b->attachment);

	json_object_set_new(j, "extension", json_string(b->extension));
	json_object_set(j, "attachments", b->attachments);
	json_object_update_new(j, json_pack("{s:I, s:s?, s:o, s:o, s:o}", "bytes",
					    (json_int_t)b->bytes, "sha256", b->sha256, "summary",
					    json_text(b->summary), "error", json_text(b->error),
					    "verified", verified_json(b)));
	json_object_update_new(
		j, json_pack("{s:o, s:o, s:o, s:o}", "created_at", json_time(b->created_ms),
			     "finished_at", json_time(b->finished_ms), "expires_at",
			     json_time(b->expires_ms), "duration_ms",
			     b->finished_ms ? json_integer(b->finished_ms - b->created_ms)
					    : json_null()));
	return j;
}

static int answer_rows(struct request *r, struct backup *take_rows, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, backup_json(&take_rows[i]));
	backup_free_array(take_rows, n);
	return request_answer(r, 200, list);
}

static int answer_list(struct request *r, const char *addon_id, const char *app_id,
		       struct error *err)
{
	struct backup *rows = NULL;
	size_t n = 0;

	if (store_backup_list(request_store(r), addon_id, app_id, &rows, &n, err) < 0)
		return -1;
	return answer_rows(r, rows, n);
}

static int api_backups_of_addon(struct request *r, struct error *err)
{
	return answer_list(r, request_addon(r)->id, NULL, err);
}

static int api_backups_of_app(struct request *r, struct error *err)
{
	return answer_list(r, NULL, request_app(r)->id, err);
}

/* Those of apps that were destroyed: the caller's, or, for administrators, all. */
static int api_backups_destroyed(struct request *r, struct error *err)
{
	const struct caller *who = request_caller(r);
	struct backup *rows = NULL;
	size_t n = 0;

	if (store_backup_list_destroyed(request_store(r), who->admin ? NULL : who->user_id, &rows,
					&n, err) < 0)
		return -1;
	return answer_rows(r, rows, n);
}

/* ---- one of them ---- */

/* The newest "b3" of an app's add-ons. */
static int find_in_app(struct request *r, const char *app_name, int64_t number, struct backup *ret,
		       struct error *err)
{
	struct parts *parts = request_parts(r);
	struct backup *rows = NULL;
	struct app app = { 0 };
	size_t n = 0, found = 0;

	if (authz_app_named(r, app_name, NEED_VIEW, &app, err) < 0)
		return -1;
	if (store_backup_list(parts->platform.store, NULL, app.id, &rows, &n, err) < 0) {
		app_done(&app);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		if (rows[i].number != number || found++)
			continue;
		*ret = rows[i];
		rows[i] = (struct backup){ 0 };
	}
	backup_free_array(rows, n);
	if (!found)
		error_set(err, ERROR_NOT_FOUND, "%s has no backup b%lld", app.name,
			  (long long)number);
	else if (found > 1)
		error_set(err, ERROR_INVALID,
			  "%s has %zu backups named b%lld, of several add-ons: name the add-on too",
			  app.name, found, (long long)number);
	app_done(&app);
	return found == 1 ? 0 : -1;
}

static int look_up(struct request *r, struct backup *ret, struct error *err)
{
	struct parts *parts = request_parts(r);
	_cleanup_free_ char *which = xstrdup(request_param(r, "backup"));
	const char *query = request_query(r, "addon");
	_cleanup_free_ char *addon = query ? xstrdup(query) : NULL;
	struct addon a = { 0 };
	int64_t number;
	int result;

	if (which[0] != 'b' || !str_to_i64(which + 1, 1, INT64_MAX, &number))
		return store_backup_get(parts->platform.store, which, ret, err);
	query = request_query(r, "app");
	if (!addon && query)
		return find_in_app(r, query, number, ret, err);
	if (!addon)
		return error_set(err, ERROR_INVALID,
				 "%s is the name of a backup of several add-ons: name one", which);
	result = store_addon_get(parts->platform.store, addon, &a, err);
	if (result == 0)
		result = store_backup_by_number(parts->platform.store, a.id, number, ret, err);
	addon_done(&a);
	return result;
}

/* Of an app that is gone, for who owned it, and for administrators. */
static int find(struct request *r, struct backup *ret, struct error *err)
{
	if (look_up(r, ret, err) < 0)
		return -1;
	request_note(r, "backup b%lld", (long long)ret->number);
	return authz_allow_former(r, ret->app_id, ret->owner_id, request_need(r), err);
}

static int api_backups_get(struct request *r, struct error *err)
{
	struct backup b = { 0 };
	int result = find(r, &b, err);

	if (result == 0)
		result = request_answer(r, 200, backup_json(&b));
	backup_done(&b);
	return result;
}

/* By the id of a source to which its file was uploaded. */
static int take_source(struct request *r, const struct addon *a, const char *source,
		       struct backup *ret, struct error *err)
{
	_cleanup_free_ char *path = upload_path(&request_parts(r)->platform.settings, source);

	if (!uuid_is_valid(source))
		return error_set(err, ERROR_INVALID,
				 "\"source\" must be the id of a source: the end of its put_url");
	if (services_backup_uploaded(request_parts(r)->services, a, path, ret, err) < 0)
		return -1;
	upload_taken(&request_parts(r)->platform.settings, source);
	return 0;
}

static int api_backups_create(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	const char *source;
	const struct addon *a = request_addon(r);
	struct backup b = { 0 };
	int result;

	if (a->state != ADDON_PROVISIONED)
		return error_set(err, ERROR_CONFLICT, "%s is %s", a->name,
				 addon_state_names[a->state]);
	if (request_string(r, "source", false, &source, err) < 0)
		return -1;
	result = source ? take_source(r, a, source, &b, err)
			: services_backup(parts->services, a, "manual", &b, err);
	if (result == 0) {
		request_note(r, "backup b%lld of %s", (long long)b.number, a->name);
		result = request_answer(r, 202, backup_json(&b));
	}
	backup_done(&b);
	return result;
}

static int api_backups_delete(struct request *r, struct error *err)
{
	struct backup b = { 0 };
	json_t *j = NULL;
	int result = find(r, &b, err);

	if (result == 0) {
		j = backup_json(&b);
		result = services_delete_backup(request_parts(r)->services, &b, err);
	}
	if (result == 0)
		result = request_answer(r, 200, json_incref(j));
	json_decref(j);
	backup_done(&b);
	return result;
}

int api_answer_backup(struct request *r, const struct backup *b, struct error *err)
{
	_cleanup_free_ char *path = services_backup_path(request_parts(r)->services, b);
	_cleanup_fd_ int fd = -1;
	struct stat st;

	if (!streq(b->status, "succeeded"))
		return error_set(err, ERROR_CONFLICT, "b%lld has no file: it is %s",
				 (long long)b->number, b->status);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERROR_NOT_FOUND, "The file of b%lld is gone",
				 (long long)b->number);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "The file of b%lld can't be read",
				       (long long)b->number);
	return request_answer_file(r, fd_steal(&fd), (uint64_t)st.st_size, strrchr(path, '/') + 1);
}

static int api_backups_content(struct request *r, struct error *err)
{
	struct backup b = { 0 };
	int result = find(r, &b, err);

	if (result == 0)
		result = api_answer_backup(r, &b, err);
	backup_done(&b);
	return result;
}

static int api_backups_verify(struct request *r, struct error *err)
{
	struct backup b = { 0 };
	int result = find(r, &b, err);

	if (result == 0)
		result = services_verify(request_parts(r)->services, &b, err);
	if (result == 0)
		result = request_answer(r, 202, backup_json(&b));
	backup_done(&b);
	return result;
}

/* Into the add-on that is named, or the one that it was taken of. */
static int api_backups_restore(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	const char *name;
	struct backup b = { 0 };
	struct addon a = { 0 };
	int result = request_ref(r, "addon", false, &name, err);

	if (result == 0)
		result = find(r, &b, err);
	if (result == 0)
		result = api_addon_named(r, NULL, name ? name : b.addon_id, NEED_OPERATE, &a, err);
	if (result == 0)
		result = services_restore(parts->services, &a, &b, err);
	if (result == 0) {
		logs_append(parts->logs, a.app_id, "app", "api", "Restore b%lld into %s by user %s",
			    (long long)b.number, a.name, request_caller(r)->name);
		request_note(r, "backup b%lld into %s", (long long)b.number, a.name);
		result = request_answer(r, 202, api_addon_json(r, &a));
	}
	addon_done(&a);
	backup_done(&b);
	return result;
}

/* ---- schedules ---- */

static int answer_schedule(struct request *r, const struct addon *a)
{
	json_t *whole = api_addon_json(r, a);
	json_t *j = json_incref(json_object_get(json_object_get(whole, "twelve"), "schedule"));

	json_decref(whole);
	if (json_is_object(j))
		json_object_set_new(j, "addon", api_addon_ref(a));
	return request_answer(r, 200, j);
}

static int api_schedule_get(struct request *r, struct error *err)
{
	const struct addon *a = request_addon(r);

	if (a->schedule_minute < 0)
		return error_set(err, ERROR_NOT_FOUND, "%s has no schedule of backups", a->name);
	return answer_schedule(r, a);
}

/* "02:30", UTC. */
static bool parse_time(const char *s, int64_t *ret_minute)
{
	_cleanup_free_ char *hour = xstrndup(s, strcspn(s, ":"));
	const char *colon = strchr(s, ':');
	int64_t h, m;

	if (!colon || strlen(colon) != 3 || !str_to_i64(hour, 0, 23, &h) ||
	    !str_to_i64(colon + 1, 0, 59, &m))
		return false;
	*ret_minute = h * 60 + m;
	return true;
}

int api_schedule_set(struct request *r, struct addon *a, int64_t minute, int64_t keep,
		     struct error *err)
{
	a->schedule_minute = minute;
	a->schedule_keep = keep;
	/* It begins now: what would have been due today is not made up for. */
	json_object_set_new(a->secret, "scheduled_ms", json_integer(clock_wall_ms()));
	return store_addon_update(request_store(r), a, err);
}

static int api_schedule_put(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	const struct service *s;
	int64_t minute = 0, keep;
	struct addon *a = request_addon(r);
	const char *at;

	if (request_string(r, "at", true, &at, err) < 0 ||
	    request_int(r, "keep", 1, KEEP_MAX, KEEP_DEFAULT, &keep, err) < 0)
		return -1;
	s = addon_is_server(a) ? services_service_of(parts->services, a) : NULL;
	if (!parse_time(at, &minute))
		return error_set(err, ERROR_INVALID,
				 "\"at\" must be a time of the day in UTC, such as 02:30");
	if (!s || !s->backup)
		return error_set(err, ERROR_INVALID, "%s has no backups", a->name);
	if (api_schedule_set(r, a, minute, keep, err) < 0)
		return -1;
	request_note(r, "addon %s at %s UTC, %lld are kept", a->name, at, (long long)keep);
	return answer_schedule(r, a);
}

static int api_schedule_delete(struct request *r, struct error *err)
{
	if (api_schedule_set(r, request_addon(r), -1, 0, err) < 0)
		return -1;
	return request_answer(r, 200, json_object());
}

const struct api_route backups_routes[] = {
	{ "GET", "/addons/:addon/backups", NEED_VIEW, api_backups_of_addon, "backups of an add-on",
	  .answer = "[backup]" },
	{ "POST", "/addons/:addon/backups", NEED_OPERATE, api_backups_create,
	  "take a backup, or make one from an uploaded file", "source?:string",
	  .answer = "backup" },
	{ "GET", "/apps/:app/backups", NEED_VIEW, api_backups_of_app,
	  "backups of an app's add-ons, including destroyed ones", .answer = "[backup]" },
	{ "GET", "/backups", NEED_USER, api_backups_destroyed,
	  "backups of add-ons of destroyed apps: your own, or all for administrators",
	  .answer = "[backup]" },
	{ "GET", "/backups/:backup", NEED_VIEW, api_backups_get,
	  "one backup, by id, or by name with ?addon= or ?app=", .answer = "backup" },
	{ "DELETE", "/backups/:backup", NEED_OPERATE, api_backups_delete, "delete a backup",
	  .answer = "backup" },
	{ "GET", "/backups/:backup/content", NEED_OPERATE, api_backups_content, "download a backup",
	  .flags = API_SECRET, .answer = "file" },
	{ "POST", "/backups/:backup/actions/verify", NEED_OPERATE, api_backups_verify,
	  "verify a backup by restoring it into a scratch server", .answer = "backup" },
	{ "POST", "/backups/:backup/actions/restore", NEED_OPERATE, api_backups_restore,
	  "replace the data of an add-on with a backup", "addon?:ref", .answer = "backup" },
	{ "GET", "/addons/:addon/backup-schedule", NEED_VIEW, api_schedule_get,
	  "the backup schedule", .answer = "backup-schedule" },
	{ "PUT", "/addons/:addon/backup-schedule", NEED_OPERATE, api_schedule_put,
	  "schedule daily backups", "at?:string keep?:int", .answer = "backup-schedule" },
	{ "DELETE", "/addons/:addon/backup-schedule", NEED_OPERATE, api_schedule_delete,
	  "remove the backup schedule", .answer = "backup-schedule" },
	{ 0 },
};
