/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about apps share, and their tables. */
#pragma once

#include "cli/cli.h"

/* ", autoscaled 1 to 5" when the app's web dynos are. Appended. autoscale.c */
int autoscale_remark(struct cli *c, const char *app, struct buf *out, struct error *err);
/* Adds a git remote to the working directory's repository, or changes it, with what git needs to
 * use it. git-remote.c */
int remote_add(struct cli *c, const char *remote, const char *url, struct error *err);

/* Of each file, NULL-terminated. */
extern const struct command *const apps_commands[];
extern const struct command *const autoscale_commands[];
extern const struct command *const buildpacks_commands[];
extern const struct command *const builds_commands[];
extern const struct command *const certs_commands[];
extern const struct command *const config_commands[];
extern const struct command *const domains_commands[];
extern const struct command *const drains_commands[];
extern const struct command *const egress_commands[];
extern const struct command *const git_hook_commands[];
extern const struct command *const git_remote_commands[];
extern const struct command *const import_commands[];
extern const struct command *const logs_commands[];
extern const struct command *const ps_commands[];
extern const struct command *const releases_commands[];
extern const struct command *const run_commands[];
extern const struct command *const sbom_commands[];
extern const struct command *const stacks_commands[];
extern const struct command *const webhooks_commands[];
