/* SPDX-License-Identifier: Apache-2.0 */
/* Turns any bytes into valid UTF-8, for JSON above all: jansson refuses other strings. Each byte
 * that is not part of a character becomes U+FFFD. */
#pragma once

#include <stddef.h>

#include "base/buf.h"

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* The length of the character at s, or 0 if it is invalid (RFC 3629: no overlong forms, no
 * surrogates, up to U+10FFFF); n > 0. */
size_t utf8_character(const char *s, size_t n);
/* The length of the valid UTF-8 that s begins with: n if all of it is. */
size_t utf8_span(const char *s, size_t n);
/* Appends the bytes as UTF-8. */
void utf8_put(struct buf *out, const char *s, size_t n);
/* The same as a heap string. */
char *utf8_dup(const char *s, size_t n);
/* Removes an incomplete character at the end, left by a cut at a byte count. */
void utf8_trim(char *s);
