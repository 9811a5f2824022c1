/* SPDX-License-Identifier: Apache-2.0 */
/* What every part of a build uses: text for the pusher, files of the app, and whether it goes on.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "build/build-priv.h"
#include "build/pack.h"

#define TEXT_MAX_BYTES 65536

static volatile sig_atomic_t cancelled;

static void on_cancel(int sig)
{
	(void)sig;
	cancelled = 1;
}

void build_take_signals(void)
{
	signal(SIGTERM, on_cancel);
	signal(SIGINT, on_cancel);
}

bool build_cancelled(void)
{
	return cancelled;
}

void build_say(const struct build *b, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	/* When twelved is gone, so are we soon. */
	if (fd_write_all(b->o->output_fd, text.data, text.len) < 0)
		return;
}

int build_read_text(const struct build *b, const char *name, struct buf *ret, struct error *err)
{
	int r = pack_read_file(b->app, name, TEXT_MAX_BYTES, ret);
	json_t *utf8;

	if (r == -ENOENT)
		return r;
	if (r == -EFBIG)
		error_set(err, ERROR_INVALID, "%s: it is larger than %d KB", name,
			  TEXT_MAX_BYTES >> 10);
	else if (r == -EISDIR || r == -EINVAL || r == -ELOOP || r == -EXDEV)
		error_set(err, ERROR_INVALID, "%s: it is not a file", name);
	else if (r < 0)
		error_set_errno(err, r, "reading %s", name);
	if (r < 0)
		return -1;
	/* Editors on Windows write a byte order mark, which belongs to no line. */
	if (str_starts(ret->data, "\xef\xbb\xbf"))
		buf_consume(ret, 3);
	utf8 = json_stringn(ret->data, ret->len);
	json_decref(utf8);
	if (!utf8 || strlen(ret->data) != ret->len)
		return error_set(err, ERROR_INVALID, "%s: it is not UTF-8 text: save it as such",
				 name);
	return 0;
}

bool build_has_foreign(const struct build *b, size_t before)
{
	for (size_t i = 0; i < before; i++)
		if (str_starts(b->packs[i].folder, "ext-"))
			return true;
	return false;
}
