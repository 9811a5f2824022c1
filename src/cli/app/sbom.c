/* SPDX-License-Identifier: Apache-2.0 */
/* releases:sbom. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"

static int sbom_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err), *given = cli_rest(c, 0);
	_cleanup_free_ char *which = given ? api_escape(given) : NULL;
	_cleanup_json_ json_t *sbom = NULL;

	if (!app || !cli_api(c, err) ||
	    api_get(c->api, &sbom, err, "/apps/%s/releases/%s/sbom", app,
		    which ? which : "current") < 0)
		return -1;
	print_json(sbom);
	return 0;
}

static const struct command cmd_releases_sbom = {
	.name = "releases:sbom",
	.usage = "[vN]",
	.max_args = 1,
	.summary = "print the bill of materials of a release",
	.flags = CMD_APP,
	.run = sbom_run,
	.details = "SPDX 2.3 as JSON: the Debian packages of the release's stack and the packages "
		   "of its language, as installed in the slug, otherwise from lock files. Default: "
		   "the current release.",
	.examples = "twelve releases:sbom -a shop >shop.spdx.json\ntwelve releases:sbom v7 -a shop",
};

const struct command *const sbom_commands[] = {
	&cmd_releases_sbom,
	NULL,
};
