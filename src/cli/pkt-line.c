/* SPDX-License-Identifier: Apache-2.0 */
/* See pkt-line.h. */
#include "cli/pkt-line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

#define HEAD 4

static int read_all(int fd, char *data, size_t n)
{
	while (n) {
		ssize_t got = fd_read(fd, data, n);

		if (got <= 0)
			return got < 0 ? (int)got : -EPIPE;
		data += got;
		n -= (size_t)got;
	}
	return 0;
}

int pkt_read(int fd, struct buf *text)
{
	char head[HEAD + 1] = "";
	unsigned long n;
	int r = read_all(fd, head, HEAD);

	if (r < 0)
		return r;
	if (head[strspn(head, "0123456789abcdefABCDEF")])
		return -EBADMSG;
	n = strtoul(head, NULL, 16);
	buf_clear(text);
	if (n == 0)
		return 0;
	if (n < HEAD || n > PKT_LINE_MAX)
		return -EBADMSG;
	n -= HEAD;
	r = read_all(fd, buf_reserve(text, n), n);
	if (r < 0)
		return r;
	if (n && text->data[n - 1] == '\n')
		n--;
	buf_added(text, n);
	return 1;
}

static int put(int fd, const char *text, size_t n)
{
	char head[HEAD + 1];
	int r;

	if (n + HEAD > PKT_LINE_MAX)
		return -EMSGSIZE;
	snprintf(head, sizeof(head), "%04zx", n + HEAD);
	r = fd_write_all(fd, head, HEAD);
	return r < 0 ? r : fd_write_all(fd, text, n);
}

int pkt_printf(int fd, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	return put(fd, text.data, text.len);
}

int pkt_flush(int fd)
{
	return fd_write_all(fd, "0000", HEAD);
}
