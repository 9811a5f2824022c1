/* SPDX-License-Identifier: Apache-2.0 */
/* Names of stacks, beside those in stack.h. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* Whether two names (stack_names[]) stand for one stack, so that what was built for the one is as
 * if it were for the other. */
bool stack_is_same(const char *a, const char *b);
/* The name of a stack (of stack_names[]) by a name of it in any case or by its id; STACK_DEFAULT for
 * NULL. ERROR_INVALID. */
int stack_read_name(const char *given, const char **ret, struct error *err);
