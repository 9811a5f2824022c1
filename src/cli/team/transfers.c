/* SPDX-License-Identifier: Apache-2.0 */
/* apps:transfer, transfers, transfers:accept, transfers:decline, transfers:cancel. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/team/team.h"
#include "cli/cli.h"

static int transfer_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *t = NULL;

	if (!app || !cli_api(c, err) ||
	    api_request(c->api, "POST",
			json_pack("{s:s, s:s}", "app", app, "recipient", cli_rest(c, 0)), &t, err,
			"/account/app-transfers") < 0)
		return -1;
	if (cli_has(c, "json"))
		print_json(t);
	else if (streq(json_str(t, "state", ""), "pending"))
		note(c, "Offered %s to %s, who accepts with: twelve transfers:accept %s", app,
		     cli_rest(c, 0), app);
	else
		note(c, "%s is %s's now", app, cli_rest(c, 0));
	return 0;
}

static const struct command cmd_apps_transfer = {
	.name = "apps:transfer",
	.usage = "USER",
	.min_args = 1,
	.max_args = 1,
	.summary = "offer an app to another user",
	.flags = CMD_APP | CMD_JSON,
	.run = transfer_run,
	.details = "The other user must accept it; an administrator's transfer takes effect at "
		   "once. The old owner stays a collaborator.",
	.examples = "twelve apps:transfer bob@example.com -a shop",
};

static int transfers_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "APP", "FROM", "TO", "STATE", "WHEN" };
	_cleanup_json_ json_t *list = NULL;
	_cleanup_table_ struct table t;
	const json_t *item;
	size_t i;

	table_init(&t, 5, headings);
	if (!cli_api(c, err) || api_get(c->api, &list, err, "/account/app-transfers") < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, item) {
		char since[SINCE_SIZE];

		table_add(&t, json_str(item, "app.name", ""), json_str(item, "owner.email", ""),
			  json_str(item, "recipient.email", ""), json_str(item, "state", ""),
			  since_text(json_time(item, "updated_at"), clock_wall_ms(), since));
	}
	if (json_array_size(list))
		table_print(c, &t);
	else
		note(c, "No app is given away.");
	return 0;
}

static const struct command cmd_transfers = {
	.name = "transfers",
	.usage = "",
	.summary = "list app transfers from you and to you",
	.flags = CMD_JSON,
	.run = transfers_run,
	.examples = "twelve transfers",
};

static int decide(struct cli *c, const char *state, struct error *err)
{
	_cleanup_free_ char *app = api_escape(cli_rest(c, 0));

	if (!cli_api(c, err) || api_request(c->api, "PATCH", json_pack("{s:s}", "state", state),
					    NULL, err, "/account/app-transfers/%s", app) < 0)
		return -1;
	note(c, "You have %s %s", state, cli_rest(c, 0));
	return 0;
}

static int accept_run(struct cli *c, struct error *err)
{
	return decide(c, "accepted", err);
}

static const struct command cmd_transfers_accept = {
	.name = "transfers:accept",
	.usage = "APP",
	.min_args = 1,
	.max_args = 1,
	.summary = "accept an app transfer",
	.run = accept_run,
	.examples = "twelve transfers:accept shop",
};

static int decline_run(struct cli *c, struct error *err)
{
	return decide(c, "declined", err);
}

static const struct command cmd_transfers_decline = {
	.name = "transfers:decline",
	.usage = "APP",
	.min_args = 1,
	.max_args = 1,
	.summary = "decline an app transfer",
	.run = decline_run,
	.examples = "twelve transfers:decline shop",
};

static int cancel_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *app = api_escape(cli_rest(c, 0));

	if (!cli_api(c, err) ||
	    api_request(c->api, "DELETE", NULL, NULL, err, "/account/app-transfers/%s", app) < 0)
		return -1;
	note(c, "%s is offered no longer", cli_rest(c, 0));
	return 0;
}

static const struct command cmd_transfers_cancel = {
	.name = "transfers:cancel",
	.usage = "APP",
	.min_args = 1,
	.max_args = 1,
	.summary = "cancel an app transfer",
	.run = cancel_run,
	.examples = "twelve transfers:cancel shop",
};

const struct command *const transfers_commands[] = {
	&cmd_apps_transfer,	&cmd_transfers,	       &cmd_transfers_accept,
	&cmd_transfers_decline, &cmd_transfers_cancel, NULL,
};
