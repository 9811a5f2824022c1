/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OTLP receiver's answer, which may refuse some of the lines:
 * ExportLogsServiceResponse { partial_success = 1 { rejected = 1, message = 2 } }
 */
#include <stdio.h>

#include "base/str.h"
#include "logs/otlp.h"

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

/* The next field: its number, and its varint in *v or its bytes in *bytes. False at the end, or at
 * nonsense. */
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
	struct reader all = { (const unsigned char *)r->text,
			      (const unsigned char *)r->text + r->n },
		      bytes;
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

void otlp_read_reply(const struct drain_reply *r, bool is_json, struct drain_judgement *j)
{
	if (is_json)
		judge_partial_json(r, j);
	else
		judge_partial(r, j);
}
