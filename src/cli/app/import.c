/* SPDX-License-Identifier: Apache-2.0 */
/* import heroku: apps of another platform with the same API, made here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"
#include "cli/app/import.h"
#include "cli/netrc.h"
#include "cli/prompt.h"

#define HEROKU "https://api.heroku.com"

/* The token for there: our own must not go there, nor one of theirs be an argument. */
static int find_token(struct cli *c, const char *url, const char *authority, char **ret,
		      struct error *err)
{
	const char *key = getenv("HEROKU_API_KEY");

	if (cli_has(c, "token-stdin"))
		return prompt_stdin_line("the token", ret, err);
	*ret = key && *key ? xstrdup(key) : netrc_password(authority);
	if (!*ret)
		return error_set(err, ERROR_INVALID,
				 "There is no token for %s: heroku login, HEROKU_API_KEY, or "
				 "--token-stdin (heroku auth:token "
				 "prints one)",
				 url);
	if (streq(url, HEROKU) && str_starts(*ret, "tw-"))
		return error_set(err, ERROR_INVALID,
				 "HEROKU_API_KEY is a token of this platform, and was not sent to "
				 "Heroku: eval \"$(twelve "
				 "heroku-env --unset)\" first");
	return 0;
}

static int connect_from(struct cli *c, struct api **ret, struct error *err)
{
	const char *url = cli_get(c, "from") ? cli_get(c, "from") : HEROKU;
	_cleanup_free_ char *authority = NULL;
	_cleanup_secret_ char *token = NULL;
	struct host host = { 0 };

	if (host_parse(url, &host, err) < 0)
		return -1;
	authority = host_authority(&host);
	if (host.kind != HOST_HTTP) {
		host_done(&host);
		return error_set(
			err, ERROR_INVALID,
			"--from: expected https://HOST or http://HOST:PORT, found \"%.200s\"", url);
	}
	if (find_token(c, url, authority, &token, err) < 0) {
		host_done(&host);
		return -1;
	}
	if (api_new(&host, ret, err) < 0)
		return -1;
	api_use_token(*ret, token);
	return 0;
}

/* What was done and what is left when a step fails. */
static void tell_failure(const char *app, const struct import_step *at, const struct error *err)
{
	_cleanup_buf_ struct buf done = BUF_INIT, left = BUF_INIT;
	const struct import_step *s = import_steps;

	for (; s != at; s++)
		buf_printf(&done, "%s%s", done.len ? ", " : "", s->name);
	for (; s->name; s++)
		buf_printf(&left, "%s%s", left.len ? ", " : "", s->name);
	fprintf(stderr,
		"  %s of %s failed: %s\n  Done: %s. Left: %s. Run the same command again to "
		"continue.\n",
		at->name, app, err->message, done.len ? done.data : "nothing", left.data);
}

/* 0, or 1 when a step failed. */
static int import_app(struct import *m, const char *name)
{
	_cleanup_free_ char *app = api_escape(name);

	m->app = app;
	printf("%s\n", name);
	for (const struct import_step *s = import_steps; s->name; s++) {
		struct error err = ERROR_INIT;

		if (s->run(m, &err) == 0)
			continue;
		fflush(stdout);
		tell_failure(name, s, &err);
		return 1;
	}
	return 0;
}

/* One's own apps there. */
static int list_apps(struct api *from, json_t **ret, struct error *err)
{
	_cleanup_json_ json_t *account = NULL, *apps = NULL;
	const json_t *a;
	size_t i;

	if (api_get(from, &account, err, "/account") < 0 || api_get(from, &apps, err, "/apps") < 0)
		return -1;
	*ret = json_array();
	json_array_foreach (apps, i, a)
		if (streq(json_str(a, "owner.email", ""), json_str(account, "email", "?")))
			json_array_append_new(*ret, json_string(json_str(a, "name", "")));
	return 0;
}

static int names_of(struct cli *c, struct api *from, json_t **ret, struct error *err)
{
	bool all = cli_has(c, "all");

	if (all == (cli_rest(c, 1) != NULL))
		return error_set(err, ERROR_INVALID,
				 "Which apps? twelve import heroku APP..., or --all for all that "
				 "are yours there");
	if (all)
		return list_apps(from, ret, err);
	*ret = json_array();
	for (size_t i = 1; cli_rest(c, i); i++)
		json_array_append_new(*ret, json_string(cli_rest(c, i)));
	return 0;
}

static int import_run(struct cli *c, struct error *err)
{
	struct import m = { .c = c,
			    .dry_run = cli_has(c, "dry-run"),
			    .domains = cli_has(c, "domains"),
			    .no_scale = cli_has(c, "no-scale") };
	_cleanup_json_ json_t *names = NULL;
	const json_t *name;
	size_t i, n_failed = 0;
	int r;

	if (!streq(cli_rest(c, 0), "heroku"))
		return error_set(err, ERROR_INVALID, "import: from heroku, not from \"%.50s\"",
				 cli_rest(c, 0));
	m.to = cli_api(c, err);
	if (!m.to || connect_from(c, &m.from, err) < 0)
		return -1;
	r = names_of(c, m.from, &names, err);
	json_array_foreach (names, i, name)
		n_failed += (size_t)import_app(&m, json_string_value(name));
	api_free(m.from);
	if (r < 0)
		return -1;
	if (m.dry_run)
		note(c, "Nothing was changed: this is what would be done.");
	if (m.n_left)
		note(c, "Lines with \"!\" (%zu) are for you to do.", m.n_left);
	return n_failed ? 1 : 0;
}

static const struct arg_option options[] = {
	{ "all", NULL, "all apps that you own there", 0 },
	{ "dry-run", NULL, "only show what would be done", 0 },
	{ "from", "URL", "another platform with the same API (" HEROKU ")", 0 },
	{ "token-stdin", NULL, "read Heroku's token from the first line of stdin", 0 },
	{ "domains", NULL, "add the domains too; by default they are only listed", 0 },
	{ "no-scale", NULL, "leave all process types at 0 dynos", 0 },
	{ 0 },
};

static const struct command cmd_import = {
	.name = "import",
	.usage = "heroku [APP...]",
	.min_args = 1,
	.max_args = CMD_ANY_ARGS,
	.summary = "import apps from Heroku",
	.options = options,
	.run = import_run,
	.details =
		"Brings over config vars, buildpacks, add-ons, log drains, collaborators and the "
		"formation. What exists here stays as it is, so a second run continues where the "
		"first one stopped. The formation is set once the code is deployed. Add-ons become "
		"empty ones of this platform (PostgreSQL, Redis, MariaDB, RabbitMQ, memcached); "
		"instructions to copy the data are printed. The token is that of heroku login, or "
		"HEROKU_API_KEY. Lines that begin with \"!\" are left for you to do.",
	.examples = "twelve import heroku shop --dry-run\ntwelve import heroku --all",
};

const struct command *const import_commands[] = {
	&cmd_import,
	NULL,
};
