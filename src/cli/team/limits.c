/* SPDX-License-Identifier: Apache-2.0 */
/* users:limits: what a user's apps may take together. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/team/team.h"
#include "model/names.h"
#include "model/owner-limit.h"

static char *value_text(enum owner_limit what, const json_t *v, char buf[static OWNER_TEXT])
{
	return owner_limit_text(what, json_is_integer(v) ? json_integer_value(v) : OWNER_UNLIMITED,
				buf);
}

static void print_limits(struct cli *c, const json_t *limits)
{
	static const char *const headings[] = { "LIMIT", "USED", "OF", "" };
	_cleanup_table_ struct table t;

	table_init(&t, 4, headings);
	for (size_t i = 0; i < _OWNER_LIMIT_MAX; i++) {
		const json_t *one = json_at(limits, owner_limit_names[i]);
		char used[OWNER_TEXT], max[OWNER_TEXT];

		table_add(&t, owner_limit_names[i],
			  value_text((enum owner_limit)i, json_at(one, "used"), used),
			  value_text((enum owner_limit)i, json_at(one, "limit"), max),
			  json_bool(one, "own") ? "set for this user" : "default");
	}
	table_print(c, &t);
}

static bool is_limit(const char *name, size_t n)
{
	for (size_t i = 0; i < _OWNER_LIMIT_MAX; i++)
		if (strlen(owner_limit_names[i]) == n &&
		    strncmp(owner_limit_names[i], name, n) == 0)
			return true;
	return false;
}

static int add_word(json_t *body, const char *word, struct error *err)
{
	const char *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : strlen(word);
	_cleanup_free_ char *name = xstrndup(word, n);
	_cleanup_buf_ struct buf all = BUF_INIT;
	char excerpt[NAME_EXCERPT_SIZE];

	if (equals && is_limit(word, n) &&
	    json_object_set_new(body, name, json_string(equals + 1)) < 0)
		return error_set(err, ERROR_INVALID, "%s: the value is not UTF-8", name);
	if (equals && is_limit(word, n))
		return 0;
	for (size_t i = 0; i < _OWNER_LIMIT_MAX; i++)
		buf_printf(&all, "%s%s", i ? ", " : "", owner_limit_names[i]);
	return error_set(err, ERROR_INVALID,
			 equals ? "There is no limit \"%s\": there are %s"
				: "\"%s\" is not of the form LIMIT=VALUE: the limits are %s",
			 name_excerpt(excerpt, name), all.data);
}

/* Of everything behind the user; NULL with *err. */
static json_t *read_words(const struct cli *c, struct error *err)
{
	json_t *body = json_object();

	for (size_t i = 1; cli_rest(c, i); i++)
		if (add_word(body, cli_rest(c, i), err) < 0) {
			json_decref(body);
			return NULL;
		}
	return body;
}

static int limits_run(struct cli *c, struct error *err)
{
	const char *user = cli_rest(c, 0);
	_cleanup_free_ char *part = api_escape(user ? user : "");
	_cleanup_json_ json_t *limits = NULL, *body = NULL;
	int r;

	if (user && strchr(user, '='))
		return error_set(err, ERROR_INVALID,
				 "Whose limit? twelve users:limits EMAIL %.100s", user);
	body = read_words(c, err);
	if (!body || !cli_api(c, err))
		return -1;
	if (json_object_size(body))
		r = api_request(c->api, "PATCH", json_incref(body), &limits, err,
				"/twelve/users/%s/limits", part);
	else if (user)
		r = api_get(c->api, &limits, err, "/twelve/users/%s/limits", part);
	else
		r = api_get(c->api, &limits, err, "/twelve/limits");
	if (r == 0 && !printed_json(c, limits))
		print_limits(c, limits);
	return r;
}

static const struct command cmd_users_limits = {
	.name = "users:limits",
	.usage = "[EMAIL [LIMIT=VALUE ...]]",
	.max_args = 1 + _OWNER_LIMIT_MAX,
	.summary = "show or set what a user's apps may take together",
	.flags = CMD_JSON,
	.run = limits_run,
	.details = "Without EMAIL, shows yours. Limits of other users, and setting them, are for "
		   "administrators. LIMIT is apps, dynos, addons, memory or builds (at a time); "
		   "VALUE is a "
		   "number, a size such as 4G for memory, \"unlimited\", or \"default\" for what "
		   "TWELVE_OWNER_APPS, TWELVE_OWNER_DYNOS, TWELVE_OWNER_ADDONS, "
		   "TWELVE_OWNER_MEMORY and "
		   "TWELVE_OWNER_BUILDS set for everybody. What an app takes counts for its owner, "
		   "whoever "
		   "does it: dynos of the formation and running one-off dynos, and as memory their "
		   "sizes and "
		   "the plans of add-ons. A lowered limit stops nothing that runs.",
	.examples =
		"twelve users:limits\n"
		"twelve users:limits ada@example.com apps=10 dynos=20 memory=8G addons=5 builds=2\n"
		"twelve users:limits ada@example.com apps=default memory=unlimited",
};

const struct command *const limits_commands[] = { &cmd_users_limits, NULL };
