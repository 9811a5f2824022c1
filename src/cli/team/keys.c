/* SPDX-License-Identifier: Apache-2.0 */
/* keys, keys:add, keys:remove: who may push over SSH. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "cli/team/team.h"
#include "cli/cli.h"

#define MAX_KEY_FILE 65536

static int keys_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "FINGERPRINT", "COMMENT", "USER" };
	bool all = cli_has(c, "all");
	_cleanup_json_ json_t *list = NULL;
	_cleanup_table_ struct table t;
	const json_t *k;
	size_t i;

	table_init(&t, all ? 3 : 2, headings);
	if (!cli_api(c, err) ||
	    api_get(c->api, &list, err, all ? "/twelve/keys" : "/account/keys") < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, k)
		table_add(&t, json_str(k, "fingerprint", ""), json_str(k, "comment", ""),
			  json_str(k, "user.email", ""));
	if (json_array_size(list))
		table_print(c, &t);
	else
		note(c, "There are no keys: twelve keys:add FILE lets its owner push over SSH.");
	return 0;
}

static const struct arg_option keys_options[] = {
	{ "all", NULL, "keys of all users, for administrators", 0 },
	{ 0 },
};

static const struct command cmd_keys = {
	.name = "keys",
	.usage = "",
	.summary = "list your SSH keys",
	.options = keys_options,
	.flags = CMD_JSON,
	.run = keys_run,
	.examples = "twelve keys\ntwelve keys --all",
};

/* The file that was named, stdin for "-", or the first usual one. */
static int read_key(const char *file, struct buf *text, struct error *err)
{
	static const char *const usual[] = { "id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub" };
	const char *home = getenv("HOME");
	int r;

	if (file) {
		r = fs_read_file(streq(file, "-") ? "/dev/stdin" : file, MAX_KEY_FILE, text);
		return r < 0 ? error_set(err, ERROR_INVALID, "%s: %s", file, strerror(-r)) : 0;
	}
	for (size_t i = 0; home && i < ARRAY_SIZE(usual); i++) {
		_cleanup_free_ char *path = xasprintf("%s/.ssh/%s", home, usual[i]);

		if (fs_read_file(path, MAX_KEY_FILE, text) == 0)
			return 0;
	}
	return error_set(err, ERROR_INVALID,
			 "There is no public key in ~/.ssh: name a file, or make one with "
			 "ssh-keygen -t ed25519");
}

static int keys_add_run(struct cli *c, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_json_ json_t *key = NULL;
	json_t *body;

	if (!cli_api(c, err) || read_key(cli_rest(c, 0), &text, err) < 0)
		return -1;
	/* Never let it leave this machine. */
	if (strstr(text.data, "PRIVATE KEY"))
		return error_set(err, ERROR_INVALID,
				 "This is a private key; give the .pub file that belongs to it");
	body = json_pack("{s:s}", "public_key", str_trim(text.data));
	if (!body)
		return error_set(err, ERROR_INVALID, "This is no SSH public key");
	if (cli_get(c, "user"))
		json_object_set_new(body, "user", json_string(cli_get(c, "user")));
	if (api_request(c->api, "POST", body, &key, err, "/account/keys") < 0)
		return -1;
	note(c, "Added %s %s", json_str(key, "fingerprint", ""), json_str(key, "comment", ""));
	return 0;
}

static const struct arg_option add_options[] = {
	{ "user", "EMAIL", "owner, for administrators (default: yourself)", 'u' },
	{ 0 },
};

static const struct command cmd_keys_add = {
	.name = "keys:add",
	.usage = "[FILE]",
	.max_args = 1,
	.summary = "add an SSH key for git push",
	.options = add_options,
	.run = keys_add_run,
	.details = "Default: the usual file in ~/.ssh. - reads stdin.",
	.examples = "twelve keys:add ~/.ssh/id_ed25519.pub\ntwelve keys:add ada.pub --user "
		    "ada@example.com\nssh-add -L | twelve keys:add -",
};

static int keys_remove_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *list = NULL;
	const char *word = cli_rest(c, 0), *id = NULL;
	struct error refused = ERROR_INIT;
	_cleanup_free_ char *part = NULL;
	const json_t *k;
	size_t i, found = 0;

	/* An administrator removes anybody's. */
	if (!cli_api(c, err) || (api_get(c->api, &list, &refused, "/twelve/keys") < 0 &&
				 api_get(c->api, &list, err, "/account/keys") < 0))
		return -1;
	json_array_foreach (list, i, k) {
		if (!streq(json_str(k, "fingerprint", ""), word) &&
		    !streq(json_str(k, "comment", ""), word) && !streq(json_str(k, "id", ""), word))
			continue;
		id = json_str(k, "id", "");
		found++;
	}
	if (found != 1)
		return error_set(err, ERROR_NOT_FOUND,
				 "%s key is %s: twelve keys lists their fingerprints",
				 found ? "More than one" : "No", word);
	part = api_escape(id);
	if (api_request(c->api, "DELETE", NULL, NULL, err, "/account/keys/%s", part) < 0)
		return -1;
	note(c, "Removed %s", word);
	return 0;
}

static const struct command cmd_keys_remove = {
	.name = "keys:remove",
	.usage = "FINGERPRINT | COMMENT",
	.min_args = 1,
	.max_args = 1,
	.summary = "remove an SSH key",
	.run = keys_remove_run,
	.examples = "twelve keys:remove ada@example.com",
};

const struct command *const keys_commands[] = {
	&cmd_keys,
	&cmd_keys_add,
	&cmd_keys_remove,
	NULL,
};
