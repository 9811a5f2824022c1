/* SPDX-License-Identifier: Apache-2.0 */
/* stacks, stack:set, stacks:update. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"
#include "cli/signals.h"

/* The app that is meant, if one is: the list is of use without. */
static int find_app(struct cli *c, json_t **ret, struct error *err)
{
	struct error none = ERROR_INIT;
	const char *app = cli_app(c, cli_has(c, "app") ? err : &none);

	if (!app)
		return cli_has(c, "app") ? -1 : 0;
	/* One that a git remote names may be of another machine. */
	return api_get(c->api, ret, cli_has(c, "app") ? err : &none, "/apps/%s", app) < 0 &&
			       cli_has(c, "app")
		       ? -1
		       : 0;
}

static void print_stack(const json_t *stack, const json_t *app)
{
	const char *name = json_str(stack, "name", ""), *runs = json_str(app, "stack.name", ""),
		   *next = json_str(app, "build_stack.name", "");

	printf("%s%s%s%s\n",
	       !app		   ? ""
	       : streq(name, runs) ? "* "
				   : "  ",
	       name, json_bool(stack, "default") ? " (default)" : "",
	       streq(name, next) && !streq(next, runs) ? " (active on next deploy)" : "");
}

static int stacks_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *list = NULL, *app = NULL;
	const json_t *s;
	size_t i;

	if (!cli_api(c, err) || find_app(c, &app, err) < 0 ||
	    api_get(c->api, &list, err, "/stacks") < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	if (app)
		printf("%s=== %s Available Stacks%s\n", style_on(c->color, STYLE_BOLD),
		       json_str(app, "name", ""), style_off(c->color));
	json_array_foreach (list, i, s)
		print_stack(s, app);
	return 0;
}

static const struct command cmd_stacks = {
	.name = "stacks",
	.aliases = { "stack", "apps:stacks" },
	.usage = "",
	.summary = "list stacks and show which one an app uses",
	.flags = CMD_APP | CMD_JSON,
	.run = stacks_run,
	.details = "Names of Heroku stacks work: heroku-24 is debian-13, heroku-22 is debian-12. "
		   "Works without an app.",
	.examples = "twelve stacks\ntwelve stacks -a shop",
};

static int stack_set_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err), *runs, *next;
	_cleanup_json_ json_t *j = NULL;

	if (!app || !cli_api(c, err) ||
	    api_request(c->api, "PATCH", json_pack("{s:s}", "build_stack", cli_rest(c, 0)), &j, err,
			"/apps/%s", app) < 0)
		return -1;
	runs = json_str(j, "stack.name", "");
	next = json_str(j, "build_stack.name", "");
	if (streq(runs, next)) {
		note(c, "The stack of %s is %s.", app, next);
		return 0;
	}
	note(c, "The next build of %s uses %s; until then it runs on %s.", app, next, runs);
	note(c,
	     "Run git push twelve %s to release on it: the commit that runs may be pushed again as "
	     "it is.",
	     json_str(j, "twelve.branch", "main"));
	return 0;
}

static const struct command cmd_stack_set = {
	.name = "stack:set",
	.aliases = { "stacks:set", "apps:stacks:set" },
	.usage = "STACK",
	.min_args = 1,
	.max_args = 1,
	.summary = "set the stack for the next build",
	.flags = CMD_APP,
	.run = stack_set_run,
	.details = "The current release stays on its stack until the next build. A rollback brings "
		   "back the stack of its release. git push builds the same commit again, without "
		   "an empty commit.",
	.examples = "twelve stack:set debian-13 -a shop\ngit push twelve main",
};

/* ---- stacks:update ---- */

#define LOOK_MS 500

/* Waits until the run has ended; what is told meanwhile is that it goes on. */
static int wait_for_report(struct cli *c, json_t **report, struct error *err)
{
	while (streq(json_str(*report, "status", ""), "running")) {
		json_t *now = NULL;

		progress(c, "Asking Debian's archive");
		pause_ms(LOOK_MS);
		if (cli_interrupted) {
			progress_clear(c);
			note(c, "It continues in the background: GET /twelve/stacks/updates shows "
				"the result.");
			return 128 + cli_interrupted;
		}
		if (api_get(c->api, &now, err, "/twelve/stacks/updates") < 0)
			return -1;
		json_decref(*report);
		*report = now;
	}
	progress_clear(c);
	if (streq(json_str(*report, "status", ""), "failed"))
		return error_set(err, ERROR_UNAVAILABLE, "%s",
				 json_str(*report, "error", "the updates failed"));
	return 0;
}

