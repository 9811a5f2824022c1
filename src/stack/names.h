/* SPDX-License-Identifier: Apache-2.0 */
/* Names of stacks, beside those in stack.h. */
#pragma once

#include <stdbool.h>

/* Whether two names (stack_names[]) stand for one stack, so that what was built for the one is as
 * if it were for the other. */
bool stack_is_same(const char *a, const char *b);
