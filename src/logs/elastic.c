/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elasticsearch and OpenSearch: POST /_bulk, NDJSON, a pair of lines each:
 *
 *     {"create":{"_index":"logs-shop-default","_id":"..."}}
 *     {"@timestamp":"...","message":"...","twelve":{...}}
 *
 * "create" works for data streams (which know nothing else) and for plain indices. The id
 * is made of the app and the line's time, which no other line of the app has: so what is
 * sent twice is stored once, and a 409 means "it is there already".
 *
 * The answer has a status for each item: only those that were refused for now are sent again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "logs/drain.h"
#include "logs/meta.h"
#include "logs/put.h"

#define HEX_LEN 16

/* Up to the time in the id. */
static void fill_prefix(struct batch *b)
{
	const char *index = drain_option(b->target, "index");

	buf_puts(&b->prefix, "{\"create\":{\"_index\":");
	if (index)
		text_put_json(&b->prefix, index, strlen(index));
	else
		buf_printf(&b->prefix, "\"logs-%s-default\"", b->app->name);
	buf_printf(&b->prefix, ",\"_id\":\"%.8s-", b->app->id);
}

static char *put_action(char *p, const struct batch *b, const struct log_record *r)
{
	static const char digits[] = "0123456789abcdef";

	p = put_buf(p, &b->prefix);
	for (int i = 0; i < HEX_LEN; i++)
		*p++ = digits[(uint64_t)r->time_ns >> (60 - 4 * i) & 15];
	return PUT_LITERAL(p, "\"}}\n");
}

/* A line that says when it was gets its own time. */
static bool has_stamp(const struct batch_line *line)
{
	return line->fields && json_object_get(line->fields, "@timestamp");
}

static void put_head(struct batch *b, const struct batch_line *line)
{
	const struct log_record *r = line->record;
	size_t most = b->prefix.len + HEX_LEN + meta_room(b, line) + LOG_STAMP_LEN + 64;
	char *start = buf_reserve(&b->raw, most), *p = put_action(start, b, r);

	p = PUT_LITERAL(p, "{\"twelve\":");
	p = meta_put_json(p, b, r);
	if (!has_stamp(line)) {
		p = PUT_LITERAL(p, ",\"@timestamp\":\"");
		p = put_bytes(p, log_stamp(&b->formatter, r->time_ns), LOG_STAMP_LEN);
		*p++ = '"';
	}
	buf_added(&b->raw, (size_t)(p - start));
}

static void put_message(struct batch *b, const struct log_record *r)
{
	char *start = buf_reserve(&b->raw, PUT_JSON_MAX(r->text_len) + 16), *p = start;

	p = PUT_LITERAL(p, ",\"message\":");
	p = put_json(p, r->text, r->text_len);
	p = PUT_LITERAL(p, "}\n");
	buf_added(&b->raw, (size_t)(p - start));
}

static void put_elastic(struct batch *b, const struct batch_line *line)
{
	batch_item(b);
	if (!b->prefix.len)
		fill_prefix(b);
	put_head(b, line);
	if (line->fields) {
		meta_put_members(line, &b->raw);
		buf_puts(&b->raw, "}\n");
	} else {
		put_message(b, line->record);
	}
}

static size_t headers(const struct batch *b, struct drain_header *h)
{
	const char *key = drain_option(b->target, "api_key");
	size_t n = 0;

	h[n++] = (struct drain_header){ "Content-Type", "application/x-ndjson" };
	if (key) {
		h[n] = (struct drain_header){ .name = "Authorization" };
		snprintf(h[n++].value, sizeof(h->value), "ApiKey %s", key);
	}
	return n;
}

static const char *reason_of(json_t *error)
{
	const char *reason = json_string_value(json_object_get(error, "reason"));

	return reason ? reason : json_string_value(json_object_get(error, "type"));
}

/* The mapper's "failed to parse" says nothing without its cause. */
static void describe(long status, json_t *error, char *text, size_t size)
{
	const char *why = reason_of(error);
	const char *cause = reason_of(json_object_get(error, "caused_by"));
	size_t n;

	snprintf(text, size, "item status %ld: %.150s", status, why ? why : "no reason is given");
	n = strlen(text);
	if (cause)
		snprintf(text + n, size - n, ": %s", cause);
}

static void judge_items(struct batch *b, json_t *items, struct drain_judgement *j)
{
	_cleanup_free_ bool *keep = xcalloc(b->n_items + 1, sizeof(*keep));
	size_t n_later = 0;

	for (size_t i = 0; i < b->n_items; i++) {
		json_t *item = json_object_get(json_array_get(items, i), "create");
		long status = (long)json_integer_value(json_object_get(item, "status"));

		if ((status >= 200 && status < 300) || status == 409)
			continue;
		describe(status, json_object_get(item, "error"), j->message, sizeof(j->message));
		if (status == 429 || status >= 500) {
			keep[i] = true;
			n_later++;
		} else {
			j->n_refused++;
		}
	}
	j->verdict = DRAIN_DONE;
	if (n_later)
		j->verdict = batch_keep(b, keep) < 0 ? DRAIN_RETRY : DRAIN_AGAIN;
}

static void judge_errors(struct batch *b, const struct drain_reply *r, struct drain_judgement *j)
{
	json_t *reply = json_loadb(r->text, r->n, 0, NULL);
	json_t *items = json_object_get(reply, "items");

	if (json_is_false(json_object_get(reply, "errors"))) {
		j->verdict = DRAIN_DONE;
	} else if (json_array_size(items) == b->n_items) {
		judge_items(b, items, j);
	} else {
		j->verdict = DRAIN_RETRY;
		snprintf(j->message, sizeof(j->message), "the answer has no item for each line");
	}
	json_decref(reply);
}

static void judge(struct batch *b, const struct drain_reply *r, struct drain_judgement *j)
{
	static const char fine[] = "{\"errors\":false";

	if (r->status == 429 || r->status >= 500 || r->status < 200)
		j->verdict = DRAIN_RETRY;
	else if (r->status >= 300)
		j->verdict = DRAIN_REFUSED;
	else if (!r->n || (r->n >= strlen(fine) && memcmp(r->text, fine, strlen(fine)) == 0))
		j->verdict = DRAIN_DONE;
	else
		judge_errors(b, r, j);
}

static const char *const options[] = { "index", "api_key", NULL };

const struct drain_driver drain_elastic = {
	.scheme = "elasticsearch",
	.transport = DRAIN_HTTP,
	.port = 9200,
	.tls_port = 9200,
	.path = "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason,"
		"items.*.error.caused_by.reason",
	.options = options,
	.has_records = true,
	.gzip = true,
	.batch_bytes = 512 * 1024,
	.put = put_elastic,
	.headers = headers,
	.judge = judge,
};
