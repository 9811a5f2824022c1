/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical form of a tree, and unpacking what people send; see pack.h. */
#include "build/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/tree.h"

#define CHUNK (256 << 10)

/* libarchive takes names for text in the locale's encoding, and "C" knows none but English ones. */
static locale_t use_utf8(void)
{
	static locale_t utf8;

	if (!utf8)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	return utf8 ? uselocale(utf8) : (locale_t)0;
}

static void restore_locale(locale_t before)
{
	if (before)
		uselocale(before);
}

/* What a walk could not do, for who sent the tree. */
static int walk_failed(int r, const char *dir, const char *where, const char *doing,
		       struct error *err)
{
	if (r == -ENAMETOOLONG)
		return error_set(err, ERROR_INVALID,
				 "There are folders more than %d levels deep, or paths of more "
				 "than %d characters, below \"%.60s\": "
				 "they can't be kept",
				 TREE_MAX_DEPTH, TREE_MAX_PATH, where ? where : "");
	return error_set_errno(err, r, "%s %.200s", doing, where && *where ? where : dir);
}

/* ---- the digest ---- */

static void archive_write_free_p(struct archive **a)
{
	if (*a)
		archive_write_free(*a);
}

static void digest_free_p(struct digest **d)
{
	digest_free(*d);
}

static void archive_entry_free_p(struct archive_entry **e)
{
	if (*e)
		archive_entry_free(*e);
}

static la_ssize_t to_digest(struct archive *a, void *userdata, const void *data, size_t n)
{
	(void)a;
	digest_update(userdata, data, n);
	return (la_ssize_t)n;
}

