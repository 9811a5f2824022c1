/* SPDX-License-Identifier: Apache-2.0 */
/* All apps: those that an earlier twelve-logs left, who follows their lines, and their end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "logs/journal.h"
#include "logsd/app.h"
#include "logsd/apps.h"
#include "logsd/commit.h"
#include "logsd/drains.h"
#include "logsd/link.h"
#include "logsd/logsd.h"
#include "logsd/reader.h"
#include "logsd/source.h"

/* In the order in which they are told. */
static const struct follower *const followers[] = { &readers_follow, &links_follow, &drains_follow,
						    NULL };

void apps_init(struct logsd *l)
{
	l->followers = followers;
}

/* A batch whose bytes had been taken from their pipe when we were killed. */
static void redo(struct logsd *l)
{
	struct journal_note note;
	struct app *a;

	if (journal_pending(l->journal, &note) && uuid_is_valid(note.app)) {
		a = app_get(l, note.app);
		if (a && ring_redo(a->ring, note.generation))
			log_info("went on with what a killed twelve-logs had begun");
	}
	journal_clear(l->journal);
}

void apps_load(struct logsd *l)
{
	_cleanup_strv_ char **names = NULL;
	int r;

	apps_init(l);
	redo(l);
	r = fs_list(l->dir, &names);
	if (r < 0)
		log_error("listing %s: %s", l->dir, strerror(-r));
	for (size_t i = 0; names && names[i]; i++) {
		char *suffix = str_ends(names[i], RING_SUFFIX)
				       ? names[i] + strlen(names[i]) - strlen(RING_SUFFIX)
				       : NULL;

		if (!suffix)
			continue;
		*suffix = '\0';
		if (uuid_is_valid(names[i]))
			app_get(l, names[i]);
	}
}

void app_free(struct app *a, bool forget)
{
	_cleanup_free_ char *path = app_ring_path(a->logsd, a->id);
	struct app **link = &a->logsd->apps;

	links_forget(a);
	drains_free(a, forget);
	while (a->sources)
		source_free(a->sources);
	while (a->readers)
		reader_free(a->readers);
	while (*link != a)
		link = &(*link)->next;
	*link = a->next;
	app_forget_commits(a);
	ring_free(a->ring);
	free(a->load);
	if (forget && unlink(path) < 0 && errno != ENOENT)
		log_error("removing %s: %s", path, strerror(errno));
	free(a->name);
	free(a);
}
