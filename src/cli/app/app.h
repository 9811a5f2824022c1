/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about apps share, and their tables. */
#pragma once

#include "cli/cli.h"

/* ", autoscaled 1 to 5" when the app's web dynos are. Appended. autoscale.c */
int autoscale_remark(struct cli *c, const char *app, struct buf *out, struct error *err);
/* Adds a git remote to the working directory's repository, or changes it, with what git needs to
 * use it. git-remote.c */
int remote_add(struct cli *c, const char *remote, const char *url, struct error *err);

/* Of each file, NULL at the end. */
extern const struct command *const apps_commands[],
	*const autoscale_commands[],
		*const buildpacks_commands[],
			*const builds_commands[],
				*const certs_commands[],
					*const config_commands[],
						*const domains_commands[],
							*const drains_commands[],
								*const git_hook_commands[],
									*const git_remote_commands[],
										*const import_commands[],
											*const logs_commands[],
												*const ps_commands[],
													*const releases_commands[],
														*const run_commands[],
															*const sbom_commands[],
																*const stacks_commands[],
																	*const webhooks_commands
																		[];
