/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dyno's pipe. Its bytes are looked at, put into the ring as lines, and then
 * taken from the pipe (journal.h). What is no whole line yet stays in the pipe,
 * which is where it is safest; UNENDED_MS after its last byte it is shown as it is,
 * marked LOG_UNENDED: a prompt, or what a crashed process said last. When
 * its newline comes after all, that adds no empty line.
 *
 * Pipes are watched edge-triggered, since one with an unended line stays readable.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "logs/journal.h"
#include "logs/line.h"
#include "logsd/app.h"
#include "logsd/handler.h"
#include "logsd/logsd.h"
#include "logsd/source.h"

/* Chunks that one pipe may take before the others have their turn. */
#define FAIR_CHUNKS 4
#define WIDE_PIPE_BYTES (512 * 1024)

static void unended_remove(struct source *s)
{
	struct logsd *l = s->app->logsd;

	if (!s->is_unended)
		return;
	*(s->prev_unended ? &s->prev_unended->next_unended : &l->unended_first) = s->next_unended;
	*(s->next_unended ? &s->next_unended->prev_unended : &l->unended_last) = s->prev_unended;
	s->is_unended = false;
}

/* Every deadline is equally far away, so the end of the list is where a new one belongs. */
static void unended_put(struct source *s)
{
	struct logsd *l = s->app->logsd;

	unended_remove(s);
	s->deadline_ms = clock_now_ms() + UNENDED_MS;
	s->prev_unended = l->unended_last;
	s->next_unended = NULL;
	*(l->unended_last ? &l->unended_last->next_unended : &l->unended_first) = s;
	l->unended_last = s;
	s->is_unended = true;
}

static void again_put(struct source *s)
{
	struct logsd *l = s->app->logsd;

	if (s->is_again)
		return;
	s->is_again = true;
	s->next_again = l->again;
	l->again = s;
}

static void again_remove(struct source *s)
{
	struct source **link = &s->app->logsd->again;

	while (s->is_again && *link != s)
		link = &(*link)->next_again;
	if (s->is_again)
		*link = s->next_again;
	s->is_again = false;
}

static struct source **bucket_of(struct app *a, uint64_t inode)
{
	return &a->buckets[inode % SOURCE_BUCKETS];
}

void source_free(struct source *s)
{
	struct logsd *l = s->app->logsd;
	struct source **link = bucket_of(s->app, s->inode);

	unended_remove(s);
	again_remove(s);
	while (*link != s)
		link = &(*link)->next_bucket;
	*link = s->next_bucket;
	*(s->prev ? &s->prev->next : &s->app->sources) = s->next;
	if (s->next)
		s->next->prev = s->prev;
	l->n_sources--;
	logsd_let_go(l, &s->handler);
}

/* Shows up to CHUNK_BYTES of the pipe's contents: their number, 0 at its end, -EAGAIN when it is
 * empty. */
static ssize_t peek(struct logsd *l, int fd)
{
	ssize_t n, got = 0;

	do
		n = tee(fd, l->peek_fds[1], CHUNK_BYTES, SPLICE_F_NONBLOCK);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	while (got < n) {
		ssize_t r = fd_read(l->peek_fds[0], l->peek + got, (size_t)(n - got));

		if (r <= 0)
			return r < 0 ? r : -EIO;
		got += r;
	}
	return n;
}

/* Puts lines into the batch until it is full; returns the bytes that they stand for. */
static size_t put_lines(struct source *s, const char *data, size_t n, bool flush, int64_t now_ns)
{
	struct log_record what = { .source = s->name,
				   .source_len = strlen(s->name),
				   .dyno = s->dyno,
				   .dyno_len = strlen(s->dyno),
				   .release = s->release };
	struct log_piece piece;
	size_t taken = 0;

	while (log_line_next(data + taken, n - taken, flush, &piece)) {
		what.text = piece.text;
		what.text_len = piece.len;
		what.flags = piece.flags;
		/* The newline of a line that was shown without it. */
		if (!(s->cut && !piece.len) && !ring_put(s->app->ring, &what, now_ns))
			break;
		s->cut = piece.flags & LOG_UNENDED;
		taken += piece.taken;
	}
	return taken;
}

static size_t count_and_drop(struct source *s, const char *data, size_t n, bool flush)
{
	struct log_piece piece;
	uint64_t lines = 0;
	size_t taken = 0;

	for (; log_line_next(data + taken, n - taken, flush, &piece); lines++)
		taken += piece.taken;
	if (taken && fd_read(s->handler.fd, s->app->logsd->peek, taken) > 0)
		app_drop(s->app, lines);
	return taken;
}

/* From the front of what was looked at: returns the bytes taken from the pipe, or a negative errno.
 */
static ssize_t take_batch(struct source *s, const char *data, size_t n, bool flush, int64_t now_ns)
{
	struct app *a = s->app;
	struct journal_note note;
	size_t taken;
	int r = app_begin(a);

	if (r == -EAGAIN) {
		/* The bytes stay in the pipe, and in the end the app waits: it was asked for. */
		a->blocked = true;
		return 0;
	}
	if (r < 0)
		return (ssize_t)count_and_drop(s, data, n, flush);
	taken = put_lines(s, data, n, flush, now_ns);
	if (!taken)
		return 0;
	ring_prepare(a->ring);
	note.generation = ring_generation(a->ring) + 1;
	memcpy(note.app, a->id, UUID_SIZE);
	r = journal_take(a->logsd->journal, s->handler.fd, data, taken, &note);
	if (r < 0) {
		ring_abort(a->ring);
		return r;
	}
	ring_commit(a->ring);
	journal_clear(a->logsd->journal);
	a->logsd->round_bytes += taken;
	return (ssize_t)taken;
}

