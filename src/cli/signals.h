/* SPDX-License-Identifier: Apache-2.0 */
/* Signal handling of commands that have to clean up or to pass signals on. */
#pragma once

#include <signal.h>

/* The signal that came last and that ends us; 0: none. */
extern volatile sig_atomic_t cli_interrupted;

/* SIGINT, SIGTERM and SIGHUP set cli_interrupted and interrupt waits; SIGPIPE is ignored. */
void signals_note(void);
/* As signals_note for the first signal; a second one ends the program, and so does SIGPIPE. */
void signals_note_first(void);
/* As signals_note, also for SIGWINCH: each writes its number, a byte, to a pipe. Returns the read
 * end, non-blocking. */
int signals_pipe(void);
