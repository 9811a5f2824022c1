/* SPDX-License-Identifier: Apache-2.0 */
/* addons:upgrade, rename, destroy. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/addon/addon.h"

#define POLL_MS 100

static int update(struct cli *c, const json_t *a, json_t *take_body, json_t **ret,
		  struct error *err)
{
	return api_request(c->api, "PATCH", take_body, ret, err, "/apps/%s/addons/%s",
			   json_str(a, "app.name", ""), json_str(a, "id", ""));
}

/* Its server starts anew with another plan. */
static int wait_until_healthy(struct cli *c, const char *id, struct error *err)
{
	int64_t deadline_ms = clock_now_ms() + 120000;

	while (clock_now_ms() < deadline_ms) {
		_cleanup_json_ json_t *a = NULL;

		if (api_get(c->api, &a, err, "/addons/%s", id) < 0)
			return -1;
		if (json_str(a, "twelve.reason", NULL))
			return error_set(err, ERROR_UNAVAILABLE, "%s",
					 json_str(a, "twelve.reason", ""));
		if (json_bool(a, "twelve.healthy") && !json_bool(a, "twelve.changing"))
			return 0;
		pause_ms(POLL_MS);
		progress(c, "%s %s", json_str(a, "name", ""), json_str(a, "twelve.status", ""));
	}
	return error_set(err, ERROR_UNAVAILABLE,
			 "It is not up after 2 minutes: twelve addons:info tells more");
}

static int upgrade_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *a = addon_find(c, cli_rest(c, 0), err), *now = NULL;

	if (!a ||
	    update(c, a, json_pack("{s:{s:s}}", "plan", "name", cli_rest(c, 1)), &now, err) < 0)
		return -1;
	note(c, "%s is %s now", json_str(now, "name", ""), json_str(now, "plan.name", ""));
	if (json_str(now, "provision_message", "")[0])
		note(c, "%s", json_str(now, "provision_message", ""));
	if (streq(json_str(a, "plan.name", ""), json_str(now, "plan.name", "")))
		return 0;
	return wait_until_healthy(c, json_str(a, "id", ""), err);
}

static const struct command cmd_addons_upgrade = {
	.name = "addons:upgrade",
	.aliases = { "addons:downgrade" },
	.usage = "ADDON [SERVICE:]PLAN",
	.min_args = 2,
	.max_args = 2,
	.summary = "change the plan of an add-on",
	.flags = CMD_APP,
	.run = upgrade_run,
	.details = "The server restarts with the new plan's limits, which takes a second or two.",
	.examples = "twelve addons:upgrade DATABASE standard -a shop",
};

static int rename_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *a = addon_find(c, cli_rest(c, 0), err), *now = NULL;

	if (!a || update(c, a, json_pack("{s:s}", "name", cli_rest(c, 1)), &now, err) < 0)
		return -1;
	note(c, "%s is called %s now", json_str(a, "name", ""), json_str(now, "name", ""));
	return 0;
}

static const struct command cmd_addons_rename = {
	.name = "addons:rename",
	.usage = "ADDON NAME",
	.min_args = 2,
	.max_args = 2,
	.summary = "rename an add-on",
	.flags = CMD_APP,
	.run = rename_run,
	.examples = "twelve addons:rename DATABASE shop-db -a shop",
};

static int check_confirm(struct cli *c, const json_t *a, struct error *err)
{
	const char *owner = json_str(a, "app.name", "");
	int confirmed = cli_confirmed(c, owner, err);
	_cleanup_json_ json_t *list = NULL;
	_cleanup_buf_ struct buf where = BUF_INIT;
	char size[DURATION_SIZE];
	const json_t *at;
	size_t i;

	if (confirmed)
		return confirmed < 0 ? -1 : 0;
	if (api_get(c->api, &list, err, "/addons/%s/addon-attachments", json_str(a, "id", "")) < 0)
		return -1;
	json_array_foreach (list, i, at)
		buf_printf(&where, "%s%s::%s", i ? ", " : "", json_str(at, "app.name", ""),
			   json_str(at, "name", ""));
	return error_set(err, ERROR_INVALID,
			 "This destroys %s with all its data (%s)%s%s. Releases that used it can't "
			 "be rolled back to; %s. To go on: --confirm %s",
			 json_str(a, "name", ""), addon_size_text(a, size),
			 where.len ? ", and detaches " : "", where.data,
			 json_bool(a, "twelve.has_backups") ? "a last backup is kept for a week"
							    : "it has no backups",
			 owner);
}

static int destroy_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *a = addon_find(c, cli_rest(c, 0), err);
	const char *owner = json_str(a, "app.name", "");
	char size[DURATION_SIZE];
	int64_t before = 0;

	if (!a || check_confirm(c, a, err) < 0 || newest_release(c, owner, &before, err) < 0)
		return -1;
	if (api_request(c->api, "DELETE", json_pack("{s:b}", "force", (int)cli_has(c, "force")),
			NULL, err, "/apps/%s/addons/%s", owner, json_str(a, "id", "")) < 0)
		return -1;
	note(c, "%s (%s) is being removed%s%s", json_str(a, "name", ""), addon_size_text(a, size),
	     cli_has(c, "force") || !json_bool(a, "twelve.has_backups")
		     ? ""
		     : "; its last backup will be in twelve backups -a ",
	     cli_has(c, "force") || !json_bool(a, "twelve.has_backups") ? "" : owner);
	return settle_release(c, owner, before, "Released", err);
}

static const struct arg_option destroy_options[] = {
	{ "confirm", "APP", "the app that owns it", 'c' },
	{ "force", NULL, "even if other apps use it, and without a last backup", 'f' },
	{ 0 },
};

static const struct command cmd_addons_destroy = {
	.name = "addons:destroy",
	.usage = "ADDON",
	.min_args = 1,
	.max_args = 1,
	.summary = "delete an add-on and its data",
	.flags = CMD_APP | CMD_WAIT,
	.options = destroy_options,
	.run = destroy_run,
	.examples = "twelve addons:destroy DATABASE -a shop --confirm shop",
};

const struct command *const addon_change_commands[] = {
	&cmd_addons_upgrade,
	&cmd_addons_rename,
	&cmd_addons_destroy,
	NULL,
};
