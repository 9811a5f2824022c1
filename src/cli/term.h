/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the terminal into raw mode for a one-off dyno. It is restored on return, at exit() and on
 * fatal signals (signals.h). */
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
