/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks; see tree.h. A walk for reading holds a descriptor a level, which TREE_MAX_DEPTH bounds.
 * Removal has to manage any depth: it holds one descriptor, goes down by name and up by "..", and
 * makes sure there that it is where it came from.
 */
#include "base/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)

static bool is_dots(const char *name)
{
	return streq(name, ".") || streq(name, "..");
}

static void closedir_p(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* Takes the descriptor. */
static DIR *dir_of(int take_fd)
{
	DIR *d = take_fd < 0 ? NULL : fdopendir(take_fd);
	int saved = errno;

	if (!d && take_fd >= 0)
		fd_close(take_fd);
	errno = saved;
	return d;
}

int tree_names(DIR *d, char ***ret_names)
{
	size_t n = 0, room = 16;
	_cleanup_strv_ char **names = xcalloc(room + 1, sizeof(*names));
	struct dirent *e;

	while ((errno = 0, e = readdir(d))) {
		if (is_dots(e->d_name))
			continue;
		if (n == room) {
			room *= 2;
			names = xrealloc(names, (room + 1) * sizeof(*names));
		}
		names[n++] = xstrdup(e->d_name);
		names[n] = NULL;
	}
	if (errno)
		return -errno;
	strv_sort_unique(names);
	*ret_names = steal_ptr(names);
	return 0;
}

/* ---- reading ---- */

struct walk {
	const struct tree_order *o;
	dev_t dev;
	unsigned depth;
	struct buf path; /* of the entry that is looked at */
};

static int visit_dir(struct walk *w, int take_fd);

static int call(tree_fn fn, const struct walk *w, int dir_fd, const char *name,
		const struct stat *st)
{
	const struct tree_entry e = {
		.dir_fd = dir_fd, .name = name, .path = w->path.data, .st = st
	};

	return fn ? fn(&e, w->o->userdata) : 0;
}

static int passed_over(const struct walk *w, int r)
{
	return w->o->vanishing && (r == -ENOENT || r == -ENOTDIR || r == -ELOOP) ? 0 : r;
}

static int visit(struct walk *w, int dir_fd, const char *name)
{
	struct stat st;
	int r;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return passed_over(w, -errno);
	r = call(w->o->enter, w, dir_fd, name, &st);
	if (r == 0 && S_ISDIR(st.st_mode) && st.st_dev == w->dev) {
		int fd = openat(dir_fd, name, OPEN_DIR);

		r = fd < 0 ? passed_over(w, -errno) : visit_dir(w, fd);
	}
	return r == 0 ? call(w->o->leave, w, dir_fd, name, &st) : r;
}

/* A failure leaves the path as it is: it says where. */
static int visit_name(struct walk *w, int dir_fd, const char *name)
{
	size_t before = w->path.len;
	int r;

	if (before)
		buf_putc(&w->path, '/');
	buf_puts(&w->path, name);
	if (w->depth > TREE_MAX_DEPTH || w->path.len > TREE_MAX_PATH)
		return -ENAMETOOLONG;
	r = visit(w, dir_fd, name);
	if (r == 0) {
		w->path.len = before;
		w->path.data[before] = '\0';
	}
	return r;
}

static int visit_sorted(struct walk *w, DIR *d)
{
	_cleanup_strv_ char **names = NULL;
	int r = tree_names(d, &names);

	for (char **n = names; r == 0 && n && *n; n++)
		r = visit_name(w, dirfd(d), *n);
	return r;
}

/* As they come: a directory may have a million names, and the walk be about to end. */
static int visit_unsorted(struct walk *w, DIR *d)
{
	struct dirent *e;
	int r = 0;

	while (r == 0 && (errno = 0, e = readdir(d)))
		if (!is_dots(e->d_name))
			r = visit_name(w, dirfd(d), e->d_name);
	return r == 0 && !e && errno ? -errno : r;
}

static int visit_dir(struct walk *w, int take_fd)
{
	_cleanup_(closedir_p) DIR *d = dir_of(take_fd);
	int r;

	if (!d)
		return -errno;
	w->depth++;
	r = w->o->sorted ? visit_sorted(w, d) : visit_unsorted(w, d);
	w->depth--;
	return r;
}

int tree_walk(const char *path, const struct tree_order *o, char **ret_where)
{
	struct walk w = { .o = o, .path = BUF_INIT };
	_cleanup_fd_ int fd = open(path, OPEN_DIR);
	struct stat st;
	int copy, r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	w.dev = st.st_dev;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	buf_puts(&w.path, "");
	r = copy < 0 ? -errno : visit_dir(&w, copy);
	if (r == 0)
		r = call(o->leave, &w, fd, ".", &st);
	if (r != 0 && ret_where)
		*ret_where = xstrdup(w.path.data);
	buf_done(&w.path);
	return r;
}

/* ---- measuring ---- */

struct measure {
	const struct tree_usage *max;
	struct tree_usage *usage;
};

static int add_up(const struct tree_entry *e, void *userdata)
{
	struct measure *m = userdata;

	m->usage->entries++;
	m->usage->bytes += (uint64_t)e->st->st_blocks * 512;
	if (m->max->entries && m->usage->entries > m->max->entries)
		return TREE_TOO_MANY;
	return m->max->bytes && m->usage->bytes > m->max->bytes ? TREE_TOO_LARGE : 0;
}

int tree_measure(const char *path, const struct tree_usage *max, struct tree_usage *usage)
{
	struct measure m = { .max = max, .usage = usage };
	const struct tree_order o = { .enter = add_up, .userdata = &m, .vanishing = true };
	int r = tree_walk(path, &o, NULL);

	if (r == -ENAMETOOLONG)
		return TREE_TOO_DEEP;
	return r == -ENOENT ? TREE_FITS : r;
}

/* ---- removing ---- */

/* So many directories stay open on the way down; below them each is found again by "..". */
#define KEPT_OPEN 64

/* Where a removal is: the way from the top to the directory that is being emptied. */
struct removal {
	struct level {
		char *name; /* in the level above */
		DIR *d;	    /* NULL: closed until we are back */
		dev_t dev;
		ino_t ino;
	} * levels;
	size_t n, room;
};

static void pop(struct removal *x)
{
	struct level *l = &x->levels[--x->n];

	free(l->name);
	if (l->d)
		closedir(l->d);
}

static void removal_done(struct removal *x)
{
	while (x->n)
		pop(x);
	free(x->levels);
}

static int push(struct removal *x, int take_fd, const char *name)
{
	DIR *d = dir_of(take_fd);
	struct stat st;

	if (!d)
		return -errno;
	if (fstat(dirfd(d), &st) < 0 || (x->n && st.st_dev != x->levels[0].dev)) {
		closedir(d);
		return -EXDEV;
	}
	if (x->n == x->room) {
		x->room = x->room ? x->room * 2 : 64;
		x->levels = xrealloc(x->levels, x->room * sizeof(*x->levels));
	}
	/* The name belongs to the directory that may be closed now. */
	x->levels[x->n++] =
		(struct level){ .name = xstrdup(name), .d = d, .dev = st.st_dev, .ino = st.st_ino };
	if (x->n > KEPT_OPEN) {
		closedir(x->levels[x->n - 2].d);
		x->levels[x->n - 2].d = NULL;
	}
	return 0;
}

/* Opens the level above the last again. When somebody has moved what we are in, nothing is removed
 * where it is now. */
static int reopen_above(struct removal *x)
{
	struct level *above = &x->levels[x->n - 2];
	struct stat st;

	above->d = dir_of(openat(dirfd(x->levels[x->n - 1].d), "..", OPEN_DIR));
	if (!above->d || fstat(dirfd(above->d), &st) < 0)
		return -errno;
	return st.st_dev == above->dev && st.st_ino == above->ino ? 0 : -ESTALE;
}

/* The last level is empty: removes it from the one above, which goes on. */
static int go_up(struct removal *x)
{
	struct level *l = &x->levels[x->n - 1], *above = l - 1;
	int r = above->d ? 0 : reopen_above(x);

	if (r == 0 && unlinkat(dirfd(above->d), l->name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	pop(x);
	return r;
}

static int remove_name(struct removal *x, int dir_fd, const char *name)
{
	int fd;

	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(dir_fd, name, OPEN_DIR);
	return fd < 0 ? -errno : push(x, fd, name);
}

static int remove_below(struct removal *x)
{
	int r = 0;

	while (r == 0) {
		DIR *d = x->levels[x->n - 1].d;
		struct dirent *e;

		errno = 0;
		e = readdir(d);
		if (!e && errno)
			r = -errno;
		else if (e)
			r = is_dots(e->d_name) ? 0 : remove_name(x, dirfd(d), e->d_name);
		else if (x->n > 1)
			r = go_up(x);
		else
			return 0;
	}
	return r;
}

int tree_remove(const char *path)
{
	struct removal x = { 0 };
	int fd, r;

	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = open(path, OPEN_DIR);
	r = fd < 0 ? -errno : push(&x, fd, "");
	if (r == 0)
		r = remove_below(&x);
	removal_done(&x);
	return r == 0 && rmdir(path) < 0 ? -errno : r;
}
