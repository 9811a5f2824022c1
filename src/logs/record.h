/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of the stream as a value, the filters that choose lines, and the text
 * that a tail shows (ipc/logs-proto.h has the format).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"

#define LOG_NAME_MAX 63

/* Strings are not NUL-terminated: they point into a ring, or are borrowed. */
struct log_record {
	uint64_t seq;	  /* per app, from 1, without gaps */
	int64_t time_ns;  /* wall clock; unique and increasing per app */
	uint32_t release; /* 0: not known */
	unsigned flags;	  /* enum log_flags */
	const char *source, *dyno, *text;
	size_t source_len, dyno_len, text_len;
};

/* An empty field matches all. */
struct log_filter {
	char source[LOG_NAME_MAX + 1];
	char dyno[LOG_NAME_MAX + 1]; /* "web.1"; or "web", which means every web.N */
	char type[LOG_NAME_MAX + 1]; /* every dyno of this type */
	uint32_t release;
	int64_t since_ns; /* lines of this time and later */
};

bool log_filter_matches(const struct log_filter *f, const struct log_record *r);

/* Remembers the text of the last second, since lines come many to the second. */
struct log_formatter {
	int64_t us;
	char text[CLOCK_ISO_SIZE];
};

/* The text of clock_iso_us(), made fast; valid until the next call. */
#define LOG_STAMP_LEN 32
const char *log_stamp(struct log_formatter *f, int64_t ns);
/* Writes v in decimal with at least min_digits (1 or more) before `end`; returns where it begins.
 */
char *log_decimal(char *end, uint64_t v, int min_digits);

/* Appends the record as a line with its LF. */
void log_format(struct log_formatter *f, const struct log_record *r, struct buf *out);
/* The notice to a reader that was too slow: n lines dropped, the last of which was seq. */
void log_format_overflow(struct log_formatter *f, uint64_t seq, uint64_t n, int64_t now_ns,
			 struct buf *out);
