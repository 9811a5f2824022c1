/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app.json out of an archive: a child, since to find one file in two gigabytes takes its time, and
 * since the archive is somebody else's. It has so much memory and time and no more. An archive that
 * stands elsewhere it fetches first. Its order comes as JSON on its stdin: a URL may hold a
 * signature, which is for no list of processes.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "build/confine.h"
#include "build/fetch.h"
#include "daemon/apps/setups-priv.h"
#include "daemon/build/upload.h"
#include "model/app-json.h"

#define NAME "app.json"
#define MEMORY_BYTES (1 << 30)
#define CPU_SECONDS 120
#define CHUNK 65536
#define ARCHIVE_FD 3
/* The answer: a letter and the text, or a sentence. */
#define ANSWER_MAX_BYTES (APP_JSON_MAX_BYTES + 4096)

/* ---- the child ---- */

__attribute__((format(printf, 1, 2))) static int complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	return 1;
}

/* A sanitizer takes address space by the terabyte. */
static int limit(void)
{
	static const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS };
#ifndef __SANITIZE_ADDRESS__
	static const struct rlimit memory = { MEMORY_BYTES, MEMORY_BYTES };

	if (setrlimit(RLIMIT_AS, &memory) < 0)
		return -1;
#endif
	return setrlimit(RLIMIT_CPU, &cpu);
}

/* Where it stands: 0 for no app.json, 1 for the root, 2 for a top folder. */
static int place_of(const char *path)
{
	const char *slash;

	while (str_starts(path, "./"))
		path += 2;
	slash = strchr(path, '/');
	if (!slash)
		return streq(path, NAME);
	return streq(slash + 1, NAME) ? 2 : 0;
}

static int copy_out(struct archive *in, int place)
{
	static char text[APP_JSON_MAX_BYTES + 1];
	size_t n = 0;
	la_ssize_t got;

	while (n < sizeof(text) && (got = archive_read_data(in, text + n, sizeof(text) - n)) != 0) {
		if (got < 0)
			return complain("app.json: the archive is damaged there: %s\n",
					archive_error_string(in));
		n += (size_t)got;
	}
	if (n > APP_JSON_MAX_BYTES)
		return complain("app.json: it is larger than %d KB\n", APP_JSON_MAX_BYTES >> 10);
	fputc(place == 2 ? 't' : 'f', stdout);
	fwrite(text, 1, n, stdout);
	return fflush(stdout) == 0 ? 0 : 1;
}

static int find_and_copy(struct archive *in)
{
	struct archive_entry *e;
	int r;

	while ((r = archive_read_next_header(in, &e)) == ARCHIVE_OK) {
		const char *path = archive_entry_pathname(e);
		int place = path && archive_entry_filetype(e) == AE_IFREG ? place_of(path) : 0;

		if (place)
			return copy_out(in, place);
	}
	if (r != ARCHIVE_EOF)
		return complain("The source is not a tar archive, or it is damaged: %s\n",
				archive_error_string(in));
	return complain("app.json: there is none at the top of the archive\n");
}

/* "SHA256:" and hex, as clients send it; "" for none. */
static int check(const char *archive, const char *checksum)
{
	_cleanup_fd_ int fd = open(archive, O_RDONLY | O_CLOEXEC);
	const char *wanted = strncasecmp(checksum, "sha256:", 7) == 0 ? checksum + 7 : checksum;
	struct digest *d = digest_new();
	char chunk[CHUNK], hex[DIGEST_HEX_SIZE];
	ssize_t n;

	while ((n = fd_read(fd, chunk, sizeof(chunk))) > 0)
		digest_update(d, chunk, (size_t)n);
	digest_finish(d, hex);
	digest_free(d);
	if (n < 0)
		return complain("The source can't be read: %s\n", strerror((int)-n));
	if (checksum[0] && strcasecmp(hex, wanted) != 0)
		return complain(
			"\"source_blob.checksum\" is not that of the archive, which is SHA256:%s\n",
			hex);
	return 0;
}

static int fetch(json_t *order, const char *url)
{
	const struct fetch f = {
		.url = url,
		.path = json_string_value(json_object_get(order, "archive")),
		.max_bytes = (uint64_t)json_integer_value(json_object_get(order, "max_bytes")),
		.reserve_bytes =
			(uint64_t)json_integer_value(json_object_get(order, "reserve_bytes")),
		.private_too = json_is_true(json_object_get(order, "private_sources"))
	};
	struct error err = ERROR_INIT;

	return fetch_archive(&f, &err) < 0 ? complain("%s\n", err.message) : 0;
}

/* Whoever wrote it may know more of libarchive than we do: what reads it has the archive, and
 * nothing else. */
static int open_confined(const char *archive)
{
	const struct confinement c = { .cpu_seconds = CPU_SECONDS };
	struct error err = ERROR_INIT;
	int fd = open(archive, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || dup2(fd, ARCHIVE_FD) < 0)
		return complain("The source can't be read: %s\n", strerror(errno));
	return confine(&c, ARCHIVE_FD, &err) < 0 ? complain("%s\n", err.message) : 0;
}

