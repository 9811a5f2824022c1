/* SPDX-License-Identifier: Apache-2.0 */
/* What there is, in the order in which the help shows it: the tables of the files, by subject. */
#include "cli/commands.h"

#include "cli/addon/addon.h"
#include "cli/app/app.h"
#include "cli/host/host.h"
#include "cli/team/team.h"

#define GROUP(name, ...)                                     \
	{                                                    \
		name, (const struct command *const *const[]) \
		{                                            \
			__VA_ARGS__, NULL                    \
		}                                            \
	}

const struct command_group commands[] = {
	GROUP("Apps", apps_commands, transfers_commands, import_commands),
	GROUP("Deploy", builds_commands, releases_commands, sbom_commands, buildpacks_commands,
	      stacks_commands, git_remote_commands, git_hook_commands),
	GROUP("Processes", ps_commands, autoscale_commands, run_commands),
	GROUP("Logs and events", logs_commands, drains_commands, webhooks_commands),
	GROUP("Config", config_commands),
	GROUP("Domains and certificates", domains_commands, certs_commands),
	GROUP("Network", egress_commands),
	GROUP("Add-ons", addons_commands, addon_create_commands, addon_change_commands,
	      attachments_commands, services_commands, client_commands, backups_commands,
	      restore_commands, backup_file_commands),
	GROUP("Pipelines", pipelines_commands, promote_commands),
	GROUP("Access", login_commands, heroku_env_commands, authorizations_commands, keys_commands,
	      users_commands, limits_commands, access_commands, audit_commands),
	GROUP("Host", status_commands, doctor_commands, backup_commands, ca_commands,
	      git_shell_commands, help_commands, completion_commands, manual_table),
	{ 0 },
};
