/* SPDX-License-Identifier: Apache-2.0 */
/*
 * psql, redis-cli, mariadb, addons:client: a service's own client in a one-off sandbox, with an
 * attachment's credential, which never leaves the machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/addon/addon.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "cli/term.h"

/* The only attachment of the app that is of this service (NULL: of any). Heap. */
static char *only_attachment(struct cli *c, const char *app, const char *service, struct error *err)
{
	_cleanup_json_ json_t *list = NULL;
	_cleanup_buf_ struct buf names = BUF_INIT;
	const char *found = NULL;
	const json_t *at;
	size_t i, n = 0;

	if (api_get(c->api, &list, err, "/apps/%s/addon-attachments", app) < 0)
		return NULL;
	json_array_foreach (list, i, at) {
		if (!streq(json_str(at, "twelve.service", ""), service))
			continue;
		found = json_str(at, "name", "");
		buf_printf(&names, "%s%s", n++ ? ", " : "", found);
	}
	if (n == 1)
		return xstrdup(found);
	if (n)
		error_set(err, ERROR_INVALID, "%s has several: name one of %s", app, names.data);
	else
		error_set(err, ERROR_NOT_FOUND,
			  "%s has no %s attached: twelve addons:create %s -a %s, or name an "
			  "attachment",
			  app, service, service, app);
	return NULL;
}

static json_t *arguments(const struct cli *c, size_t from)
{
	json_t *args = json_array();

	for (size_t i = from; cli_rest(c, i); i++)
		json_array_append_new(args, json_string(cli_rest(c, i)));
	return args;
}

static int open_client(struct cli *c, const char *app, const char *attachment, json_t *take_args,
		       struct error *err)
{
	bool terminal = term_is_interactive() && !cli_has(c, "no-tty");
	_cleanup_free_ char *name = api_escape(attachment);
	_cleanup_json_ json_t *dyno = NULL;
	json_t *env = json_object();

	if (terminal)
		term_describe(env);
	progress(c, "Opening %s", attachment);
	if (api_request(c->api, "POST",
			json_pack("{s:o, s:o, s:b}", "args", take_args, "env", env, "force_no_tty",
				  (int)!terminal),
			&dyno, err, "/apps/%s/addon-attachments/%s/dynos", app, name) < 0)
		return -1;
	return session_of_dyno(c, dyno, terminal, err);
}

static int client_of(struct cli *c, const char *service, struct error *err)
{
	const char *app = cli_app(c, err);
	/* What stands behind "--" is the client's. */
	bool named = c->args.n_before_dashes > 0;
	_cleanup_free_ char *attachment = NULL;

	if (!app || !cli_api(c, err))
		return -1;
	if (named)
		attachment = xstrdup(cli_rest(c, 0));
	else
		attachment = only_attachment(c, app, service, err);
	if (!attachment)
		return -1;
	return open_client(c, app, attachment, arguments(c, named ? 1 : 0), err);
}

static int psql_run(struct cli *c, struct error *err)
{
	return client_of(c, "postgresql", err);
}

static int redis_run(struct cli *c, struct error *err)
{
	return client_of(c, "redis", err);
}

static int mariadb_run(struct cli *c, struct error *err)
{
	return client_of(c, "mariadb", err);
}

static int client_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);

	if (!app || !cli_api(c, err))
		return -1;
	return open_client(c, app, cli_rest(c, 0), arguments(c, 1), err);
}

static const struct arg_option client_options[] = {
	{ "no-tty", NULL, "don't allocate a terminal", 0 },
	{ 0 },
};

#define CLIENT_DETAILS                                                                           \
	"It runs in a one-off sandbox of the service's own packages with the attachment's "      \
	"credential. NAME is an attachment, such as DATABASE, or a config var; without it, the " \
	"only "                                                                                  \
	"one of its kind. With a terminal when there is one; else stdin, stdout and the exit "   \
	"code are "                                                                              \
	"passed through."

static const struct command cmd_psql = {
	.name = "psql",
	.aliases = { "pg:psql" },
	.usage = "[NAME] [-- ARGUMENTS...]",
	.max_args = CMD_ANY_ARGS,
	.summary = "connect to a PostgreSQL add-on with psql",
	.flags = CMD_APP,
	.options = client_options,
	.run = psql_run,
	.details = CLIENT_DETAILS,
	.examples = "twelve psql -a shop\ntwelve psql DATABASE -a shop -- -c 'select 1'\n"
		    "twelve psql -a shop <schema.sql",
};

static const struct command cmd_redis_cli = {
	.name = "redis-cli",
	.aliases = { "redis:cli" },
	.usage = "[NAME] [-- ARGUMENTS...]",
	.max_args = CMD_ANY_ARGS,
	.summary = "connect to a Redis add-on with redis-cli",
	.flags = CMD_APP,
	.options = client_options,
	.run = redis_run,
	.details = CLIENT_DETAILS,
	.examples = "twelve redis-cli -a shop\ntwelve redis-cli -a shop -- INFO memory",
};

static const struct command cmd_mariadb = {
	.name = "mariadb",
	.aliases = { "mysql" },
	.usage = "[NAME] [-- ARGUMENTS...]",
	.max_args = CMD_ANY_ARGS,
	.summary = "connect to a MariaDB add-on with mariadb",
	.flags = CMD_APP,
	.options = client_options,
	.run = mariadb_run,
	.details = CLIENT_DETAILS,
	.examples = "twelve mariadb -a shop -- -e 'show tables'",
};

static const struct command cmd_addons_client = {
	.name = "addons:client",
	.usage = "NAME [-- ARGUMENTS...]",
	.min_args = 1,
	.max_args = CMD_ANY_ARGS,
	.summary = "connect to an add-on with its own client",
	.flags = CMD_APP,
	.options = client_options,
	.run = client_run,
	.details = CLIENT_DETAILS,
	.examples = "twelve addons:client DATABASE -a shop",
};

const struct command *const client_commands[] = {
	&cmd_psql, &cmd_redis_cli, &cmd_mariadb, &cmd_addons_client, NULL,
};
