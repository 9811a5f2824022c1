/* SPDX-License-Identifier: Apache-2.0 */
/* gzip as it comes; see gunzip.h. */
#include "daemon/git/gunzip.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/str.h"

#define STEP 16384
/* inflateInit2(): the largest window, and a gzip header. */
#define GZIP_WINDOW (15 + 16)

struct gunzip {
	z_stream stream;
	bool whole;
};

struct gunzip *gunzip_new(void)
{
	struct gunzip *g = xcalloc(1, sizeof(*g));

	/* It fails for want of memory only. */
	if (inflateInit2(&g->stream, GZIP_WINDOW) != Z_OK)
		abort();
	return g;
}

void gunzip_free(struct gunzip *g)
{
	if (!g)
		return;
	inflateEnd(&g->stream);
	free(g);
}

/* One step of output. Z_BUF_ERROR: all that came is used. */
static int step(struct gunzip *g, struct buf *out)
{
	int r;

	g->stream.next_out = (Bytef *)buf_reserve(out, STEP);
	g->stream.avail_out = STEP;
	r = inflate(&g->stream, Z_NO_FLUSH);
	buf_added(out, STEP - g->stream.avail_out);
	return r;
}

int gunzip_feed(struct gunzip *g, const void *data, size_t n, struct buf *out)
{
	int r = Z_OK;

	g->stream.next_in = (z_const Bytef *)data;
	g->stream.avail_in = (uInt)n;
	while (r == Z_OK && (g->stream.avail_in || !g->stream.avail_out)) {
		/* Another member follows the one that has ended. */
		if (g->whole && g->stream.avail_in && inflateReset(&g->stream) != Z_OK)
			return -EBADMSG;
		r = step(g, out);
		g->whole = r == Z_STREAM_END;
		if (g->whole)
			r = Z_OK;
		if (g->whole && !g->stream.avail_in)
			break;
	}
	return r == Z_OK || r == Z_BUF_ERROR ? 0 : -EBADMSG;
}

bool gunzip_is_whole(const struct gunzip *g)
{
	return g->whole;
}
