/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all commands: each record stands beside its function, in the file of its topic. */
#include "cli/cli.h"

#define ENTRY(name) &cmd_##name,

const struct command *const commands[] = { COMMANDS(ENTRY) NULL };
