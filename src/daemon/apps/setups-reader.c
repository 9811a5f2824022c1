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

/* The child has written a letter and the text, or a sentence. */
static void on_end(const struct child_end *end, void *userdata)
{
	struct setup_work *w = userdata;
	struct setups *ss = w->owner;
	bool well = end->status == 0 && end->n_result > 0;
	struct setup_manifest m = { .why = NULL };
	char id[UUID_SIZE], described[64], sentence[256];

	if (!well && proc_exit_code(end->status) == 1 && end->n_result)
		snprintf(sentence, sizeof(sentence), "%.*s", (int)strcspn(end->result, "\n"),
			 end->result);
	else
		snprintf(sentence, sizeof(sentence), "The process that looks for app.json %s",
			 proc_describe_status(end->status, described, sizeof(described)));
	memcpy(id, w->id, sizeof(id));
	m.setup_id = id;
	m.why = sentence;
	if (well) {
		m.text = end->result + 1;
		m.n = end->n_result - 1;
		m.top = end->result[0] == 't';
	}
	w->reader = NULL;
	w->on_manifest(ss, &m);
	setup_work_free(w);
}

static json_t *make_order(struct setups *ss, const struct setup *s)
{
	const struct settings *set = &ss->o.platform->settings;
	_cleanup_free_ char *path = upload_path(set, s->source_id);
	const char *checksum = json_string_value(json_object_get(s->data, "checksum"));

	return json_pack("{s:s, s:s, s:O?, s:I, s:I, s:b}", "archive", path, "checksum",
			 checksum ? checksum : "", "url", json_object_get(s->data, "url"),
			 "max_bytes", (json_int_t)set->max_upload_bytes, "reserve_bytes",
			 (json_int_t)set->disk_reserve_bytes, "private_sources",
			 (int)set->private_sources);
}

int setup_reader_start(struct setups *ss, const struct setup *s,
		       void (*fn)(struct setups *ss, const struct setup_manifest *m),
		       struct error *err)
{
	static const char *const argv[] = { "/proc/self/exe", "app-json", NULL };
	struct setup_work *w = setup_work_new(ss, s->id);
	json_t *order = make_order(ss, s);
	const struct child_options o = { .argv = argv,
					 .order = order,
					 .max_result = ANSWER_MAX_BYTES,
					 .result_on_stdout = true,
					 .on_end = on_end,
					 .userdata = w };
	int r = child_start(ss->o.platform->loop, &o, &w->reader, err);

	w->on_manifest = fn;
	json_decref(order);
	if (r < 0)
		setup_work_free(w);
	return r;
}
