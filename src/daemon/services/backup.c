/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups: STATE/backups/ID/NAME-bN.EXT, written by the service's own tools. A row says "running"
 * until the file is whole and durable; one that a kill cut off is marked failed at the next
 * start, and its file removed (services/schedule.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"
#include "daemon/core/remove.h"

/* The summary is the last thing said. */
static const char backup_script[] = "/app/bin/backup && /app/bin/summary";

char *backup_dir(struct services *sv, const char *backup_id)
{
	return xasprintf("%s/backups/%s", sv->platform->settings.state_dir, backup_id);
}

char *backup_file_name(const struct backup *b)
{
	return xasprintf("%s-b%lld.%s", b->addon_name, (long long)b->number, b->extension);
}

char *services_backup_path(struct services *sv, const struct backup *b)
{
	_cleanup_free_ char *dir = backup_dir(sv, b->id), *name = backup_file_name(b);

	return xasprintf("%s/%s", dir, name);
}

char *backup_last_line(const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text ? text : "");
	char *trimmed = str_trim(copy), *line = strrchr(trimmed, '\n');

	return xstrdup(line ? line + 1 : trimmed);
}

/* ---- taking one ---- */

void backup_drop_file(struct services *sv, const char *id)
{
	_cleanup_free_ char *dir = backup_dir(sv, id);

	remove_tree_later(sv->platform, dir);
}

/* Of those that were taken by schedule, only so many are kept. */
static void keep_newest(struct services *sv, const struct addon *a)
{
	struct backup *list = NULL;
	struct error err = ERROR_INIT;
	int64_t kept = 0;
	size_t n = 0;

	if (store_backup_list(sv->platform->store, a->id, NULL, &list, &n, &err) < 0)
		log_error("backups of %s: %s", a->name, err.message);
	for (size_t i = 0; i < n; i++)
		if (streq(list[i].kind, "scheduled") && !streq(list[i].status, "running") &&
		    ++kept > a->schedule_keep)
			services_delete_backup(sv, &list[i], &err);
	backup_free_array(list, n);
}

static void note_last(struct resource *r, struct addon *a, const struct backup *b)
{
	if (streq(b->status, "succeeded")) {
		a->keep_last = false;
		addon_set_reason(a, NULL);
	} else {
		addon_set_reason(a, xasprintf("The last backup failed: %s. Use --force to destroy "
					      "the add-on without one",
					      b->error));
	}
	addon_save(r->owner, a);
	if (streq(b->status, "succeeded"))
		resource_succeeded(r);
	else
		resource_retry(r);
}

static void set_status(struct backup *b, const char *status)
{
	free(b->status);
	b->status = xstrdup(status);
	b->finished_ms = clock_wall_ms();
}

static void ended(struct resource *r, struct backup *b, const struct addon_job_result *result)
{
	struct services *sv = r->owner;
	struct error err = ERROR_INIT;
	struct addon a = { 0 };

	set_status(b, result->ok ? "succeeded" : "failed");
	b->bytes = result->bytes;
	if (result->ok) {
		b->sha256 = xstrdup(result->sha256);
		b->summary = backup_last_line(result->output);
	} else {
		b->error = xstrdup(result->reason ? result->reason : "It failed without a word");
		backup_drop_file(sv, b->id);
	}
	if (streq(b->kind, "last"))
		b->expires_ms = b->finished_ms + sv->platform->settings.last_backup_ms;
	backup_save(sv, b);
	if (store_addon_get(sv->platform->store, b->addon_id, &a, &err) < 0)
		return;
	addon_say(sv, &a,
		  result->ok ? "Backup b%lld of %s: %lld bytes, %s"
			     : "Backup b%lld of %s failed (%lld bytes): %s",
		  (long long)b->number, a.name, (long long)b->bytes,
		  result->ok ? b->summary : b->error);
	if (streq(b->kind, "scheduled"))
		keep_newest(sv, &a);
	if (streq(b->kind, "last"))
		note_last(r, &a, b);
	addon_done(&a);
}

