/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the commands about the machine. */
#pragma once

#include "cli/cli.h"

/* Of each file, NULL-terminated. */
extern const struct command *const backup_commands[];
extern const struct command *const ca_commands[];
extern const struct command *const doctor_commands[];
extern const struct command *const git_shell_commands[];
extern const struct command *const status_commands[];
