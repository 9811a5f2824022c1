/* SPDX-License-Identifier: Apache-2.0 */
/* See sbom.h. Packages of the stack are read first, by root; then what the process has is given up,
 * and the slug is walked. */
#include "daemon/apps/sbom.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "build/confine.h"
#include "model/locks.h"
#include "model/sbom-dpkg.h"
#include "model/sbom-program.h"

#define CPU_SECONDS 120
#define DOCUMENT_MAX_BYTES (64 << 20)
#define STATUS_MAX_BYTES (64 << 20)
#define FILES_MAX 1000000
#define DEPTH_MAX 40
#define JAR_WITHIN_MAX_BYTES (64 << 20)
#define POM_MAX_BYTES (64 << 10)
#define CHUNK 65536

struct walk {
	struct sbom_subject subject;
	struct sbom sbom;
	size_t n_files;
};

static int complain(const char *sentence)
{
	printf("%s\n", sentence);
	fflush(stdout);
	return 1;
}

/* ---- the stack ---- */

static int read_stack(struct walk *w, json_t *order, struct error *err)
{
	const char *list = json_string_value(json_object_get(order, "packages")),
		   *status_file = json_string_value(json_object_get(order, "status"));
	_cleanup_buf_ struct buf packages = BUF_INIT, status = BUF_INIT;
	int r = fs_read_file(list, STATUS_MAX_BYTES, &packages);

	if (r < 0)
		return error_set_errno(err, r, "The list of the stack's packages can't be read");
	r = fs_read_file(status_file, STATUS_MAX_BYTES, &status);
	/* What else there is to say of them is of use, not needed. */
	if (r < 0 && r != -ENOENT)
		return error_set_errno(err, r,
				       "What dpkg says of the stack's packages can't be read");
	buf_putc(&packages, '\n');
	buf_putc(&status, '\n');
	sbom_read_dpkg(packages.data, status.data, &w->subject, &w->sbom);
	return 0;
}

/* ---- the slug ---- */

static void read_text(struct walk *w, int dir_fd, const char *dir, const char *name)
{
	_cleanup_fd_ int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct stat st;
	ssize_t n = 0;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > LOCKS_FILE_MAX_BYTES) {
		w->sbom.n_left_out++;
		return;
	}
	buf_reserve(&text, (size_t)st.st_size + 1);
	while (text.len < (size_t)st.st_size &&
	       (n = fd_read(fd, buf_reserve(&text, CHUNK), CHUNK)) > 0)
		buf_added(&text, (size_t)n);
	if (n < 0) {
		w->sbom.n_left_out++;
		return;
	}
	locks_read(dir, name, text.data, text.len, &w->subject, &w->sbom);
}

static char *entry_text(struct archive *in, int64_t size, int64_t max)
{
	char *text = size >= 0 && size <= max ? xcalloc(1, (size_t)size + 1) : NULL;

	if (text && archive_read_data(in, text, (size_t)size) != size) {
		free(text);
		return NULL;
	}
	return text;
}

static struct archive *open_jar(void)
{
	struct archive *in = archive_read_new();

	archive_read_support_format_zip(in);
	return in;
}

static void read_jar(struct walk *w, struct archive *in, const char *name, int depth);

/* A jar within a jar, as Spring Boot packs them. */
static void read_inner(struct walk *w, struct archive *in, struct archive_entry *e, int depth)
{
	const char *path = archive_entry_pathname(e), *slash = strrchr(path, '/');
	_cleanup_free_ char *bytes = entry_text(in, archive_entry_size(e), JAR_WITHIN_MAX_BYTES);
	struct archive *inner = open_jar();

	if (bytes &&
	    archive_read_open_memory(inner, bytes, (size_t)archive_entry_size(e)) == ARCHIVE_OK)
		read_jar(w, inner, slash ? slash + 1 : path, depth + 1);
	else
		w->sbom.n_left_out++;
	archive_read_free(inner);
}

static void read_jar(struct walk *w, struct archive *in, const char *name, int depth)
{
	size_t before = w->sbom.n;
	struct archive_entry *e;
	int r;

	while ((r = archive_read_next_header(in, &e)) == ARCHIVE_OK || r == ARCHIVE_WARN) {
		const char *path = archive_entry_pathname(e);

		if (path && str_starts(path, "META-INF/maven/") &&
		    str_ends(path, "/pom.properties")) {
			_cleanup_free_ char *text =
				entry_text(in, archive_entry_size(e), POM_MAX_BYTES);

			if (text)
				sbom_read_pom(text, &w->subject, &w->sbom);
			else
				w->sbom.n_left_out++;
		} else if (path && str_ends(path, ".jar") && depth == 0) {
			read_inner(w, in, e, depth);
		}
	}
	if (r != ARCHIVE_EOF)
		w->sbom.n_left_out++;
	if (w->sbom.n == before)
		sbom_read_jar_name(name, &w->subject, &w->sbom);
}

