/* SPDX-License-Identifier: Apache-2.0 */
/* domains, domains:add, domains:remove; maintenance, maintenance:on, maintenance:off. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"

/* An international name in both forms: the first is that of DNS. Heap. */
static char *host_shown(const json_t *d)
{
	const char *host = json_str(d, "hostname", ""),
		   *text = json_str(d, "twelve.hostname_text", host);

	return streq(host, text) ? xstrdup(host) : xasprintf("%s (%s)", host, text);
}

static int domains_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "DOMAIN", "KIND" };
	_cleanup_json_ json_t *list = get_of_app(c, "domains", err);
	_cleanup_table_ struct table t;
	const json_t *d;
	size_t i;

	table_init(&t, 2, headings);
	if (!list)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, d) {
		_cleanup_free_ char *host = host_shown(d);

		table_add(&t, host,
			  streq(json_str(d, "kind", ""), "heroku") ? "the app's own" : "custom");
	}
	table_print(c, &t);
	return 0;
}

static const struct command cmd_domains = {
	.name = "domains",
	.usage = "",
	.summary = "list the host names of an app",
	.flags = CMD_APP | CMD_JSON,
	.run = domains_run,
	.examples = "twelve domains -a shop",
};

static int domains_add_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);

	if (!app || !cli_api(c, err))
		return -1;
	for (size_t i = 0; cli_rest(c, i); i++) {
		_cleanup_json_ json_t *body = json_pack("{s:s}", "hostname", cli_rest(c, i)),
				      *d = NULL;
		_cleanup_free_ char *host = NULL;

		if (!body)
			return error_set(err, ERROR_INVALID, "The host name is not UTF-8 text");
		if (api_request(c->api, "POST", json_incref(body), &d, err, "/apps/%s/domains",
				app) < 0)
			return -1;
		host = host_shown(d);
		note(c, "Added %s to %s. Let its DNS point to this machine.", host, app);
	}
	return 0;
}

static const struct command cmd_domains_add = {
	.name = "domains:add",
	.usage = "HOSTNAME...",
	.min_args = 1,
	.max_args = CMD_ANY_ARGS,
	.summary = "add a host name to an app",
	.flags = CMD_APP,
	.run = domains_add_run,
	.details = "*.example.com covers all names below it. Internationalized names are accepted "
		   "as written and shown in both forms.",
	.examples = "twelve domains:add shop.example.com -a shop",
};

static int domains_remove_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);

	if (!app || !cli_api(c, err))
		return -1;
	for (size_t i = 0; cli_rest(c, i); i++) {
		_cleanup_free_ char *host = api_escape(cli_rest(c, i));

		if (api_request(c->api, "DELETE", NULL, NULL, err, "/apps/%s/domains/%s", app,
				host) < 0)
			return -1;
		note(c, "Removed %s from %s", cli_rest(c, i), app);
	}
	return 0;
}

static const struct command cmd_domains_remove = {
	.name = "domains:remove",
	.usage = "HOSTNAME...",
	.min_args = 1,
	.max_args = CMD_ANY_ARGS,
	.summary = "remove a host name from an app",
	.flags = CMD_APP,
	.run = domains_remove_run,
	.examples = "twelve domains:remove shop.example.com -a shop",
};

static int maintenance_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *j = NULL;

	if (!app || !cli_api(c, err) || api_get(c->api, &j, err, "/apps/%s", app) < 0)
		return -1;
	if (cli_has(c, "json"))
		printf("{\"maintenance\": %s}\n", json_bool(j, "maintenance") ? "true" : "false");
	else
		puts(json_bool(j, "maintenance") ? "on" : "off");
	return 0;
}

static const struct command cmd_maintenance = {
	.name = "maintenance",
	.usage = "",
	.summary = "show whether an app is in maintenance mode",
	.flags = CMD_APP | CMD_JSON,
	.run = maintenance_run,
	.examples = "twelve maintenance -a shop",
};

static int set_maintenance(struct cli *c, bool on, struct error *err)
{
	const char *app = cli_app(c, err);

	if (!app || !cli_api(c, err))
		return -1;
	if (api_request(c->api, "PATCH", json_pack("{s:b}", "maintenance", on), NULL, err,
			"/apps/%s", app) < 0)
		return -1;
	note(c, on ? "%s is closed for maintenance: it answers 503" : "%s is open again", app);
	return 0;
}

static int maintenance_on_run(struct cli *c, struct error *err)
{
	return set_maintenance(c, true, err);
}

static int maintenance_off_run(struct cli *c, struct error *err)
{
	return set_maintenance(c, false, err);
}

static const struct command cmd_maintenance_on = {
	.name = "maintenance:on",
	.usage = "",
	.summary = "turn maintenance mode on",
	.flags = CMD_APP,
	.run = maintenance_on_run,
	.details = "Dynos keep running; requests get status 503.",
	.examples = "twelve maintenance:on -a shop",
};

static const struct command cmd_maintenance_off = {
	.name = "maintenance:off",
	.usage = "",
	.summary = "turn maintenance mode off",
	.flags = CMD_APP,
	.run = maintenance_off_run,
	.examples = "twelve maintenance:off -a shop",
};

const struct command *const domains_commands[] = {
	&cmd_domains,
	&cmd_domains_add,
	&cmd_domains_remove,
	&cmd_maintenance,
	&cmd_maintenance_on,
	&cmd_maintenance_off,
	NULL,
};
