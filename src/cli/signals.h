/* SPDX-License-Identifier: Apache-2.0 */
/* Signals of a command that has something to undo, or something to pass on. */
#pragma once

#include <signal.h>

/* The signal that came last and that ends us; 0: none. */
extern volatile sig_atomic_t cli_interrupted;

/* SIGINT, SIGTERM and SIGHUP are noted in cli_interrupted and end what waits; SIGPIPE is ignored.
 */
void signals_note(void);
/* As signals_note for the first of them; a second one ends us at once, and SIGPIPE does. */
void signals_note_first(void);
/* As signals_note, and SIGWINCH: each writes its number, a byte, to a pipe. Its read end,
 * non-blocking. */
int signals_pipe(void);
