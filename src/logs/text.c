/* SPDX-License-Identifier: Apache-2.0 */
/* Strings of apps, which may hold any bytes, for formats that hold UTF-8 only; see batch.h. */
#include <stdint.h>
#include <string.h>

#include "logs/batch.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Bytes of the character at s, 0 when it is none (RFC 3629: no overlong forms, no surrogates, up to U+10FFFF). */
static size_t character(const unsigned char *s, size_t n)
{
	static const struct {
		unsigned char first, last, low, high;
		size_t size;
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	if (s[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (s[0] < forms[i].first || s[0] > forms[i].last)
			continue;
		if (n < forms[i].size || s[1] < forms[i].low || s[1] > forms[i].high)
			return 0;
		for (size_t k = 2; k < forms[i].size; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].size;
	}
	return 0;
}

static bool is_ascii_8(const char *s)
{
	uint64_t v;

	memcpy(&v, s, sizeof(v));
	return !(v & 0x8080808080808080);
}

size_t text_utf8_span(const char *s, size_t n)
{
	size_t i = 0, size;

	while (i < n) {
		if (n - i >= 8 && is_ascii_8(s + i)) {
			i += 8;
			continue;
		}
		size = character((const unsigned char *)s + i, n - i);
		if (!size)
			return i;
		i += size;
	}
	return n;
}

void text_put_utf8(struct buf *out, const char *s, size_t n)
{
	while (n) {
		size_t span = text_utf8_span(s, n);

		buf_append(out, s, span);
		if (span < n) {
			buf_puts(out, REPLACEMENT);
			span++;
		}
		s += span;
		n -= span;
	}
}

/* Bytes that JSON has as they are (RFC 8259 section 7): not a quote, backslash or control. */
static bool is_plain_8(const char *s)
{
	const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
	uint64_t v, quote, slash, control;

	memcpy(&v, s, sizeof(v));
	quote = v ^ ones * '"';
	slash = v ^ ones * '\\';
	control = v - ones * 0x20;
	return !((v | control | (quote - ones) | (slash - ones)) & highs);
}

static char *put_escaped(char *p, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char names[] = "btn\0fr"; /* from 0x08 on; 0x0b has none */

	*p++ = '\\';
	if (c == '"' || c == '\\') {
		*p++ = (char)c;
	} else if (c >= 0x08 && c <= 0x0d && names[c - 0x08]) {
		*p++ = names[c - 0x08];
	} else {
		memcpy(p, "u00", 3);
		p[3] = hex[c >> 4];
		p[4] = hex[c & 15];
		p += 5;
	}
	return p;
}

void text_put_json(struct buf *out, const char *s, size_t n)
{
	/* A control character becomes six bytes, a bad one three. */
	char *start = buf_reserve(out, 6 * n + 2), *p = start;
	size_t i = 0, size;

	*p++ = '"';
	while (i < n) {
		unsigned char c = (unsigned char)s[i];

		if (n - i >= 8 && is_plain_8(s + i)) {
			memcpy(p, s + i, 8);
			p += 8;
			i += 8;
			continue;
		}
		if (c < 0x20 || c == '"' || c == '\\') {
			p = put_escaped(p, c);
			i++;
			continue;
		}
		size = character((const unsigned char *)s + i, n - i);
		memcpy(p, size ? s + i : REPLACEMENT, size ? size : 3);
		p += size ? size : 3;
		i += size ? size : 1;
	}
	*p++ = '"';
	buf_added(out, (size_t)(p - start));
}

void text_put_decimal(struct buf *out, uint64_t v, int min_digits)
{
	char digits[24], *end = digits + sizeof(digits), *first = log_decimal(end, v, min_digits);

	buf_append(out, first, (size_t)(end - first));
}

json_t *text_fields(const char *s, size_t n)
{
	json_t *fields;

	if (n < 2 || s[0] != '{' || s[n - 1] != '}')
		return NULL;
	fields = json_loadb(s, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (json_is_object(fields) && !json_object_get(fields, "twelve"))
		return fields;
	json_decref(fields);
	return NULL;
}
