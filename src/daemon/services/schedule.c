/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups by the clock: those that are due, those that have expired, and, at the start, those that
 * a kill has cut off.
 */
#include <stdlib.h>
#include <string.h>

#include "addon/schedule.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/core/state.h"
#include "daemon/services/services-priv.h"

/* When the newest backup by schedule was begun. */
static int64_t newest_ms(const struct addon *a, const struct backup *list, size_t n)
{
	int64_t newest_ms = 0;

	for (size_t i = 0; i < n; i++)
		if (streq(list[i].addon_id, a->id) && streq(list[i].kind, "scheduled") &&
		    list[i].created_ms > newest_ms)
			newest_ms = list[i].created_ms;
	return newest_ms;
}

static void maybe_scheduled(struct services *sv, const struct addon *a, const struct backup *list,
			    size_t n, int64_t now_ms)
{
	const struct schedule s = {
		.minute = a->schedule_minute,
		.since_ms = json_integer_value(json_object_get(a->secret, "scheduled_ms")),
		.last_ms = newest_ms(a, list, n),
	};
	struct error err = ERROR_INIT;
	struct backup b = { 0 };

	if (a->state != ADDON_PROVISIONED || !schedule_is_due(&s, now_ms))
		return;
	if (services_backup(sv, a, "scheduled", &b, &err) < 0) {
		log_warn("the scheduled backup of %s: %s", a->name, err.message);
		addon_say(sv, a, "The scheduled backup of %s could not be begun: %s", a->name,
			  err.message);
	}
	backup_done(&b);
}

/* A database that was put back may be older than what it says of an end: whoever put it back has
 * the whole time to look. */
static bool has_expired(struct services *sv, const struct backup *b, int64_t now_ms)
{
	int64_t put_back_ms = store_put_back_ms(sv->platform->store);

	return b->expires_ms && b->expires_ms < now_ms &&
	       (!put_back_ms || put_back_ms + sv->platform->settings.last_backup_ms < now_ms);
}

void backups_minute(struct services *sv)
{
	struct backup *list = NULL;
	struct addon *addons = NULL;
	struct error err = ERROR_INIT;
	int64_t now_ms = clock_wall_ms();
	size_t n = 0, n_addons = 0;

	if (store_backup_list(sv->platform->store, NULL, NULL, &list, &n, &err) < 0 ||
	    store_addon_list(sv->platform->store, NULL, &addons, &n_addons, &err) < 0)
		log_error("backups: %s", err.message);
	for (size_t i = 0; i < n_addons; i++)
		maybe_scheduled(sv, &addons[i], list, n, now_ms);
	for (size_t i = 0; i < n; i++)
		if (has_expired(sv, &list[i], now_ms) &&
		    services_delete_backup(sv, &list[i], &err) == 0)
			log_info("backup b%lld of %s has expired", (long long)list[i].number,
				 list[i].addon_name);
	addon_free_array(addons, n_addons);
	backup_free_array(list, n);
}

static bool has_row(const struct backup *list, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (streq(list[i].id, id))
			return true;
	return false;
}

/* In a newer database that this one was put in the place of it may have ended well: then its file
 * is a person's to look at. */
static void cut_off(struct services *sv, struct backup *b)
{
	_cleanup_free_ char *path = services_backup_path(sv, b);
	bool known = b->created_ms > store_put_back_ms(sv->platform->store);

	b->error = known ? xstrdup("twelved was restarted while it was being made")
			 : xasprintf("The platform was put back from while it was being made; what "
				     "there is of it is %s",
				     path);
	backup_save(sv, b);
	if (known)
		backup_drop_file(sv, b->id);
}

/* At start: rows that say "running", and files whose row was deleted. One that just has no row
 * stays: the database may be older than it. */
void backups_mend(struct services *sv)
{
	_cleanup_free_ char *dir = xasprintf("%s/backups", sv->platform->settings.state_dir);
	_cleanup_strv_ char **names = NULL;
	struct backup *list = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0;

	if (store_backup_list(sv->platform->store, NULL, NULL, &list, &n, &err) < 0) {
		log_error("backups: %s", err.message);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!streq(list[i].status, "running"))
			continue;
		free(list[i].status);
		list[i].status = xstrdup("failed");
		list[i].finished_ms = clock_wall_ms();
		cut_off(sv, &list[i]);
	}
	fs_list(dir, &names);
	for (char **name = names; name && *name; name++)
		if (!has_row(list, n, *name) && state_is_gone(sv->platform->store, "backup", *name))
			backup_drop_file(sv, *name);
	backup_free_array(list, n);
}
