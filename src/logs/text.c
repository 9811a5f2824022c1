/* SPDX-License-Identifier: Apache-2.0 */
/* Strings of apps, which may hold any bytes, for formats that hold UTF-8 only; see batch.h. */
#include <stdint.h>
#include <string.h>

#include "logs/batch.h"
#include "logs/put.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

/*
 * How far the bytes are as most are, by words; the rest is for those who look at each. With
 * SSE2 (every x86-64 has it) a word is 16 bytes, elsewhere 8.
 */
#ifdef __SSE2__
#define WORD 16

static bool is_ascii(const char *s)
{
	return !_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)s));
}

/* Bytes that JSON has as they are (RFC 8259 section 7): ASCII, but no quote, backslash or control. */
static bool is_plain(const char *s)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)s);
	__m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"')), slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
	/* Signed: what is not ASCII is below zero. */
	__m128i control = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));

	return !_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), control));
}
#else
#define WORD 8

static bool is_ascii(const char *s)
{
	uint64_t v;

	memcpy(&v, s, sizeof(v));
	return !(v & 0x8080808080808080);
}

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

size_t text_utf8_span(const char *s, size_t n)
{
	size_t i = 0, size;

	while (i < n) {
		if (n - i >= WORD && is_ascii(s + i)) {
			i += WORD;
			continue;
		}
		if (n - i < WORD && n >= WORD && is_ascii(s + n - WORD))
			return n;
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
	size = character((const unsigned char *)s, n);
	*p = size ? put_bytes(*p, s, size) : PUT_LITERAL(*p, REPLACEMENT);
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
	json_array_foreach(v, i, in)
		if (!is_shallow(in, left - 1))
			return false;
	json_object_foreach(v, name, in)
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
	if (json_is_object(fields) && !json_object_get(fields, "twelve") && is_shallow(fields, TEXT_FIELDS_DEPTH))
		return fields;
	json_decref(fields);
	return NULL;
}
