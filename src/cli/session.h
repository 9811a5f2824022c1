/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session with a one-off dyno: our stdio joined with its by attach frames
 * (ipc/dyno-proto.h), until the exit frame.
 */
#pragma once

#include <stdbool.h>

#include "cli/cli.h"

/* The exit code of what ran, or -1. terminal: raw mode, and its size is passed on. */
int session_run(struct api_raw *raw, bool terminal, struct error *err);
/* The same with a dyno as the API answers it: attaches to it first, and takes the progress line away. */
int session_of_dyno(struct cli *c, const json_t *dyno, bool terminal, struct error *err);
