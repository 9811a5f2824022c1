/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines of a dyno, for messages that say why it failed. */
#pragma once

#include "daemon/lines/lines.h"

struct last_lines;

/* The lines without their stamps, a strv that is borrowed for the call. Called once, then the
 * handle is freed. */
typedef void (*last_lines_fn)(char *const *lines, void *userdata);

/* Waits at most half a second for twelve-logs. Never fails: without lines it tells none. */
struct last_lines *last_lines_fetch(struct logs_client *c, const struct logs_read *what,
				    last_lines_fn fn, void *userdata);
/* Without a call. NULL is allowed. */
void last_lines_cancel(struct last_lines *l);
