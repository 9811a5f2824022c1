/* SPDX-License-Identifier: Apache-2.0 */
/* Writes bytes to memory that is known to be large enough: the encoders reserve room for a whole
 * line once. Each function returns the address after what it wrote. */
#pragma once

#include <string.h>

#include "base/buf.h"
#include "logs/record.h"

static inline char *put_bytes(char *p, const void *data, size_t n)
{
	if (n)
		memcpy(p, data, n);
	return p + n;
}

static inline char *put_buf(char *p, const struct buf *b)
{
	return put_bytes(p, b->data, b->len);
}

#define PUT_LITERAL(p, text) put_bytes(p, text, sizeof(text) - 1)

/* At most 20 digits. */
#define PUT_DECIMAL_MAX 20
static inline char *put_decimal(char *p, uint64_t v, int min_digits)
{
	char digits[24], *end = digits + sizeof(digits), *first = log_decimal(end, v, min_digits);

	return put_bytes(p, first, (size_t)(end - first));
}

/* A string in quotes; bytes that are not UTF-8 become U+FFFD. */
#define PUT_JSON_MAX(n) (6 * (n) + 2)
char *put_json(char *p, const char *s, size_t n);
