/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the commands about people and what they share. */
#pragma once

#include "cli/cli.h"

/* Of each file, NULL-terminated. */
extern const struct command *const access_commands[];
extern const struct command *const audit_commands[];
extern const struct command *const authorizations_commands[];
extern const struct command *const heroku_env_commands[];
extern const struct command *const keys_commands[];
extern const struct command *const limits_commands[];
extern const struct command *const login_commands[];
extern const struct command *const pipelines_commands[];
extern const struct command *const promote_commands[];
extern const struct command *const transfers_commands[];
extern const struct command *const users_commands[];
