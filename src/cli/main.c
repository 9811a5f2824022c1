/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twelve: the command line, a client of the API; and what git's hooks and the
 * SSH forced command run. Each command is a record and a function in the file of its topic;
 * commands.c lists the files.
 *
 * Exit codes: 0 done, 1 it did not work, 2 it was asked wrongly; `run` gives
 * the exit code of what it ran.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/commands.h"

static bool wants_color(const struct cli *c, int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fd) && !(no && *no) && !(term && streq(term, "dumb")) &&
	       !cli_has(c, "no-color");
}

static int run(struct cli *c, struct error *err)
{
	const struct command *cmd = c->args.command;
	int r;

	if (cli_has(c, "help") || !cmd) {
		if (cmd)
			help_command(c, cmd, stdout);
		else
			help_overview(c, cli_has(c, "help") ? stdout : stderr);
		return cmd || cli_has(c, "help") ? 0 : 2;
	}
	r = cmd->run(c, err);
	progress_clear(c);
	if (r >= 0 && fflush(stdout) != 0)
		return error_set(err, ERROR_SYSTEM, "stdout can't be written to");
	return r;
}

static void tell_error(const struct cli *c, const struct error *err)
{
	_cleanup_buf_ struct buf hint = BUF_INIT;

	fprintf(stderr, "%stwelve: %s%s\n", style_on(c->color_err, STYLE_RED), err->message,
		style_off(c->color_err));
	next_step(err->message, c->app, &hint);
	if (hint.len)
		fprintf(stderr, "%s\n", hint.data);
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct cli c = { 0 };
	int r = args_parse(&c.args, commands, argc, argv, &err);

	c.color = wants_color(&c, STDOUT_FILENO);
	c.color_err = wants_color(&c, STDERR_FILENO);
	c.animate = isatty(STDERR_FILENO);
	if (r == 0)
		r = run(&c, &err);
	if (r < 0) {
		progress_clear(&c);
		fflush(stdout);
		tell_error(&c, &err);
		r = err.kind == ERROR_NONE ? 1 : error_exit_code(err.kind);
	}
	api_free(c.api);
	args_done(&c.args);
	free(c.app);
	free(c.progress);
	return r;
}
