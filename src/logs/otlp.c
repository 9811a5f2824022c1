/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenTelemetry: OTLP/HTTP, POST /v1/logs (opentelemetry-proto, docs/specification.md and
 * logs.proto), in protobuf, or in JSON with ?encoding=json.
 *
 * A resource is a dyno of a release. The wire format of protobuf is a tag (field << 3 |
 * type) and a varint, eight bytes, or a length and so many bytes; that is all that is
 * needed here.
 */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "logs/drain.h"
#include "logs/line.h"
#include "logs/otlp.h"
#include "logs/put.h"

#define SCOPE "twelve"

/* ---- protobuf ---- */

static void put_varint(struct buf *out, uint64_t v)
{
	char bytes[10];
	size_t n = 0;

	do {
		bytes[n++] = (char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
		v >>= 7;
	} while (v);
	buf_append(out, bytes, n);
}

static void put_int(struct buf *out, unsigned field, uint64_t v)
{
	put_varint(out, field << 3);
	put_varint(out, v);
}

static void put_fixed64(struct buf *out, unsigned field, uint64_t v)
{
	v = htole64(v);
	put_varint(out, field << 3 | 1);
	buf_append(out, &v, sizeof(v));
}

static void put_bytes_field(struct buf *out, unsigned field, const void *data, size_t n)
{
	put_varint(out, field << 3 | 2);
	put_varint(out, n);
	buf_append(out, data, n);
}

static void put_string(struct buf *out, unsigned field, const char *s, size_t n)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;

	if (utf8_span(s, n) < n) {
		utf8_put(&clean, s, n);
		s = clean.data;
		n = clean.len;
	}
	put_bytes_field(out, field, s, n);
}

static void put_buf_field(struct buf *out, unsigned field, const struct buf *b)
{
	put_bytes_field(out, field, b->data, b->len);
}

static void put_any(struct buf *out, json_t *v);

/* KeyValue { key = 1, value = 2 } */
static void put_pair(struct buf *out, unsigned field, const char *name, size_t n,
		     const struct buf *any)
{
	_cleanup_buf_ struct buf pair = BUF_INIT;

	put_string(&pair, 1, name, n);
	put_buf_field(&pair, 2, any);
	put_buf_field(out, field, &pair);
}

static void put_attribute(struct buf *out, unsigned field, const char *name, const char *s,
			  size_t n)
{
	_cleanup_buf_ struct buf any = BUF_INIT;

	put_string(&any, 1, s, n);
	put_pair(out, field, name, strlen(name), &any);
}

/* KeyValueList and ArrayValue: the values in field 1. */
static void put_members(struct buf *out, unsigned field, json_t *v)
{
	_cleanup_buf_ struct buf list = BUF_INIT;
	const char *name;
	json_t *item;
	size_t n;

	if (json_is_object(v)) {
		json_object_keylen_foreach(v, name, n, item)
		{
			_cleanup_buf_ struct buf any = BUF_INIT;

			put_any(&any, item);
			put_pair(&list, 1, name, n, &any);
		}
	} else {
		json_array_foreach (v, n, item) {
			_cleanup_buf_ struct buf any = BUF_INIT;

			put_any(&any, item);
			put_buf_field(&list, 1, &any);
		}
	}
	put_buf_field(out, field, &list);
}

/* AnyValue { string = 1, bool = 2, int = 3, double = 4, array = 5, kvlist = 6 }; nothing for null.
 */
static void put_any(struct buf *out, json_t *v)
{
	double real;
	uint64_t bits;

	switch (json_typeof(v)) {
	case JSON_STRING:
		put_string(out, 1, json_string_value(v), json_string_length(v));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		put_int(out, 2, json_is_true(v));
		break;
	case JSON_INTEGER:
		put_int(out, 3, (uint64_t)json_integer_value(v));
		break;
	case JSON_REAL:
		real = json_real_value(v);
		memcpy(&bits, &real, sizeof(bits));
		put_fixed64(out, 4, bits);
		break;
	case JSON_ARRAY:
		put_members(out, 5, v);
		break;
	case JSON_OBJECT:
		put_members(out, 6, v);
		break;
	case JSON_NULL:
		break;
	}
}

