/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splunk's HTTP Event Collector: POST /services/collector/event, JSON objects one
 * after another.
 *
 * One bad event refuses the whole batch and names its number: it is cut out and the rest
 * sent again. With ack=true (a token with indexer acknowledgment) a batch has a channel, and is
 * kept until /services/collector/ack says that it is indexed; twelve-logs asks.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "logs/drain.h"
#include "logs/meta.h"
#include "logs/put.h"

static void put_option(struct batch *b, const char *name, const char *fallback)
{
	const char *value = drain_option(b->target, name);

	if (!value)
		value = fallback;
	if (!value)
		return;
	buf_printf(&b->prefix, ",\"%s\":", name);
	text_put_json(&b->prefix, value, strlen(value));
}

/* Between the time and the dyno. */
static void fill_prefix(struct batch *b)
{
	buf_puts(&b->prefix, ",\"host\":");
	text_put_json(&b->prefix, b->app->host, strlen(b->app->host));
	put_option(b, "sourcetype", "twelve");
	put_option(b, "index", NULL);
	buf_printf(&b->prefix, ",\"source\":\"%s/", b->app->name);
}

static void put_head(struct batch *b, const struct log_record *r)
{
	size_t most = 2 * PUT_DECIMAL_MAX + b->prefix.len + r->dyno_len + 32;
	char *start = buf_reserve(&b->raw, most), *p = start;

	p = PUT_LITERAL(p, "{\"time\":");
	p = put_decimal(p, (uint64_t)(r->time_ns / 1000000000), 1);
	*p++ = '.';
	p = put_decimal(p, (uint64_t)(r->time_ns % 1000000000 / 1000), 6);
	p = put_buf(p, &b->prefix);
	p = put_bytes(p, r->dyno, r->dyno_len);
	p = PUT_LITERAL(p, "\",\"event\":");
	buf_added(&b->raw, (size_t)(p - start));
}

static void put_fields(struct batch *b, const struct batch_line *line)
{
	char *text = json_dumps(line->fields, JSON_COMPACT);

	buf_puts(&b->raw, text ? text : "{}");
	free(text);
}

/* A blank event is refused, with all that stands beside it. */
static char *put_text(char *p, const struct log_record *r)
{
	return r->text_len ? put_json(p, r->text, r->text_len) : PUT_LITERAL(p, "\" \"");
}

static void put_splunk(struct batch *b, const struct batch_line *line)
{
	const struct log_record *r = line->record;
	char *start, *p;

	batch_item(b);
	if (!b->prefix.len)
		fill_prefix(b);
	put_head(b, r);
	if (line->fields)
		put_fields(b, line);
	p = start = buf_reserve(&b->raw, PUT_JSON_MAX(r->text_len) + meta_room(b, line) + 32);
	if (!line->fields)
		p = put_text(p, r);
	p = PUT_LITERAL(p, ",\"fields\":");
	p = meta_put_json(p, b, r);
	p = PUT_LITERAL(p, "}\n");
	buf_added(&b->raw, (size_t)(p - start));
}

static bool wants_ack(const struct batch *b)
{
	const char *ack = drain_option(b->target, "ack");

	return ack && (streq(ack, "true") || streq(ack, "1"));
}

/* The channel is of the drain, not of the batch: Splunk keeps state for each one that it sees. */
static void put_channel(const struct batch *b, struct drain_header *h)
{
	*h = (struct drain_header){ .name = "X-Splunk-Request-Channel" };
	snprintf(h->value, sizeof(h->value), "%s", b->app->drain_id);
}

static size_t headers(const struct batch *b, struct drain_header *h)
{
	const struct drain_target *t = b->target;
	size_t n = 0;

	h[n++] = (struct drain_header){ "Content-Type", "application/json" };
	h[n] = (struct drain_header){ .name = "Authorization" };
	snprintf(h[n++].value, sizeof(h->value), "Splunk %s",
		 t->password ? t->password
		 : t->user   ? t->user
			     : "");
	if (wants_ack(b))
		put_channel(b, &h[n++]);
	return n;
}

/* One event out of the batch; false when there is no such one, or none would be left. */
static bool cut_out(struct batch *b, json_int_t number)
{
	_cleanup_free_ bool *keep = xcalloc(b->n_items + 1, sizeof(*keep));

	if (number < 0 || (size_t)number >= b->n_items || b->n_items == 1)
		return false;
	for (size_t i = 0; i < b->n_items; i++)
		keep[i] = i != (size_t)number;
	return batch_keep(b, keep) == 0;
}

static void judge_refusal(struct batch *b, json_t *reply, struct drain_judgement *j)
{
	json_t *number = json_object_get(reply, "invalid-event-number");

	j->verdict = DRAIN_REFUSED;
	if (!json_is_integer(number) || !cut_out(b, json_integer_value(number)))
		return;
	j->verdict = DRAIN_AGAIN;
	j->at_once = true;
	j->n_refused = 1;
}

static void judge(struct batch *b, const struct drain_reply *r, struct drain_judgement *j)
{
	json_t *reply = json_loadb(r->text ? r->text : "", r->n, JSON_DISABLE_EOF_CHECK, NULL);
	const char *text = json_string_value(json_object_get(reply, "text"));
	json_t *ack = json_object_get(reply, "ackId");

	if (text)
		snprintf(j->message, sizeof(j->message), "%.150s", text);
	if (r->status >= 200 && r->status < 300) {
		j->verdict = DRAIN_DONE;
		j->message[0] = '\0';
		b->ack_id = wants_ack(b) && json_is_integer(ack) ? json_integer_value(ack) : -1;
	} else if (r->status == 408 || r->status == 429 || r->status >= 500 || r->status < 200) {
		j->verdict = DRAIN_RETRY;
	} else {
		judge_refusal(b, reply, j);
	}
	json_decref(reply);
}

static const char *const options[] = { "index", "sourcetype", "ack", NULL };

const struct drain_driver drain_splunk = {
	.scheme = "splunk",
	.transport = DRAIN_HTTP,
	.port = 8088,
	.tls_port = 8088,
	.path = "/services/collector/event",
	.options = options,
	.has_records = true,
	.has_token = true,
	.gzip = true,
	.batch_bytes = 512 * 1024,
	.put = put_splunk,
	.headers = headers,
	.judge = judge,
};
