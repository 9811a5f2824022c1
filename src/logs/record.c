/* SPDX-License-Identifier: Apache-2.0 */
/* A line of the stream; see record.h. */
#include "logs/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "logs/line.h"

#define US_PER_S 1000000
#define FRACTION_AT 20 /* in "2026-11-22T10:00:01.000000+00:00" */

static bool is(const char *want, const char *s, size_t n)
{
	return strlen(want) == n && memcmp(want, s, n) == 0;
}

/* web.1 is of type web; a name without a dot has no type but itself. */
static bool is_type(const char *want, const char *dyno, size_t n)
{
	const char *dot = memchr(dyno, '.', n);

	return is(want, dyno, dot ? (size_t)(dot - dyno) : n);
}

struct log_record log_record_logplex(uint64_t seq, int64_t time_ns, const char *text)
{
	return (struct log_record){ .seq = seq,
				    .time_ns = time_ns,
				    .source = "heroku",
				    .source_len = 6,
				    .dyno = "logplex",
				    .dyno_len = 7,
				    .text = text,
				    .text_len = strlen(text) };
}

bool log_filter_matches(const struct log_filter *f, const struct log_record *r)
{
	if (f->source[0] && !is(f->source, r->source, r->source_len))
		return false;
	if (f->type[0] && !is_type(f->type, r->dyno, r->dyno_len))
		return false;
	if (f->dyno[0] && !is(f->dyno, r->dyno, r->dyno_len) &&
	    (strchr(f->dyno, '.') || !is_type(f->dyno, r->dyno, r->dyno_len)))
		return false;
	if (f->since_ns && r->time_ns < f->since_ns)
		return false;
	return !f->release || f->release == r->release;
}

char *log_decimal(char *end, uint64_t v, int min_digits)
{
	static const char pairs[] = "0001020304050607080910111213141516171819"
				    "2021222324252627282930313233343536373839"
				    "4041424344454647484950515253545556575859"
				    "6061626364656667686970717273747576777879"
				    "8081828384858687888990919293949596979899";

	/* Two at a time: a division less. */
	for (; v > 9 || min_digits > 1; v /= 100, min_digits -= 2) {
		end -= 2;
		memcpy(end, pairs + 2 * (v % 100), 2);
	}
	if (v || min_digits > 0)
		*--end = (char)('0' + v);
	return end;
}

/* Only the microseconds change within a second. */
const char *log_stamp(struct log_formatter *f, int64_t ns)
{
	char digits[24], *end = digits + sizeof(digits);
	int64_t us = ns / 1000;

	/* Lines that were read at once are a nanosecond apart. */
	if (f->text[0] && f->us == us)
		return f->text;
	if (!f->text[0] || f->us / US_PER_S != us / US_PER_S) {
		clock_iso_us(ns, f->text);
	} else {
		log_decimal(end, US_PER_S + (uint64_t)(us % US_PER_S), 7);
		memcpy(f->text + FRACTION_AT, end - 6, 6);
	}
	f->us = us;
	return f->text;
}

static char *put(char *p, const void *data, size_t n)
{
	if (n)
		memcpy(p, data, n);
	return p + n;
}

void log_format(struct log_formatter *f, const struct log_record *r, struct buf *out)
{
	size_t most = 24 + CLOCK_ISO_SIZE + r->source_len + r->dyno_len + r->text_len + 8;
	char *start = buf_reserve(out, most), *p = start;
	char digits[24], *end = digits + sizeof(digits), *first = log_decimal(end, r->seq, 1);
	const char *when = log_stamp(f, r->time_ns);

	p = put(p, first, (size_t)(end - first));
	*p++ = ' ';
	p = put(p, when, strlen(when));
	*p++ = ' ';
	p = put(p, r->source, r->source_len);
	*p++ = '[';
	p = put(p, r->dyno, r->dyno_len);
	p = put(p, "]: ", 3);
	p = put(p, r->text, r->text_len);
	*p++ = '\n';
	buf_added(out, (size_t)(p - start));
}

void log_format_overflow(struct log_formatter *f, uint64_t seq, uint64_t n, int64_t now_ns,
			 struct buf *out)
{
	buf_printf(out,
		   "%" PRIu64 " %s heroku[logplex]: Error L11 (Tail buffer overflow) -> %" PRIu64
		   " lines dropped\n",
		   seq, log_stamp(f, now_ns), n);
}