static void on_backup(const struct addon_job_result *result, void *userdata)
{
	struct resource *r = userdata;
	struct backup b = r->backup;

	r->backup_job = NULL;
	r->backup = (struct backup){ 0 };
	ended(r, &b, result);
	backup_done(&b);
	resource_turn_soon(r);
}

char *backup_databases(struct services *sv, const struct addon *a)
{
	_cleanup_strv_ char **names = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	store_database_list(sv->platform->store, a->id, &names, &err);
	for (char **n = names; n && *n; n++)
		buf_printf(&text, "%s%s", text.len ? " " : "", *n);
	return buf_steal(&text);
}

static int make_dir(struct services *sv, const struct backup *b, struct error *err)
{
	_cleanup_free_ char *dir = backup_dir(sv, b->id);
	int e = fs_mkdirs(dir, 0700);

	if (e == 0 && chown(dir, SANDBOX_UID, SANDBOX_GID) < 0)
		e = -errno;
	return e < 0 ? error_set_errno(err, e, "making %s", dir) : 0;
}

static int start(struct resource *r, const struct addon *a, const struct service *s,
		 const struct backup *b, struct error *err)
{
	struct services *sv = r->owner;
	static const char *const argv[] = { "/bin/bash", "-c", backup_script, NULL };
	_cleanup_free_ char *volume = NULL, *dir = backup_dir(sv, b->id),
			    *name = backup_file_name(b);
	_cleanup_free_ char *path = services_backup_path(sv, b),
			    *databases = backup_databases(sv, a);
	json_t *env = addon_env(sv, a, s);
	struct addon_job_order o;
	int result;

	addon_order(sv, a, s, &volume, &o);
	json_object_set_new(env, "BACKUP", json_sprintf("/app/backup/%s", name));
	json_object_set_new(env, "DATABASES", json_string(databases));
	o.argv = argv;
	o.env = env;
	o.exchange = dir;
	o.measure = path;
	o.timeout_ms = BACKUP_TIMEOUT_MS;
	result = make_dir(sv, b, err);
	if (result == 0)
		result = addon_job_start(sv->platform, &o, on_backup, r, &r->backup_job, err);
	if (result == 0)
		backup_copy(&r->backup, b);
	json_decref(env);
	return result;
}

/* The platform never fills the disk: a backup is at most about as large as its volume. */
static int check_room(struct resource *r, struct error *err)
{
	const struct settings *s = &r->owner->platform->settings;
	uint64_t room = 0, need = (uint64_t)s->disk_reserve_bytes;

	if (r->disk_used > 0)
		need += (uint64_t)r->disk_used;
	if (fs_free_bytes(s->state_dir, &room) == 0 && room < need)
		return error_set(
			err, ERROR_UNAVAILABLE,
			"The disk has %llu MB left and a backup may need %llu MB besides the "
			"reserve: delete old backups, or run \"twelve gc\", which shows disk usage",
			(unsigned long long)room >> 20,
			(unsigned long long)(need - (uint64_t)s->disk_reserve_bytes) >> 20);
	return 0;
}

static int check(const struct addon *a, const struct service *s, struct resource *r,
		 struct error *err)
{
	if (!s || !s->backup)
		return error_set(err, ERROR_INVALID, "%s has no backups: %s", a->name,
				 addon_is_server(a) ? "its service keeps nothing that lasts"
						    : "it runs elsewhere, where they are made");
	if (!r || !a->stack)
		return error_set(err, ERROR_CONFLICT, "%s is not ready yet", a->name);
	if (r->backup_job)
		return error_set(err, ERROR_CONFLICT, "A backup of %s is already being made",
				 a->name);
	return check_room(r, err);
}

