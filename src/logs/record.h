/* SPDX-License-Identifier: Apache-2.0 */
/* A log line as a value, filters that select lines, and the text that a tail prints (format:
 * ipc/logs-proto.h). */
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

/* A line of the platform about logs themselves, by heroku[logplex] as Heroku has it. Borrows the
 * text. */
struct log_record log_record_logplex(uint64_t seq, int64_t time_ns, const char *text);

bool log_filter_matches(const struct log_filter *f, const struct log_record *r);

/* Caches the text of the last second, since there are many lines per second. */
struct log_formatter {
	int64_t us;
	char text[CLOCK_ISO_SIZE];
};

/* A fast clock_iso_us(); the text is valid until the next call. */
#define LOG_STAMP_LEN 32
const char *log_stamp(struct log_formatter *f, int64_t ns);
/* Writes v in decimal with at least min_digits (1 or more) before `end`; returns where it begins.
 */
char *log_decimal(char *end, uint64_t v, int min_digits);

/* Appends the record as a line with its LF. */
void log_format(struct log_formatter *f, const struct log_record *r, struct buf *out);
/* The notice for a reader that was too slow: n lines were dropped, the last one numbered seq. */
void log_format_overflow(struct log_formatter *f, uint64_t seq, uint64_t n, int64_t now_ns,
			 struct buf *out);
