/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a tree of a hundred thousand files takes seconds, so another process does it. */
#pragma once

#include "daemon/core/daemon.h"

/* Begins it; what is not there is fine. A failure is logged: whoever owns the place looks again at
 * the next start. */
void remove_tree_later(struct daemon *d, const char *path);
