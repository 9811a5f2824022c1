/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tail: a cursor on the ring and a descriptor that is never waited for. What
 * the descriptor does not take stays in the ring; only the end of a line that
 * was begun is kept here. A reader that is overtaken by the ring's head counts,
 * line by line, what its filter would have shown, and is told.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "logsd/app.h"
#include "logsd/handler.h"
#include "logsd/logsd.h"
#include "logsd/reader.h"

/* One write: enough to fill a pipe. */
#define TEXT_BYTES 49152
#define MARKS 1024

/* Where a line ends in the text, and where the cursor then is. */
struct mark {
	size_t end;
	uint64_t next;
};

void reader_free(struct reader *r)
{
	struct reader **link = &r->app->readers;

	while (*link != r)
		link = &(*link)->next;
	*link = r->next;
	r->app->logsd->n_readers--;
	r->app->logsd->dropped += r->lost;
	buf_done(&r->rest);
	logsd_let_go(r->app->logsd, &r->handler);
}

static uint64_t end_of(const struct reader *r)
{
	uint64_t tail = ring_tail(r->app->ring);

	return r->until < tail ? r->until : tail;
}

/* Counts what is lost below the offset, which is about to be evicted. */
static void reader_evict(struct reader *r, uint64_t head)
{
	struct log_record what;

	while (r->at < head && r->at < r->until) {
		r->at = ring_read(r->app->ring, r->at, &what);
		if (!log_filter_matches(&r->filter, &what))
			continue;
		r->lost++;
		r->lost_seq = what.seq;
	}
}

static size_t fill(struct reader *r, struct buf *text, struct mark marks[static MARKS])
{
	struct logsd *l = r->app->logsd;
	uint64_t at = r->at, end = end_of(r);
	struct log_record what;
	size_t n = 0;

	buf_clear(text);
	if (r->lost) {
		log_format_overflow(&l->formatter, r->lost_seq, r->lost, clock_wall_ns(), text);
		marks[n++] = (struct mark){ text->len, at };
	}
	while (at < end && n < MARKS && text->len < TEXT_BYTES) {
		at = ring_read(r->app->ring, at, &what);
		if (!log_filter_matches(&r->filter, &what))
			continue;
		log_format(&l->formatter, &what, text);
		marks[n++] = (struct mark){ text->len, at };
	}
	/* What the filter passes over needs no room in the pipe. */
	if (n)
		marks[n - 1].next = at;
	else
		r->at = at;
	return n;
}

static void told(struct reader *r)
{
	r->app->logsd->dropped += r->lost;
	r->lost = 0;
}

/* The cursor goes behind the line in which the write ended, whose rest is kept. */
static void advance(struct reader *r, const struct buf *text, const struct mark *marks,
		    size_t written)
{
	size_t i = 0;

	if (!written)
		return;
	while (marks[i].end < written)
		i++;
	buf_append(&r->rest, text->data + written, marks[i].end - written);
	r->at = marks[i].next;
	told(r);
}

static void wait_until_writable(struct reader *r)
{
	r->waiting = true;
	logsd_change(r->app->logsd, &r->handler, EPOLLOUT);
}

/* The bytes that went; a negative errno when the reader is gone. A short count means: wait. */
static ssize_t push(struct reader *r, const char *data, size_t n)
{
	ssize_t w = fd_write(r->handler.fd, data, n);

	return w == -EAGAIN ? 0 : w;
}

/* Each returns false when there is nothing to do now, be it that the reader is gone. */
static bool push_rest(struct reader *r)
{
	ssize_t w = push(r, r->rest.data, r->rest.len);

	if (w < 0) {
		reader_free(r);
		return false;
	}
	buf_consume(&r->rest, (size_t)w);
	if (r->rest.len) {
		wait_until_writable(r);
		return false;
	}
	buf_done(&r->rest);
	return true;
}

static bool push_lines(struct reader *r)
{
	struct buf *text = &r->app->logsd->text;
	struct mark marks[MARKS];
	ssize_t w;

	if (!fill(r, text, marks))
		return true;
	w = push(r, text->data, text->len);
	if (w < 0) {
		reader_free(r);
		return false;
	}
	advance(r, text, marks, (size_t)w);
	if ((size_t)w < text->len) {
		wait_until_writable(r);
		return false;
	}
	return true;
}

/* Writes what there is and its descriptor takes. Frees the reader when it has come to its end. */
static void reader_pump(struct reader *r)
{
	if (r->waiting)
		return;
	if (r->rest.len && !push_rest(r))
		return;
	while (r->at < end_of(r) || r->lost)
		if (!push_lines(r))
			return;
	if (r->at >= r->until)
		reader_free(r);
}

static void on_reader(struct handler *h, uint32_t events)
{
	struct reader *r = (struct reader *)(void *)h;

	if (events & (EPOLLERR | EPOLLHUP)) {
		reader_free(r);
		return;
	}
	r->waiting = false;
	logsd_change(r->app->logsd, h, 0);
	reader_pump(r);
}

static uint64_t count_matching(const struct reader *r)
{
	struct ring *ring = r->app->ring;
	uint64_t n = 0, at = ring_head(ring), tail = ring_tail(ring);
	struct log_record what;

	while (at < tail) {
		at = ring_read(ring, at, &what);
		n += log_filter_matches(&r->filter, &what);
	}
	return n;
}

/* The cursor at which the newest `lines` lines begin. */
static void start_at_newest(struct reader *r, uint64_t lines)
{
	uint64_t n = count_matching(r), skip = n > lines ? n - lines : 0;
	struct log_record what;

	r->at = ring_head(r->app->ring);
	while (skip) {
		r->at = ring_read(r->app->ring, r->at, &what);
		skip -= log_filter_matches(&r->filter, &what);
	}
}

/*
 * The cursor behind line `after`. Lines that the ring has lost since are told. A number that is
 * yet to come is of a ring that is no more: then all is shown.
 */
static void start_after(struct reader *r, uint64_t after)
{
	struct ring *ring = r->app->ring;
	uint64_t first = ring_first_seq(ring), tail = ring_tail(ring), next;
	struct log_record what;

	r->at = ring_head(ring);
	if (after >= ring_next_seq(ring))
		return;
	if (after + 1 < first) {
		r->lost = first - 1 - after;
		r->lost_seq = first - 1;
	}
	while (r->at < tail) {
		next = ring_read(ring, r->at, &what);
		if (what.seq > after)
			return;
		r->at = next;
	}
}

void reader_add(struct app *a, int take_fd, const struct read_options *o)
{
	struct reader *r = xcalloc(1, sizeof(*r));

	*r = (struct reader){ .handler = { .fn = on_reader, .fd = take_fd },
			      .app = a,
			      .filter = o->filter,
			      .until = o->tail ? UINT64_MAX : ring_tail(a->ring),
			      .rest = BUF_INIT,
			      .next = a->readers };
	a->readers = r;
	a->logsd->n_readers++;
	if (o->after)
		start_after(r, o->after);
	else
		start_at_newest(r, o->lines);
	if (fd_set_nonblock(take_fd, true) < 0) {
		reader_free(r);
		return;
	}
	logsd_watch(a->logsd, &r->handler, 0);
	reader_pump(r);
}

static void shown(struct app *a)
{
	for (struct reader *r = a->readers, *next; r; r = next) {
		next = r->next;
		reader_pump(r);
	}
}

static void evict(struct app *a, uint64_t head)
{
	for (struct reader *r = a->readers; r; r = r->next)
		reader_evict(r, head);
}

const struct follower readers_follow = { .shown = shown, .evict = evict };
