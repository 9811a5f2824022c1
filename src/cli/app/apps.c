/* SPDX-License-Identifier: Apache-2.0 */
/* apps, create, info, open, rename, destroy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"

static int apps_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "NAME", "RELEASE", "URL" };
	_cleanup_table_ struct table t;
	_cleanup_json_ json_t *apps = NULL;
	const json_t *app;
	size_t i;

	table_init(&t, 3, headings);
	if (!cli_api(c, err) || api_get(c->api, &apps, err, "/apps") < 0)
		return -1;
	if (printed_json(c, apps))
		return 0;
	json_array_foreach (apps, i, app) {
		int64_t version = json_i64(app, "twelve.current_version", 0);
		_cleanup_free_ char *v = xasprintf("v%lld", (long long)version);

		table_add(&t, json_str(app, "name", ""), version ? v : "-",
			  json_str(app, "web_url", ""));
	}
	if (json_array_size(apps))
		table_print(c, &t);
	else
		note(c, "There are no apps yet: twelve create NAME makes one.");
	return 0;
}

static const struct command cmd_apps = {
	.name = "apps",
	.aliases = { "apps:list", "list" },
	.usage = "",
	.summary = "list apps",
	.flags = CMD_JSON,
	.run = apps_run,
	.examples = "twelve apps\ntwelve apps --json | jq -r '.[].name'",
};

/* What a newcomer trips over: no repository, and TWELVE_APP, which goes before a remote. */
static void note_how_to_go_on(struct cli *c, const char *name, bool in_work_tree)
{
	const char *app = getenv("TWELVE_APP");

	if (!cli_has(c, "no-remote") && !in_work_tree)
		note(c,
		     "This is no git repository, so no remote was added: git init, then twelve "
		     "git:remote -a %s",
		     name);
	if (app && *app && !streq(app, name))
		note(c,
		     "TWELVE_APP is set and takes precedence over the git remote: commands act on "
		     "%s; "
		     "unset it, or use -a %s",
		     app, name);
}

/* An app of a folder; the app is there, whatever becomes of it. */
static int set_folder(struct cli *c, const char *name, const char *folder, struct error *err)
{
	json_t *body = json_pack("{s:s}", "TWELVE_BUILD_DIR", folder);

	if (!body)
		return error_set(err, ERROR_INVALID, "The arguments must be UTF-8");
	if (api_request(c->api, "PATCH", body, NULL, err, "/apps/%s/config-vars", name) < 0)
		return error_prefix(err,
				    "the app is made, but not its folder: \"twelve config:set "
				    "TWELVE_BUILD_DIR=... -a %s\" sets it",
				    name);
	note(c, "%s/ is built (TWELVE_BUILD_DIR)", folder);
	return 0;
}

static int create_run(struct cli *c, struct error *err)
{
	const char *name = cli_rest(c, 0), *remote = cli_get(c, "remote");
	_cleanup_json_ json_t *app = NULL;
	_cleanup_free_ char *url = NULL;
	json_t *body;
	bool in_work_tree;

	if (!cli_api(c, err))
		return -1;
	body = json_pack("{s:s*, s:s*, s:s*}", "name", name, "region", cli_get(c, "region"),
			 "stack", cli_get(c, "stack"));
	if (!body)
		return error_set(err, ERROR_INVALID, "The arguments must be UTF-8");
	if (api_request(c->api, "POST", body, &app, err, "/apps") < 0)
		return -1;
	note(c, "Created %s", json_str(app, "name", ""));
	if (cli_has(c, "path") &&
	    set_folder(c, json_str(app, "name", ""), cli_get(c, "path"), err) < 0)
		return -1;
	url = git_url_of(c, app);
	in_work_tree = git_in_work_tree(NULL);
	if (!cli_has(c, "no-remote") && *url && in_work_tree &&
	    remote_add(c, remote ? remote : "twelve", url, err) < 0)
		return error_prefix(err, "the app is made, but not");
	if (cli_has(c, "json"))
		print_json(app);
	else
		printf("%s | %s\n", json_str(app, "web_url", ""), url);
	note_how_to_go_on(c, json_str(app, "name", ""), in_work_tree);
	return 0;
}