static int read_manifest(void)
{
	struct archive *in = archive_read_new();
	int r;

	archive_read_support_format_tar(in);
	archive_read_support_filter_gzip(in);
	archive_read_support_filter_bzip2(in);
	archive_read_support_filter_xz(in);
	archive_read_support_filter_zstd(in);
	if (archive_read_open_fd(in, ARCHIVE_FD, CHUNK) != ARCHIVE_OK)
		r = complain("The source is not a tar archive: %s\n", archive_error_string(in));
	else
		r = find_and_copy(in);
	archive_read_free(in);
	return r;
}

int setup_reader_main(void)
{
	json_t *order = json_loadf(stdin, 0, NULL);
	const char *archive = json_string_value(json_object_get(order, "archive")),
		   *checksum = json_string_value(json_object_get(order, "checksum")),
		   *url = json_string_value(json_object_get(order, "url"));
	int r = 0;

	if (!archive || !checksum)
		r = complain("twelved app-json is started by twelved, with its order on stdin\n");
	else if (limit() < 0)
		r = complain("setting limits: %s\n", strerror(errno));
	if (r == 0 && url)
		r = fetch(order, url);
	if (r == 0 && checksum[0])
		r = check(archive, checksum);
	if (r == 0)
		r = open_confined(archive);
	if (r == 0)
		r = read_manifest();
	json_decref(order);
	return r;
}

/* ---- its parent ---- */

static void finish(struct setup_work *w)
{
	struct setups *ss = w->owner;
	_cleanup_buf_ struct buf text = w->text;
	char id[UUID_SIZE], described[64], sentence[256];
	bool well = w->status == 0 && text.len > 0;

	w->text = (struct buf)BUF_INIT;
	memcpy(id, w->id, sizeof(id));
	if (!well && proc_exit_code(w->status) == 1 && text.len)
		snprintf(sentence, sizeof(sentence), "%.*s", (int)strcspn(text.data, "\n"),
			 text.data);
	else
		snprintf(sentence, sizeof(sentence), "The process that looks for app.json %s",
			 proc_describe_status(w->status, described, sizeof(described)));
	setup_work_free(w);
	setup_manifest_read(ss, id, well ? text.data + 1 : NULL, well ? text.len - 1 : 0,
			    well && text.data[0] == 't', sentence);
}

static void on_output(void *userdata)
{
	struct setup_work *w = userdata;
	ssize_t n = fd_read(w->fd, buf_reserve(&w->text, 4096), 4096);

	if (n == -EAGAIN)
		return;
	if (n > 0 && w->text.len + (size_t)n <= ANSWER_MAX_BYTES) {
		buf_added(&w->text, (size_t)n);
		return;
	}
	watch_free(steal_ptr(w->readable));
	if (w->ended)
		finish(w);
}

static void on_ended(int status, void *userdata)
{
	struct setup_work *w = userdata;

	w->ended = true;
	w->status = status;
	w->pid = 0;
	w->child = NULL;
	if (!w->readable)
		finish(w);
}

/* A memory file, or a negative errno. */
static int write_order(struct setups *ss, const struct setup *s, const char *path)
{
	const struct settings *set = &ss->d->settings;
	const char *checksum = json_string_value(json_object_get(s->data, "checksum"));
	json_t *j = json_pack("{s:s, s:s, s:O?, s:I, s:I, s:b}", "archive", path, "checksum",
			      checksum ? checksum : "", "url", json_object_get(s->data, "url"),
			      "max_bytes", (json_int_t)set->max_upload_bytes, "reserve_bytes",
			      (json_int_t)set->disk_reserve_bytes, "private_sources",
			      (int)set->private_sources);
	_cleanup_free_ char *text = json_dumps(j, 0);

	json_decref(j);
	return fd_memfile("setup", text, strlen(text));
}

int setup_reader_start(struct setups *ss, const struct setup *s, struct error *err)
{
	_cleanup_free_ char *path = upload_path(&ss->d->settings, s->source_id);
	static const char *const argv[] = { "/proc/self/exe", "app-json", NULL };
	_cleanup_fd_ int order_fd = write_order(ss, s, path);
	struct setup_work *w = setup_work_new(ss, s->id);
	struct proc_options o = { .argv = argv,
				  .new_session = true,
				  .die_with_us = true,
				  .dir = "/",
				  .stdin_fd = order_fd };
	int out[2], r;

	if (order_fd < 0) {
		setup_work_free(w);
		return error_set_errno(err, order_fd, "reading app.json: memory file");
	}
	if (pipe2(out, O_CLOEXEC) < 0) {
		setup_work_free(w);
		return error_set_errno(err, errno, "reading app.json: pipe");
	}
	w->fd = out[0];
	o.stdout_fd = out[1];
	r = proc_spawn(&o, &w->pid, err);
	fd_close(out[1]);
	if (r == 0) {
		fd_set_nonblock(w->fd, true);
		w->readable = watch_readable(ss->d->loop, w->fd, on_output, w);
		r = watch_child(ss->d->loop, w->pid, on_ended, w, &w->child);
		if (r < 0)
			error_set_errno(err, r, "watching the child that reads app.json");
	}
	if (r < 0)
		setup_work_free(w);
	return r < 0 ? -1 : 0;
}
