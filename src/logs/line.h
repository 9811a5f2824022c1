/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes to lines, without state: the caller looks at what a pipe holds, asks
 * for piece after piece, and takes from the pipe what the pieces took.
 *
 * A line ends with LF; a CR before it goes too. A line of more than
 * LOG_LINE_MAX bytes becomes several pieces, each but the last marked
 * LOG_CONTINUES, cut between characters where the bytes are UTF-8. All other
 * bytes are kept as they are, NUL too.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LOG_LINE_MAX 10000

enum log_flags {
	LOG_CONTINUES = 1, /* too long for one record: the next one of the same dyno goes on */
	LOG_UNENDED = 2,   /* no newline had come: a prompt, or the last words before the end */
};

struct log_piece {
	const char *text; /* points into the data */
	size_t len;
	size_t taken; /* bytes of the data that it stands for, its line end included */
	unsigned flags;
};

/*
 * The first piece of the n bytes at data. False when no line has come to its end yet;
 * with flush, no more is to be waited for, and false means that n is 0.
 */
bool log_line_next(const char *data, size_t n, bool flush, struct log_piece *ret);