/* ---- a line, into room that is there ---- */

static size_t varint_size(uint64_t v)
{
	size_t n = 1;

	while (v >>= 7)
		n++;
	return n;
}

static char *write_varint(char *p, uint64_t v)
{
	for (; v > 0x7f; v >>= 7)
		*p++ = (char)(v | 0x80);
	*p++ = (char)v;
	return p;
}

static char *write_time(char *p, unsigned field, int64_t ns)
{
	uint64_t v = htole64((uint64_t)ns);

	*p++ = (char)(field << 3 | 1);
	return put_bytes(p, &v, sizeof(v));
}

/* The tag and the length of what follows. */
static char *write_head(char *p, unsigned field, size_t n)
{
	*p++ = (char)(field << 3 | 2);
	return write_varint(p, n);
}

static size_t head_size(size_t n)
{
	return 1 + varint_size(n);
}

/* A number as an attribute: KeyValue { key, AnyValue { field: v } } in field 6. */
struct number {
	const char *name;
	unsigned field;
	uint64_t v;
};

static size_t number_size(const struct number *n)
{
	size_t name = strlen(n->name);

	return head_size(name) + name + 2 + 1 + varint_size(n->v);
}

static char *write_number(char *p, const struct number *n)
{
	size_t name = strlen(n->name);

	p = write_head(p, 6, number_size(n));
	p = put_bytes(write_head(p, 1, name), n->name, name);
	p = write_head(p, 2, 1 + varint_size(n->v));
	*p++ = (char)(n->field << 3);
	return write_varint(p, n->v);
}

/* The body as an AnyValue that is not just text, in scratch; NULL when the text itself will do. */
static const struct buf *body_of(struct batch *b, const struct batch_line *line)
{
	const struct log_record *r = line->record;
	struct buf *any = &b->scratch[0];

	if (!line->fields && utf8_span(r->text, r->text_len) == r->text_len)
		return NULL;
	buf_clear(any);
	if (line->fields)
		put_any(any, line->fields);
	else
		put_string(any, 1, r->text, r->text_len);
	return any;
}

static char *write_body(char *p, const struct log_record *r, const struct buf *any, size_t n)
{
	p = write_head(p, 5, n);
	if (any)
		return put_buf(p, any);
	return put_bytes(write_head(p, 1, r->text_len), r->text, r->text_len);
}

#define TIME_SIZE 9

/* LogRecord { time = 1, body = 5, attributes = 6, observed_time = 11 } in ScopeLogs' field 2 */
static void put_record(struct batch *b, const struct batch_line *line, struct buf *out)
{
	const struct log_record *r = line->record;
	const struct number seq = { "twelve.seq", 3, r->seq }, partial = { "twelve.partial", 2, 1 };
	const struct buf *any = body_of(b, line);
	size_t body = any ? any->len : head_size(r->text_len) + r->text_len;
	size_t size = 2 * TIME_SIZE + head_size(body) + body + b->meta.len + 2 + number_size(&seq);
	char *start, *p;

	if (r->flags & LOG_CONTINUES)
		size += 2 + number_size(&partial);
	p = start = buf_reserve(out, head_size(size) + size);
	p = write_head(p, 2, size);
	p = write_time(p, 1, r->time_ns);
	p = write_body(p, r, any, body);
	p = put_buf(p, &b->meta);
	p = write_number(p, &seq);
	if (r->flags & LOG_CONTINUES)
		p = write_number(p, &partial);
	p = write_time(p, 11, r->time_ns);
	buf_added(out, (size_t)(p - start));
}

/* ---- JSON: 64-bit numbers are strings, names in lowerCamelCase ---- */

static void json_string_pair(struct buf *out, const char *name, const char *s, size_t n)
{
	buf_printf(out, "{\"key\":\"%s\",\"value\":{\"stringValue\":", name);
	text_put_json(out, s, n);
	buf_puts(out, "}}");
}