static const struct arg_option create_options[] = {
	{ "remote", "REMOTE", "name of the git remote to add (twelve)", 'r' },
	{ "no-remote", NULL, "add no git remote", 'n' },
	{ "region", "REGION", "us or eu; both mean this machine", 0 },
	{ "stack", "STACK", "debian-13, debian-12, or the name of a Heroku stack", 's' },
	{ "path", "DIR", "folder of the repository that holds the app (TWELVE_BUILD_DIR)", 0 },
	{ 0 },
};

static const struct command cmd_create = {
	.name = "create",
	.aliases = { "apps:create" },
	.usage = "[NAME]",
	.max_args = 1,
	.summary = "create an app and its git remote",
	.flags = CMD_JSON,
	.options = create_options,
	.run = create_run,
	.details = "Without a name, one is generated. In a git work tree, adds the remote "
		   "\"twelve\": git push twelve main deploys.",
	.examples = "twelve create shop\ntwelve create shop --no-remote",
};

static json_t *get_app(struct cli *c, struct error *err)
{
	const char *name = cli_app(c, err);
	json_t *app = NULL;

	if (!name || !cli_api(c, err) || api_get(c->api, &app, err, "/apps/%s", name) < 0)
		return NULL;
	return app;
}

static int info_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *app = get_app(c, err);
	char since[SINCE_SIZE], size[DURATION_SIZE];
	int64_t bytes = json_i64(app, "slug_size", 0);
	_cleanup_table_ struct table t;
	_cleanup_free_ char *git = NULL, *release = NULL, *stacks = NULL;
	const char *stack, *next;

	table_init(&t, 2, NULL);
	if (!app)
		return -1;
	if (printed_json(c, app))
		return 0;
	git = git_url_of(c, app);
	release = xasprintf("v%lld", (long long)json_i64(app, "twelve.current_version", 0));
	printf("%s=== %s%s\n", style_on(c->color, STYLE_BOLD), json_str(app, "name", ""),
	       style_off(c->color));
	table_add(&t, "URL:", json_str(app, "web_url", ""));
	table_add(&t, "Git:", git);
	table_add(&t, "Deploys:", json_str(app, "twelve.branch", "main"));
	table_add(&t, "Release:", release);
	stack = json_str(app, "stack.name", "");
	next = json_str(app, "build_stack.name", stack);
	stacks = streq(stack, next) ? xstrdup(stack)
				    : xasprintf("%s (%s on the next build)", stack, next);
	table_add(&t, "Stack:", stacks);
	table_add(&t, "Slug:", bytes ? bytes_text(bytes, size) : "none");
	table_add(&t, "Maintenance:", json_bool(app, "maintenance") ? "on" : "off");
	table_add(&t, "Created:", since_text(json_time(app, "created_at"), clock_wall_ms(), since));
	table_print(c, &t);
	return 0;
}

static const struct command cmd_info = {
	.name = "info",
	.aliases = { "apps:info" },
	.usage = "",
	.summary = "show an app",
	.flags = CMD_APP | CMD_JSON,
	.run = info_run,
	.examples = "twelve info -a shop",
};

static int open_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *app = get_app(c, err);

	if (!app)
		return -1;
	printf("%s\n", json_str(app, "web_url", ""));
	return 0;
}

static const struct command cmd_open = {
	.name = "open",
	.aliases = { "apps:open" },
	.usage = "",
	.summary = "print an app's URL",
	.flags = CMD_APP,
	.run = open_run,
	.examples = "curl $(twelve open -a shop)",
};

/* The remote that named the app by its old name gets the new one. */
static int rename_remote(struct cli *c, const json_t *before, const json_t *after,
			 struct error *err)
{
	const char *remote = cli_get(c, "remote");
	_cleanup_free_ char *old_url = git_url_of(c, before), *new_url = git_url_of(c, after);
	_cleanup_free_ char *key = xasprintf("remote.%s.url", remote ? remote : "twelve");
	_cleanup_free_ char *now = git_config(key);

	if (!now || !streq(now, old_url))
		return 0;
	return remote_add(c, remote ? remote : "twelve", new_url, err);
}

