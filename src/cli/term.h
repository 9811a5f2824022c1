/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal in raw mode while a one-off dyno has it. It is given back on
 * each way out: a return, exit(), and signals that end us (signals.h notes them).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* Both stdin and stdout are terminals. */
bool term_is_interactive(void);
/* 0 or a negative errno. */
int term_raw(void);
void term_restore(void);
/* Columns and rows of stdout; false when it has none. */
bool term_size(int *ret_columns, int *ret_rows);
/* Puts TERM, COLUMNS and LINES into an object. */
void term_describe(json_t *env);
