/* SPDX-License-Identifier: Apache-2.0 */
/* Strings of apps, which may hold any bytes, for formats that hold UTF-8 only; see batch.h. */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "logs/batch.h"
#include "logs/put.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* As in base/utf8.c: by words of 16 bytes where there is SSE2, elsewhere of 8. */
#ifdef __SSE2__
#define WORD 16

/* Bytes that JSON has as they are (RFC 8259 section 7): ASCII, but no quote, backslash or control.
 */
static bool is_plain(const char *s)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)s);
	__m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
		slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
	/* Signed: what is not ASCII is below zero. */
	__m128i control = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));

	return !_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), control));
}
#else
#define WORD 8

/* The same; a byte that is below a limit borrows from its high bit when the limit is subtracted. */
static bool is_plain(const char *s)
{
	const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
	uint64_t v, quote, slash, control;

	memcpy(&v, s, sizeof(v));
	quote = v ^ ones * '"';
	slash = v ^ ones * '\\';
	control = v - ones * 0x20;
	return !((v | control | (quote - ones) | (slash - ones)) & highs);
}
#endif

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

/* The character or bad byte at s; returns how many bytes of s it stands for. */
static size_t put_character(char **p, const char *s, size_t n)
{
	unsigned char c = (unsigned char)*s;
	size_t size;

	if (c < 0x20 || c == '"' || c == '\\') {
		*p = put_escaped(*p, c);
		return 1;
	}
	size = utf8_character(s, n);
	*p = size ? put_bytes(*p, s, size) : PUT_LITERAL(*p, UTF8_REPLACEMENT);
	return size ? size : 1;
}

char *put_json(char *p, const char *s, size_t n)
{
	size_t i = 0;

	*p++ = '"';
	while (i < n) {
		if (n - i >= WORD && is_plain(s + i)) {
			memcpy(p, s + i, WORD);
			p += WORD;
			i += WORD;
		} else if (n - i < WORD && n >= WORD && is_plain(s + n - WORD)) {
			/* The end, with what went before it as it is. */
			p += n - i;
			memcpy(p - WORD, s + n - WORD, WORD);
			i = n;
		} else {
			i += put_character(&p, s + i, n - i);
		}
	}
	*p++ = '"';
	return p;
}

void text_put_json(struct buf *out, const char *s, size_t n)
{
	char *start = buf_reserve(out, PUT_JSON_MAX(n));

	buf_added(out, (size_t)(put_json(start, s, n) - start));
}

void text_put_decimal(struct buf *out, uint64_t v, int min_digits)
{
	char *start = buf_reserve(out, PUT_DECIMAL_MAX);

	buf_added(out, (size_t)(put_decimal(start, v, min_digits) - start));
}

/* Not more than `left` objects and arrays within each other. */
static bool is_shallow(json_t *v, unsigned left)
{
	const char *name;
	json_t *in;
	size_t i;

	if (!json_is_object(v) && !json_is_array(v))
		return true;
	if (!left)
		return false;
	json_array_foreach (v, i, in)
		if (!is_shallow(in, left - 1))
			return false;
	json_object_foreach (v, name, in)
		if (!is_shallow(in, left - 1))
			return false;
	return true;
}

json_t *text_fields(const char *s, size_t n)
{
	json_t *fields;

	if (n < 2 || s[0] != '{' || s[n - 1] != '}')
		return NULL;
	fields = json_loadb(s, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (json_is_object(fields) && !json_object_get(fields, "twelve") &&
	    is_shallow(fields, TEXT_FIELDS_DEPTH))
		return fields;
	json_decref(fields);
	return NULL;
}
