/* SPDX-License-Identifier: Apache-2.0 */
/* What a server sends to our CLI: events of a log session, in pieces of any size, and the lines in
 * them. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "cli/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_line(const char *line, void *userdata)
{
	struct buf *all = userdata;
	struct log_line l;

	assert(!strchr(line, '\n'));
	if (log_line_split(line, &l)) {
		assert(l.stamp >= line && l.text <= line + strlen(line));
		assert(l.stamp_len >= 0 && l.source_len >= 0 && l.dyno_len >= 0);
	}
	buf_puts(all, line);
	buf_putc(all, '\n');
}

static void feed(const char *data, size_t n, size_t piece, struct buf *all)
{
	struct sse s = SSE_INIT;

	for (size_t i = 0; i < n; i += piece)
		sse_feed(&s, data + i, n - i < piece ? n - i : piece, on_line, all);
	sse_restart(&s);
	sse_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	_cleanup_buf_ struct buf once = BUF_INIT, pieces = BUF_INIT;

	feed((const char *)bytes, size, size ? size : 1, &once);
	feed((const char *)bytes, size, 3, &pieces);
	assert(streq(once.data, pieces.data));
	return 0;
}
