/* SPDX-License-Identifier: Apache-2.0 */
/* buildpacks, buildpacks:set, :add, :remove, :clear, :key. The API takes the whole list. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"

static json_t *get_packs(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	json_t *list = NULL;

	if (!app || !cli_api(c, err) ||
	    api_get(c->api, &list, err, "/apps/%s/buildpack-installations", app) < 0)
		return NULL;
	return list;
}

static const char *pack_name(const json_t *list, size_t i)
{
	const json_t *pack = json_array_get(list, i);

	return json_str(pack, "buildpack.url", json_str(pack, "buildpack.name", ""));
}

static int buildpacks_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *list = get_packs(c, err);

	if (!list)
		return -1;
	if (printed_json(c, list))
		return 0;
	for (size_t i = 0; i < json_array_size(list); i++)
		printf("%zu. %s\n", i + 1, pack_name(list, i));
	if (!json_array_size(list))
		note(c, "%s has no buildpacks set: each build finds out which fits.", c->app);
	return 0;
}

static const struct command cmd_buildpacks = {
	.name = "buildpacks",
	.usage = "",
	.summary = "list the buildpacks of an app",
	.flags = CMD_APP | CMD_JSON,
	.run = buildpacks_run,
	.examples = "twelve buildpacks -a shop",
};

/* A directory of this machine is named by its whole path; a name or a URL stays. Heap. */
static char *pack_argument(struct cli *c, const char *word)
{
	char path[PATH_MAX];

	if (api_host(c->api)->kind == HOST_UNIX && (word[0] == '.' || word[0] == '/') &&
	    realpath(word, path))
		return xstrdup(path);
	return xstrdup(word);
}

/* The present list as updates. */
static json_t *as_updates(const json_t *list)
{
	json_t *updates = json_array();

	for (size_t i = 0; i < json_array_size(list); i++)
		json_array_append_new(updates, json_pack("{s:s}", "buildpack", pack_name(list, i)));
	return updates;
}

static int put_packs(struct cli *c, json_t *take_updates, struct error *err)
{
	_cleanup_json_ json_t *list = NULL;

	if (api_request(c->api, "PUT", json_pack("{s:o}", "updates", take_updates), &list, err,
			"/apps/%s/buildpack-installations", c->app) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(list); i++)
		printf("%zu. %s\n", i + 1, pack_name(list, i));
	note(c, json_array_size(list) ? "The next build uses them."
				      : "The next build finds out which buildpack fits.");
	return 0;
}

static json_t *one_update(struct cli *c, const char *word)
{
	_cleanup_free_ char *name = pack_argument(c, word);

	return json_pack("{s:s}", "buildpack", name);
}

/* At --index the one that stands there is replaced (set) or moved on (add). */
static int change(struct cli *c, bool replace, struct error *err)
{
	_cleanup_json_ json_t *list = get_packs(c, err);
	size_t n = json_array_size(list);
	json_t *updates;
	int64_t index;

	if (!list || args_number(&c->args, "index", 1, 100, 0, &index, err) < 0)
		return -1;
	if (index == 0 && replace)
		updates = json_array();
	else
		updates = as_updates(list);
	if (index == 0 || (size_t)index > n)
		for (size_t i = 0; cli_rest(c, i); i++)
			json_array_append_new(updates, one_update(c, cli_rest(c, i)));
	else if (replace)
		json_array_set_new(updates, (size_t)index - 1, one_update(c, cli_rest(c, 0)));
	else
		json_array_insert_new(updates, (size_t)index - 1, one_update(c, cli_rest(c, 0)));
	return put_packs(c, updates, err);
}

static int buildpacks_set_run(struct cli *c, struct error *err)
{
	return change(c, true, err);
}

static int buildpacks_add_run(struct cli *c, struct error *err)
{
	return change(c, false, err);
}

static const struct arg_option index_options[] = {
	{ "index", "N", "position in the list, from 1", 'i' },
	{ 0 },
};

static const struct command cmd_buildpacks_set = {
	.name = "buildpacks:set",
	.usage = "BUILDPACK...",
	.min_args = 1,
	.max_args = CMD_ANY_ARGS,
	.summary = "set the buildpacks of an app",
	.flags = CMD_APP,
	.options = index_options,
	.run = buildpacks_set_run,
	.details = "A buildpack is a name (python, nodejs, ... or Heroku's heroku/python), a git "
		   "URL (https://, or ssh with the key of buildpacks:key) with an optional "
		   "#BRANCH, #TAG or #COMMIT, or, for administrators, a directory on the server.",
	.examples = "twelve buildpacks:set python -a shop\ntwelve buildpacks:set "
		    "https://github.com/heroku/heroku-buildpack-ruby",
};

