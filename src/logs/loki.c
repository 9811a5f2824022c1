/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grafana Loki: POST /loki/api/v1/push, JSON. Labels are app and type only, since each
 * set of labels is a stream with costs of its own; all else is structured metadata. Every
 * line of an app has a time of its own, so what is sent twice is stored once.
 *
 * A 400 means that some entries were refused, and the others stored: it is never tried again.
 */
#include <stdio.h>
#include <string.h>

#include "logs/drain.h"
#include "logs/line.h"
#include "logs/put.h"

static void put_string(struct buf *out, const char *name, const char *s, size_t n)
{
	buf_puts(out, name);
	text_put_json(out, s, n);
}

static void fill_meta(struct batch *b, const struct batch_line *line)
{
	const struct log_record *r = line->record;

	put_string(&b->meta, ",{\"source\":", r->source, r->source_len);
	put_string(&b->meta, ",\"dyno\":", r->dyno, r->dyno_len);
	if (r->release)
		buf_printf(&b->meta, ",\"release\":\"v%u\"", r->release);
	if (line->commit[0])
		put_string(&b->meta, ",\"commit\":", line->commit, strlen(line->commit));
	buf_puts(&b->meta, ",\"seq\":\"");
}

#define PARTIAL "\",\"partial\":\"true\"}]"

static void put_entry(struct batch_group *g, const struct log_record *r, const struct buf *meta)
{
	size_t most =
		PUT_JSON_MAX(r->text_len) + meta->len + 2 * PUT_DECIMAL_MAX + strlen(PARTIAL) + 16;
	char *start = buf_reserve(&g->bytes, most), *p = start;

	p = g->n ? PUT_LITERAL(p, ",[\"") : PUT_LITERAL(p, "[\"");
	p = put_decimal(p, (uint64_t)r->time_ns, 1);
	p = PUT_LITERAL(p, "\",");
	p = put_json(p, r->text, r->text_len);
	p = put_buf(p, meta);
	p = put_decimal(p, r->seq, 1);
	p = r->flags & LOG_CONTINUES ? PUT_LITERAL(p, PARTIAL) : PUT_LITERAL(p, "\"}]");
	buf_added(&g->bytes, (size_t)(p - start));
	g->n++;
}

static struct batch_group *group_of(struct batch *b, const struct batch_line *line)
{
	char type[LOG_NAME_MAX + 1];

	/* Lines of the same meta are of the same group. */
	if (batch_meta(b, line))
		return &b->groups[b->last_group];
	fill_meta(b, line);
	batch_type(line->record, type);
	return batch_group(b, type);
}

static void put_loki(struct batch *b, const struct batch_line *line)
{
	put_entry(group_of(b, line), line->record, &b->meta);
}

static void end_loki(struct batch *b)
{
	buf_puts(&b->raw, "{\"streams\":[");
	for (size_t i = 0; i < b->n_groups; i++) {
		const struct batch_group *g = &b->groups[i];

		put_string(&b->raw,
			   i ? ",{\"stream\":{\"app\":" : "{\"stream\":{\"app\":", b->app->name,
			   strlen(b->app->name));
		put_string(&b->raw, ",\"type\":", g->key, strlen(g->key));
		buf_puts(&b->raw, "},\"values\":[");
		buf_append(&b->raw, g->bytes.data, g->bytes.len);
		buf_puts(&b->raw, "]}");
	}
	buf_puts(&b->raw, "]}");
}

static size_t headers(const struct batch *b, struct drain_header *h)
{
	const char *tenant = drain_option(b->target, "tenant");
	size_t n = 0;

	h[n++] = (struct drain_header){ "Content-Type", "application/json" };
	if (tenant) {
		h[n] = (struct drain_header){ .name = "X-Scope-OrgID" };
		snprintf(h[n++].value, sizeof(h->value), "%s", tenant);
	}
	return n;
}

/* Of a 400 some entries were stored, and it is not said how many were not: all count as refused. */
static void judge(struct batch *b, const struct drain_reply *r, struct drain_judgement *j)
{
	(void)b;
	if (r->status >= 200 && r->status < 300)
		j->verdict = DRAIN_DONE;
	else if (r->status == 429 || r->status >= 500 || r->status < 200)
		j->verdict = DRAIN_RETRY;
	else
		j->verdict = DRAIN_REFUSED;
}

static const char *const options[] = { "tenant", NULL };

const struct drain_driver drain_loki = {
	.scheme = "loki",
	.transport = DRAIN_HTTP,
	.port = 3100,
	.tls_port = 3100,
	.path = "/loki/api/v1/push",
	.options = options,
	.gzip = true,
	.batch_bytes = 512 * 1024,
	.put = put_loki,
	.end = end_loki,
	.headers = headers,
	.judge = judge,
};
