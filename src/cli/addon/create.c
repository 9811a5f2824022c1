/* SPDX-License-Identifier: Apache-2.0 */
/* addons:create, addons:wait. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/addon/addon.h"

#define POLL_MS 100
#define URL_MAX_BYTES 8192

/* Until it is made or has failed: the add-on then, or NULL. */
static json_t *wait_until_made(struct cli *c, const char *id, struct error *err)
{
	for (;;) {
		json_t *a = NULL;

		if (api_get(c->api, &a, err, "/addons/%s", id) < 0)
			return NULL;
		if (!streq(json_str(a, "state", ""), "provisioning"))
			return a;
		progress(c, "%s %s", json_str(a, "name", ""), json_str(a, "twelve.status", ""));
		json_decref(a);
		pause_ms(POLL_MS);
	}
}

static int tell_failure(const json_t *a, struct error *err)
{
	const char *reason = json_str(a, "twelve.reason", "no reason was given");
	size_t line = strcspn(reason, "\n");

	error_set(err, ERROR_UNAVAILABLE, "%s could not be made: %.*s", json_str(a, "name", ""),
		  (int)line, reason);
	/* Its server's last lines. */
	if (reason[line])
		fprintf(stderr, "%s\n", reason + line + 1);
	return -1;
}

static int tell_made(struct cli *c, const char *app, const json_t *a, int64_t began_ms,
		     struct error *err)
{
	_cleanup_buf_ struct buf vars = BUF_INIT;
	char took[DURATION_SIZE];
	int64_t version = 0;
	const json_t *var;
	size_t i;

	progress_clear(c);
	json_array_foreach (json_at(a, "config_vars"), i, var)
		buf_printf(&vars, "%s%s", i ? ", " : "", json_string_value(var));
	note(c, "%s is ready after %s and gives %s", json_str(a, "name", ""),
	     duration_text(clock_now_ms() - began_ms, took), vars.data);
	if (newest_release(c, app, &version, err) < 0)
		return -1;
	return wait_for_release(c, app, version, err);
}

/* --url URL, --url - or the environment, so that a password need not stand in an argument list. */
static char *given_url(struct cli *c, struct error *err)
{
	const char *url = cli_get(c, "url");
	char buf[URL_MAX_BYTES];

	if (!url)
		url = getenv("TWELVE_EXTERNAL_URL");
	if (!url || !streq(url, "-"))
		return url ? xstrdup(url) : NULL;
	if (!fgets(buf, sizeof(buf), stdin)) {
		error_set(err, ERROR_INVALID, "--url -: standard input has no line");
		return NULL;
	}
	return xstrdup(str_trim(buf));
}

static json_t *creation(struct cli *c, struct error *err)
{
	_cleanup_free_ char *url = given_url(c, err);
	json_t *config, *body;

	if (err->kind != ERROR_NONE)
		return NULL;
	config = json_pack("{s:s*, s:s*, s:s*, s:s*}", "url", url, "from_backup",
			   cli_get(c, "from-backup"), "skip_check",
			   cli_has(c, "no-check") ? "true" : NULL, "tls",
			   cli_has(c, "tls") ? "true" : NULL);
	body = json_pack("{s:{s:s}, s:{s:s*}, s:o, s:s*, s:s*}", "plan", "name", cli_rest(c, 0),
			 "attachment", "name", cli_get(c, "as"), "config", config, "name",
			 cli_get(c, "name"), "confirm", cli_get(c, "confirm"));
	if (!body)
		error_set(err, ERROR_INVALID, "The arguments must be UTF-8");
	return body;
}

int addon_create(struct cli *c, const char *app, json_t *take_body, bool wait, struct error *err)
{
	return addon_create_named(c, app, take_body, wait, NULL, err);
}

int addon_create_named(struct cli *c, const char *app, json_t *take_body, bool wait, char **ret_id,
		       struct error *err)
{
	_cleanup_json_ json_t *a = NULL, *made = NULL;
	int64_t began_ms = clock_now_ms();