static const struct command cmd_buildpacks_add = {
	.name = "buildpacks:add",
	.usage = "BUILDPACK...",
	.min_args = 1,
	.max_args = CMD_ANY_ARGS,
	.summary = "add a buildpack, at the end or at --index",
	.flags = CMD_APP,
	.options = index_options,
	.run = buildpacks_add_run,
	.examples = "twelve buildpacks:add --index 1 nodejs -a shop",
};

static int buildpacks_remove_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *list = get_packs(c, err);
	_cleanup_free_ char *name = NULL;
	size_t n = json_array_size(list), i;
	json_t *updates;
	int64_t index;

	if (!list || args_number(&c->args, "index", 1, 100, 0, &index, err) < 0)
		return -1;
	if (!index && !cli_rest(c, 0))
		return error_set(err, ERROR_INVALID,
				 "Which? Usage: twelve buildpacks:remove BUILDPACK, or --index N");
	name = cli_rest(c, 0) ? pack_argument(c, cli_rest(c, 0)) : NULL;
	for (i = 0; i < n; i++)
		if (index ? (int64_t)i + 1 == index
			  : streq(pack_name(list, i), name) ||
				    streq(pack_name(list, i), cli_rest(c, 0)))
			break;
	if (i == n)
		return error_set(err, ERROR_NOT_FOUND,
				 "%s has no such buildpack: twelve buildpacks lists them", c->app);
	updates = as_updates(list);
	json_array_remove(updates, i);
	return put_packs(c, updates, err);
}

static const struct command cmd_buildpacks_remove = {
	.name = "buildpacks:remove",
	.usage = "[BUILDPACK]",
	.max_args = 1,
	.summary = "remove a buildpack",
	.flags = CMD_APP,
	.options = index_options,
	.run = buildpacks_remove_run,
	.examples = "twelve buildpacks:remove nodejs -a shop\ntwelve buildpacks:remove --index 1",
};

static int buildpacks_clear_run(struct cli *c, struct error *err)
{
	if (!cli_app(c, err) || !cli_api(c, err))
		return -1;
	return put_packs(c, json_array(), err);
}

static const struct command cmd_buildpacks_clear = {
	.name = "buildpacks:clear",
	.usage = "",
	.summary = "remove all buildpacks; builds detect the language again",
	.flags = CMD_APP,
	.run = buildpacks_clear_run,
	.examples = "twelve buildpacks:clear -a shop",
};

static int buildpacks_key_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *key = NULL;

	if (!cli_app(c, err) || !cli_api(c, err))
		return -1;
	if (args_has(&c->args, "forget")) {
		if (api_request(c->api, "DELETE", NULL, NULL, err, "/apps/%s/buildpack-key",
				c->app) < 0)
			return -1;
		note(c, "The key is forgotten, and the keys of the servers that it was used for.");
		return 0;
	}
	if (api_request(c->api, "POST", NULL, &key, err, "/apps/%s/buildpack-key", c->app) < 0)
		return -1;
	puts(json_str(key, "public_key", ""));
	note(c,
	     "Give it to the repositories that builds of %s fetch from, as a deploy key that may "
	     "read.",
	     c->app);
	return 0;
}

static const struct arg_option key_options[] = {
	{ "forget", NULL, "remove the key; the next call creates a new one", 0 },
	{ 0 },
};

static const struct command cmd_buildpacks_key = {
	.name = "buildpacks:key",
	.usage = "",
	.summary = "show the SSH key with which builds fetch from git",
	.flags = CMD_APP,
	.options = key_options,
	.run = buildpacks_key_run,
	.details = "The key is created on first use. It is used for buildpacks and submodules at "
		   "ssh:// and user@host:path. The host key of a server is accepted on first use "
		   "and must stay the same; --forget removes these, too.",
	.examples = "twelve buildpacks:key -a shop",
};

const struct command *const buildpacks_commands[] = {
	&cmd_buildpacks,
	&cmd_buildpacks_set,
	&cmd_buildpacks_add,
	&cmd_buildpacks_remove,
	&cmd_buildpacks_clear,
	&cmd_buildpacks_key,
	NULL,
};
