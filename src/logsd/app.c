/* SPDX-License-Identifier: Apache-2.0 */
/* An app's ring, and what is put into it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "logs/line.h"
#include "logsd/app.h"
#include "logsd/logsd.h"

static const char damaged[] = "The ring of recent lines was damaged and is empty now";

char *app_ring_path(const struct logsd *l, const char *id)
{
	return xasprintf("%s/%s" RING_SUFFIX, l->dir, id);
}

static struct app *app_open(struct logsd *l, const char *id)
{
	_cleanup_free_ char *path = app_ring_path(l, id);
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

static void evict(struct app *a, uint64_t head)
{
	for (const struct follower *const *f = a->logsd->followers; *f; f++)
		if ((*f)->evict)
			(*f)->evict(a, head);
	ring_evict(a->ring, head);
}

/* True when room for a batch would cost a follower what it must not lose. */
static bool is_blocked(const struct app *a, uint64_t head)
{
	for (const struct follower *const *f = a->logsd->followers; *f; f++)
		if ((*f)->blocks && (*f)->blocks(a, head))
			return true;
	return false;
}

bool app_has_room(const struct app *a)
{
	uint64_t head;

	return ring_room(a->ring, &head) == 0 && !is_blocked(a, head);
}

/* Lines that found no room before are told first, in their place. */
static void tell_dropped(struct app *a)
{
	struct log_record what;
	char text[128];

	snprintf(text, sizeof(text),
		 "Error L12 (Local buffer overflow) -> %" PRIu64 " lines dropped", a->dropped);
	what = log_record_logplex(0, 0, text);
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
	if (is_blocked(a, head))
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
	for (const struct follower *const *f = a->logsd->followers; *f; f++)
		(*f)->shown(a);
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
