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
#include "logs/drain.h"
#include "logs/line.h"

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

static void put_bytes(struct buf *out, unsigned field, const void *data, size_t n)
{
	put_varint(out, field << 3 | 2);
	put_varint(out, n);
	buf_append(out, data, n);
}

static void put_string(struct buf *out, unsigned field, const char *s, size_t n)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;

	if (text_utf8_span(s, n) < n) {
		text_put_utf8(&clean, s, n);
		s = clean.data;
		n = clean.len;
	}
	put_bytes(out, field, s, n);
}

static void put_buf(struct buf *out, unsigned field, const struct buf *b)
{
	put_bytes(out, field, b->data, b->len);
}

static void put_any(struct buf *out, json_t *v);

/* KeyValue { key = 1, value = 2 } */
static void put_pair(struct buf *out, unsigned field, const char *name, size_t n, const struct buf *any)
{
	_cleanup_buf_ struct buf pair = BUF_INIT;

	put_string(&pair, 1, name, n);
	put_buf(&pair, 2, any);
	put_buf(out, field, &pair);
}

static void put_attribute(struct buf *out, unsigned field, const char *name, const char *s, size_t n)
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
		json_object_keylen_foreach (v, name, n, item) {
			_cleanup_buf_ struct buf any = BUF_INIT;

			put_any(&any, item);
			put_pair(&list, 1, name, n, &any);
		}
	} else {
		json_array_foreach (v, n, item) {
			_cleanup_buf_ struct buf any = BUF_INIT;

			put_any(&any, item);
			put_buf(&list, 1, &any);
		}
	}
	put_buf(out, field, &list);
}

/* AnyValue { string = 1, bool = 2, int = 3, double = 4, array = 5, kvlist = 6 }; nothing for null. */
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

static size_t varint_size(uint64_t v)
{
	size_t n = 1;

	while (v >>= 7)
		n++;
	return n;
}

/* The body of a line of text: AnyValue in field 5, without a buffer of its own. */
static void put_text_body(struct buf *record, const char *s, size_t n)
{
	put_varint(record, 5 << 3 | 2);
	put_varint(record, 1 + varint_size(n) + n);
	put_bytes(record, 1, s, n);
}

static void put_body(struct batch *b, const struct batch_line *line, struct buf *record)
{
	const struct log_record *r = line->record;
	struct buf *any = &b->scratch[1];

	if (!line->fields && text_utf8_span(r->text, r->text_len) == r->text_len) {
		put_text_body(record, r->text, r->text_len);
		return;
	}
	buf_clear(any);
	if (line->fields)
		put_any(any, line->fields);
	else
		put_string(any, 1, r->text, r->text_len);
	put_buf(record, 5, any);
}

/* A number as an attribute: KeyValue { key, AnyValue { field: v } }. */
static void put_number(struct buf *record, const char *name, unsigned field, uint64_t v)
{
	size_t n = strlen(name), any = 1 + varint_size(v);

	put_varint(record, 6 << 3 | 2);
	put_varint(record, 1 + varint_size(n) + n + 1 + varint_size(any) + any);
	put_bytes(record, 1, name, n);
	put_varint(record, 2 << 3 | 2);
	put_varint(record, any);
	put_int(record, field, v);
}

