/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splits bytes into lines, without state: the caller peeks at the bytes in a pipe, asks for one
 * piece after the other, and then takes from the pipe what the pieces consumed.
 *
 * A line ends with LF; a CR before it is removed. A line of more than LOG_LINE_MAX bytes becomes
 * several pieces, all but the last marked LOG_CONTINUES, cut between UTF-8 characters. All other
 * bytes are kept, including NUL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LOG_LINE_MAX 10000

enum log_flags {
	LOG_CONTINUES = 1, /* too long for one record: continued in the dyno's next record */
	LOG_UNENDED = 2,   /* without a newline: a prompt, or the last output before the end */
};

struct log_piece {
	const char *text; /* points into the data */
	size_t len;
	size_t taken; /* bytes of input that it consumed, including the line end */
	unsigned flags;
};

/* The first piece of the n bytes at data. False if there is no complete line yet. With flush, an
 * incomplete line counts as complete, and false means that n is 0. */
bool log_line_next(const char *data, size_t n, bool flush, struct log_piece *ret);