static int rename_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *before = get_app(c, err), *after = NULL;

	if (!before)
		return -1;
	if (api_request(c->api, "PATCH", json_pack("{s:s}", "name", cli_rest(c, 0)), &after, err,
			"/apps/%s", c->app) < 0)
		return -1;
	note(c, "%s is now %s", json_str(before, "name", ""), json_str(after, "name", ""));
	printf("%s\n", json_str(after, "web_url", ""));
	return rename_remote(c, before, after, err);
}

static const struct command cmd_rename = {
	.name = "rename",
	.aliases = { "apps:rename" },
	.usage = "NEWNAME",
	.min_args = 1,
	.max_args = 1,
	.summary = "rename an app",
	.flags = CMD_APP | CMD_REMOTE,
	.run = rename_run,
	.details = "Dynos keep running and are served at the new URL. A git remote of this "
		   "repository that names the app is updated.",
	.examples = "twelve rename shop2 -a shop",
};

/* "shop-db (postgresql:mini, 12.3 MB)" for each add-on that the app owns; *ret_saved: how many
 * leave a last backup. */
static int list_addons(struct cli *c, const char *app, struct buf *text, size_t *ret_saved,
		       struct error *err)
{
	_cleanup_free_ char *path = api_escape(app);
	_cleanup_json_ json_t *list = NULL;
	const json_t *a;
	size_t i;

	*ret_saved = 0;
	if (api_get(c->api, &list, err, "/apps/%s/addons", path) < 0)
		return -1;
	json_array_foreach (list, i, a) {
		const char *state = json_str(a, "state", "");
		char size[DURATION_SIZE];

		if (streq(state, "deprovisioned") || (!streq(json_str(a, "app.name", ""), app) &&
						      !streq(json_str(a, "app.id", ""), app)))
			continue;
		buf_printf(text, "%s%s (%s, %s)", text->len ? ", " : "", json_str(a, "name", ""),
			   json_str(a, "plan.name", ""), addon_size_text(a, size));
		*ret_saved += json_bool(a, "twelve.has_backups") && !streq(state, "provisioning");
	}
	return 0;
}

static int destroy_run(struct cli *c, struct error *err)
{
	const char *given = cli_rest(c, 0);
	const char *app = given ? given : cli_app(c, err);
	_cleanup_free_ char *path = app ? api_escape(app) : NULL;
	_cleanup_buf_ struct buf addons = BUF_INIT;
	size_t n_saved;
	int confirmed;

	if (!app || !cli_api(c, err))
		return -1;
	confirmed = cli_confirmed(c, app, err);
	if (confirmed < 0)
		return -1;
	if (list_addons(c, app, &addons, &n_saved, err) < 0)
		return -1;
	if (!confirmed)
		return error_set(err, ERROR_INVALID,
				 "This removes %s with its releases, config and repository, for "
				 "good%s%s%s%s. To do so: twelve destroy -a %s --confirm %s",
				 app, addons.len ? ", and its add-ons with their data: " : "",
				 addons.len ? addons.data : "",
				 n_saved ? "; a last backup of each that has backups is kept for a "
					   "week: twelve backups --destroyed"
					 : "",
				 addons.len && !n_saved ? "; no backup of them is kept" : "", app,
				 app);
	if (api_request(c->api, "DELETE", NULL, NULL, err, "/apps/%s", path) < 0)
		return -1;
	note(c, "Destroyed %s", app);
	if (addons.len)
		note(c, "Its add-ons go with it: %s", addons.data);
	if (n_saved)
		note(c, "Their last backups are kept for a week; twelve backups --destroyed lists "
			"them, twelve backups:restore ID -a APP brings one back");
	return 0;
}

static const struct arg_option destroy_options[] = {
	{ "confirm", "APP",
	  "the app's name, to confirm; without it, lists the add-ons that would be destroyed",
	  'c' },
	{ 0 },
};

static const struct command cmd_destroy = {
	.name = "destroy",
	.aliases = { "apps:destroy", "apps:delete" },
	.usage = "--confirm APP",
	.max_args = 1,
	.summary = "delete an app and everything that belongs to it",
	.flags = CMD_APP,
	.options = destroy_options,
	.run = destroy_run,
	.examples = "twelve destroy -a shop --confirm shop",
};

const struct command *const apps_commands[] = {
	&cmd_apps, &cmd_create, &cmd_info, &cmd_open, &cmd_rename, &cmd_destroy, NULL,
};
