/* SPDX-License-Identifier: Apache-2.0 */
/* users, users:add, users:update, users:remove, users:passwd: who may use the platform. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/team/team.h"
#include "cli/cli.h"
#include "cli/prompt.h"

static int users_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "E-MAIL", "NAME", "ROLE", "LAST LOGIN" };
	_cleanup_json_ json_t *list = NULL;
	_cleanup_table_ struct table t;
	const json_t *u;
	size_t i;

	table_init(&t, 4, headings);
	if (!cli_api(c, err) || api_get(c->api, &list, err, "/twelve/users") < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, u) {
		int64_t login_ms = json_time(u, "last_login");
		char since[SINCE_SIZE];

		table_add(&t, json_str(u, "email", ""), json_str(u, "name", ""),
			  json_bool(u, "twelve.admin") ? "administrator" : "user",
			  login_ms ? since_text(login_ms, clock_wall_ms(), since)
			  : json_bool(u, "twelve.password") ? "never"
							    : "(no password)");
	}
	table_print(c, &t);
	return 0;
}

static const struct command cmd_users = {
	.name = "users",
	.usage = "",
	.summary = "list users",
	.flags = CMD_JSON,
	.run = users_run,
	.details = "For administrators. Root and members of twelved's unix group are "
		   "administrators named USER@localhost, created when they first connect.",
	.examples = "twelve users",
};

/* ---- making and changing ---- */

static void put(json_t *body, const char *key, const char *value)
{
	if (value)
		json_object_set_new(body, key, json_string(value));
}

static int users_add_run(struct cli *c, struct error *err)
{
	_cleanup_secret_ char *password = NULL;
	_cleanup_json_ json_t *user = NULL;
	const char *email = cli_rest(c, 0);
	json_t *body;

	if (!cli_api(c, err) ||
	    (cli_has(c, "password-stdin") && prompt_new_password(c, &password, err) < 0))
		return -1;
	body = json_pack("{s:s, s:b}", "email", email, "admin", (int)cli_has(c, "admin"));
	put(body, "name", cli_get(c, "name"));
	put(body, "password", password);
	if (api_request(c->api, "POST", body, &user, err, "/twelve/users") < 0)
		return -1;
	if (printed_json(c, user))
		return 0;
	note(c, "Added %s%s", json_str(user, "email", ""),
	     json_bool(user, "twelve.admin") ? ", an administrator" : "");
	if (!password)
		note(c,
		     "There is no password yet: twelve users:passwd %s sets one; twelve "
		     "authorizations:create "
		     "--user %s makes a token, twelve keys:add --user %s lets a key push.",
		     email, email, email);
	return 0;
}

static const struct arg_option add_options[] = {
	{ "name", "NAME", "name of the user", 'n' },
	{ "admin", NULL, "make the user an administrator", 0 },
	{ "password-stdin", NULL, "read the password from the first line of stdin", 0 },
	{ 0 },
};

static const struct command cmd_users_add = {
	.name = "users:add",
	.aliases = { "users:create" },
	.usage = "EMAIL",
	.min_args = 1,
	.max_args = 1,
	.summary = "create a user",
	.options = add_options,
	.flags = CMD_JSON,
	.run = users_add_run,
	.examples = "twelve users:add ada@example.com --name Ada\n"
		    "pwgen 16 1 | twelve users:add ada@example.com --admin --password-stdin",
};

static int users_update_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *part = api_escape(cli_rest(c, 0));
	_cleanup_json_ json_t *user = NULL;
	json_t *body = json_object();

	put(body, "name", cli_get(c, "name"));
	put(body, "email", cli_get(c, "email"));
	if (cli_has(c, "admin") || cli_has(c, "no-admin"))
		json_object_set_new(body, "admin", json_boolean(cli_has(c, "admin")));
	if (!json_object_size(body) || (cli_has(c, "admin") && cli_has(c, "no-admin"))) {
		json_decref(body);
		return error_set(err, ERROR_INVALID,
				 "What is to change? --name, --email, --admin or --no-admin");
	}
	if (!cli_api(c, err)) {
		json_decref(body);
		return -1;
	}
	if (api_request(c->api, "PATCH", body, &user, err, "/twelve/users/%s", part) < 0)
		return -1;
	if (cli_has(c, "json"))
		print_json(user);
	else
		note(c, "Changed %s", json_str(user, "email", ""));
	return 0;
}

