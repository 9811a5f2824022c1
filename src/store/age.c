/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the database is as new as its directory. The number of the newest row of the audit trail
 * stands in STATE/changes, too: a start that finds a greater one there has a database that was put
 * back, and notes when. From then on, and not from times in rows that say nothing of what came
 * after, is counted what goes by its age. The file is written after the row: it is behind after a
 * kill, never ahead.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "store/store-priv.h"

#define PUT_BACK "put-back"
#define FILE_MAX 64

int age_note(struct store *s, int64_t number, struct error *err)
{
	_cleanup_free_ char *path = store_file(s, STORE_CHANGES);
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char text[FILE_MAX];
	int n = snprintf(text, sizeof(text), "%019lld\n", (long long)number);

	/* One write of a fixed size: whole or not at all for who is killed. It need not be on the
	 * disk. */
	if (fd < 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return error_set_errno(err, errno, "writing %s", path);
	return 0;
}

/* -1 when there is none, which is no sign of anything; what can't be read may be of more than the
 * database knows. */
static int64_t noted(const struct store *s)
{
	_cleanup_free_ char *path = store_file(s, STORE_CHANGES);
	_cleanup_buf_ struct buf text = BUF_INIT;
	int64_t number;
	int r = fs_read_file(path, FILE_MAX, &text);

	if (r == -ENOENT)
		return -1;
	return r == 0 && text.data && str_to_i64(str_trim(text.data), 0, INT64_MAX, &number)
		       ? number
		       : INT64_MAX;
}

static int newest(struct store *s, int64_t *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_AUDIT_NEWEST);

	if (query_row(&q, err) < 0)
		return -1;
	*ret = query_int(&q);
	return 0;
}

static int read_put_back(struct store *s, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_META_GET);
	_cleanup_free_ char *text = NULL;
	const void *data;
	size_t n;
	int r;

	query_bind_text(&q, PUT_BACK);
	r = query_row(&q, err);
	if (r <= 0)
		return r;
	data = query_blob(&q, &n);
	text = xstrndup(data, n);
	return str_to_i64(text, 0, INT64_MAX, &s->put_back_ms)
		       ? 0
		       : error_set(err, ERROR_SYSTEM, "\"" PUT_BACK "\" in %s is damaged", s->path);
}

/* A restore of an add-on that had been asked for, may have been done since: done again it would
 * take what came after it. */
static int put_back(struct store *s, struct error *err)
{
	_cleanup_free_ char *text = xasprintf("%lld", (long long)clock_wall_ms());
	_cleanup_query_ struct query q = query_make(s, STATEMENT_META_PUT),
				     stop = query_make(s, STATEMENT_ADDON_STOP_RESTORES);
	int r = store_begin(s, err);

	if (r < 0)
		return -1;
	query_bind_text(&q, PUT_BACK);
	query_bind_blob(&q, text, strlen(text));
	if (query_run(&q, err) < 0 || query_run(&stop, err) < 0 || store_commit(s, err) < 0) {
		store_rollback(s);
		return -1;
	}
	return 0;
}

int age_check(struct store *s, struct error *err)
{
	int64_t number;

	if (newest(s, &number, err) < 0 || (noted(s) > number && put_back(s, err) < 0))
		return -1;
	return read_put_back(s, err) < 0 || age_note(s, number, err) < 0 ? -1 : 0;
}

int64_t store_put_back_ms(const struct store *s)
{
	return s->put_back_ms;
}
