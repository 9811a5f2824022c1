/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content-Encoding: gzip (RFC 1952) of a request, as it comes. Deflate makes a thousand
 * bytes of one at most, so that a caller who feeds little at a time has a bound.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

#define GUNZIP_RATIO_MAX 1032

struct gunzip;

struct gunzip *gunzip_new(void);
void gunzip_free(struct gunzip *g);
/* Appends what n further bytes stand for: up to GUNZIP_RATIO_MAX * n. -EBADMSG when it is not gzip.
 */
int gunzip_feed(struct gunzip *g, const void *data, size_t n, struct buf *out);
/* True when what came is whole, and not cut. */
bool gunzip_is_whole(const struct gunzip *g);
