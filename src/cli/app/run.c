/* SPDX-License-Identifier: Apache-2.0 */
/* run, run:detached, run:inside: one-off dynos of the same release, config and sandbox; commands in
 * a dyno that runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "cli/term.h"

static int add_env(struct cli *c, json_t *env, struct error *err)
{
	const char *word;

	for (size_t i = 0; (word = args_nth(&c->args, "env", i)); i++) {
		_cleanup_free_ char *key = NULL;
		const char *value;

		if (assignment_parse(word, &key, &value, err) < 0)
			return error_prefix(err, "--env");
		json_object_set_new(env, key, json_string(value));
	}
	return 0;
}

/* What bodies say of a command: words that follow, or one line for the shell. NULL with *err. */
static json_t *command_body(struct cli *c, const char *const *words, bool terminal,
			    struct error *err)
{
	_cleanup_free_ char *command = shell_join(words);
	json_t *env = json_object();
	json_t *body = json_pack("{s:s, s:o, s:b}", "command", command, "env", env, "force_no_tty",
				 !terminal);

	if (terminal)
		term_describe(env);
	if (add_env(c, env, err) == 0)
		return body;
	json_decref(body);
	return NULL;
}

/* Asks for the dyno. */
static json_t *start_dyno(struct cli *c, bool attach, bool terminal, struct error *err)
{
	const char *app = cli_app(c, err), *size = cli_get(c, "size"), *type = cli_get(c, "type");
	json_t *dyno = NULL, *body;

	if (!app || !cli_api(c, err))
		return NULL;
	body = command_body(c, c->args.rest, terminal, err);
	if (!body)
		return NULL;
	json_object_set_new(body, "attach", json_boolean(attach));
	if (size)
		json_object_set_new(body, "size", json_string(size));
	if (type)
		json_object_set_new(body, "type", json_string(type));
	if (api_request(c->api, "POST", body, &dyno, err, "/apps/%s/dynos", app) < 0)
		return NULL;
	return dyno;
}

static int detached(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *dyno = start_dyno(c, false, false, err);
	const char *name = json_str(dyno, "name", "run.?");

	if (!dyno)
		return -1;
	printf("%s\n", name);
	note(c, "It runs on its own. twelve logs -a %s --dyno %s shows its output.", c->app, name);
	return 0;
}

static int attach_again(struct cli *c, struct error *err)
{
	static const char *const alone[] = { "detached", "size", "type", "env" };
	const char *app = cli_app(c, err), *name = cli_get(c, "attach");
	_cleanup_free_ char *escaped = api_escape(name);
	_cleanup_json_ json_t *dyno = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(alone); i++)
		if (cli_has(c, alone[i]))
			return error_set(err, ERROR_INVALID, "--attach and --%s don't go together",
					 alone[i]);
	if (cli_rest(c, 0))
		return error_set(err, ERROR_INVALID,
				 "--attach resumes a running session and takes no command");
	if (!app || !cli_api(c, err))
		return -1;
	if (api_get(c->api, &dyno, err, "/apps/%s/dynos/%s", app, escaped) < 0)
		return -1;
	return session_of_dyno(c, dyno,
			       json_bool(dyno, "twelve.terminal") && term_is_interactive() &&
				       !cli_has(c, "no-tty"),
			       err);
}

static int run_run(struct cli *c, struct error *err)
{
	bool terminal = term_is_interactive() && !cli_has(c, "no-tty");
	_cleanup_json_ json_t *dyno = NULL;

	if (cli_has(c, "attach"))
		return attach_again(c, err);
	if (!cli_rest(c, 0))
		return error_set(err, ERROR_INVALID,
				 "Type the command to run: twelve run -a %s bash",
				 cli_get(c, "app") ? cli_get(c, "app") : "APP");
	if (cli_has(c, "detached"))
		return detached(c, err);
	progress(c, "Starting a dyno");
	dyno = start_dyno(c, true, terminal, err);
	return dyno ? session_of_dyno(c, dyno, terminal, err) : -1;
}

