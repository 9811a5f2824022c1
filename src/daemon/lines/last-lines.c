/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines of a dyno; see last-lines.h. */
#include "daemon/lines/last-lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"

#define MAX_BYTES 16384
#define WAIT_MS 500

struct last_lines {
	last_lines_fn fn;
	void *userdata;
	int fd;
	struct buf text;
	struct watch *readable, *deadline;
};

void last_lines_cancel(struct last_lines *l)
{
	if (!l)
		return;
	watch_free(l->readable);
	watch_free(l->deadline);
	fd_close(l->fd);
	buf_done(&l->text);
	free(l);
}

/* "SEQ STAMP source[dyno]: text" becomes "text". */
static void finish(struct last_lines *l)
{
	_cleanup_strv_ char **lines = NULL;
	char *save = NULL;

	if (l->text.len)
		for (char *line = strtok_r(l->text.data, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save)) {
			char *text = strstr(line, "]: ");

			if (text)
				strv_push(&lines, text + 3);
		}
	l->fn(lines, l->userdata);
	last_lines_cancel(l);
}

static void on_readable(void *userdata)
{
	struct last_lines *l = userdata;
	ssize_t n = fd_read(l->fd, buf_reserve(&l->text, 4096), 4096);

	if (n > 0)
		buf_added(&l->text, (size_t)n);
	if ((n <= 0 && n != -EAGAIN) || l->text.len > MAX_BYTES)
		finish(l);
}

static void on_deadline(void *userdata)
{
	finish(userdata);
}

struct last_lines *last_lines_fetch(struct logs_client *c, const struct logs_read *what,
				    last_lines_fn fn, void *userdata)
{
	struct last_lines *l = xcalloc(1, sizeof(*l));
	struct error err = ERROR_INIT;

	*l = (struct last_lines){ .fn = fn, .userdata = userdata, .fd = -1, .text = BUF_INIT };
	l->deadline = watch_timer(logs_loop(c), on_deadline, l);
	if (logs_read(c, what, &l->fd, &err) < 0) {
		log_warn("last lines of %s: %s", what->dyno ? what->dyno : "a dyno", err.message);
		watch_arm(l->deadline, 0);
		return l;
	}
	watch_arm(l->deadline, WAIT_MS);
	l->readable = watch_readable(logs_loop(c), l->fd, on_readable, l);
	return l;
}
