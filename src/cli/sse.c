/* SPDX-License-Identifier: Apache-2.0 */
/* See sse.h. */
#include "cli/sse.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

static void end_event(struct sse *s, sse_line_fn fn, void *userdata)
{
	char *save = NULL;

	if (!s->named)
		for (char *line = strtok_r(s->data.data, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			fn(line, userdata);
	if (s->id) {
		free(s->last_id);
		s->last_id = steal_ptr(s->id);
	}
	buf_clear(&s->data);
	s->named = false;
}

static void take_field(struct sse *s, const char *line)
{
	const char *colon = strchr(line, ':');
	size_t n = colon ? (size_t)(colon - line) : strlen(line);
	const char *value = colon ? colon + 1 : "";

	if (*value == ' ')
		value++;
	if (n == 4 && strncmp(line, "data", n) == 0) {
		buf_puts(&s->data, value);
		buf_putc(&s->data, '\n');
	} else if (n == 2 && strncmp(line, "id", n) == 0) {
		free(s->id);
		s->id = xstrdup(value);
	} else if (n == 5 && strncmp(line, "event", n) == 0) {
		s->named = *value && !streq(value, "message");
	}
}

void sse_feed(struct sse *s, const char *chunk, size_t n, sse_line_fn fn, void *userdata)
{
	size_t done = 0;
	char *end;

	buf_append(&s->pending, chunk, n);
	while ((end = memchr(s->pending.data + done, '\n', s->pending.len - done))) {
		char *line = s->pending.data + done;

		*end = '\0';
		done = (size_t)(end - s->pending.data) + 1;
		if (end > line && end[-1] == '\r')
			end[-1] = '\0';
		if (*line)
			take_field(s, line);
		else
			end_event(s, fn, userdata);
	}
	buf_consume(&s->pending, done);
}

void sse_restart(struct sse *s)
{
	buf_clear(&s->pending);
	buf_clear(&s->data);
	free(steal_ptr(s->id));
	s->named = false;
}

void sse_done(struct sse *s)
{
	buf_done(&s->pending);
	buf_done(&s->data);
	free(s->id);
	free(s->last_id);
	*s = SSE_INIT;
}

bool log_line_split(const char *line, struct log_line *ret)
{
	const char *space = strchr(line, ' ');
	const char *open = space ? strchr(space, '[') : NULL;
	const char *close = open ? strstr(open, "]: ") : NULL;

	if (!close || memchr(space + 1, ' ', (size_t)(open - space - 1)))
		return false;
	*ret = (struct log_line){
		.stamp = line,
		.stamp_len = (int)(space - line),
		.source = space + 1,
		.source_len = (int)(open - space - 1),
		.dyno = open + 1,
		.dyno_len = (int)(close - open - 1),
		.text = close + 3,
	};
	return true;
}
