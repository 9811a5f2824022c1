/* SPDX-License-Identifier: Apache-2.0 */
/* webhooks, webhooks:add, :info, :update, :remove, :deliveries, :deliveries:info, :events,
 * :events:info. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"

/* "api:build, api:release" of an array. Heap. */
static char *joined(const json_t *list)
{
	struct buf b = BUF_INIT;
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		buf_printf(&b, "%s%s", i ? ", " : "",
			   json_string_value(item) ? json_string_value(item) : "");
	return buf_steal(&b);
}

static int webhooks_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "ID", "URL", "INCLUDE", "LEVEL" };
	_cleanup_json_ json_t *list = get_of_app(c, "webhooks", err);
	_cleanup_table_ struct table t;
	const json_t *w;
	size_t i;

	table_init(&t, 4, headings);
	if (!list)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, w) {
		_cleanup_free_ char *include = joined(json_object_get(w, "include"));

		table_add(&t, json_str(w, "id", ""), json_str(w, "url", ""), include,
			  json_str(w, "level", ""));
	}
	if (json_array_size(list))
		table_print(c, &t);
	else
		note(c, "%s has no webhooks: twelve webhooks:add makes one.", c->app);
	return 0;
}

static const struct command cmd_webhooks = {
	.name = "webhooks",
	.usage = "",
	.summary = "list the webhooks of an app",
	.flags = CMD_APP | CMD_JSON,
	.run = webhooks_run,
	.examples = "twelve webhooks -a shop",
};

/* ---- add, update ---- */

/* "api:build,release" as an array; Heroku's prefix may be left out. */
static json_t *split_include(const char *s)
{
	json_t *list = json_array();

	while (*s) {
		size_t n = strcspn(s, ", ");
		_cleanup_free_ char *word = xstrndup(s, n);

		if (n)
			json_array_append_new(
				list, json_sprintf("%s%s", strchr(word, ':') ? "" : "api:", word));
		s += n + strspn(s + n, ", ");
	}
	return list;
}

static json_t *body_of(struct cli *c)
{
	static const char *const options[] = { "url", "level", "secret", "authorization" };
	json_t *body = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (cli_get(c, options[i]))
			json_object_set_new(body, options[i], json_string(cli_get(c, options[i])));
	if (cli_get(c, "include"))
		json_object_set_new(body, "include", split_include(cli_get(c, "include")));
	return body;
}

static const struct arg_option options[] = {
	{ "include", "WHAT,WHAT",
	  "api:addon, api:addon-attachment, api:app, api:build, api:collaborator, api:domain, "
	  "api:dyno, api:formation, api:release, api:sni-endpoint",
	  'i' },
	{ "url", "URL", "URL that receives the events", 'u' },
	{ "level", "LEVEL", "notify: one attempt; sync: retry for a day until the response is 2xx",
	  'l' },
	{ "secret", "SECRET", "secret that signs the requests; generated if missing", 's' },
	{ "authorization", "VALUE", "the Authorization header of the requests", 't' },
	{ 0 },
};

static int add_run(struct cli *c, struct error *err)
{
	static const char *const needed[] = { "include", "url", "level" };
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *made = NULL;
	unsigned char random[16];
	char secret[sizeof(random) * 2 + 1];
	json_t *body;

	for (size_t i = 0; app && i < ARRAY_SIZE(needed); i++)
		if (!cli_get(c, needed[i]))
			return error_set(err, ERROR_INVALID,
					 "--%s is missing: --include api:release --level notify "
					 "--url URL, for example",
					 needed[i]);
	if (!app || !cli_api(c, err))
		return -1;
	body = body_of(c);
	if (!cli_get(c, "secret")) {
		if (getentropy(random, sizeof(random)) < 0) {
			json_decref(body);
			return error_set(err, ERROR_SYSTEM, "No random bytes are available");
		}
		for (size_t i = 0; i < sizeof(random); i++)
			snprintf(secret + 2 * i, 3, "%02x", random[i]);
		json_object_set_new(body, "secret", json_string(secret));
	}
	if (api_request(c->api, "POST", body, &made, err, "/apps/%s/webhooks", app) < 0)
		return -1;
	if (cli_has(c, "json"))
		print_json(made);
	else
		note(c, "Added the webhook %s to %s", json_str(made, "id", ""), app);
	if (cli_get(c, "secret"))
		return 0;
	note(c, "This secret is shown once; requests are signed with it:");
	if (cli_has(c, "json"))
		note(c, "%s", secret);
	else
		puts(secret);
	return 0;
}