static json_t *databases_of(struct services *sv, const struct addon *a)
{
	json_t *map = json_object();
	struct app *apps = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0;
	char *name;

	/* The owner may be gone already; the rows of databases are not. */
	if (store_database_get(sv->platform->store, a->id, a->app_id, &name, &err) == 0) {
		if (name[0])
			json_object_set_new(map, a->app_id, json_string(name));
		free(name);
	}
	if (store_app_list(sv->platform->store, &apps, &n, &err) < 0)
		return map;
	for (size_t i = 0; i < n; i++) {
		if (store_database_get(sv->platform->store, a->id, apps[i].id, &name, &err) == 0) {
			if (name[0])
				json_object_set_new(map, apps[i].id, json_string(name));
			free(name);
		}
		app_done(&apps[i]);
	}
	free(apps);
	return map;
}

/* The row, "running" until there is a file. */
static int insert(struct services *sv, const struct addon *a, const struct service *s,
		  const char *kind, struct backup *ret, struct error *err)
{
	struct backup b = { 0 };

	memcpy(b.addon_id, a->id, sizeof(b.addon_id));
	memcpy(b.app_id, a->app_id, sizeof(b.app_id));
	b.addon_name = xstrdup(a->name);
	b.app_name = xstrdup(a->app_name);
	b.service = xstrdup(a->service);
	b.plan = xstrdup(a->plan);
	b.attachment = xstrdup(a->attachment ? a->attachment : "");
	b.extension = xstrdup(s->backup);
	b.status = xstrdup("running");
	b.kind = xstrdup(kind);
	b.databases = databases_of(sv, a);
	b.attachments = services_names_of(sv, a);
	if (store_backup_create(sv->platform->store, &b, err) < 0) {
		backup_done(&b);
		return -1;
	}
	*ret = b;
	return 0;
}

/* It could not be begun: no row, or where that can't be, one that says why. */
static void take_back(struct services *sv, struct backup *b, const struct error *why)
{
	struct error err = ERROR_INIT;

	if (store_backup_delete(sv->platform->store, b->id, &err) == 0)
		return;
	set_status(b, "failed");
	b->error = xstrdup(why->message);
	backup_save(sv, b);
}

static int take_file(struct services *sv, const char *upload, struct backup *b, struct error *err)
{
	_cleanup_free_ char *path = services_backup_path(sv, b);
	struct stat st;

	if (lstat(upload, &st) < 0)
		return error_set(err, ERROR_NOT_FOUND,
				 "There is no such source, or nothing was uploaded to it: POST "
				 "/sources, PUT the file, then name it here");
	if (make_dir(sv, b, err) < 0)
		return -1;
	/* Nothing but the service's scripts in their sandbox ever opens it. */
	if (rename(upload, path) < 0 || lchown(path, SANDBOX_UID, SANDBOX_GID) < 0 ||
	    chmod(path, 0600) < 0)
		return error_set_errno(err, errno, "keeping the upload as %s", path);
	b->bytes = st.st_size;
	return 0;
}

int services_backup_uploaded(struct services *sv, const struct addon *a, const char *upload,
			     struct backup *ret, struct error *err)
{
	const struct service *s = addon_is_server(a) ? services_service_of(sv, a) : NULL;
	struct backup b = { 0 };

	if (!s || !s->backup)
		return error_set(err, ERROR_INVALID, "%s has no backups", a->name);
	if (insert(sv, a, s, BACKUP_UPLOADED, &b, err) < 0)
		return -1;
	set_status(&b, "succeeded");
	/* One that is never restored is not kept for good. */
	b.expires_ms = b.finished_ms + sv->platform->settings.last_backup_ms;
	if (take_file(sv, upload, &b, err) < 0 ||
	    store_backup_update(sv->platform->store, &b, err) < 0) {
		take_back(sv, &b, err);
		backup_drop_file(sv, b.id);
		backup_done(&b);
		return -1;
	}
	*ret = b;
	return 0;
}