static json_t *any_json(json_t *v)
{
	const char *name;
	char number[32];
	json_t *list = json_array(), *item;
	size_t i;

	if (json_is_object(v)) {
		json_object_foreach (v, name, item)
			json_array_append_new(list, json_pack("{s:s, s:o}", "key", name, "value",
							      any_json(item)));
		return json_pack("{s:{s:o}}", "kvlistValue", "values", list);
	}
	if (json_is_array(v)) {
		json_array_foreach (v, i, item)
			json_array_append_new(list, any_json(item));
		return json_pack("{s:{s:o}}", "arrayValue", "values", list);
	}
	json_decref(list);
	if (json_is_string(v))
		return json_pack("{s:O}", "stringValue", v);
	if (json_is_boolean(v))
		return json_pack("{s:O}", "boolValue", v);
	if (json_is_real(v))
		return json_pack("{s:O}", "doubleValue", v);
	if (json_is_null(v))
		return json_object();
	snprintf(number, sizeof(number), "%" PRId64, (int64_t)json_integer_value(v));
	return json_pack("{s:s}", "intValue", number);
}

static void put_json_body(const struct batch_line *line, struct buf *out)
{
	json_t *any = line->fields ? any_json(line->fields) : NULL;
	char *text = any ? json_dumps(any, JSON_COMPACT) : NULL;

	if (text) {
		buf_puts(out, text);
	} else {
		buf_puts(out, "{\"stringValue\":");
		text_put_json(out, line->record->text, line->record->text_len);
		buf_putc(out, '}');
	}
	free(text);
	json_decref(any);
}

static void put_json_record(const struct batch_line *line, struct batch_group *g)
{
	const struct log_record *r = line->record;

	buf_printf(&g->bytes,
		   "%s{\"timeUnixNano\":\"%" PRId64 "\",\"observedTimeUnixNano\":\"%" PRId64
		   "\",\"body\":",
		   g->n ? "," : "", r->time_ns, r->time_ns);
	put_json_body(line, &g->bytes);
	buf_puts(&g->bytes, ",\"attributes\":[");
	json_string_pair(&g->bytes, "twelve.source", r->source, r->source_len);
	buf_printf(&g->bytes,
		   ",{\"key\":\"twelve.seq\",\"value\":{\"intValue\":\"%" PRIu64 "\"}}%s]}", r->seq,
		   r->flags & LOG_CONTINUES
			   ? ",{\"key\":\"twelve.partial\",\"value\":{\"boolValue\":true}}"
			   : "");
}

/* ---- both ---- */

static bool is_json(const struct batch *b)
{
	const char *encoding = drain_option(b->target, "encoding");

	return encoding && streq(encoding, "json");
}

/* A group's key is "DYNO RELEASE COMMIT", of which the resource is made. */
static void put_otlp(struct batch *b, const struct batch_line *line)
{
	const struct log_record *r = line->record;
	char key[sizeof(((struct batch_group *)0)->key)];
	struct batch_group *g;

	/* Lines of the same meta are of the same group. */
	if (!batch_meta(b, line)) {
		snprintf(key, sizeof(key), "%.*s %u %.40s", (int)r->dyno_len, r->dyno, r->release,
			 line->commit);
		put_attribute(&b->meta, 6, "twelve.source", r->source, r->source_len);
		g = batch_group(b, key);
	} else {
		g = &b->groups[b->last_group];
	}
	if (is_json(b))
		put_json_record(line, g);
	else
		put_record(b, line, &g->bytes);
	g->n++;
}

struct attribute {
	const char *name;
	char value[LOG_NAME_MAX + 65];
};

static size_t resource_of(const struct batch *b, const char *key, struct attribute a[static 6])
{
	char dyno[LOG_NAME_MAX + 1] = "", commit[41] = "";
	unsigned release = 0;
	size_t n = 0;

	sscanf(key, "%63s %u %40s", dyno, &release, commit);
	a[n] = (struct attribute){ .name = "service.name" };
	snprintf(a[n++].value, sizeof(a->value), "%s", b->app->name);
	a[n] = (struct attribute){ .name = "service.instance.id" };
	snprintf(a[n++].value, sizeof(a->value), "%s", dyno);
	a[n] = (struct attribute){ .name = "twelve.type" };
	snprintf(a[n++].value, sizeof(a->value), "%.*s", (int)strcspn(dyno, "."), dyno);
	a[n] = (struct attribute){ .name = "host.name" };
	snprintf(a[n++].value, sizeof(a->value), "%s", b->app->host);
	if (release) {
		a[n] = (struct attribute){ .name = "service.version" };
		snprintf(a[n++].value, sizeof(a->value), "v%u", release);
	}
	if (commit[0]) {
		a[n] = (struct attribute){ .name = "vcs.ref.head.revision" };
		snprintf(a[n++].value, sizeof(a->value), "%s", commit);
	}
	return n;
}