	progress(c, "Making the add-on");
	if (api_request(c->api, "POST", take_body, &a, err, "/apps/%s/addons", app) < 0)
		return -1;
	if (ret_id)
		*ret_id = xstrdup(json_str(a, "id", ""));
	printf("%s\n", json_str(a, "name", ""));
	fflush(stdout);
	if (json_str(a, "provision_message", "")[0])
		note(c, "%s", json_str(a, "provision_message", ""));
	if (!wait) {
		note(c, "It is being made: twelve addons:wait %s waits for it",
		     json_str(a, "name", ""));
		return 0;
	}
	made = wait_until_made(c, json_str(a, "id", ""), err);
	if (!made)
		return -1;
	if (!streq(json_str(made, "state", ""), "provisioned")) {
		progress_clear(c);
		return tell_failure(made, err);
	}
	return tell_made(c, app, made, began_ms, err);
}

static int create_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	json_t *body;

	if (!app || !cli_api(c, err))
		return -1;
	body = creation(c, err);
	return body ? addon_create(c, app, body, !cli_has(c, "no-wait"), err) : -1;
}

static const struct arg_option create_options[] = {
	{ "as", "NAME", "name of the attachment; the config var is NAME_URL", 0 },
	{ "name", "NAME", "name of the add-on", 0 },
	{ "url", "URL", "URL of an external service; - reads it from standard input", 0 },
	{ "no-check", NULL, "attach an external service even if it does not respond", 0 },
	{ "from-backup", "BACKUP", "fill it from the backup with this id", 0 },
	{ "tls", NULL, "set the URL for TLS (rediss://)", 0 },
	{ "confirm", "APP", "accepted for compatibility with heroku", 0 },
	{ 0 },
};

static const struct command cmd_addons_create = {
	.name = "addons:create",
	.usage = "SERVICE[:PLAN]",
	.min_args = 1,
	.max_args = 1,
	.summary = "create an add-on and attach it to an app",
	.flags = CMD_APP | CMD_WAIT,
	.options = create_options,
	.run = create_run,
	.details = "Waits until the add-on is ready and its release is live. Heroku's names work: "
		   "heroku-postgresql:essential-0 selects the smallest plan of postgresql. The "
		   "service \"external\" attaches a server of your own by its URL, given by --url "
		   "or $TWELVE_EXTERNAL_URL.",
	.examples = "twelve addons:create postgresql -a shop\n"
		    "twelve addons:create redis:standard --as CACHE -a shop\n"
		    "twelve addons:create external --url postgres://... --as DATABASE -a shop",
};

static int wait_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *a = NULL, *list = NULL;
	const char *name = cli_rest(c, 0), *app;
	const json_t *one;
	size_t i;

	if (name) {
		list = json_array();
		a = addon_find(c, name, err);
		if (!a)
			return -1;
		json_array_append(list, a);
	} else {
		app = cli_app(c, err);
		if (!app || !cli_api(c, err) ||
		    api_get(c->api, &list, err, "/apps/%s/addons", app) < 0)
			return -1;
	}
	json_array_foreach (list, i, one) {
		_cleanup_json_ json_t *made = wait_until_made(c, json_str(one, "id", ""), err);

		if (!made)
			return -1;
		progress_clear(c);
		if (!streq(json_str(made, "state", ""), "provisioned"))
			return tell_failure(made, err);
		note(c, "%s %s", json_str(made, "name", ""), json_str(made, "twelve.status", ""));
	}
	return 0;
}

static const struct command cmd_addons_wait = {
	.name = "addons:wait",
	.usage = "[ADDON]",
	.max_args = 1,
	.summary = "wait until add-ons are ready",
	.flags = CMD_APP,
	.run = wait_run,
	.examples = "twelve addons:wait -a shop",
};

const struct command *const addon_create_commands[] = {
	&cmd_addons_create,
	&cmd_addons_wait,
	NULL,
};
