/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer that is always a C string too: data[len] is NUL, also
 * when the buffer is empty (data then points to a static NUL and must not be
 * written). Bytes may hold NULs; len counts.
 *
 * Growing aborts when memory is gone, so a caller whose input decides the size
 * checks it against a stated maximum first.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/cleanup.h"

struct buf {
	char *data;
	size_t len;
	size_t size;
};

extern char buf_empty[1];

#define BUF_INIT ((struct buf){ .data = buf_empty })

void buf_done(struct buf *b);
/* Forgets the contents and keeps the memory. */
void buf_clear(struct buf *b);
/* Makes room for n more bytes and the NUL; returns where they go. Call buf_added() after. */
char *buf_reserve(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);
void buf_append(struct buf *b, const void *data, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);
/* The contents as a heap string that the caller frees; the buffer is empty after. */
char *buf_steal(struct buf *b);

#define _cleanup_buf_ _cleanup_(buf_done)
