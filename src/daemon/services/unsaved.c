/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of backups that the database did not take when a backup ended. Such a row would say "running"
 * until the next start of twelved: the backup could not be restored, deleted or be made again by
 * schedule. So the row waits here, and is written again each second.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"

struct unsaved {
	struct backup row;
	struct unsaved *next;
};

static void drop(struct unsaved **at)
{
	struct unsaved *u = *at;

	*at = u->next;
	backup_done(&u->row);
	free(u);
}

static void drop_older(struct services *sv, const struct backup *b)
{
	for (struct unsaved **at = &sv->unsaved; *at;) {
		if (streq((*at)->row.id, b->id))
			drop(at);
		else
			at = &(*at)->next;
	}
}

void backup_save(struct services *sv, const struct backup *b)
{
	struct error err = ERROR_INIT;
	struct unsaved *u;

	drop_older(sv, b);
	if (store_backup_update(sv->platform->store, b, &err) == 0)
		return;
	log_error("backup b%lld of %s, which is %s, is recorded later: %s", (long long)b->number,
		  b->addon_name, b->status, err.message);
	u = xcalloc(1, sizeof(*u));
	backup_copy(&u->row, b);
	u->next = sv->unsaved;
	sv->unsaved = u;
}

void unsaved_look(struct services *sv)
{
	struct error err = ERROR_INIT;

	while (sv->unsaved &&
	       store_backup_update(sv->platform->store, &sv->unsaved->row, &err) == 0) {
		log_info("backup b%lld of %s is recorded: %s", (long long)sv->unsaved->row.number,
			 sv->unsaved->row.addon_name, sv->unsaved->row.status);
		drop(&sv->unsaved);
	}
}

void unsaved_free(struct services *sv)
{
	while (sv->unsaved)
		drop(&sv->unsaved);
}