static void print_changes(struct cli *c, const json_t *report)
{
	static const char *const headings[] = { "STACK", "PACKAGE", "FROM", "TO", "" };
	json_t *stacks = (json_t *)json_at(report, "stacks"), *stack;
	_cleanup_table_ struct table t;
	const char *digest;
	const json_t *p;
	size_t i, n = 0;

	table_init(&t, 5, headings);
	json_object_foreach (stacks, digest, stack) {
		_cleanup_free_ char *short_digest = xstrndup(digest, 12);

		if (json_str(stack, "error", NULL))
			note(c, " !     %s: %s", short_digest, json_str(stack, "error", ""));
		json_array_foreach (json_object_get(stack, "changes"), i, p) {
			table_add(&t, short_digest, json_str(p, "package", ""),
				  json_str(p, "from", ""), json_str(p, "to", ""),
				  json_bool(p, "security") ? "security" : "");
			n++;
		}
	}
	if (n)
		table_print(c, &t);
	else
		note(c, "All packages of the stacks in use are the newest.");
}

static void print_apps(const struct cli *c, const json_t *report)
{
	static const char *const headings[] = { "APP", "STACK", "PACKAGES", "SECURITY", "RELEASE" };
	_cleanup_table_ struct table t;
	const json_t *a;
	size_t i;

	if (!json_array_size(json_at(report, "apps")))
		return;
	puts("");
	table_init(&t, 5, headings);
	json_array_foreach (json_at(report, "apps"), i, a) {
		_cleanup_free_ char *
			stack = xasprintf("%s (%.12s)", json_str(a, "stack_name", ""),
					  json_str(a, "stack", "")),
		       *packages = xasprintf("%lld", (long long)json_i64(a, "packages", 0)),
		       *security = xasprintf("%lld", (long long)json_i64(a, "security", 0)),
		       *release = json_i64(a, "release", 0)
					  ? xasprintf("v%lld", (long long)json_i64(a, "release", 0))
					  : xstrdup(json_str(a, "reason", "as it was"));

		table_add(&t, json_str(a, "app", ""), stack, packages, security, release);
	}
	table_print(c, &t);
}

static int stacks_update_run(struct cli *c, struct error *err)
{
	json_t *body = json_pack("{s:b, s:b, s:s*}", "check", (int)cli_has(c, "check"), "apply",
				 (int)cli_has(c, "apply"), "stack", cli_get(c, "stack"));
	_cleanup_json_ json_t *report = NULL;
	int r;

	if (!cli_api(c, err)) {
		json_decref(body);
		return -1;
	}
	signals_note();
	if (api_request(c->api, "POST", body, &report, err, "/twelve/stacks/updates") < 0)
		return -1;
	r = wait_for_report(c, &report, err);
	if (r != 0)
		return r;
	if (printed_json(c, report))
		return 0;
	print_changes(c, report);
	print_apps(c, report);
	if (json_array_size(json_at(report, "apps")) && !cli_has(c, "check") &&
	    !cli_has(c, "apply"))
		note(c, "The next build of each app uses what is new. twelve stacks:update --apply "
			"releases them on it now.");
	return 0;
}

static const struct arg_option stacks_update_options[] = {
	{ "check", NULL, "only show what is newer", 0 },
	{ "apply", NULL, "release each app on its new stack, with the same slug", 0 },
	{ "stack", "STACK", "only this stack", 's' },
	{ 0 },
};

static const struct command cmd_stacks_update = {
	.name = "stacks:update",
	.usage = "",
	.summary = "update the Debian packages of stacks in use",
	.flags = CMD_JSON,
	.options = stacks_update_options,
	.run = stacks_update_run,
	.details = "For administrators. Lists the apps with outdated packages, by Debian's "
		   "archive, and which updates are security updates. Rebuilds the stacks; the next "
		   "build of an app uses the new one. With --apply each app gets a release with "
		   "its current slug on the new stack; it fails like any release if it is not "
		   "healthy. TWELVE_STACK_UPDATES=auto does this daily.",
	.examples = "twelve stacks:update --check\ntwelve stacks:update --apply --stack debian-13",
};

const struct command *const stacks_commands[] = {
	&cmd_stacks,
	&cmd_stack_set,
	&cmd_stacks_update,
	NULL,
};
