/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The object "twelve" that goes along with each line to receivers of JSON:
 *
 *     {"app":"shop","source":"app","dyno":"web.1","type":"web","release":"v7",
 *      "commit":"1f3870b","seq":12,"partial":true}
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logs/drain.h"
#include "logs/line.h"
#include "logs/meta.h"
#include "logs/put.h"

static void put_pair(struct buf *out, const char *name, const char *s, size_t n)
{
	buf_printf(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
	text_put_json(out, s, n);
}

static void fill(struct batch *b, const struct batch_line *line)
{
	const struct log_record *r = line->record;
	char type[LOG_NAME_MAX + 1];

	batch_type(r, type);
	buf_putc(&b->meta, '{');
	put_pair(&b->meta, "app", b->app->name, strlen(b->app->name));
	put_pair(&b->meta, "source", r->source, r->source_len);
	put_pair(&b->meta, "dyno", r->dyno, r->dyno_len);
	put_pair(&b->meta, "type", type, strlen(type));
	if (r->release)
		buf_printf(&b->meta, ",\"release\":\"v%u\"", r->release);
	if (line->commit[0])
		put_pair(&b->meta, "commit", line->commit, strlen(line->commit));
	buf_puts(&b->meta, ",\"seq\":");
}

#define PARTIAL ",\"partial\":true"

size_t meta_room(struct batch *b, const struct batch_line *line)
{
	if (!batch_meta(b, line))
		fill(b, line);
	return b->meta.len + PUT_DECIMAL_MAX + strlen(PARTIAL "}");
}

char *meta_put_json(char *p, const struct batch *b, const struct log_record *r)
{
	p = put_buf(p, &b->meta);
	p = put_decimal(p, r->seq, 1);
	if (r->flags & LOG_CONTINUES)
		p = PUT_LITERAL(p, PARTIAL);
	*p++ = '}';
	return p;
}

void meta_put_members(const struct batch_line *line, struct buf *out)
{
	char *text = json_dumps(line->fields, JSON_COMPACT);

	/* Without its braces. */
	if (text && strlen(text) > 2) {
		buf_putc(out, ',');
		buf_append(out, text + 1, strlen(text) - 2);
	}
	free(text);
}
