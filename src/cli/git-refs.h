/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds of what a push makes beside objects: a ref is a file with the folders that lead to it, and
 * each client is told of all. */
#pragma once

#include <stddef.h>

#include "base/error.h"

#define GIT_REFS_MAX 10000

/* Why there is no ref of that name here, or NULL. */
const char *ref_is_refused(const char *ref);
/* Whether the repository, which is that of the hook, takes so many more. */
int refs_check_room(size_t made, struct error *err);
