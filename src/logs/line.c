/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to lines; see line.h. */
#include "logs/line.h"

#include <string.h>

/* A line of the greatest length may end with CR LF: so far one has to look. */
#define LOOK_BYTES (LOG_LINE_MAX + 2)

/* The greatest length up to LOG_LINE_MAX that does not cut a UTF-8 character (RFC 3629: 4 bytes at
 * most). */
static size_t cut(const char *data)
{
	const unsigned char *p = (const unsigned char *)data;
	size_t at = LOG_LINE_MAX;

	while (at > LOG_LINE_MAX - 4 && (p[at] & 0xc0) == 0x80)
		at--;
	return at == LOG_LINE_MAX || p[at] >= 0xc0 ? at : LOG_LINE_MAX;
}

bool log_line_next(const char *data, size_t n, bool flush, struct log_piece *ret)
{
	const char *lf = memchr(data, '\n', n < LOOK_BYTES ? n : LOOK_BYTES);
	size_t len = lf ? (size_t)(lf - data) : n;

	if (!n || (!lf && !flush && n < LOOK_BYTES))
		return false;
	if (lf && len && data[len - 1] == '\r')
		len--;
	*ret = (struct log_piece){ .text = data, .len = len };
	if (len > LOG_LINE_MAX) {
		ret->len = ret->taken = cut(data);
		ret->flags = LOG_CONTINUES;
	} else if (lf) {
		ret->taken = (size_t)(lf - data) + 1;
	} else {
		ret->taken = len;
		ret->flags = LOG_UNENDED;
	}
	return true;
}
