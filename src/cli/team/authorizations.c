/* SPDX-License-Identifier: Apache-2.0 */
/* authorizations, authorizations:create, authorizations:info, authorizations:revoke: tokens for the
 * API over TCP. */
#include <stdio.h>
#include <string.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/team/team.h"
#include "cli/cli.h"

#define YEARS_10_S 315360000

static int authorizations_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "ID", "DESCRIPTION", "CREATED", "LAST USED" };
	_cleanup_json_ json_t *list = NULL;
	_cleanup_table_ struct table t;
	const json_t *a;
	size_t i;

	table_init(&t, 4, headings);
	if (!cli_api(c, err) || api_get(c->api, &list, err, "/oauth/authorizations") < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, a) {
		int64_t used_ms = json_time(a, "twelve.used_at");
		char created[SINCE_SIZE], used[SINCE_SIZE];

		table_add(&t, json_str(a, "id", ""), json_str(a, "description", ""),
			  since_text(json_time(a, "created_at"), clock_wall_ms(), created),
			  used_ms ? since_text(used_ms, clock_wall_ms(), used) : "never");
	}
	if (json_array_size(list))
		table_print(c, &t);
	else
		note(c, "There are no tokens: twelve authorizations:create makes one.");
	return 0;
}

static const struct command cmd_authorizations = {
	.name = "authorizations",
	.usage = "",
	.summary = "list your API tokens",
	.flags = CMD_JSON,
	.run = authorizations_run,
	.examples = "twelve authorizations",
};

/* "read,identity" as an array. */
static json_t *words_of(const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	json_t *list = json_array();
	char *rest = copy, *word;

	while ((word = strsep(&rest, ", ")))
		if (*word)
			json_array_append_new(list, json_string(word));
	return list;
}

static int authorizations_create_run(struct cli *c, struct error *err)
{
	const char *description = cli_get(c, "description");
	_cleanup_json_ json_t *a = NULL;
	json_t *body = json_object();
	int64_t expires_s;

	if (description)
		json_object_set_new(body, "description", json_string(description));
	if (args_number(&c->args, "expires-in", 1, YEARS_10_S, 0, &expires_s, err) < 0 ||
	    !cli_api(c, err)) {
		json_decref(body);
		return -1;
	}
	if (cli_get(c, "user"))
		json_object_set_new(body, "user", json_string(cli_get(c, "user")));
	if (cli_get(c, "scope"))
		json_object_set_new(body, "scope", words_of(cli_get(c, "scope")));
	if (expires_s)
		json_object_set_new(body, "expires_in", json_integer((json_int_t)expires_s));
	if (api_request(c->api, "POST", body, &a, err, "/oauth/authorizations") < 0)
		return -1;
	if (printed_json(c, a))
		return 0;
	note(c, "This token is shown once. It lets its holder do %s that %s can:",
	     cli_get(c, "scope") ? "some of all" : "all",
	     cli_get(c, "user") ? cli_get(c, "user") : "you");
	printf("%s\n", json_str(a, "access_token.token", ""));
	return 0;
}

static const struct arg_option create_options[] = {
	{ "description", "TEXT", "description", 'd' },
	{ "scope", "SCOPES",
	  "global, identity, read, write, read-protected, write-protected; separated by commas",
	  's' },
	{ "expires-in", "SECONDS", "lifetime in seconds", 'e' },
	{ "user", "EMAIL", "owner, for administrators (default: yourself)", 'u' },
	{ 0 },
};

static const struct command cmd_authorizations_create = {
	.name = "authorizations:create",
	.usage = "",
	.flags = CMD_JSON,
	.summary = "create an API token",
	.options = create_options,
	.run = authorizations_create_run,
	.details = "The token is printed once; only its digest is stored. Use it as TWELVE_API_KEY "
		   "(or HEROKU_API_KEY).",
	.examples = "twelve authorizations:create -d ci\ntwelve authorizations:create -d dashboard "
		    "-s read\nTWELVE_HOST=http://127.0.0.1:5000 "
		    "TWELVE_API_KEY=tw-... twelve apps",
};

static int authorizations_info_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *part = api_escape(cli_rest(c, 0));
	_cleanup_json_ json_t *a = NULL;
	_cleanup_table_ struct table t;
	char created[SINCE_SIZE], used[SINCE_SIZE], expires[DURATION_SIZE];
	int64_t used_ms, left_s;

	table_init(&t, 2, NULL);
	if (!cli_api(c, err) || api_get(c->api, &a, err, "/oauth/authorizations/%s", part) < 0)
		return -1;
	if (printed_json(c, a))
		return 0;
	used_ms = json_time(a, "twelve.used_at");
	left_s = json_i64(a, "access_token.expires_in", -1);
	table_add(&t, "Id:", json_str(a, "id", ""));
	table_add(&t, "Description:", json_str(a, "description", ""));
	table_add(&t, "User:", json_str(a, "user.email", ""));
	table_add(&t, "Token:", json_str(a, "access_token.token", ""));
	table_add(&t, "Created:", since_text(json_time(a, "created_at"), clock_wall_ms(), created));
	table_add(&t, "Last used:", used_ms ? since_text(used_ms, clock_wall_ms(), used) : "never");
	table_add(&t, "Ends in:", left_s < 0 ? "(never)" : duration_text(left_s * 1000, expires));
	table_print(c, &t);
	return 0;
}

static const struct command cmd_authorizations_info = {
	.name = "authorizations:info",
	.usage = "ID",
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_JSON,
	.summary = "show an API token",
	.run = authorizations_info_run,
	.details = "The token itself is not stored, so it can't be shown.",
	.examples = "twelve authorizations:info 01234567-89ab-cdef-0123-456789abcdef",
};

static int authorizations_revoke_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *part = api_escape(cli_rest(c, 0));

	if (!cli_api(c, err) ||
	    api_request(c->api, "DELETE", NULL, NULL, err, "/oauth/authorizations/%s", part) < 0)
		return -1;
	note(c, "Revoked %s", cli_rest(c, 0));
	return 0;
}

static const struct command cmd_authorizations_revoke = {
	.name = "authorizations:revoke",
	.aliases = { "authorizations:destroy" },
	.usage = "ID",
	.min_args = 1,
	.max_args = 1,
	.summary = "revoke an API token",
	.run = authorizations_revoke_run,
	.examples = "twelve authorizations:revoke 01234567-89ab-cdef-0123-456789abcdef",
};

const struct command *const authorizations_commands[] = {
	&cmd_authorizations,
	&cmd_authorizations_create,
	&cmd_authorizations_info,
	&cmd_authorizations_revoke,
	NULL,
};