static void read_jar_file(struct walk *w, int dir_fd, const char *name)
{
	_cleanup_fd_ int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct archive *in = open_jar();

	if (fd >= 0 && archive_read_open_fd(in, fd, CHUNK) == ARCHIVE_OK)
		read_jar(w, in, name, 0);
	else
		w->sbom.n_left_out++;
	archive_read_free(in);
}

static void read_program(struct walk *w, int dir_fd, const char *name, size_t size)
{
	_cleanup_fd_ int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char head[4] = "";
	char *data;

	if (fd < 0) {
		w->sbom.n_left_out++;
		return;
	}
	if (fd_read(fd, head, sizeof(head)) != sizeof(head) || memcmp(head, "\177ELF", 4) != 0)
		return;
	data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED) {
		w->sbom.n_left_out++;
		return;
	}
	sbom_read_go(data, size, &w->subject, &w->sbom);
	munmap(data, size);
}

static void walk_file(struct walk *w, int dir_fd, const char *dir, const char *name,
		      const struct stat *st)
{
	if (locks_knows(dir, name))
		read_text(w, dir_fd, dir, name);
	else if (str_ends(name, ".jar") || str_ends(name, ".war"))
		read_jar_file(w, dir_fd, name);
	else if ((st->st_mode & 0111) && st->st_size > CHUNK)
		read_program(w, dir_fd, name, (size_t)st->st_size);
}

/* A directory that has another one in it a million times is left there. */
static void walk_dir(struct walk *w, int take_fd, const char *dir, int depth)
{
	DIR *d = take_fd < 0 || depth > DEPTH_MAX ? NULL : fdopendir(take_fd);
	struct dirent *e;

	if (!d) {
		fd_close(take_fd);
		w->sbom.n_left_out++;
		return;
	}
	while (w->n_files++ < FILES_MAX && (e = readdir(d))) {
		_cleanup_free_ char *path = NULL;
		struct stat st;

		if (streq(e->d_name, ".") || streq(e->d_name, "..") || streq(e->d_name, ".git") ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		path = dir[0] ? xasprintf("%s/%s", dir, e->d_name) : xstrdup(e->d_name);
		if (S_ISDIR(st.st_mode))
			walk_dir(w,
				 openat(dirfd(d), e->d_name,
					O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
				 path, depth + 1);
		else if (S_ISREG(st.st_mode))
			walk_file(w, dirfd(d), dir, e->d_name, &st);
	}
	closedir(d);
}

/* ---- the whole ---- */

static int write_document(struct walk *w)
{
	_cleanup_free_ char *text = NULL;
	json_t *j;

	sbom_settle(&w->sbom);
	j = sbom_document(&w->sbom, &w->subject);
	text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	if (!text || strlen(text) > DOCUMENT_MAX_BYTES - 2)
		return complain("The bill of materials is larger than 64 MB");
	return fd_write_all(STDOUT_FILENO, text, strlen(text)) < 0 ||
	       fd_write_all(STDOUT_FILENO, "\n", 1) < 0;
}

static bool read_subject(json_t *order, struct walk *w, const char **ret_tree)
{
	struct sbom_subject *o = &w->subject;

	return json_unpack(order, "{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s}", "app", &o->app,
			   "release_id", &o->release_id, "commit", &o->commit, "slug", &o->slug,
			   "version", &o->version, "created", &o->created, "distro", &o->distro,
			   "tree", ret_tree) == 0;
}

int sbom_reader_main(void)
{
	json_t *order = json_loadf(stdin, 0, NULL);
	struct confinement c = { .file_bytes = DOCUMENT_MAX_BYTES, .cpu_seconds = CPU_SECONDS };
	struct error err = ERROR_INIT;
	struct walk w = { 0 };
	int r;

	if (!read_subject(order, &w, &c.tree))
		r = complain("twelved sbom is started by twelved, with its order on stdin");
	else if (read_stack(&w, order, &err) < 0 || confine(&c, STDERR_FILENO, &err) < 0)
		r = complain(err.message);
	else {
		walk_dir(&w, open(CONFINED_TREE, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "", 0);
		r = write_document(&w);
	}
	sbom_done(&w.sbom);
	json_decref(order);
	return r;
}
