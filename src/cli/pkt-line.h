/* SPDX-License-Identifier: Apache-2.0 */
/* git's pkt-lines (gitprotocol-common(5)), as the proc-receive hook speaks them: four hex digits of
 * length, then the text. */
#pragma once

#include "base/buf.h"

#define PKT_LINE_MAX 65520

/* Reads one line into *text, without its line feed: 1. 0 for a flush packet; a negative errno at
 * the end of input or for invalid data. */
int pkt_read(int fd, struct buf *text);
int pkt_printf(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int pkt_flush(int fd);