static const struct arg_option update_options[] = {
	{ "name", "NAME", "name of the user", 'n' },
	{ "email", "EMAIL", "new e-mail address", 'e' },
	{ "admin", NULL, "make the user an administrator", 0 },
	{ "no-admin", NULL, "remove the administrator role", 0 },
	{ 0 },
};

static const struct command cmd_users_update = {
	.name = "users:update",
	.usage = "EMAIL",
	.min_args = 1,
	.max_args = 1,
	.summary = "change a user's name, address or role",
	.options = update_options,
	.flags = CMD_JSON,
	.run = users_update_run,
	.examples = "twelve users:update ada@example.com --admin",
};

static int users_remove_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *part = api_escape(cli_rest(c, 0));

	if (!cli_api(c, err) ||
	    api_request(c->api, "DELETE", NULL, NULL, err, "/twelve/users/%s", part) < 0)
		return -1;
	note(c, "Removed %s, with their keys and tokens", cli_rest(c, 0));
	return 0;
}

static const struct command cmd_users_remove = {
	.name = "users:remove",
	.aliases = { "users:destroy" },
	.usage = "EMAIL",
	.min_args = 1,
	.max_args = 1,
	.summary = "delete a user with their keys and tokens",
	.run = users_remove_run,
	.details = "A user who owns apps can't be removed: transfer the apps first.",
	.examples = "twelve users:remove ada@example.com",
};

/* ---- passwords ---- */

/* Of somebody who comes with a token the server wants the present one, if there is one. */
static int present_password(struct cli *c, char **ret, struct error *err)
{
	_cleanup_json_ json_t *account = NULL;

	if (api_host(c->api)->kind != HOST_HTTP)
		return 0;
	if (api_get(c->api, &account, err, "/account") < 0)
		return -1;
	if (!json_bool(account, "twelve.password"))
		return 0;
	if (cli_has(c, "password-stdin"))
		return prompt_stdin_line("the present password, before the new one", ret, err);
	return prompt_secret("Present password: ", ret, err);
}

static int users_passwd_run(struct cli *c, struct error *err)
{
	_cleanup_secret_ char *old = NULL, *password = NULL;
	const char *email = cli_rest(c, 0);
	_cleanup_free_ char *part = api_escape(email ? email : "");
	json_t *body;
	int r;

	if (!cli_api(c, err) || (!email && present_password(c, &old, err) < 0) ||
	    prompt_new_password(c, &password, err) < 0)
		return -1;
	body = json_object();
	put(body, "password", email ? password : old);
	put(body, "new_password", email ? NULL : password);
	r = email ? api_request(c->api, "PATCH", body, NULL, err, "/twelve/users/%s", part)
		  : api_request(c->api, "PATCH", body, NULL, err, "/account");
	if (r < 0)
		return -1;
	note(c, "%s has a new password", email ? email : "Your account");
	return 0;
}

static const struct arg_option passwd_options[] = {
	{ "password-stdin", NULL,
	  "read the password from stdin; if the current one is needed, it is the line before", 0 },
	{ 0 },
};

static const struct command cmd_users_passwd = {
	.name = "users:passwd",
	.aliases = { "users:password" },
	.usage = "[EMAIL]",
	.max_args = 1,
	.summary = "set your password, or that of a user",
	.options = passwd_options,
	.run = users_passwd_run,
	.details = "The password is asked for twice. It is only used to log in and get a token.",
	.examples = "twelve users:passwd\ntwelve users:passwd ada@example.com",
};

const struct command *const users_commands[] = {
	&cmd_users, &cmd_users_add, &cmd_users_update, &cmd_users_remove, &cmd_users_passwd, NULL,
};
