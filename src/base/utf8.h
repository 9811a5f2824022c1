/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of others, which may be anything, for what holds UTF-8 only, JSON first of all: jansson
 * makes no string of others, and what is made of them is lost. Each byte that is not of a character
 * becomes U+FFFD.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Bytes of the character at s, 0 when it is none (RFC 3629: no overlong forms, no surrogates, up to
 * U+10FFFF); n > 0. */
size_t utf8_character(const char *s, size_t n);
/* The bytes of UTF-8 that s begins with: n when all are. */
size_t utf8_span(const char *s, size_t n);
/* Appends the bytes as UTF-8. */
void utf8_put(struct buf *out, const char *s, size_t n);
/* The same as a heap string. */
char *utf8_dup(const char *s, size_t n);
/* Takes away what a cut at a size has left of a character at the end. */
void utf8_trim(char *s);
