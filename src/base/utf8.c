/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8; see utf8.h. */
#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

size_t utf8_character(const char *s, size_t n)
{
	return character((const unsigned char *)s, n);
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

#else
#define WORD 8

static bool is_ascii(const char *s)
{
	uint64_t v;

	memcpy(&v, s, sizeof(v));
	return !(v & 0x8080808080808080);
}

#endif

size_t utf8_span(const char *s, size_t n)
{
	size_t i = 0, size;

	while (i < n) {
		if (n - i >= WORD && is_ascii(s + i)) {
			i += WORD;
			continue;
		}
		if (n - i < WORD && n >= WORD && is_ascii(s + n - WORD))
			return n;
		size = utf8_character(s + i, n - i);
		if (!size)
			return i;
		i += size;
	}
	return n;
}

void utf8_put(struct buf *out, const char *s, size_t n)
{
	while (n) {
		size_t span = utf8_span(s, n);

		buf_append(out, s, span);
		if (span < n) {
			buf_puts(out, UTF8_REPLACEMENT);
			span++;
		}
		s += span;
		n -= span;
	}
}

char *utf8_dup(const char *s, size_t n)
{
	struct buf b = BUF_INIT;

	utf8_put(&b, s, n);
	return b.len ? buf_steal(&b) : xstrdup("");
}

void utf8_trim(char *s)
{
	size_t n = strlen(s), from = n;

	/* A character has three bytes at most after its first. */
	while (from && n - from < 3 && ((unsigned char)s[from - 1] & 0xc0) == 0x80)
		from--;
	if (from && (unsigned char)s[from - 1] >= 0xc0 &&
	    !utf8_character(s + from - 1, n - from + 1))
		s[from - 1] = '\0';
}