int services_backup(struct services *sv, const struct addon *a, const char *kind,
		    struct backup *ret, struct error *err)
{
	const struct service *s = addon_is_server(a) ? services_service_of(sv, a) : NULL;
	struct resource *r = resource_find(sv, a->id);
	struct backup b = { 0 };

	if (check(a, s, r, err) < 0 || insert(sv, a, s, kind, &b, err) < 0)
		return -1;
	if (start(r, a, s, &b, err) < 0) {
		take_back(sv, &b, err);
		backup_done(&b);
		return -1;
	}
	*ret = b;
	return 0;
}

void backups_cancel(struct resource *r)
{
	addon_job_cancel(steal_ptr(r->backup_job));
	addon_job_cancel(steal_ptr(r->verify_job));
	backup_done(&r->backup);
}

void backups_bury(struct resource *r)
{
	if (r->backup_job) {
		set_status(&r->backup, "failed");
		r->backup.error = xstrdup("The add-on was destroyed while it was being made");
		backup_save(r->owner, &r->backup);
		backup_drop_file(r->owner, r->backup.id);
	}
	backups_cancel(r);
}

/* ---- restoring and deleting ---- */

int services_check_uploaded(const struct backup *b, struct error *err)
{
	if (!streq(b->kind, BACKUP_UPLOADED) || b->verified_ok)
		return 0;
	return error_set(err, ERROR_CONFLICT,
			 "b%lld was uploaded and is not verified%s%s: only what restores into a "
			 "scratch service may replace anything",
			 (long long)b->number, b->verified_ms ? ". " : "",
			 b->verified_ms ? b->verified_text : "");
}

int services_restore(struct services *sv, struct addon *a, const struct backup *b,
		     struct error *err)
{
	_cleanup_free_ char *volume = addon_volume(sv, a->id);

	if (!streq(b->status, "succeeded"))
		return error_set(err, ERROR_CONFLICT, "b%lld can't be restored: it is %s",
				 (long long)b->number, b->status);
	if (services_check_uploaded(b, err) < 0)
		return -1;
	if (a->state != ADDON_PROVISIONED)
		return error_set(err, ERROR_CONFLICT, "%s is %s", a->name,
				 addon_state_names[a->state]);
	if (a->restoring)
		return error_set(err, ERROR_CONFLICT, "%s is already being restored", a->name);
	if (!streq(a->id, b->addon_id))
		return error_set(
			err, ERROR_INVALID,
			"b%lld is a backup of %s, not of %s: make an add-on from it with twelve "
			"addons:create %s:%s --from-backup %s",
			(long long)b->number, b->addon_name, a->name, b->service, b->plan, b->id);
	/* Without its volume, on a restored platform, it is prepared as a new one before. */
	if (!fs_exists(volume))
		free(steal_ptr(a->stack));
	a->restoring = xstrdup(b->id);
	addon_set_reason(a, NULL);
	if (store_addon_update(sv->platform->store, a, err) < 0)
		return -1;
	services_kick_one(sv, a->id);
	return 0;
}

static bool is_in_use(struct services *sv, const struct backup *b)
{
	struct error err = ERROR_INIT;
	struct addon *list = NULL;
	bool used = false;
	size_t n = 0;

	store_addon_list(sv->platform->store, NULL, &list, &n, &err);
	for (size_t i = 0; i < n; i++)
		used |= list[i].restoring && streq(list[i].restoring, b->id);
	addon_free_array(list, n);
	return used;
}

/* The row first: a file without a row is swept at the next start. */
int services_delete_backup(struct services *sv, const struct backup *b, struct error *err)
{
	if (streq(b->status, "running"))
		return error_set(err, ERROR_CONFLICT, "b%lld is being made", (long long)b->number);
	if (is_in_use(sv, b))
		return error_set(err, ERROR_CONFLICT, "b%lld is being restored",
				 (long long)b->number);
	if (store_backup_delete(sv->platform->store, b->id, err) < 0)
		return -1;
	backup_drop_file(sv, b->id);
	return 0;
}