static const struct command cmd_webhooks_add = {
	.name = "webhooks:add",
	.usage = "",
	.summary = "send an app's events to a URL",
	.flags = CMD_APP | CMD_JSON,
	.options = options,
	.run = add_run,
	.details = "The header Heroku-Webhook-Hmac-SHA256 of a request is the base64 of its body's "
		   "HMAC. A request may come "
		   "more than once; webhook_metadata.delivery.id is the same then.",
	.examples = "twelve webhooks:add -i api:release,api:build -l sync -u "
		    "https://example.com/hook -a shop",
};

static int update_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *id = api_escape(cli_rest(c, 0));
	const char *app = cli_app(c, err);

	if (!app || !cli_api(c, err) ||
	    api_request(c->api, "PATCH", body_of(c), NULL, err, "/apps/%s/webhooks/%s", app, id) <
		    0)
		return -1;
	note(c, "Changed the webhook %s", cli_rest(c, 0));
	return 0;
}

static const struct command cmd_webhooks_update = {
	.name = "webhooks:update",
	.usage = "ID",
	.min_args = 1,
	.max_args = 1,
	.summary = "change a webhook",
	.flags = CMD_APP,
	.options = options,
	.run = update_run,
	.examples = "twelve webhooks:update 01234567-89ab-cdef-0123-456789abcdef -l notify -a shop",
};

static int remove_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *id = api_escape(cli_rest(c, 0));
	const char *app = cli_app(c, err);

	if (!app || !cli_api(c, err) ||
	    api_request(c->api, "DELETE", NULL, NULL, err, "/apps/%s/webhooks/%s", app, id) < 0)
		return -1;
	note(c, "Removed the webhook %s from %s", cli_rest(c, 0), app);
	return 0;
}

static const struct command cmd_webhooks_remove = {
	.name = "webhooks:remove",
	.usage = "ID",
	.min_args = 1,
	.max_args = 1,
	.summary = "remove a webhook",
	.flags = CMD_APP,
	.run = remove_run,
	.examples = "twelve webhooks:remove 01234567-89ab-cdef-0123-456789abcdef -a shop",
};

/* ---- one of anything: JSON says it best ---- */

static int print_one(struct cli *c, const char *what, struct error *err)
{
	_cleanup_free_ char *id = api_escape(cli_rest(c, 0));
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *j = NULL;

	if (!app || !cli_api(c, err) ||
	    api_get(c->api, &j, err, "/apps/%s/%s/%s", app, what, id) < 0)
		return -1;
	print_json(j);
	return 0;
}

static int info_run(struct cli *c, struct error *err)
{
	return print_one(c, "webhooks", err);
}

static const struct command cmd_webhooks_info = {
	.name = "webhooks:info",
	.usage = "ID",
	.min_args = 1,
	.max_args = 1,
	.summary = "show a webhook as JSON",
	.flags = CMD_APP | CMD_JSON,
	.run = info_run,
	.examples = "twelve webhooks:info 01234567-89ab-cdef-0123-456789abcdef -a shop",
};

static int deliveries_info_run(struct cli *c, struct error *err)
{
	return print_one(c, "webhook-deliveries", err);
}

static const struct command cmd_webhooks_deliveries_info = {
	.name = "webhooks:deliveries:info",
	.usage = "ID",
	.min_args = 1,
	.max_args = 1,
	.summary = "show a delivery as JSON",
	.flags = CMD_APP | CMD_JSON,
	.run = deliveries_info_run,
	.examples = "twelve webhooks:deliveries:info 01234567-89ab-cdef-0123-456789abcdef -a shop",
};

