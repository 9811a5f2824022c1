/* SPDX-License-Identifier: Apache-2.0 */
/* An app's ring, and what is put into it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "logs/journal.h"
#include "logs/line.h"
#include "logsd/drains.h"
#include "logsd/logsd.h"

#define SUFFIX ".ring"

static const char damaged[] = "The ring of recent lines was damaged and is empty now";

static char *ring_path(const struct logsd *l, const char *id)
{
	return xasprintf("%s/%s" SUFFIX, l->dir, id);
}

static struct app *app_open(struct logsd *l, const char *id)
{
	_cleanup_free_ char *path = ring_path(l, id);
	struct ring *ring = NULL;
	struct app *a;
	int how = ring_open(path, l->ring_bytes, &ring);

	/* Better lines that a restart forgets than a dyno that waits for us to read. */
	if (how < 0) {
		log_error("opening %s: %s: the lines of app %s end with this process", path,
			  strerror(-how), id);
		how = ring_open(NULL, l->ring_bytes, &ring);
	}
	if (how < 0) {
		log_error("the lines of app %s can't be kept: %s", id, strerror(-how));
		return NULL;
	}
	a = xcalloc(1, sizeof(*a));
	*a = (struct app){
		.logsd = l, .ring = ring, .boot_tail = ring_tail(ring), .next = l->apps
	};
	memcpy(a->id, id, UUID_SIZE);
	l->apps = a;
	if (how == RING_REPLACED) {
		log_error("%s was damaged: the recent lines of app %s are lost", path, id);
		app_append(a, "heroku", "logplex", damaged, sizeof(damaged) - 1);
	}
	return a;
}

struct app *app_find(struct logsd *l, const char *id)
{
	struct app *a = l->apps;

	while (a && !streq(a->id, id))
		a = a->next;
	return a;
}

struct app *app_get(struct logsd *l, const char *id)
{
	struct app *a = app_find(l, id);

	return a ? a : app_open(l, id);
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

	redo(l);
	r = fs_list(l->dir, &names);
	if (r < 0)
		log_error("listing %s: %s", l->dir, strerror(-r));
	for (size_t i = 0; names && names[i]; i++) {
		char *suffix = str_ends(names[i], SUFFIX)
				       ? names[i] + strlen(names[i]) - strlen(SUFFIX)
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
	_cleanup_free_ char *path = ring_path(a->logsd, a->id);
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

static void evict(struct app *a, uint64_t head)
{
	for (struct reader *r = a->readers; r; r = r->next)
		reader_evict(r, head);
	drains_evict(a, head);
	ring_evict(a->ring, head);
}

/* Lines that found no room before are told first, in their place. */
static void tell_dropped(struct app *a)
{
	char text[128];
	int n = snprintf(text, sizeof(text),
			 "Error L12 (Local buffer overflow) -> %" PRIu64 " lines dropped",
			 a->dropped);
	struct log_record what = { .source = "heroku",
				   .source_len = 6,
				   .dyno = "logplex",
				   .dyno_len = 7,
				   .text = text,
				   .text_len = (size_t)n };

	ring_put(a->ring, &what, clock_wall_ns());
	ring_prepare(a->ring);
	ring_commit(a->ring);
	a->dropped = 0;
}

static int make_room(struct app *a)
{
	uint64_t head;
	int r = ring_room(a->ring, &head);

	if (r < 0)
		return r;
	if (drains_block(a, head))
		return -EAGAIN;
	evict(a, head);
	return 0;
}

int app_begin(struct app *a)
{
	int r = make_room(a);

	if (r < 0 || !a->dropped)
		return r;
	tell_dropped(a);
	return make_room(a);
}

void app_show(struct app *a)
{
	for (struct reader *r = a->readers, *next; r; r = next) {
		next = r->next;
		reader_pump(r);
	}
	links_pump(a);
	drains_show(a);
}

void app_drop(struct app *a, uint64_t n)
{
	if (!a->dropped && n)
		log_error("there is no room for lines of app %s: they are dropped and counted",
			  a->id);
	a->dropped += n;
	a->logsd->dropped += n;
}

/* One batch's worth; returns how many bytes of the text it took. */
static size_t append_batch(struct app *a, struct log_record *what, const char *text, size_t n)
{
	struct log_piece piece;
	size_t taken = 0;

	while (log_line_next(text + taken, n - taken, true, &piece)) {
		what->text = piece.text;
		what->text_len = piece.len;
		what->flags = piece.flags & LOG_CONTINUES;
		if (!ring_put(a->ring, what, clock_wall_ns()))
			break;
		taken += piece.taken;
	}
	return taken;
}

static void drop_text(struct app *a, const char *text, size_t n)
{
	struct log_piece piece;
	uint64_t lines = 0;

	for (; log_line_next(text, n, true, &piece); lines++) {
		text += piece.taken;
		n -= piece.taken;
	}
	app_drop(a, lines);
}

void app_append(struct app *a, const char *source, const char *dyno, const char *text, size_t n)
{
	struct log_record what = { .source = source,
				   .source_len = strnlen(source, LOG_NAME_MAX),
				   .dyno = dyno,
				   .dyno_len = strnlen(dyno, LOG_NAME_MAX) };

	while (n) {
		size_t taken;

		if (app_begin(a) < 0) {
			drop_text(a, text, n);
			return;
		}
		taken = append_batch(a, &what, text, n);
		ring_prepare(a->ring);
		ring_commit(a->ring);
		app_show(a);
		text += taken;
		n -= taken;
	}
}
