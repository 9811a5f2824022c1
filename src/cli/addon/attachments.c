/* SPDX-License-Identifier: Apache-2.0 */
/* addons:attach, detach, swap, credentials: who uses which add-on under which name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/addon/addon.h"

static int attach_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *at = NULL;
	int64_t before = 0;
	json_t *body;

	if (!app || !cli_api(c, err) || newest_release(c, app, &before, err) < 0)
		return -1;
	body = json_pack("{s:s, s:s, s:s*, s:s*}", "addon", cli_rest(c, 0), "app", app, "name",
			 cli_get(c, "as"), "namespace", cli_has(c, "shared") ? "shared" : NULL);
	if (!body)
		return error_set(err, ERROR_INVALID, "The arguments must be UTF-8");
	progress(c, "Making a credential");
	if (api_request(c->api, "POST", body, &at, err, "/addon-attachments") < 0)
		return -1;
	progress_clear(c);
	printf("%s\n", json_str(at, "name", ""));
	note(c, "%s is attached to %s as %s", json_str(at, "addon.name", ""), app,
	     json_str(at, "name", ""));
	return settle_release(c, app, before, "Released", err);
}

static const struct arg_option attach_options[] = {
	{ "as", "NAME", "name of the attachment; the config var is NAME_URL", 0 },
	{ "shared", NULL, "use the database of the app that owns the add-on", 0 },
	{ 0 },
};

static const struct command cmd_addons_attach = {
	.name = "addons:attach",
	.usage = "ADDON",
	.min_args = 1,
	.max_args = 1,
	.summary = "attach an add-on to another app",
	.flags = CMD_APP | CMD_WAIT,
	.options = attach_options,
	.run = attach_run,
	.details = "Each attachment has its own credential, and each app its own database, which "
		   "other apps can't read. With --shared the app uses the database of the add-on's "
		   "owner.",
	.examples = "twelve addons:attach shop-db -a admin\n"
		    "twelve addons:attach shop-db --shared --as SHOP -a admin",
};

static int detach_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	_cleanup_free_ char *name = api_escape(cli_rest(c, 0));
	_cleanup_json_ json_t *at = NULL, *gone = NULL;
	int64_t before = 0;

	if (!app || !cli_api(c, err) ||
	    api_get(c->api, &at, err, "/apps/%s/addon-attachments/%s", app, name) < 0 ||
	    newest_release(c, app, &before, err) < 0 ||
	    api_request(c->api, "DELETE", NULL, &gone, err, "/addon-attachments/%s",
			json_str(at, "id", "")) < 0)
		return -1;
	note(c, "%s is detached; %s stays until it is destroyed", json_str(at, "name", ""),
	     json_str(at, "addon.name", ""));
	if (json_str(gone, "twelve.note", NULL))
		note(c, "%s", json_str(gone, "twelve.note", ""));
	return settle_release(c, app, before, "Released", err);
}

static const struct command cmd_addons_detach = {
	.name = "addons:detach",
	.usage = "NAME",
	.min_args = 1,
	.max_args = 1,
	.summary = "detach an add-on from an app",
	.flags = CMD_APP | CMD_WAIT,
	.run = detach_run,
	.examples = "twelve addons:detach CACHE -a shop",
};

/* A POST to an action of an attachment, then its release. */
static int act(struct cli *c, const char *action, json_t *take_body, struct error *err)
{
	const char *app = cli_app(c, err);
	_cleanup_free_ char *name = api_escape(cli_rest(c, 0));
	_cleanup_json_ json_t *at = NULL;
	int64_t before = 0;

	if (!app || !cli_api(c, err) || newest_release(c, app, &before, err) < 0) {
		json_decref(take_body);
		return -1;
	}
	progress(c, "Making a credential");
	if (api_request(c->api, "POST", take_body, &at, err,
			"/apps/%s/addon-attachments/%s/actions/%s", app, name, action) < 0)
		return -1;
	progress_clear(c);
	if (streq(action, "swap"))
		note(c, "%s is %s now", json_str(at, "name", ""), json_str(at, "addon.name", ""));
	else
		note(c,
		     "%s has a new credential; the old one is revoked when nothing uses it any "
		     "more",
		     json_str(at, "name", ""));
	return settle_release(c, app, before, "Released", err);
}

static int swap_run(struct cli *c, struct error *err)
{
	return act(c, "swap", json_pack("{s:s}", "addon", cli_rest(c, 1)), err);
}

static const struct command cmd_addons_swap = {
	.name = "addons:swap",
	.aliases = { "addons:promote" },
	.usage = "ATTACHMENT ADDON",
	.min_args = 2,
	.max_args = 2,
	.summary = "point an attachment at another add-on",
	.flags = CMD_APP | CMD_WAIT,
	.run = swap_run,
	.details = "Makes one release, and no request fails. Data is not copied. The old add-on "
		   "stays until you destroy it.",
	.examples = "twelve addons:swap DATABASE postgresql-calm-sea-1234 -a shop",
};

static int rotate_run(struct cli *c, struct error *err)
{
	return act(c, "rotate", json_object(), err);
}

static const struct command cmd_addons_credentials_rotate = {
	.name = "addons:credentials:rotate",
	.usage = "ATTACHMENT",
	.min_args = 1,
	.max_args = 1,
	.summary = "replace the credential of an attachment",
	.flags = CMD_APP | CMD_WAIT,
	.run = rotate_run,
	.details = "The old credential is revoked when the release with the new one is healthy.",
	.examples = "twelve addons:credentials:rotate DATABASE -a shop",
};

static int credentials_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "ATTACHMENT", "ADD-ON", "USER", "DATABASE",
						"SINCE" };
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *list = NULL;
	_cleanup_table_ struct table t;
	const json_t *at;
	size_t i;

	table_init(&t, 5, headings);
	if (!app || !cli_api(c, err) ||
	    api_get(c->api, &list, err, "/apps/%s/addon-attachments", app) < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, at) {
		int64_t since_ms = json_time(at, "twelve.credential_created_at");
		char since[SINCE_SIZE] = "-";

		if (since_ms)
			since_text(since_ms, clock_wall_ms(), since);
		table_add(&t, json_str(at, "name", ""), json_str(at, "addon.name", ""),
			  json_str(at, "twelve.user", "-"), json_str(at, "twelve.database", "-"),
			  since);
	}
	table_print(c, &t);
	return 0;
}

static const struct command cmd_addons_credentials = {
	.name = "addons:credentials",
	.usage = "",
	.summary = "list the attachments of an app and their credentials",
	.flags = CMD_APP | CMD_JSON,
	.run = credentials_run,
	.details = "Shows names only: passwords are in the config vars.",
	.examples = "twelve addons:credentials -a shop",
};

const struct command *const attachments_commands[] = {
	&cmd_addons_attach,
	&cmd_addons_detach,
	&cmd_addons_swap,
	&cmd_addons_credentials,
	&cmd_addons_credentials_rotate,
	NULL,
};
