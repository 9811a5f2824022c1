/* SPDX-License-Identifier: Apache-2.0 */
/* The line in which a service's bin/summary counts what it holds: "1 database, 3 tables". */
#pragma once

#include <stdbool.h>

/* True if both count the same. An "s" at the end of a word makes no difference: the scripts of
 * older versions, whose lines are stored with the backups, wrote "1 databases". */
bool summary_same(const char *a, const char *b);
