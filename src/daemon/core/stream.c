/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output streams; see stream.h. A stream that grows is a file and a list of
 * readers that are told when there is more; one that has ended is the file alone.
 */
#include "daemon/core/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"

#define MAX_STREAMS 200
#define MAX_BYTES (4 << 20)

struct stream_reader {
	struct streams *owner;
	struct stream *stream; /* NULL: it has ended */
	int fd;
	stream_more_fn more;
	void *userdata;
	struct stream_reader *next;
};

struct stream {
	struct streams *owner;
	char id[UUID_SIZE];
	int fd;
	size_t bytes;
	bool cut;
	struct stream_reader *readers;
	void (*abandoned)(void *userdata);
	void *userdata;
	struct stream *next;
};

struct streams {
	char *dir;
	struct stream *growing;
};

static char *path_of(struct streams *s, const char *id)
{
	return xasprintf("%s/%s", s->dir, id);
}

/* ---- the folder ---- */

struct aged {
	char *name;
	int64_t mtime;
};

static int by_age(const void *a, const void *b)
{
	const struct aged *x = a, *y = b;

	return x->mtime < y->mtime ? -1 : x->mtime > y->mtime;
}

/* The oldest go. */
static void trim(struct streams *s)
{
	_cleanup_strv_ char **names = NULL;
	_cleanup_free_ struct aged *all = NULL;
	size_t n;

	if (fs_list(s->dir, &names) < 0)
		return;
	n = strv_len(names);
	if (n <= MAX_STREAMS)
		return;
	all = xcalloc(n, sizeof(*all));
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *path = path_of(s, names[i]);
		struct stat st;

		all[i].name = names[i];
		all[i].mtime = stat(path, &st) == 0 ? st.st_mtime : 0;
	}
	qsort(all, n, sizeof(*all), by_age);
	for (size_t i = 0; i < n - MAX_STREAMS; i++) {
		_cleanup_free_ char *path = path_of(s, all[i].name);

		if (!stream_find(s, all[i].name))
			unlink(path);
	}
}

int streams_new(const char *state_dir, struct streams **ret, struct error *err)
{
	struct streams *s = xcalloc(1, sizeof(*s));
	int r;

	s->dir = xasprintf("%s/streams", state_dir);
	r = fs_mkdirs(s->dir, 0700);
	if (r < 0) {
		error_set_errno(err, r, "making %s", s->dir);
		streams_free(s);
		return -1;
	}
	*ret = s;
	return 0;
}

void streams_free(struct streams *s)
{
	if (!s)
		return;
	while (s->growing)
		stream_end(s->growing);
	free(s->dir);
	free(s);
}

/* ---- writing ---- */

int stream_create(struct streams *s, char id[static UUID_SIZE], struct stream **ret,
		  struct error *err)
{
	struct stream *st = xcalloc(1, sizeof(*st));
	_cleanup_free_ char *path = NULL;

	trim(s);
	st->owner = s;
	memcpy(id, uuid_make(st->id), UUID_SIZE);
	path = path_of(s, st->id);
	st->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (st->fd < 0) {
		free(st);
		return error_set_errno(err, errno, "making %s", path);
	}
	st->next = s->growing;
	s->growing = st;
	*ret = st;
	return 0;
}

struct stream *stream_find(struct streams *s, const char *id)
{
	for (struct stream *st = s->growing; st; st = st->next)
		if (streq(st->id, id))
			return st;
	return NULL;
}

static void tell_readers(struct stream *st)
{
	/* A reader may close itself in its call. */
	for (struct stream_reader *r = st->readers, *next; r; r = next) {
		next = r->next;
		r->more(r->userdata);
	}
}

void stream_write(struct stream *st, const void *data, size_t n)
{
	static const char cut[] = "\n[the output is longer than 4 MiB: the rest is left out]\n";

	if (st->cut)
		return;
	if (st->bytes + n > MAX_BYTES) {
		st->cut = true;
		data = cut;
		n = sizeof(cut) - 1;
	}
	st->bytes += n;
	if (fd_write_all(st->fd, data, n) < 0)
		log_warn("stream %s: the disk is full", st->id);
	tell_readers(st);
}

void stream_printf(struct stream *st, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	stream_write(st, text.data, text.len);
}

void stream_end(struct stream *st)
{
	struct stream **at = &st->owner->growing;
	struct stream_reader *readers = st->readers;

	while (*at != st)
		at = &(*at)->next;
	*at = st->next;
	fd_close(st->fd);
	free(st);
	for (struct stream_reader *r = readers; r; r = r->next)
		r->stream = NULL;
	for (struct stream_reader *r = readers, *next; r; r = next) {
		next = r->next;
		r->next = NULL;
		r->more(r->userdata);
	}
}

void stream_on_abandoned(struct stream *st, void (*fn)(void *userdata), void *userdata)
{
	st->abandoned = fn;
	st->userdata = userdata;
}

/* ---- reading ---- */

int stream_reader_open(struct streams *s, const char *id, stream_more_fn fn, void *userdata,
		       struct stream_reader **ret, struct error *err)
{
	_cleanup_free_ char *path = path_of(s, id);
	struct stream *st = stream_find(s, id);
	struct stream_reader *r;
	int fd = -1;

	if (uuid_is_valid(id))
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, ERROR_NOT_FOUND,
				 "There is no such output stream; old ones are removed");
	r = xcalloc(1, sizeof(*r));
	*r = (struct stream_reader){
		.owner = s, .stream = st, .fd = fd, .more = fn, .userdata = userdata
	};
	if (st) {
		r->next = st->readers;
		st->readers = r;
	}
	*ret = r;
	return 0;
}

ssize_t stream_reader_read(struct stream_reader *r, void *data, size_t n)
{
	ssize_t got = fd_read(r->fd, data, n);

	if (got > 0)
		return got;
	return r->stream && got == 0 ? 0 : -1;
}

void stream_reader_close(struct stream_reader *r)
{
	struct stream *st = r->stream;

	if (st) {
		struct stream_reader **at = &st->readers;

		while (*at != r)
			at = &(*at)->next;
		*at = r->next;
	}
	fd_close(r->fd);
	free(r);
	if (st && !st->readers && st->abandoned) {
		void (*fn)(void *userdata) = st->abandoned;

		st->abandoned = NULL;
		fn(st->userdata);
	}
}
