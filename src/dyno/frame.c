/* SPDX-License-Identifier: Apache-2.0 */
/* Attach frames (ipc/dyno-proto.h): one is written, and one is measured. */
#include <arpa/inet.h>
#include <string.h>

#include "dyno/dyno.h"

void frame_append(struct buf *b, enum attach_frame type, const void *data, size_t n)
{
	uint32_t length = htonl((uint32_t)n);
	char header[ATTACH_HEADER_BYTES] = { (char)type };

	memcpy(header + 1, &length, sizeof(length));
	buf_append(b, header, sizeof(header));
	buf_append(b, data, n);
}

size_t frame_length(const char *data, size_t *ret_n)
{
	uint32_t length;

	memcpy(&length, data + 1, sizeof(length));
	*ret_n = ntohl(length);
	return ATTACH_HEADER_BYTES + *ret_n;
}