/* All lines of the n bytes that were looked at: what is left over, or a negative errno. */
static ssize_t take_lines(struct source *s, size_t n, bool flush)
{
	int64_t now_ns = clock_wall_ns();
	const char *data = s->app->logsd->peek;
	ssize_t r;

	while (n) {
		r = take_batch(s, data, n, flush, now_ns);
		if (r < 0)
			return r;
		if (r == 0)
			break;
		app_show(s->app);
		data += r;
		n -= (size_t)r;
	}
	return (ssize_t)n;
}

static void fail(struct source *s, int errnum)
{
	log_error("reading the output of %s of app %s: %s: it is no longer read", s->dyno,
		  s->app->id, strerror(-errnum));
	source_free(s);
}

/* A pipe that is found full gets room, once, so that its writer need not wait for each of our
 * turns. */
static void widen(struct source *s, ssize_t n)
{
	if (n < CHUNK_BYTES || s->is_wide)
		return;
	s->is_wide = true;
	if (fcntl(s->handler.fd, F_SETPIPE_SZ, WIDE_PIPE_BYTES) < 0)
		log_debug("a pipe of %s keeps its size: %s", s->dyno, strerror(errno));
}

/* Looks once. False when there is no more now, or the source is gone. */
static bool take_chunk(struct source *s, bool flush)
{
	ssize_t n = peek(s->app->logsd, s->handler.fd), left;

	if (n == -EAGAIN) {
		s->unended = 0;
		unended_remove(s);
		return false;
	}
	if (n == 0) {
		source_free(s);
		return false;
	}
	widen(s, n);
	left = n < 0 ? n : take_lines(s, (size_t)n, false);
	/* Behind whole lines there may be more than was looked at: only what comes first can be the
	 * unended one. */
	if (left > 0 && left == n && !s->app->blocked && (flush || s->ended))
		left = take_lines(s, (size_t)n, true);
	if (left < 0) {
		fail(s, (int)left);
		return false;
	}
	if (s->app->blocked)
		return false;
	if (left > 0 && left == n) {
		/* Nothing but an unended line. Its time begins anew with each byte. */
		if ((size_t)left != s->unended || !s->is_unended)
			unended_put(s);
		s->unended = (size_t)left;
		return false;
	}
	return true;
}

static void source_read(struct source *s, bool flush)
{
	for (int i = 0; i < FAIR_CHUNKS; i++)
		if (!take_chunk(s, flush))
			return;
	again_put(s);
}

static void on_pipe(struct handler *h, uint32_t events)
{
	struct source *s = (struct source *)(void *)h;

	/* What is in the pipe after the last writer went is all there will be. */
	if (events & EPOLLHUP)
		s->ended = true;
	source_read(s, false);
}

static bool is_known(struct app *a, const struct stat *st)
{
	for (struct source *s = *bucket_of(a, st->st_ino); s; s = s->next_bucket)
		if (s->device == st->st_dev && s->inode == st->st_ino)
			return true;
	return false;
}

void source_add(struct app *a, int take_fd, const char *name, const char *dyno, uint32_t release)
{
	struct logsd *l = a->logsd;
	_cleanup_fd_ int fd = take_fd;
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	struct source *s;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode)) {
		log_error("the output of %s of app %s is not a pipe: it is not followed", dyno,
			  a->id);
		return;
	}
	if (is_known(a, &st))
		return;
	s = xcalloc(1, sizeof(*s));
	*s = (struct source){ .handler = { .fn = on_pipe, .fd = fd_steal(&fd) },
			      .app = a,
			      .device = st.st_dev,
			      .inode = st.st_ino,
			      .release = release,
			      .next = a->sources,
			      .next_bucket = *bucket_of(a, st.st_ino) };
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->dyno, sizeof(s->dyno), "%s", dyno);
	if (a->sources)
		a->sources->prev = s;
	a->sources = s;
	*bucket_of(a, st.st_ino) = s;
	l->n_sources++;
	e.data.ptr = &s->handler;
	if (epoll_ctl(l->sources_epoll_fd, EPOLL_CTL_ADD, s->handler.fd, &e) < 0)
		fail(s, -errno);
}

void sources_take(struct app *a, const char *dyno)
{
	for (struct source *s = a->sources, *next; s; s = next) {
		next = s->next;
		if (!streq(s->dyno, dyno))
			continue;
		/* A pipe holds no more, whatever still writes. */
		for (int i = 0; i < WIDE_PIPE_BYTES / CHUNK_BYTES + 1 && take_chunk(s, true); i++)
			continue;
	}
}

void sources_again(struct logsd *l)
{
	struct source *s = steal_ptr(l->again), *next;

	/* Cleared first: reading may put them back, and each frees itself at most. */
	for (struct source *i = s; i; i = i->next_again)
		i->is_again = false;
	for (; s; s = next) {
		next = s->next_again;
		source_read(s, false);
	}
}

void sources_unblock(struct app *a)
{
	if (!app_has_room(a))
		return;
	a->blocked = false;
	for (struct source *s = a->sources; s; s = s->next)
		again_put(s);
}

void sources_flush(struct logsd *l, int64_t now_ms)
{
	while (l->unended_first && l->unended_first->deadline_ms <= now_ms) {
		struct source *s = l->unended_first;

		unended_remove(s);
		source_read(s, true);
	}
}

void sources_drain(struct logsd *l)
{
	for (struct app *a = l->apps; a; a = a->next)
		for (struct source *s = a->sources, *next; s; s = next) {
			next = s->next;
			source_read(s, false);
		}
}
