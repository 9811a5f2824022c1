/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the commands about the machine. */
#pragma once

#include "cli/cli.h"

/* Of each file, NULL at the end. */
extern const struct command *const backup_commands[],
	*const ca_commands[], *const doctor_commands[], *const git_shell_commands[],
								*const status_commands[];
