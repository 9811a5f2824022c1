/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the commands about people and what they share. */
#pragma once

#include "cli/cli.h"

/* Of each file, NULL at the end. */
extern const struct command *const access_commands[],
	*const audit_commands[],
		*const authorizations_commands[],
			*const heroku_env_commands[],
				*const keys_commands[],
					*const limits_commands[],
						*const login_commands[],
							*const pipelines_commands[],
								*const promote_commands[],
									*const transfers_commands[],
										*const users_commands
											[];
