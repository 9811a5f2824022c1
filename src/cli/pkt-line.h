/* SPDX-License-Identifier: Apache-2.0 */
/* git's pkt-lines (gitprotocol-common(5)), as the proc-receive hook speaks them: four hex digits of
 * length, then the text. */
#pragma once

#include "base/buf.h"

#define PKT_LINE_MAX 65520

/*
 * One line into *text, without the line feed at its end: 1. A flush is 0; an end, or what is none
 * of these, is a negative errno.
 */
int pkt_read(int fd, struct buf *text);
int pkt_write(int fd, const char *text, size_t n);
int pkt_printf(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int pkt_flush(int fd);
