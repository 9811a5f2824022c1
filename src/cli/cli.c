/* SPDX-License-Identifier: Apache-2.0 */
/* What commands start from: the connection and the app; see cli.h. */
#include "cli/cli.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/str.h"

struct api *cli_api(struct cli *c, struct error *err)
{
	struct host host = { 0 };

	if (!c->api &&
	    (host_parse(cli_get(c, "host"), &host, err) < 0 || api_new(&host, &c->api, err) < 0))
		return NULL;
	return c->api;
}

const char *cli_app(struct cli *c, struct error *err)
{
	const char *given = cli_get(c, "app"), *env = getenv("TWELVE_APP");
	const char *remote = cli_get(c, "remote");
	_cleanup_free_ char *key = NULL, *url = NULL;

	if (c->app)
		return c->app;
	if (!given && !remote && env && *env)
		given = env;
	if (given)
		return c->app = api_escape(given);
	key = xasprintf("remote.%s.url", remote ? remote : "twelve");
	url = git_config(key);
	if (url)
		c->app = app_from_url(url);
	if (c->app)
		return c->app;
	error_set(err, ERROR_INVALID,
		  "Which app? There is no git remote \"%s\" here: use -a APP, or set TWELVE_APP "
		  "(twelve apps lists them)",
		  remote ? remote : "twelve");
	return NULL;
}

json_t *get_of_app(struct cli *c, const char *what, struct error *err)
{
	const char *app = cli_app(c, err);
	json_t *j = NULL;

	if (!app || !cli_api(c, err) || api_get(c->api, &j, err, "/apps/%s/%s", app, what) < 0)
		return NULL;
	return j;
}

int cli_confirmed(const struct cli *c, const char *name, struct error *err)
{
	const char *confirm = cli_get(c, "confirm");

	if (!confirm)
		return 0;
	if (streq(confirm, name))
		return 1;
	return error_set(err, ERROR_INVALID,
			 "--confirm %s does not match the name, which is %s. Nothing was changed.",
			 confirm, name);
}

void cli_use_socket(struct cli *c)
{
	const char *path = cli_get(c, "socket");

	if (!path)
		return;
	setenv("TWELVE_SOCKET", path, 1);
	unsetenv("TWELVE_HOST");
}