static int events_info_run(struct cli *c, struct error *err)
{
	return print_one(c, "webhook-events", err);
}

static const struct command cmd_webhooks_events_info = {
	.name = "webhooks:events:info",
	.usage = "ID",
	.min_args = 1,
	.max_args = 1,
	.summary = "show an event and its payload as JSON",
	.flags = CMD_APP | CMD_JSON,
	.run = events_info_run,
	.examples = "twelve webhooks:events:info 01234567-89ab-cdef-0123-456789abcdef -a shop",
};

/* ---- deliveries, events ---- */

static void add_delivery(struct table *t, const json_t *d)
{
	_cleanup_free_ char *attempts =
		xasprintf("%lld", (long long)json_i64(d, "num_attempts", 0));
	int64_t code = json_i64(d, "last_attempt.code", 0);
	_cleanup_free_ char *last = code ? xasprintf("%lld", (long long)code)
					 : xstrdup(json_str(d, "last_attempt.error_class", ""));

	table_add(t, json_str(d, "id", ""), json_str(d, "event.include", ""),
		  json_str(d, "status", ""), attempts, last, json_str(d, "next_attempt_at", ""));
}

static int check_status(const char *status, struct error *err)
{
	static const char *const known[] = { "pending", "retrying", "failed", "succeeded" };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!status || streq(status, known[i]))
			return 0;
	return error_set(err, ERROR_INVALID,
			 "--status: expected pending, retrying, failed or succeeded, found \"%s\"",
			 status);
}

static int deliveries_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = {
		"ID", "EVENT", "STATUS", "ATTEMPTS", "LAST", "NEXT"
	};
	_cleanup_json_ json_t *list = NULL;
	_cleanup_table_ struct table t;
	const char *status = cli_get(c, "status");
	const json_t *d;
	size_t i;

	table_init(&t, 6, headings);
	if (check_status(status, err) == 0)
		list = get_of_app(c, "webhook-deliveries", err);
	if (!list)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, d)
		if (!status || streq(json_str(d, "status", ""), status))
			add_delivery(&t, d);
	table_print(c, &t);
	return 0;
}

static const struct arg_option deliveries_options[] = {
	{ "status", "STATUS", "pending, retrying, failed or succeeded", 's' },
	{ 0 },
};

static const struct command cmd_webhooks_deliveries = {
	.name = "webhooks:deliveries",
	.usage = "",
	.summary = "list the deliveries of a webhook",
	.flags = CMD_APP | CMD_JSON,
	.options = deliveries_options,
	.run = deliveries_run,
	.examples =
		"twelve webhooks:deliveries -a shop\ntwelve webhooks:deliveries -s failed -a shop",
};

static int events_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "ID", "EVENT", "ACTION", "WHEN" };
	_cleanup_json_ json_t *list = get_of_app(c, "webhook-events", err);
	_cleanup_table_ struct table t;
	const json_t *e;
	size_t i;

	table_init(&t, 4, headings);
	if (!list)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, e) {
		char since[SINCE_SIZE];

		table_add(&t, json_str(e, "id", ""), json_str(e, "include", ""),
			  json_str(e, "payload.action", ""),
			  since_text(json_time(e, "created_at"), clock_wall_ms(), since));
	}
	table_print(c, &t);
	return 0;
}

static const struct command cmd_webhooks_events = {
	.name = "webhooks:events",
	.usage = "",
	.summary = "list the events of an app's webhooks",
	.flags = CMD_APP | CMD_JSON,
	.run = events_run,
	.details = "Shows the last 1,000 events that a webhook includes.",
	.examples = "twelve webhooks:events -a shop",
};

const struct command *const webhooks_commands[] = {
	&cmd_webhooks,
	&cmd_webhooks_add,
	&cmd_webhooks_info,
	&cmd_webhooks_update,
	&cmd_webhooks_remove,
	&cmd_webhooks_deliveries,
	&cmd_webhooks_deliveries_info,
	&cmd_webhooks_events,
	&cmd_webhooks_events_info,
	NULL,
};
