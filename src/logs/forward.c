/* SPDX-License-Identifier: Apache-2.0 */
/* Entries and messages of the forward protocol; see forward.h. */
#include "logs/forward.h"

#include <endian.h>
#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "logs/line.h"

static int write_buf(void *data, const char *bytes, size_t n)
{
	buf_append(data, bytes, n);
	return 0;
}

static void pack_str(msgpack_packer *pk, const char *s, size_t n)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;

	if (utf8_span(s, n) < n) {
		utf8_put(&clean, s, n);
		s = clean.data;
		n = clean.len;
	}
	msgpack_pack_str(pk, n);
	msgpack_pack_str_body(pk, s, n);
}

static void pack_text(msgpack_packer *pk, const char *s)
{
	pack_str(pk, s, strlen(s));
}

static void pack_value(msgpack_packer *pk, json_t *v);

static void pack_members(msgpack_packer *pk, json_t *object)
{
	const char *name;
	size_t n;
	json_t *value;

	json_object_keylen_foreach(object, name, n, value)
	{
		pack_str(pk, name, n);
		pack_value(pk, value);
	}
}

static void pack_value(msgpack_packer *pk, json_t *v)
{
	json_t *item;
	size_t i;

	switch (json_typeof(v)) {
	case JSON_OBJECT:
		msgpack_pack_map(pk, json_object_size(v));
		pack_members(pk, v);
		break;
	case JSON_ARRAY:
		msgpack_pack_array(pk, json_array_size(v));
		json_array_foreach (v, i, item)
			pack_value(pk, item);
		break;
	case JSON_STRING:
		pack_str(pk, json_string_value(v), json_string_length(v));
		break;
	case JSON_INTEGER:
		msgpack_pack_int64(pk, json_integer_value(v));
		break;
	case JSON_REAL:
		msgpack_pack_double(pk, json_real_value(v));
		break;
	case JSON_TRUE:
		msgpack_pack_true(pk);
		break;
	case JSON_FALSE:
		msgpack_pack_false(pk);
		break;
	case JSON_NULL:
		msgpack_pack_nil(pk);
		break;
	}
}

/* "twelve": {...} up to the value of "seq", which comes last. */
static void fill_meta(struct batch *b, const struct batch_line *line)
{
	const struct log_record *r = line->record;
	bool partial = r->flags & LOG_CONTINUES;
	char type[LOG_NAME_MAX + 1], release[16];
	msgpack_packer pk;

	batch_type(r, type);
	msgpack_packer_init(&pk, &b->meta, write_buf);
	pack_text(&pk, "twelve");
	msgpack_pack_map(&pk, 5u + (r->release > 0) + (line->commit[0] != '\0') + partial);
	pack_text(&pk, "app");
	pack_text(&pk, b->app->name);
	pack_text(&pk, "source");
	pack_str(&pk, r->source, r->source_len);
	pack_text(&pk, "dyno");
	pack_str(&pk, r->dyno, r->dyno_len);
	pack_text(&pk, "type");
	pack_text(&pk, type);
	if (r->release) {
		snprintf(release, sizeof(release), "v%u", r->release);
		pack_text(&pk, "release");
		pack_text(&pk, release);
	}
	if (line->commit[0]) {
		pack_text(&pk, "commit");
		pack_text(&pk, line->commit);
	}
	if (partial) {
		pack_text(&pk, "partial");
		msgpack_pack_true(&pk);
	}
	pack_text(&pk, "seq");
}

/* EventTime: extension type 0, seconds and nanoseconds, big-endian. */
static void pack_time(msgpack_packer *pk, int64_t ns)
{
	uint32_t seconds = htobe32((uint32_t)(ns / 1000000000)),
		 rest = htobe32((uint32_t)(ns % 1000000000));
	char bytes[8];

	memcpy(bytes, &seconds, 4);
	memcpy(bytes + 4, &rest, 4);
	msgpack_pack_ext(pk, sizeof(bytes), 0);
	msgpack_pack_ext_body(pk, bytes, sizeof(bytes));
}

static void put_fluent(struct batch *b, const struct batch_line *line)
{
	const struct log_record *r = line->record;
	const char *base = b->target->path[1] ? b->target->path + 1 : b->app->name;
	bool partial = r->flags & LOG_CONTINUES;
	char type[LOG_NAME_MAX + 1], tag[sizeof(((struct batch_group *)0)->key)];
	struct batch_group *g;
	msgpack_packer pk;

	batch_type(r, type);
	snprintf(tag, sizeof(tag), "%.80s.%s", base, type);
	g = batch_group(b, tag);
	/* The mark is in the map, whose size was packed without it. */
	if (partial)
		b->has_meta = false;
	if (!batch_meta(b, line))
		fill_meta(b, line);
	if (partial)
		b->has_meta = false;
	msgpack_packer_init(&pk, &g->bytes, write_buf);
	msgpack_pack_array(&pk, 2);
	pack_time(&pk, r->time_ns);
	msgpack_pack_map(&pk, 1 + (line->fields ? json_object_size(line->fields) : 1));
	if (line->fields) {
		pack_members(&pk, line->fields);
	} else {
		pack_text(&pk, "message");
		pack_str(&pk, r->text, r->text_len);
	}
	buf_append(&g->bytes, b->meta.data, b->meta.len);
	msgpack_pack_uint64(&pk, r->seq);
	g->n++;
}

void forward_chunk_id(const struct batch *b, size_t i, char id[static FORWARD_CHUNK_MAX])
{
	snprintf(id, FORWARD_CHUNK_MAX, "%s-%zu", b->id, i);
}

static void put_message(struct batch *b, size_t i)
{
	const struct batch_group *g = &b->groups[i];
	struct buf *packed = &b->scratch[0];
	char id[FORWARD_CHUNK_MAX];
	const struct buf *entries;
	msgpack_packer pk;
	bool is_gzip;

	buf_clear(packed);
	is_gzip = batch_gzip(b, &g->bytes, packed) == 0;
	entries = is_gzip ? packed : &g->bytes;
	forward_chunk_id(b, i, id);
	msgpack_packer_init(&pk, &b->body, write_buf);
	msgpack_pack_array(&pk, 3);
	pack_text(&pk, g->key);
	msgpack_pack_bin(&pk, entries->len);
	msgpack_pack_bin_body(&pk, entries->data, entries->len);
	msgpack_pack_map(&pk, is_gzip ? 3 : 2);
	pack_text(&pk, "size");
	msgpack_pack_uint64(&pk, g->n);
	pack_text(&pk, "chunk");
	pack_text(&pk, id);
	if (is_gzip) {
		pack_text(&pk, "compressed");
		pack_text(&pk, "gzip");
	}
}

static void end_fluent(struct batch *b)
{
	buf_clear(&b->body);
	for (size_t i = 0; i < b->n_groups; i++)
		put_message(b, i);
}

static const char *const options[] = { "shared_key", NULL };

const struct drain_driver drain_fluent = {
	.scheme = "fluent",
	.transport = DRAIN_FORWARD,
	.port = 24224,
	.tls_port = 24224,
	.options = options,
	.has_records = true,
	.batch_bytes = 512 * 1024,
	.put = put_fluent,
	.end = end_fluent,
};
