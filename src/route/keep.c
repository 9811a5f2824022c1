/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which connections to dynos are kept, and which requests are sent again
 * (docs/decisions/0044-a-kept-connection-is-for-what-may-be-sent-again.md).
 *
 * An app may close an idle connection in the moment in which a request is sent on it. From outside
 * that looks like an app that got the request and died. So a kept connection is only for requests
 * that HTTP allows to be sent again: GET, HEAD and OPTIONS without a body. When one of them finds
 * its connection closed, it is sent once more, on a connection of its own. All others have one of
 * their own from the beginning (txn.once); what a dyno has got of them is never sent twice.
 *
 * HAProxy decides by `sni` which idle connections suit a request, and asks for its value at each
 * attempt, for connections without TLS, too: 0 for the first attempt of what may share one, else a
 * number that no other has (txn.tries counts, and is multiplied by a time in microseconds).
 *
 * HAProxy 2.6 can't do that. There the time until the first byte is a matter of the inspection of
 * responses (docs/decisions/0026), and that lets the client's side be closed with the dyno's, so
 * that nothing can be sent again. With 2.6 each request has a connection of its own.
 */
#include <inttypes.h>

#include "base/str.h"
#include "route/route-priv.h"

#define KEEPS ".if version_atleast(3.0)\n"
/* Shorter than any server that is known keeps its own (gunicorn: 2 s). */
#define IDLE "1s"
/* Of a dyno: one that has a thread a connection needs some for others, too. */
#define IDLE_MAX 64

/* One more attempt, whatever has failed: a request that ends the dynos that get it ends two. */
void route_render_keep(struct buf *out)
{
	buf_printf(out,
		   KEEPS "  retries 1\n"
			 "  retry-on conn-failure empty-response\n"
			 "  http-reuse always\n"
			 "  default-server pool-purge-delay " IDLE " pool-max-conn %d"
			 " sni var(txn.tries),add(1),set-var(txn.tries),sub(1),mul(txn.start)\n"
			 ".else\n"
			 "  option http-server-close\n"
			 ".endif\n",
		   IDLE_MAX);
}

void route_render_once(struct buf *out)
{
	buf_puts(out, "  http-request set-var(txn.once) int(0)\n"
		      "  http-request set-var(txn.once) int(1) if !{ method GET HEAD OPTIONS }"
		      " or { req.hdr(content-length) -m found }"
		      " or { req.hdr(transfer-encoding) -m found }\n" KEEPS
		      "  http-request set-var(txn.tries) var(txn.once)\n"
		      "  http-request disable-l7-retry if { var(txn.once) -m int 1 }\n"
		      "  http-request set-header Connection close if { var(txn.once) -m int 1 }"
		      " !{ req.hdr(upgrade) -m found }\n"
		      ".endif\n");
}

/*
 * HAProxy has one timeout for a server's silence. Heroku has two: 30 s until the first byte,
 * counted from the request's last, and 55 s between bytes. HAProxy 3.0 can change it when a
 * response begins. With 2.6 the timeout is that between bytes, and the first byte is waited for by
 * the inspection of the response (docs/decisions/0026). Either begins with the connection to the
 * dyno, which is when the request is whole: small bodies are waited for (render_body()). Of larger
 * ones, and of those whose length nobody knows, the end can't be told here: UPLOAD_SILENCE_MS goes
 * for all of it.
 */
void route_render_first_byte(int64_t first_byte_ms, int64_t idle_ms, struct buf *out)
{
	buf_printf(out,
		   KEEPS "  http-request set-timeout server %" PRId64
			 "ms if !{ var(txn.upload) -m found }\n"
			 "  http-response set-timeout server %" PRId64 "ms\n"
			 ".else\n",
		   first_byte_ms, idle_ms);
	/* In each backend: HAProxy 2.6 does not look at such rules of defaults. */
	buf_printf(
		out,
		"  tcp-response inspect-delay %" PRId64 "ms\n"
		"  tcp-response content accept if { status 100:999 } or { var(txn.upload) -m "
		"found }\n"
		"  tcp-response content set-var(txn.over) date(0,us),sub(txn.start) if WAIT_END\n"
		"  tcp-response content set-var(txn.state) str(H12) if WAIT_END { var(txn.over) -m "
		"int ge %" PRId64 " }\n"
		"  tcp-response content close if WAIT_END\n"
		".endif\n",
		first_byte_ms, first_byte_ms * 1000);
}