static int add_contents(struct archive *a, const struct tree_entry *t, struct error *err)
{
	_cleanup_fd_ int fd =
		openat(t->dir_fd, t->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_free_ char *chunk = xcalloc(1, CHUNK);
	ssize_t n;

	if (fd < 0)
		return error_set_errno(err, errno, "reading %s", t->path);
	while ((n = fd_read(fd, chunk, CHUNK)) > 0)
		if (archive_write_data(a, chunk, (size_t)n) < 0)
			return error_set(err, ERROR_SYSTEM, "packing %s: %s", t->path,
					 archive_error_string(a));
	return n < 0 ? error_set_errno(err, (int)n, "reading %s", t->path) : 0;
}

static int too_large(uint64_t max_bytes, struct error *err)
{
	return error_set(
		err, ERROR_TOO_LARGE,
		"The files would be more than the %llu MB that they may be (TWELVE_BUILD_DISK)",
		(unsigned long long)max_bytes >> 20);
}

struct packing {
	struct archive *a;
	uint64_t max_bytes, size;
	struct error *err;
};

static int describe_entry(const struct tree_entry *t, struct archive_entry *e, struct error *err)
{
	const struct stat *st = t->st;
	char target[4096] = { 0 };

	archive_entry_set_pathname(e, t->path);
	archive_entry_set_mode(e, (st->st_mode & S_IFMT) |
					  (S_ISLNK(st->st_mode) ? 0777 : st->st_mode & 0777));
	archive_entry_set_uid(e, 0);
	archive_entry_set_gid(e, 0);
	archive_entry_set_mtime(e, PACK_EPOCH, 0);
	if (S_ISLNK(st->st_mode)) {
		if (readlinkat(t->dir_fd, t->name, target, sizeof(target) - 1) < 0)
			return error_set_errno(err, errno, "reading the link %s", t->path);
		archive_entry_set_symlink(e, target);
	} else if (S_ISREG(st->st_mode)) {
		archive_entry_set_size(e, st->st_size);
	} else if (!S_ISDIR(st->st_mode)) {
		return error_set(err, ERROR_INVALID,
				 "%s is a socket, device or FIFO, which a slug can't hold",
				 t->path);
	}
	return 0;
}

static int add_entry(const struct tree_entry *t, void *userdata)
{
	_cleanup_(archive_entry_free_p) struct archive_entry *e = archive_entry_new();
	struct packing *p = userdata;
	uint64_t size = S_ISREG(t->st->st_mode) ? (uint64_t)t->st->st_size : 0;

	/* Before it is read: a file with a hole of a terabyte takes no disk, but a day. */
	if (size > p->max_bytes - p->size)
		return too_large(p->max_bytes, p->err);
	p->size += size;
	if (describe_entry(t, e, p->err) < 0)
		return -1;
	if (archive_write_header(p->a, e) != ARCHIVE_OK)
		return error_set(p->err, ERROR_SYSTEM, "packing %s: %s", t->path,
				 archive_error_string(p->a));
	return S_ISREG(t->st->st_mode) ? add_contents(p->a, t, p->err) : 0;
}

static int add_tree(struct packing *p, const char *dir)
{
	const struct tree_order o = { .enter = add_entry, .userdata = p, .sorted = true };
	_cleanup_free_ char *where = NULL;
	int r = tree_walk(dir, &o, &where);

	if (r < 0 && p->err->kind == ERROR_NONE)
		return walk_failed(r, dir, where, "reading", p->err);
	return r;
}

static int digest_tree(const char *dir, uint64_t max_bytes, char hex[static DIGEST_HEX_SIZE],
		       uint64_t *ret_size_bytes, struct error *err)
{
	/* The archive is freed first, and may still write into the digest then. */
	_cleanup_(digest_free_p) struct digest *d = digest_new();
	_cleanup_(archive_write_free_p) struct archive *a = archive_write_new();
	struct error own = ERROR_INIT;
	struct packing p = { .a = a, .max_bytes = max_bytes, .err = &own };
	int r;

	archive_write_set_format_pax_restricted(a);
	/* Names are bytes. */
	archive_write_set_options(a, "hdrcharset=BINARY");
	archive_write_set_bytes_per_block(a, CHUNK);
	archive_write_set_bytes_in_last_block(a, 1);
	if (archive_write_open(a, d, NULL, to_digest, NULL) != ARCHIVE_OK)
		r = error_set(&own, ERROR_SYSTEM, "packing %s: %s", dir, archive_error_string(a));
	else
		r = add_tree(&p, dir);
	if (r == 0 && archive_write_close(a) != ARCHIVE_OK)
		r = error_set(&own, ERROR_SYSTEM, "packing %s: %s", dir, archive_error_string(a));
	if (r < 0) {
		*err = own;
		return r;
	}
	digest_finish(d, hex);
	*ret_size_bytes = p.size;
	return 0;
}

int pack_digest(const char *dir, uint64_t max_bytes, char hex[static DIGEST_HEX_SIZE],
		uint64_t *ret_size_bytes, struct error *err)
{
	locale_t before = use_utf8();
	int r = digest_tree(dir, max_bytes, hex, ret_size_bytes, err);

	restore_locale(before);
	return r;
}

/* ---- normalising ---- */

struct owner {
	uid_t uid;
	gid_t gid;
	time_t date;
};

/*
 * Access lists and attributes are in no digest, so they would be what the first app that made a
 * tree put there. What the machine's own security modules keep stays.
 */
static int drop_attributes(const struct tree_entry *e)
{
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d/%s", e->dir_fd, e->name);
	char names[65536];
	ssize_t n = llistxattr(path, names, sizeof(names));

	if (n < 0)
		return errno == ENOTSUP ? 0 : -errno;
	for (const char *name = names; name < names + n; name += strlen(name) + 1)
		if ((!str_starts(name, "security.") || streq(name, "security.capability")) &&
		    lremovexattr(path, name) < 0 && errno != ENODATA)
			return -errno;
	return 0;
}

/* The change of owner takes file capabilities away as well. */
static int normalise_one(const struct tree_entry *e, void *userdata)
{
	const struct owner *o = userdata;
	const struct timespec times[2] = { { .tv_sec = o->date }, { .tv_sec = o->date } };
	const struct stat *st = e->st;
	mode_t mode = (st->st_mode & 0755) | 0444 | (st->st_mode & 0100 ? 0111 : 0) |
		      (S_ISDIR(st->st_mode) ? 0755 : 0200);
	int r = drop_attributes(e);

	if (r < 0)
		return r;
	if (fchownat(e->dir_fd, e->name, o->uid, o->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISLNK(st->st_mode) && (st->st_mode & 07777) != mode &&
	    fchmodat(e->dir_fd, e->name, mode, 0) < 0)
		return -errno;
	return utimensat(e->dir_fd, e->name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int pack_normalise(const char *dir, uid_t uid, gid_t gid, int64_t date, struct error *err)
{
	struct owner owner = { .uid = uid, .gid = gid, .date = date };
	/* Directories after what is in them, so that their dates stay. */
	const struct tree_order o = { .leave = normalise_one, .userdata = &owner };
	_cleanup_free_ char *where = NULL;
	int r = tree_walk(dir, &o, &where);

	return r < 0 ? walk_failed(r, dir, where, "setting owner and date of", err) : 0;
}

/* ---- unpacking ---- */

static void archive_read_free_p(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

struct extraction {
	struct archive *in, *out;
	bool strip_top;
	const struct pack_limits *limits;
	uint64_t bytes, entries;
	char *before; /* the path of the entry before this one */
};

/* The path within the tree, or NULL for the top folder itself. */
static const char *inner_path(const struct extraction *x, const char *path)
{
	while (str_starts(path, "./"))
		path += 2;
	if (x->strip_top) {
		path = strchr(path, '/');
		if (path)
			path++;
	}
	return path && path[0] && !streq(path, ".") ? path : NULL;
}

static int refuse(const char *path, const char *why, struct error *err)
{
	return error_set(err, ERROR_INVALID, "The source archive holds \"%.200s\", which %s", path,
			 why);
}

static bool climbs(const char *path)
{
	return streq(path, "..") || str_starts(path, "../") || strstr(path, "/../") ||
	       str_ends(path, "/..");
}

/* How many components of the path are not the ones of the entry before: so many files and folders
 * it may make. */
static uint64_t new_components(const char *before, const char *path)
{
	size_t i = 0, same = 0;
	uint64_t n = 1;

	for (; before && before[i] && before[i] == path[i]; i++)
		if (path[i] == '/')
			same = i + 1;
	for (const char *p = path + same; *p; p++)
		n += *p == '/' && p[1];
	return n;
}

/*
 * A path makes the folders that lead to it, so that one entry may be two hundred. Most that is
 * counted twice is counted again, exactly, when the limit is near.
 */
static int count_entry(struct extraction *x, const char *path, struct error *err)
{
	const struct tree_usage max = { .entries = x->limits->max_entries };
	struct tree_usage usage = { 0 };

	x->entries += new_components(x->before, path);
	free(x->before);
	x->before = xstrdup(path);
	if (x->entries <= max.entries)
		return 0;
	if (tree_measure(".", &max, &usage) == TREE_FITS && usage.entries < max.entries) {
		x->entries = usage.entries + 1;
		return 0;
	}
	return error_set(err, ERROR_TOO_LARGE,
			 "The source has more than %llu files and folders (TWELVE_BUILD_FILES): "
			 "leave out what the build can make or "
			 "fetch itself",
			 (unsigned long long)max.entries);
}

static bool is_deep(const char *path)
{
	size_t levels = 0;

	for (const char *p = path; *p; p++)
		levels += *p == '/';
	return levels > TREE_MAX_DEPTH || strlen(path) > TREE_MAX_PATH;
}

static int check_entry(struct extraction *x, struct archive_entry *e, const char *path,
		       struct error *err)
{
	mode_t type = archive_entry_filetype(e);

	if (path[0] == '/')
		return refuse(path, "is an absolute path", err);
	if (climbs(path))
		return refuse(path, "climbs out of the tree", err);
	if (type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK && !archive_entry_hardlink(e))
		return refuse(path, "is a device, socket or FIFO", err);
	if (is_deep(path))
		return refuse(path,
			      "lies too deep: 200 levels and paths of 3,500 characters are taken",
			      err);
	return count_entry(x, path, err);
}

static int copy_contents(struct extraction *x, const char *path, struct error *err)
{
	const void *data;
	la_int64_t offset;
	uint64_t end = 0;
	size_t n;
	int r;

	while ((r = archive_read_data_block(x->in, &data, &n, &offset)) == ARCHIVE_OK) {
		/* The end of the block counts, not its length: there may be holes. */
		if (offset < 0 || (uint64_t)offset + n > x->limits->max_bytes - x->bytes)
			return error_set(err, ERROR_TOO_LARGE,
					 "The source is larger than %llu MB unpacked",
					 (unsigned long long)x->limits->max_bytes >> 20);
		end = (uint64_t)offset + n;
		if (archive_write_data_block(x->out, data, n, offset) < ARCHIVE_OK)
			return error_set(err, ERROR_SYSTEM, "unpacking %s: %s", path,
					 archive_error_string(x->out));
	}
	if (r != ARCHIVE_EOF)
		return error_set(err, ERROR_INVALID, "The source archive is damaged at %s: %s",
				 path, archive_error_string(x->in));
	x->bytes += end;
	return 0;
}

static int extract_entry(struct extraction *x, struct archive_entry *e, struct error *err)
{
	const char *name = archive_entry_pathname(e);
	const char *inner = name ? inner_path(x, name) : NULL;
	const char *link = archive_entry_hardlink(e);
	_cleanup_free_ char *path = NULL, *target = NULL;

	if (!name)
		return error_set(err, ERROR_INVALID,
				 "The source archive holds a file whose name is not UTF-8");
	if (!inner)
		return 0;
	/* A size of its own says more than its header's: what is not read is a hole. */
	if ((uint64_t)archive_entry_size(e) > x->limits->max_bytes)
		return error_set(err, ERROR_TOO_LARGE, "The source is larger than %llu MB unpacked",
				 (unsigned long long)x->limits->max_bytes >> 20);
	if (check_entry(x, e, inner, err) < 0)
		return -1;
	/* A copy, since setting the name frees what inner points into. */
	path = xstrdup(inner);
	inner = path;
	if (link) {
		const char *inner_link = inner_path(x, link);

		if (!inner_link || inner_link[0] == '/' || climbs(inner_link))
			return refuse(inner, "is a hard link out of the tree", err);
		target = xstrdup(inner_link);
		archive_entry_set_hardlink(e, target);
	}
	archive_entry_set_pathname(e, path);
	/* No setuid, setgid or sticky bit is on the disk at any time, and nothing that is only for
	 * us to mend later. */
	archive_entry_set_perm(e, archive_entry_perm(e) & 0777);
	if (archive_write_header(x->out, e) < ARCHIVE_OK)
		return error_set(err, ERROR_INVALID, "unpacking %s: %s", inner,
				 archive_error_string(x->out));
	if (archive_entry_size(e) > 0 && copy_contents(x, inner, err) < 0)
		return -1;
	return archive_write_finish_entry(x->out) < ARCHIVE_OK
		       ? error_set(err, ERROR_SYSTEM, "unpacking %s: %s", inner,
				   archive_error_string(x->out))
		       : 0;
}

static int extract_all(struct extraction *x, struct error *err)
{
	struct archive_entry *e;
	int r;

	while ((r = archive_read_next_header(x->in, &e)) == ARCHIVE_OK)
		if (x->limits->should_stop && x->limits->should_stop())
			return error_set(err, ERROR_CONFLICT, "Unpacking was ended");
		else if (extract_entry(x, e, err) < 0)
			return -1;
	if (r != ARCHIVE_EOF)
		return error_set(err, ERROR_INVALID,
				 "The source is not a tar archive, or it is damaged: %s",
				 archive_error_string(x->in));
	if (!x->entries)
		return error_set(err, ERROR_INVALID, "The source is empty");
	return archive_write_close(x->out) != ARCHIVE_OK
		       ? error_set(err, ERROR_SYSTEM, "unpacking: %s", archive_error_string(x->out))
		       : 0;
}

/* Not all that libarchive knows: some filters are other programs, which it would run. */
static void support_tar(struct archive *in)
{
	archive_read_support_format_tar(in);
	archive_read_support_filter_gzip(in);
	archive_read_support_filter_bzip2(in);
	archive_read_support_filter_xz(in);
	archive_read_support_filter_zstd(in);
}

static int extract_tar(const char *archive, const char *dir, bool strip_top,
		       const struct pack_limits *limits, struct error *err)
{
	_cleanup_(archive_read_free_p) struct archive *in = archive_read_new();
	_cleanup_(archive_write_free_p) struct archive *out = archive_write_disk_new();
	_cleanup_fd_ int back = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct extraction x = { .in = in, .out = out, .strip_top = strip_top, .limits = limits };
	int r;

	support_tar(in);
	archive_write_disk_set_options(out, ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_UNLINK |
						    ARCHIVE_EXTRACT_SECURE_SYMLINKS |
						    ARCHIVE_EXTRACT_SECURE_NODOTDOT |
						    ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS);
	if (archive_read_open_filename(in, archive, CHUNK) != ARCHIVE_OK)
		return error_set(err, ERROR_INVALID, "The source is not a tar archive: %s",
				 archive_error_string(in));
	/* libarchive looks at each component of a path for links, so paths have to be relative to
	 * the tree. */
	if (back < 0 || chdir(dir) < 0)
		return error_set_errno(err, errno, "entering %s", dir);
	r = extract_all(&x, err);
	free(x.before);
	return fchdir(back) < 0 ? error_set_errno(err, errno, "leaving %s", dir) : r;
}

int pack_extract(const char *archive, const char *dir, bool strip_top,
		 const struct pack_limits *limits, struct error *err)
{
	locale_t before = use_utf8();
	int r = extract_tar(archive, dir, strip_top, limits, err);

	restore_locale(before);
	return r;
}

/* ---- single files ---- */

#define OPEN_TRIES 1000

/*
 * Opens a name as if `dir` were the root. The kernel answers EAGAIN when something was renamed or
 * mounted anywhere while it went through "..", since it can't say then where that led (openat2(2));
 * a busy machine does so all the time, and the next try is as good as the first. A descriptor, or -1
 * with errno.
 */
static int open_in_root(const char *dir, const char *name, uint64_t flags)
{
	const struct open_how how = { .flags = flags | O_CLOEXEC,
				      .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS |
						 RESOLVE_NO_XDEV };
	_cleanup_fd_ int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = -1, tries = 0;

	if (dir_fd < 0)
		return -1;
	do
		fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
	while (fd < 0 && (errno == EAGAIN || errno == EINTR) && ++tries < OPEN_TRIES);
	return fd;
}

int pack_read_file(const char *dir, const char *name, size_t max_bytes, struct buf *ret)
{
	_cleanup_fd_ int fd = open_in_root(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	path = xasprintf("/proc/self/fd/%d", fd);
	return fs_read_file(path, max_bytes, ret);
}

bool pack_is_program(const char *dir, const char *name)
{
	/* A link to a program of the machine is none, and does not tell whether that is there. */
	_cleanup_fd_ int fd = open_in_root(dir, name, O_PATH);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}
