/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes Content-Encoding: gzip (RFC 1952) of a request in chunks. Deflate expands one byte to a
 * thousand at most, so feeding small chunks bounds the output. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

#define GUNZIP_RATIO_MAX 1032

struct gunzip;

struct gunzip *gunzip_new(void);
void gunzip_free(struct gunzip *g);
/* Decodes n more bytes and appends up to GUNZIP_RATIO_MAX * n. -EBADMSG if they are not gzip. */
int gunzip_feed(struct gunzip *g, const void *data, size_t n, struct buf *out);
/* True when what came is whole, and not cut. */
bool gunzip_is_whole(const struct gunzip *g);