/* LogRecord { time = 1, body = 5, attributes = 6, observed_time = 11 } in ScopeLogs' field 2 */
static void put_record(struct batch *b, const struct batch_line *line, struct buf *out)
{
	const struct log_record *r = line->record;
	struct buf *record = &b->scratch[0];

	buf_clear(record);
	put_fixed64(record, 1, (uint64_t)r->time_ns);
	put_body(b, line, record);
	buf_append(record, b->meta.data, b->meta.len);
	put_number(record, "twelve.seq", 3, r->seq);
	if (r->flags & LOG_CONTINUES)
		put_number(record, "twelve.partial", 2, 1);
	put_fixed64(record, 11, (uint64_t)r->time_ns);
	put_buf(out, 2, record);
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
			json_array_append_new(list, json_pack("{s:s, s:o}", "key", name, "value", any_json(item)));
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

	buf_printf(&g->bytes, "%s{\"timeUnixNano\":\"%" PRId64 "\",\"observedTimeUnixNano\":\"%" PRId64 "\",\"body\":",
		   g->n ? "," : "", r->time_ns, r->time_ns);
	put_json_body(line, &g->bytes);
	buf_puts(&g->bytes, ",\"attributes\":[");
	json_string_pair(&g->bytes, "twelve.source", r->source, r->source_len);
	buf_printf(&g->bytes, ",{\"key\":\"twelve.seq\",\"value\":{\"intValue\":\"%" PRIu64 "\"}}%s]}", r->seq,
		   r->flags & LOG_CONTINUES ? ",{\"key\":\"twelve.partial\",\"value\":{\"boolValue\":true}}" : "");
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
	if (!batch_meta(b, line) || !b->n_groups) {
		snprintf(key, sizeof(key), "%.*s %u %.40s", (int)r->dyno_len, r->dyno, r->release, line->commit);
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

/* ResourceLogs { resource = 1, scope_logs = 2 }, in the request's field 1 */
static void end_protobuf(struct batch *b, const struct batch_group *g)
{
	_cleanup_buf_ struct buf resource = BUF_INIT, scope = BUF_INIT, logs = BUF_INIT, all = BUF_INIT;
	struct attribute a[6];
	size_t n = resource_of(b, g->key, a);

	for (size_t i = 0; i < n; i++)
		put_attribute(&resource, 1, a[i].name, a[i].value, strlen(a[i].value));
	put_bytes(&scope, 1, SCOPE, strlen(SCOPE));
	put_buf(&logs, 1, &scope);
	buf_append(&logs, g->bytes.data, g->bytes.len);
	put_buf(&all, 1, &resource);
	put_buf(&all, 2, &logs);
	put_buf(&b->raw, 1, &all);
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
	snprintf(h[0].value, sizeof(h->value), "%s", is_json(b) ? "application/json" : "application/x-protobuf");
	return 1;
}

/* ---- the answer: ExportLogsServiceResponse { partial_success = 1 { rejected = 1, message = 2 } } ---- */

struct reader {
	const unsigned char *p, *end;
};

static bool read_varint(struct reader *r, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; r->p < r->end && shift < 64; shift += 7) {
		unsigned char c = *r->p++;

		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			*ret = v;
			return true;
		}
	}
	return false;
}

/* The next field: its number, and its varint in *v or its bytes in *bytes. False at the end, or at nonsense. */
static bool read_field(struct reader *r, uint64_t *field, uint64_t *v, struct reader *bytes)
{
	uint64_t tag, n = 0;

	*bytes = (struct reader){ NULL, NULL };
	*v = 0;
	if (!read_varint(r, &tag))
		return false;
	*field = tag >> 3;
	switch (tag & 7) {
	case 0:
		return read_varint(r, v);
	case 1:
		n = 8;
		break;
	case 2:
		if (!read_varint(r, &n))
			return false;
		break;
	case 5:
		n = 4;
		break;
	default:
		return false;
	}
	if (n > (uint64_t)(r->end - r->p))
		return false;
	*bytes = (struct reader){ r->p, r->p + n };
	r->p += n;
	return true;
}

static void read_partial(struct reader r, struct drain_judgement *j)
{
	uint64_t field, v;
	struct reader bytes;

	while (read_field(&r, &field, &v, &bytes)) {
		if (field == 1)
			j->n_refused = v;
		else if (field == 2 && bytes.p)
			snprintf(j->message, sizeof(j->message), "%.*s",
				 bytes.end - bytes.p < 150 ? (int)(bytes.end - bytes.p) : 150,
				 (const char *)bytes.p);
	}
}

static void judge_partial(const struct drain_reply *r, struct drain_judgement *j)
{
	struct reader all = { (const unsigned char *)r->text, (const unsigned char *)r->text + r->n }, bytes;
	uint64_t field, v;

	while (r->n && read_field(&all, &field, &v, &bytes))
		if (field == 1 && bytes.p)
			read_partial(bytes, j);
}

/* int64 is a string in JSON; some write a number. */
static void judge_partial_json(const struct drain_reply *r, struct drain_judgement *j)
{
	json_t *reply = r->n ? json_loadb(r->text, r->n, 0, NULL) : NULL;
	json_t *partial = json_object_get(reply, "partialSuccess");
	json_t *n = json_object_get(partial, "rejectedLogRecords");
	const char *text = json_string_value(json_object_get(partial, "errorMessage"));
	int64_t v = json_integer_value(n);

	if (json_is_string(n) && !str_to_i64(json_string_value(n), 0, INT64_MAX, &v))
		v = 0;
	j->n_refused = v > 0 ? (uint64_t)v : 0;
	if (text)
		snprintf(j->message, sizeof(j->message), "%.150s", text);
	json_decref(reply);
}

static void judge(struct batch *b, const struct drain_reply *r, struct drain_judgement *j)
{
	if (r->status >= 200 && r->status < 300) {
		j->verdict = DRAIN_DONE;
		if (is_json(b))
			judge_partial_json(r, j);
		else
			judge_partial(r, j);
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
