/* SPDX-License-Identifier: Apache-2.0 */
/* All commands, by subject: for main(), which hands them to what reads and shows them. */
#pragma once

#include "cli/args.h"

/* Ends with a title of NULL. */
extern const struct command_group commands[];
