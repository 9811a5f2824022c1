/* SPDX-License-Identifier: Apache-2.0 */
/* access, access:add, access:update, access:remove: what users may do to an app. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/team/team.h"
#include "cli/cli.h"

#define WHAT_THEY_MAY                                                                             \
	"view: see it, with its log lines. deploy: push, release, roll back. operate: config "    \
	"vars, scale, "                                                                           \
	"restart, run, add-ons, domains, drains. manage: collaborators, the name, maintenance. "  \
	"Each has view "                                                                          \
	"with it; without -p: view, deploy and operate. Only the owner destroys an app or gives " \
	"it away."

/* "view, deploy". */
static void permissions_text(const json_t *collaborator, struct buf *out)
{
	const json_t *p;
	size_t i;

	json_array_foreach (json_object_get(collaborator, "permissions"), i, p)
		buf_printf(out, "%s%s", i ? ", " : "", json_str(p, "name", ""));
}

static int access_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "E-MAIL", "ROLE", "PERMISSIONS" };
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *list = NULL;
	_cleanup_table_ struct table t;
	const json_t *row;
	size_t i;

	table_init(&t, 3, headings);
	if (!app || !cli_api(c, err) ||
	    api_get(c->api, &list, err, "/apps/%s/collaborators", app) < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, row) {
		_cleanup_buf_ struct buf text = BUF_INIT;

		permissions_text(row, &text);
		table_add(&t, json_str(row, "user.email", ""), json_str(row, "role", ""),
			  text.data);
	}
	table_print(c, &t);
	return 0;
}

static const struct command cmd_access = {
	.name = "access",
	.aliases = { "sharing" },
	.usage = "",
	.summary = "list the permissions of an app",
	.flags = CMD_APP | CMD_JSON,
	.run = access_run,
	.details = WHAT_THEY_MAY,
	.examples = "twelve access -a shop",
};

/* "deploy,view" as ["deploy", "view"]; NULL for none. */
static json_t *permissions_of(const char *text)
{
	_cleanup_free_ char *copy = text ? xstrdup(text) : NULL;
	json_t *list = copy ? json_array() : NULL;
	char *save = NULL;

	for (char *word = copy ? strtok_r(copy, ", ", &save) : NULL; word;
	     word = strtok_r(NULL, ", ", &save))
		json_array_append_new(list, json_string(word));
	return list;
}

static int tell(struct cli *c, const json_t *collaborator, const char *app)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (printed_json(c, collaborator))
		return 0;
	permissions_text(collaborator, &text);
	note(c, "%s may now %s %s", json_str(collaborator, "user.email", ""), text.data, app);
	return 0;
}

static int access_add_run(struct cli *c, struct error *err)
{
	json_t *permissions = permissions_of(cli_get(c, "permissions"));
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *row = NULL;
	json_t *body = json_pack("{s:s}", "user", cli_rest(c, 0));

	if (permissions)
		json_object_set_new(body, "permissions", permissions);
	if (!app || !cli_api(c, err)) {
		json_decref(body);
		return -1;
	}
	if (api_request(c->api, "POST", body, &row, err, "/apps/%s/collaborators", app) < 0)
		return -1;
	return tell(c, row, app);
}

static const struct arg_option permission_options[] = {
	{ "permissions", "LIST", "view, deploy, operate, manage; separated by commas", 'p' },
	{ 0 },
};

static const struct command cmd_access_add = {
	.name = "access:add",
	.aliases = { "sharing:add" },
	.usage = "EMAIL",
	.min_args = 1,
	.max_args = 1,
	.summary = "give a user permissions for an app",
	.options = permission_options,
	.flags = CMD_APP | CMD_JSON,
	.run = access_add_run,
	.details = WHAT_THEY_MAY,
	.examples = "twelve access:add ada@example.com -a shop\ntwelve access:add ci@example.com "
		    "-p deploy -a shop",
};

static int access_update_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *part = api_escape(cli_rest(c, 0));
	json_t *permissions = permissions_of(cli_get(c, "permissions"));
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *row = NULL;

	if (!permissions || !app || !cli_api(c, err)) {
		json_decref(permissions);
		return err->kind != ERROR_NONE
			       ? -1
			       : error_set(err, ERROR_INVALID,
					   "What may %s do? -p view,deploy, for example",
					   cli_rest(c, 0));
	}
	if (api_request(c->api, "PATCH", json_pack("{s:o}", "permissions", permissions), &row, err,
			"/apps/%s/collaborators/%s", app, part) < 0)
		return -1;
	return tell(c, row, app);
}

static const struct command cmd_access_update = {
	.name = "access:update",
	.aliases = { "sharing:update" },
	.usage = "EMAIL",
	.min_args = 1,
	.max_args = 1,
	.summary = "change the permissions of a user for an app",
	.options = permission_options,
	.flags = CMD_APP | CMD_JSON,
	.run = access_update_run,
	.details = WHAT_THEY_MAY,
	.examples = "twelve access:update ada@example.com -p view -a shop",
};

static int access_remove_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *part = api_escape(cli_rest(c, 0));
	const char *app = cli_app(c, err);

	if (!app || !cli_api(c, err) ||
	    api_request(c->api, "DELETE", NULL, NULL, err, "/apps/%s/collaborators/%s", app, part) <
		    0)
		return -1;
	note(c, "%s has no permissions for %s any more", cli_rest(c, 0), app);
	return 0;
}

static const struct command cmd_access_remove = {
	.name = "access:remove",
	.aliases = { "sharing:remove" },
	.usage = "EMAIL",
	.min_args = 1,
	.max_args = 1,
	.summary = "remove a user's permissions for an app",
	.flags = CMD_APP,
	.run = access_remove_run,
	.examples = "twelve access:remove ada@example.com -a shop",
};

const struct command *const access_commands[] = {
	&cmd_access, &cmd_access_add, &cmd_access_update, &cmd_access_remove, NULL,
};
