/* SPDX-License-Identifier: Apache-2.0 */
/* A session with a one-off dyno: connects our stdio to its stdio by attach frames
 * (ipc/dyno-proto.h), until the exit frame. Reattaches when the connection breaks, without losing
 * or repeating a byte. A signal that ends us also ends the session; SIGKILL does not. */
#pragma once

#include <stdbool.h>

#include "cli/cli.h"

/* Attaches to a dyno, given as the API's JSON, and clears the progress line. The exit code of the
 * command, or -1. terminal: uses raw mode and passes the window size on. */
int session_of_dyno(struct cli *c, const json_t *dyno, bool terminal, struct error *err);
