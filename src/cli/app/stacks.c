/* SPDX-License-Identifier: Apache-2.0 */
/* stacks, stack:set. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/cli.h"

/* The app that is meant, if one is: the list is of use without. */
static int find_app(struct cli *c, json_t **ret, struct error *err)
{
	struct error none = ERROR_INIT;
	const char *app = cli_app(c, cli_has(c, "app") ? err : &none);

	if (!app)
		return cli_has(c, "app") ? -1 : 0;
	/* One that a git remote names may be of another machine. */
	return api_get(c->api, ret, cli_has(c, "app") ? err : &none, "/apps/%s", app) < 0 && cli_has(c, "app") ? -1 : 0;
}

static void print_stack(const json_t *stack, const json_t *app)
{
	const char *name = json_str(stack, "name", ""), *runs = json_str(app, "stack.name", ""), *next = json_str(app, "build_stack.name", "");

	printf("%s%s%s%s\n", !app ? "" : streq(name, runs) ? "* " : "  ", name, json_bool(stack, "default") ? " (default)" : "",
	       streq(name, next) && !streq(next, runs) ? " (active on next deploy)" : "");
}

static int stacks_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *list = NULL, *app = NULL;
	const json_t *s;
	size_t i;

	if (!cli_api(c, err) || find_app(c, &app, err) < 0 || api_get(c->api, &list, err, "/stacks") < 0)
		return -1;
	if (cli_has(c, "json")) {
		print_json(list);
		return 0;
	}
	if (app)
		printf("%s=== %s Available Stacks%s\n", style_on(c->color, STYLE_BOLD), json_str(app, "name", ""), style_off(c->color));
	json_array_foreach(list, i, s)
		print_stack(s, app);
	return 0;
}

const struct command cmd_stacks = {
	.name = "stacks",
	.aliases = { "stack", "apps:stacks" },
	.usage = "",
	.summary = "list the stacks, and which is the app's",
	.flags = CMD_APP | CMD_JSON,
	.run = stacks_run,
	.details = "Those of Heroku's names stand for ours: heroku-24 for debian-13, heroku-22 for debian-12. The list needs no app.",
	.examples = "twelve stacks\ntwelve stacks -a shop",
};

static int stack_set_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err), *runs, *next;
	_cleanup_json_ json_t *j = NULL;

	if (!app || !cli_api(c, err) ||
	    api_request(c->api, "PATCH", json_pack("{s:s}", "build_stack", cli_rest(c, 0)), &j, err, "/apps/%s", app) < 0)
		return -1;
	runs = json_str(j, "stack.name", "");
	next = json_str(j, "build_stack.name", "");
	if (streq(runs, next)) {
		note(c, "The stack of %s is %s.", app, next);
		return 0;
	}
	note(c, "The next build of %s uses %s; until then it runs on %s.", app, next, runs);
	note(c, "Run git push twelve %s to release on it: the commit that runs may be pushed again as it is.", json_str(j, "twelve.branch", "main"));
	return 0;
}

const struct command cmd_stack_set = {
	.name = "stack:set",
	.aliases = { "stacks:set", "apps:stacks:set" },
	.usage = "STACK",
	.min_args = 1,
	.max_args = 1,
	.summary = "choose the stack that the next build uses",
	.flags = CMD_APP,
	.run = stack_set_run,
	.details = "What runs stays on its stack until the next build, and a rollback brings back the stack of its release. "
		   "No empty commit is needed: git push builds the same commit again.",
	.examples = "twelve stack:set debian-13 -a shop\ngit push twelve main",
};
