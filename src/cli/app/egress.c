/* SPDX-License-Identifier: Apache-2.0 */
/* egress, egress:close, egress:open, egress:allow, egress:remove. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"

static int egress_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *e = get_of_app(c, "egress", err);
	const json_t *one;
	size_t i;

	if (!e)
		return -1;
	if (printed_json(c, e))
		return 0;
	puts(json_bool(e, "closed") ? "closed: add-ons, and what is allowed"
				    : "open: the public internet, add-ons, and what is allowed");
	json_array_foreach (json_at(e, "allowed"), i, one)
		printf("allowed  %s\n", json_string_value(one));
	if (!json_bool(e, "enforced"))
		note(c,
		     "Sandboxes of this platform share the machine's network: none of this holds "
		     "(twelve doctor says why)");
	return 0;
}

static const struct command cmd_egress = {
	.name = "egress",
	.usage = "",
	.summary = "show what of the outside an app reaches",
	.flags = CMD_APP | CMD_JSON,
	.run = egress_run,
	.details =
		"Dynos, one-off dynos and builds of an app reach the public internet, unless its "
		"egress is closed, and the destinations that are allowed. They reach attached "
		"add-ons and resolve names either way.",
	.examples = "twelve egress -a shop",
};

static int patch(struct cli *c, json_t *take_body, struct error *err)
{
	const char *app = cli_app(c, err);

	if (!app || !cli_api(c, err)) {
		json_decref(take_body);
		return -1;
	}
	return api_request(c->api, "PATCH", take_body, NULL, err, "/apps/%s/egress", app);
}

static int close_run(struct cli *c, struct error *err)
{
	if (patch(c, json_pack("{s:b}", "closed", 1), err) < 0)
		return -1;
	note(c, "Closed: new connections to the outside are refused, but to what is allowed");
	return 0;
}

static const struct command cmd_close = {
	.name = "egress:close",
	.usage = "",
	.summary = "let an app reach only what is allowed",
	.flags = CMD_APP,
	.run = close_run,
	.details =
		"Builds, too: one that downloads packages needs their server allowed. Connections "
		"that are open go on. Names are resolved as before.",
	.examples = "twelve egress:close -a shop",
};

static int open_run(struct cli *c, struct error *err)
{
	if (patch(c, json_pack("{s:b}", "closed", 0), err) < 0)
		return -1;
	note(c, "Open: the public internet is reached");
	return 0;
}

static const struct command cmd_open = {
	.name = "egress:open",
	.usage = "",
	.summary = "let an app reach the public internet",
	.flags = CMD_APP,
	.run = open_run,
	.examples = "twelve egress:open -a shop",
};

static size_t n_rest(const struct cli *c)
{
	size_t n = 0;

	while (cli_rest(c, n))
		n++;
	return n;
}

/* The list with the words added, or without them; NULL with *err. */
static json_t *changed_list(struct cli *c, const json_t *before, bool add, struct error *err)
{
	json_t *list = json_array();
	const json_t *one;
	size_t i;

	json_array_foreach (before, i, one) {
		bool named = false;

		for (size_t k = 0; cli_rest(c, k); k++)
			named = named || streq(cli_rest(c, k), json_string_value(one));
		if (add || !named)
			json_array_append_new(list, json_string(json_string_value(one)));
	}
	for (size_t k = 0; add && cli_rest(c, k); k++)
		if (json_array_append_new(list, json_string(cli_rest(c, k))) < 0) {
			error_set(err, ERROR_INVALID, "The destination is not UTF-8 text");
			json_decref(list);
			return NULL;
		}
	if (!add && json_array_size(list) + n_rest(c) != json_array_size(before)) {
		error_set(err, ERROR_NOT_FOUND,
			  "Not all of these are allowed now: twelve egress lists what is");
		json_decref(list);
		return NULL;
	}
	return list;
}

static int change_list(struct cli *c, bool add, struct error *err)
{
	_cleanup_json_ json_t *e = get_of_app(c, "egress", err);
	json_t *list = e ? changed_list(c, json_at(e, "allowed"), add, err) : NULL;

	if (!list || patch(c, json_pack("{s:o}", "allowed", list), err) < 0)
		return -1;
	for (size_t k = 0; cli_rest(c, k); k++)
		note(c, "%s %s", add ? "Allowed" : "Removed", cli_rest(c, k));
	return 0;
}

static int allow_run(struct cli *c, struct error *err)
{
	return change_list(c, true, err);
}

static const struct command cmd_allow = {
	.name = "egress:allow",
	.usage = "DESTINATION...",
	.min_args = 1,
	.max_args = CMD_ANY_ARGS,
	.summary = "allow an app a destination",
	.flags = CMD_APP,
	.run = allow_run,
	.details =
		"DESTINATION is an address or a network, with a port if it is for one. What is not "
		"of the public internet, such as 10.0.3.7, is for administrators to allow.",
	.examples = "twelve egress:allow 198.51.100.7:443 2001:db8::/32 -a shop",
};

static int remove_run(struct cli *c, struct error *err)
{
	return change_list(c, false, err);
}

static const struct command cmd_remove = {
	.name = "egress:remove",
	.usage = "DESTINATION...",
	.min_args = 1,
	.max_args = CMD_ANY_ARGS,
	.summary = "allow a destination no longer",
	.flags = CMD_APP,
	.run = remove_run,
	.examples = "twelve egress:remove 198.51.100.7:443 -a shop",
};

const struct command *const egress_commands[] = {
	&cmd_egress, &cmd_close, &cmd_open, &cmd_allow, &cmd_remove, NULL,
};
