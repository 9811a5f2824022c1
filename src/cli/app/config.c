/* SPDX-License-Identifier: Apache-2.0 */
/* config, config:get, config:set, config:unset. Values stay out of messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"

static json_t *get_config(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	json_t *vars = NULL;

	if (!app || !cli_api(c, err) ||
	    api_get(c->api, &vars, err, "/apps/%s/config-vars", app) < 0)
		return NULL;
	return vars;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys, sorted; borrowed from the object. */
static const char **sorted_keys(json_t *vars, size_t *ret_n)
{
	const char **keys = xcalloc(json_object_size(vars) + 1, sizeof(*keys));
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach (vars, key, value)
		keys[n++] = key;
	qsort(keys, n, sizeof(*keys), by_key);
	*ret_n = n;
	return keys;
}

static void print_shell(const char *key, const char *value)
{
	_cleanup_free_ char *quoted = shell_quote(value);

	printf("%s=%s\n", key, quoted);
}

static int config_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *vars = get_config(c, err);
	_cleanup_free_ const char **keys = NULL;
	_cleanup_table_ struct table t;
	size_t n;

	table_init(&t, 2, NULL);
	if (!vars)
		return -1;
	if (printed_json(c, vars))
		return 0;
	keys = sorted_keys(vars, &n);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *label = xasprintf("%s:", keys[i]);
		const char *value = json_string_value(json_object_get(vars, keys[i]));

		if (cli_has(c, "shell"))
			print_shell(keys[i], value ? value : "");
		else
			table_add(&t, label, value);
	}
	if (n == 0)
		note(c, "%s has no config vars.", c->app);
	table_print(c, &t);
	return 0;
}

static const struct arg_option shell_options[] = {
	{ "shell", NULL, "print KEY=VALUE lines for a shell", 's' },
	{ 0 },
};

static const struct command cmd_config = {
	.name = "config",
	.usage = "",
	.summary = "show the config vars of an app",
	.flags = CMD_APP | CMD_JSON,
	.options = shell_options,
	.run = config_run,
	.examples = "twelve config -a shop\ntwelve config -s > .env",
};

static int config_get_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *vars = get_config(c, err);
	bool all = true;

	if (!vars)
		return -1;
	for (size_t i = 0; cli_rest(c, i); i++) {
		const char *value = json_string_value(json_object_get(vars, cli_rest(c, i)));

		all &= value != NULL;
		if (cli_has(c, "shell"))
			print_shell(cli_rest(c, i), value ? value : "");
		else
			printf("%s\n", value ? value : "");
	}
	return all ? 0 : 1;
}

static const struct command cmd_config_get = {
	.name = "config:get",
	.usage = "KEY...",
	.min_args = 1,
	.max_args = CMD_ANY_ARGS,
	.summary = "print the values of config vars",
	.flags = CMD_APP,
	.options = shell_options,
	.run = config_get_run,
	.details = "The exit code is 1 if one of them is not set.",
	.examples = "psql \"$(twelve config:get DATABASE_URL -a shop)\"",
};

/* Takes changes: strings set, nulls unset. */
static int change_config(struct cli *c, json_t *take_changes, const char *what, struct error *err)
{
	const char *app = cli_app(c, err);
	int64_t before;
	int r;

	if (!app || !cli_api(c, err) || newest_release(c, app, &before, err) < 0) {
		json_decref(take_changes);
		return -1;
	}
	if (api_request(c->api, "PATCH", take_changes, NULL, err, "/apps/%s/config-vars", app) < 0)
		return -1;
	r = settle_release(c, app, before, what, err);
	/* A failed release leaves nothing behind, the change that it was made for included. */
	if (r < 0 && err->kind == ERROR_SYSTEM)
		note(c,
		     "The config vars are what they were before (not done: %s). Do it again when "
		     "what failed is mended; what an app lacks together is set in one command.",
		     what);
	return r;
}

static int config_set_run(struct cli *c, struct error *err)
{
	_cleanup_buf_ struct buf what = BUF_INIT;
	json_t *changes = json_object();

	for (size_t i = 0; cli_rest(c, i); i++) {
		_cleanup_free_ char *key = NULL;
		const char *value;

		if (assignment_parse(cli_rest(c, i), &key, &value, err) < 0)
			goto bad;
		if (json_object_set_new(changes, key, json_string(value)) < 0) {
			error_set(err, ERROR_INVALID, "%s: the value is not UTF-8 text", key);
			goto bad;
		}
		buf_printf(&what, "%s%s", i ? ", " : "Set ", key);
	}
	return change_config(c, changes, what.data, err);
bad:
	json_decref(changes);
	return -1;
}

static const struct command cmd_config_set = {
	.name = "config:set",
	.aliases = { "config:add" },
	.usage = "KEY=VALUE...",
	.min_args = 1,
	.max_args = CMD_ANY_ARGS,
	.summary = "set config vars, in a new release",
	.flags = CMD_APP | CMD_WAIT,
	.run = config_set_run,
	.details = "Makes a release with the new config and waits until it is live. If its dynos "
		   "do not become healthy, the release fails with the reason and the config vars "
		   "stay as they were. A process type other than web whose dynos already crash is "
		   "not waited for.",
	.examples =
		"twelve config:set GREETING=Salve -a shop\ntwelve config:set A=1 B=\"two words\"",
};

static int config_unset_run(struct cli *c, struct error *err)
{
	_cleanup_buf_ struct buf what = BUF_INIT;
	json_t *changes = json_object();

	for (size_t i = 0; cli_rest(c, i); i++) {
		json_object_set_new(changes, cli_rest(c, i), json_null());
		buf_printf(&what, "%s%s", i ? ", " : "Unset ", cli_rest(c, i));
	}
	return change_config(c, changes, what.data, err);
}

static const struct command cmd_config_unset = {
	.name = "config:unset",
	.aliases = { "config:remove" },
	.usage = "KEY...",
	.min_args = 1,
	.max_args = CMD_ANY_ARGS,
	.summary = "remove config vars, in a new release",
	.flags = CMD_APP | CMD_WAIT,
	.run = config_unset_run,
	.examples = "twelve config:unset GREETING -a shop",
};

const struct command *const config_commands[] = {
	&cmd_config, &cmd_config_get, &cmd_config_set, &cmd_config_unset, NULL,
};