static int inside(struct cli *c, struct error *err)
{
	bool terminal = term_is_interactive() && !cli_has(c, "no-tty");
	const char *app = cli_app(c, err);
	_cleanup_free_ char *name = api_escape(cli_rest(c, 0));
	_cleanup_json_ json_t *dyno = NULL;
	json_t *body;

	if (!app || !cli_api(c, err))
		return -1;
	body = command_body(c, c->args.rest + 1, terminal, err);
	if (!body ||
	    api_request(c->api, "POST", body, &dyno, err, "/apps/%s/dynos/%s", app, name) < 0)
		return -1;
	return session_of_dyno(c, dyno, terminal, err);
}

static const struct arg_option run_options[] = {
	{ "detached", NULL, "start it and return; the output goes to the logs", 'd' },
	{ "attach", "DYNO", "resume a lost session, also of heroku run, or take it over", 0 },
	{ "size", "SIZE", "dyno size", 's' },
	{ "type", "TYPE", "run as a dyno of this process type", 0 },
	{ "env", "KEY=VALUE", "additional environment variable; may be repeated", 'e', true },
	{ "no-tty", NULL, "don't allocate a terminal", 0 },
	{ "exit-code", NULL, "pass the command's exit code through (always done)", 'x' },
	{ 0 },
};

static const struct command cmd_run = {
	.name = "run",
	.usage = "COMMAND [ARGUMENTS...]",
	.max_args = CMD_ANY_ARGS,
	.summary = "run a command in a one-off dyno",
	.flags = CMD_APP | CMD_VERBATIM,
	.options = run_options,
	.run = run_run,
	.details = "The command has the same release, config vars and sandbox as the app's dynos. "
		   "It gets a terminal if stdin and stdout are terminals; otherwise stdin, stdout "
		   "and stderr are passed through. The exit code is that of the command. A single "
		   "argument is a shell command line. If the connection breaks, it is restored "
		   "without losing a byte. If the client dies, resume the session with twelve run "
		   "--attach DYNO within an hour (TWELVE_SESSION_KEEP). A client that ends by a "
		   "signal (a closed terminal, a second Ctrl-C) sends SIGHUP to the command.",
	.examples = "twelve run -a shop bash\ntwelve run -a shop -- python manage.py migrate\necho "
		    "'select 1' | twelve run -a shop 'psql $DATABASE_URL'\ntwelve run -a shop "
		    "--attach run.7",
};

static const struct arg_option detached_options[] = {
	{ "size", "SIZE", "dyno size", 's' },
	{ "type", "TYPE", "run as a dyno of this process type", 0 },
	{ "env", "KEY=VALUE", "additional environment variable; may be repeated", 'e', true },
	{ 0 },
};

static const struct command cmd_run_detached = {
	.name = "run:detached",
	.usage = "COMMAND [ARGUMENTS...]",
	.min_args = 1,
	.max_args = CMD_ANY_ARGS,
	.summary = "start a command in a one-off dyno and return at once",
	.flags = CMD_APP | CMD_VERBATIM,
	.options = detached_options,
	.run = detached,
	.examples = "twelve run:detached -a shop python cleanup.py",
};

static const struct arg_option inside_options[] = {
	{ "env", "KEY=VALUE", "additional environment variable; may be repeated", 'e', true },
	{ "no-tty", NULL, "don't allocate a terminal", 0 },
	{ "exit-code", NULL, "pass the command's exit code through (always done)", 'x' },
	{ 0 },
};

static const struct command cmd_run_inside = {
	.name = "run:inside",
	.usage = "DYNO COMMAND [ARGUMENTS...]",
	.min_args = 2,
	.max_args = CMD_ANY_ARGS,
	.summary = "run a command inside a running dyno",
	.flags = CMD_APP | CMD_VERBATIM,
	.options = inside_options,
	.run = inside,
	.details = "The command is another process of the dyno: it sees the dyno's files and "
		   "processes, has its environment and shares its memory limit. All its processes "
		   "end with it or with the dyno. ps shows the session as a dyno run.N; ps:stop "
		   "ends it, and run --attach resumes it.",
	.examples = "twelve run:inside web.1 -a shop bash\ntwelve run:inside web.1 -a shop -- ls "
		    "-l /tmp",
};

const struct command *const run_commands[] = {
	&cmd_run,
	&cmd_run_detached,
	&cmd_run_inside,
	NULL,
};