/* ResourceLogs { resource = 1, scope_logs = 2 { scope = 1, log_records = 2 } }, in the request's
 * field 1 */
static void end_protobuf(struct batch *b, const struct batch_group *g)
{
	_cleanup_buf_ struct buf resource = BUF_INIT, scope = BUF_INIT, logs = BUF_INIT,
				 all = BUF_INIT;
	struct attribute a[6];
	size_t n = resource_of(b, g->key, a);

	for (size_t i = 0; i < n; i++)
		put_attribute(&resource, 1, a[i].name, a[i].value, strlen(a[i].value));
	put_bytes_field(&scope, 1, SCOPE, strlen(SCOPE));
	put_buf_field(&logs, 1, &scope);
	put_buf_field(&all, 1, &resource);
	/* The lines are many: only their length goes around them, they are copied once. */
	put_varint(&all, 2 << 3 | 2);
	put_varint(&all, logs.len + g->bytes.len);
	buf_append(&all, logs.data, logs.len);
	put_varint(&b->raw, 1 << 3 | 2);
	put_varint(&b->raw, all.len + g->bytes.len);
	buf_append(&b->raw, all.data, all.len);
	buf_append(&b->raw, g->bytes.data, g->bytes.len);
}

static void end_json(struct batch *b, const struct batch_group *g, bool is_first)
{
	struct attribute a[6];
	size_t n = resource_of(b, g->key, a);

	buf_printf(&b->raw, "%s{\"resource\":{\"attributes\":[", is_first ? "" : ",");
	for (size_t i = 0; i < n; i++) {
		buf_puts(&b->raw, i ? "," : "");
		json_string_pair(&b->raw, a[i].name, a[i].value, strlen(a[i].value));
	}
	buf_puts(&b->raw, "]},\"scopeLogs\":[{\"scope\":{\"name\":\"" SCOPE "\"},\"logRecords\":[");
	buf_append(&b->raw, g->bytes.data, g->bytes.len);
	buf_puts(&b->raw, "]}]}");
}

static void end_otlp(struct batch *b)
{
	bool json = is_json(b);

	if (json)
		buf_puts(&b->raw, "{\"resourceLogs\":[");
	for (size_t i = 0; i < b->n_groups; i++)
		if (json)
			end_json(b, &b->groups[i], i == 0);
		else
			end_protobuf(b, &b->groups[i]);
	if (json)
		buf_puts(&b->raw, "]}");
}

static size_t headers(const struct batch *b, struct drain_header *h)
{
	h[0] = (struct drain_header){ "Content-Type", "" };
	snprintf(h[0].value, sizeof(h->value), "%s",
		 is_json(b) ? "application/json" : "application/x-protobuf");
	return 1;
}

static void judge(struct batch *b, const struct drain_reply *r, struct drain_judgement *j)
{
	if (r->status >= 200 && r->status < 300) {
		j->verdict = DRAIN_DONE;
		otlp_read_reply(r, is_json(b), j);
		if (j->n_refused > b->n_lines)
			j->n_refused = b->n_lines;
	} else if (r->status == 0 || r->status == 429 || (r->status >= 502 && r->status <= 504)) {
		j->verdict = DRAIN_RETRY;
	} else {
		j->verdict = DRAIN_REFUSED;
	}
}

static const char *const options[] = { "encoding", NULL };

const struct drain_driver drain_otlp = {
	.scheme = "otlp",
	.transport = DRAIN_HTTP,
	.port = 4318,
	.tls_port = 4318,
	.path = "/v1/logs",
	.options = options,
	.has_records = true,
	.gzip = true,
	.batch_bytes = 512 * 1024,
	.put = put_otlp,
	.end = end_otlp,
	.headers = headers,
	.judge = judge,
};
