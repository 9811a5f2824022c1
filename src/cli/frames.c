/* SPDX-License-Identifier: Apache-2.0 */
/* See frames.h. */
#include "cli/frames.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static size_t payload_of(const struct buf *b)
{
	uint32_t length;

	memcpy(&length, b->data + 1, sizeof(length));
	return ntohl(length);
}

void frame_put(struct buf *b, enum attach_frame type, const void *data, size_t n)
{
	uint32_t length = htonl((uint32_t)n);

	assert(n <= ATTACH_MAX_PAYLOAD);
	buf_putc(b, (char)type);
	buf_append(b, &length, sizeof(length));
	buf_append(b, data, n);
}

int frame_peek(const struct buf *b, char *ret_type, const char **ret_data, size_t *ret_n)
{
	size_t n;

	if (b->len < ATTACH_HEADER_BYTES)
		return 0;
	n = payload_of(b);
	if (n > ATTACH_MAX_PAYLOAD)
		return -EPROTO;
	if (b->len < ATTACH_HEADER_BYTES + n)
		return 0;
	*ret_type = b->data[0];
	*ret_data = b->data + ATTACH_HEADER_BYTES;
	*ret_n = n;
	return 1;
}

void frame_consume(struct buf *b)
{
	buf_consume(b, ATTACH_HEADER_BYTES + payload_of(b));
}

int frame_exit_code(const char *data, size_t n, char **ret_sentence)
{
	_cleanup_free_ char *text = xstrndup(data, n);
	char *end;
	long code = strtol(text, &end, 10);

	*ret_sentence = xstrdup(str_trim(end));
	return end == text || code < 0 || code > 255 ? 1 : (int)code;
}
