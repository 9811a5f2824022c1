/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logplex's HTTPS drain (heroku/logplex doc/README.http_drains.md): frames as of
 * syslog, but without STRUCTURED-DATA and with the literal host name "host".
 *
 * Each frame ends with a counted LF and holds no other (receivers split at it); the
 * number of frames stands in Logplex-Msg-Count, and they refuse a batch where it differs.
 * Some count no event for an empty message, nor for one that is not UTF-8 (Vector's heroku_logs):
 * one such line would cost the whole batch, so an empty one is a blank, and bad bytes are U+FFFD.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "logs/drain.h"
#include "logs/line.h"

#define BATCH_BYTES 102400

struct text {
	const char *s;
	size_t n;
};

static struct text clean(struct batch *b, const struct log_record *r)
{
	struct buf *utf8 = &b->scratch[0];

	if (!r->text_len)
		return (struct text){ " ", 1 };
	if (utf8_span(r->text, r->text_len) == r->text_len)
		return (struct text){ r->text, r->text_len };
	buf_clear(utf8);
	utf8_put(utf8, r->text, r->text_len);
	return (struct text){ utf8->data, utf8->len };
}

static void put_logplex(struct batch *b, const struct batch_line *line)
{
	const struct log_record *r = line->record;
	struct text text = clean(b, r);
	char head[256];
	int n = snprintf(head, sizeof(head), "%s%s host %.*s %.*s - ", syslog_priority(r),
			 log_stamp(&b->formatter, r->time_ns), (int)r->source_len, r->source,
			 (int)r->dyno_len, r->dyno);

	batch_item(b);
	buf_printf(&b->raw, "%zu %s", (size_t)n + text.n + 1, head);
	buf_append(&b->raw, text.s, text.n);
	buf_putc(&b->raw, '\n');
}

static size_t headers(const struct batch *b, struct drain_header *h)
{
	size_t n = 0;

	h[n++] = (struct drain_header){ "Content-Type", "application/logplex-1" };
	h[n++] = (struct drain_header){ "User-Agent", "Logplex/v73" };
	h[n] = (struct drain_header){ .name = "Logplex-Msg-Count" };
	snprintf(h[n++].value, sizeof(h->value), "%zu", b->n_items);
	h[n] = (struct drain_header){ .name = "Logplex-Frame-Id" };
	snprintf(h[n++].value, sizeof(h->value), "%s", b->id);
	h[n] = (struct drain_header){ .name = "Logplex-Drain-Token" };
	snprintf(h[n++].value, sizeof(h->value), "%s", b->app->token);
	return n;
}

static void judge(struct batch *b, const struct drain_reply *r, struct drain_judgement *j)
{
	(void)b;
	if (r->status >= 200 && r->status < 300)
		j->verdict = DRAIN_DONE;
	else if (r->status >= 400 && r->status < 500 && r->status != 429)
		j->verdict = DRAIN_REFUSED;
	else
		j->verdict = DRAIN_RETRY;
}

const struct drain_driver drain_logplex = {
	.scheme = "https",
	.transport = DRAIN_HTTP,
	.port = 80,
	.tls_port = 443,
	.batch_bytes = BATCH_BYTES - 10300, /* with the greatest line it still fits */
	.max_tries = 3,
	.put = put_logplex,
	.headers = headers,
	.judge = judge,
};
