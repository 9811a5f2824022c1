/* SPDX-License-Identifier: Apache-2.0 */
/* Limits on refs that pushes create: each is a file with its directories, and all are listed to
 * each client. */
#pragma once

#include <stddef.h>

#include "base/error.h"

#define GIT_REFS_MAX 10000

/* Why there is no ref of that name here, or NULL. */
const char *ref_is_refused(const char *ref);
/* Whether the repository of the running hook may have this many more. */
int refs_check_room(size_t made, struct error *err);
