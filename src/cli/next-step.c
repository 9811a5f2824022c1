/* SPDX-License-Identifier: Apache-2.0 */
/* What to run when the API could not find something; see cli.h. The API's own sentence stays as
 * Heroku has it, which clients compare. */
#include <string.h>

#include "base/str.h"
#include "cli/cli.h"

static const struct {
	const char *noun;    /* of "Couldn't find that NOUN: ..." */
	const char *command; /* that lists them */
	const char *plural;
	bool of_app; /* the command takes -a APP */
} lists[] = {
	{ "add-on", "addons", "add-ons", true },
	{ "app", "apps", "your apps", false },
	{ "app transfer", "transfers", "app transfers", false },
	{ "attachment", "addons", "add-ons and their attachments", true },
	{ "authorization", "authorizations", "your authorizations", false },
	{ "backup", "backups", "backups", true },
	{ "build", "builds", "builds", true },
	{ "certificate", "certs", "certificates", true },
	{ "collaborator", "access", "collaborators", true },
	{ "domain name", "domains", "domains", true },
	{ "drain", "drains", "log drains", true },
	{ "key", "keys", "your SSH keys", false },
	{ "pipeline", "pipelines", "your pipelines", false },
	{ "provider", "addons:services", "services and their providers", false },
	{ "release", "releases", "releases", true },
	{ "webhook", "webhooks", "webhooks", true },
	{ "webhook delivery", "webhooks:deliveries", "deliveries", true },
	{ "webhook event", "webhooks:events", "events", true },
};

void next_step(const char *message, const char *app, struct buf *out)
{
	static const char before[] = "Couldn't find that ";
	const char *noun = message + sizeof(before) - 1, *of;
	size_t n;

	if (!str_starts(message, before))
		return;
	n = strcspn(noun, ":");
	of = strstr(noun, " of ");
	if (of && (size_t)(of - noun) < n)
		n = (size_t)(of - noun);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		bool named = lists[i].of_app && app;

		if (strlen(lists[i].noun) == n && strncmp(lists[i].noun, noun, n) == 0)
			buf_printf(out, "Run `twelve %s%s%s` to list %s%s%s.", lists[i].command,
				   named ? " -a " : "", named ? app : "", lists[i].plural,
				   named ? " of " : "", named ? app : "");
	}
}
