/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session with a one-off dyno: our stdio joined with its by attach frames
 * (ipc/dyno-proto.h), until the exit frame. When the connection breaks we attach again, and no byte
 * is lost or doubled. A signal that ends us ends the session too; to be killed does not.
 */
#pragma once

#include <stdbool.h>

#include "cli/cli.h"

/*
 * Attaches to a dyno as the API answers it, and takes the progress line away: the exit code of what
 * ran, or -1. terminal: raw mode, and its size is passed on.
 */
int session_of_dyno(struct cli *c, const json_t *dyno, bool terminal, struct error *err);
