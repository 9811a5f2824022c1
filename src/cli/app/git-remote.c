/* SPDX-License-Identifier: Apache-2.0 */
/*
 * git remotes of apps, and what git needs to use them: over a local path the word that the
 * repository is safe; over HTTPS the authority to trust and whom to ask for the token
 * (git:credentials, gitcredentials(7)), both for this host and in this repository alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"
#include "cli/config.h"
#include "cli/netrc.h"

#define CREDENTIAL_LINE_MAX 4096

static int set_config(const char *key, const char *value, struct error *err)
{
	return proc_run_simple((const char *const[]){ "git", "config", key, value, NULL }, err);
}

/*
 * Repositories belong to root, and git refuses one of somebody else's on a local path unless it is
 * told that it is safe. A bare one takes this word only from the command line, so the remote says
 * which command.
 */
static int trust_local(const char *remote, const char *path, struct error *err)
{
	static const char *const programs[][2] = { { "receivepack", "receive-pack" },
						   { "uploadpack", "upload-pack" } };

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		_cleanup_free_ char *key = xasprintf("remote.%s.%s", remote, programs[i][0]);
		_cleanup_free_ char *value =
			xasprintf("git -c safe.directory='%s' %s", path, programs[i][1]);

		if (set_config(key, value, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- over HTTPS ---- */

/* This program, as the shell is to read it after git's "!". */
static char *helper_command(void)
{
	char path[4096] = "";
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0 || strchr(path, '\''))
		return xstrdup("!twelve git:credentials");
	return xasprintf("!'%s' git:credentials", path);
}

/*
 * Whom git is to trust: whom we do. In plain HTTP there is nobody yet; what the platform says there
 * of its authority is as good as the token that went the same way.
 */
static int find_authority(struct cli *c, const char *authority, char **ret_path, struct error *err)
{
	const char *known = api_ca(c->api);
	_cleanup_json_ json_t *ca = NULL;

	*ret_path = known ? realpath(known, NULL) : NULL;
	if (known || str_starts(api_host(c->api)->path, "https:"))
		return 0;
	if (api_get(c->api, &ca, err, "/twelve/ca") < 0 ||
	    config_set_ca(authority, json_str(ca, "certificate", ""), err) < 0)
		return -1;
	*ret_path = config_ca_path(authority);
	note(c, "Trusting the authority of %s from here on: SHA-256 %s", authority,
	     json_str(ca, "fingerprint", "?"));
	return 0;
}

static int prepare_https(struct cli *c, const char *url, struct error *err)
{
	const char *start = url + strlen("https://");
	_cleanup_free_ char *authority = xstrndup(start, strcspn(start, "/"));
	_cleanup_free_ char *helper_key = xasprintf("credential.https://%s.helper", authority);
	_cleanup_free_ char *ca_key = xasprintf("http.https://%s/.sslCAInfo", authority);
	_cleanup_free_ char *helper = helper_command(), *path = NULL;

	if (set_config(helper_key, helper, err) < 0 || find_authority(c, authority, &path, err) < 0)
		return -1;
	if (path && getenv("GIT_SSL_CAINFO"))
		note(c, "GIT_SSL_CAINFO is set, which overrides git's configuration: unset it to "
			"use this remote");
	return path ? set_config(ca_key, path, err) : 0;
}

int remote_add(struct cli *c, const char *remote, const char *url, struct error *err)
{
	_cleanup_free_ char *key = xasprintf("remote.%s.url", remote), *old = git_config(key);
	const char *const add[] = { "git", "remote", "add", remote, url, NULL };
	const char *const set[] = { "git", "remote", "set-url", remote, url, NULL };
	int r = proc_run_simple(old ? set : add, err);

	if (r == 0 && str_starts(url, "https://"))
		r = prepare_https(c, url, err);
	if (r == 0 && url[0] == '/' && geteuid() != 0 && !strchr(url, '\''))
		r = trust_local(remote, url, err);
	if (r < 0)
		return error_prefix(err, "the git remote %s", remote);
	note(c, "The git remote \"%s\" %s %s", remote, old ? "now is" : "is", url);
	return 0;
}

/* ---- git:remote ---- */

static int git_remote_run(struct cli *c, struct error *err)
{
	const char *name = cli_app(c, err), *remote = cli_get(c, "remote");
	_cleanup_json_ json_t *app = NULL;
	_cleanup_free_ char *url = NULL;

	if (!name || !cli_api(c, err) || api_get(c->api, &app, err, "/apps/%s", name) < 0)
		return -1;
	if (!git_in_work_tree(NULL))
		return error_set(err, ERROR_INVALID, "This is not a git repository: run git init");
	url = git_url_of(c, app);
	return remote_add(c, remote ? remote : "twelve", url, err);
}

static const struct command cmd_git_remote = {
	.name = "git:remote",
	.usage = "",
	.summary = "add an app's git remote to this repository",
	.flags = CMD_APP | CMD_REMOTE,
	.run = git_remote_run,
	.details = "An existing remote of that name is changed. Over http and https, git gets the "
		   "token from this program and trusts the same authorities.",
	.examples = "twelve git:remote -a shop\ntwelve git:remote -a shop-staging --remote staging",
};

/* ---- git:credentials ---- */

/* "host=localhost:5000" of what git says, up to a blank line. Heap, or NULL when it is not asked
 * over HTTPS. */
static char *read_host(void)
{
	char line[CREDENTIAL_LINE_MAX];
	char *host = NULL;
	bool https = false;

	while (fgets(line, sizeof(line), stdin) && line[0] != '\n') {
		line[strcspn(line, "\n")] = '\0';
		if (streq(line, "protocol=https"))
			https = true;
		if (str_starts(line, "host=") && !host)
			host = xstrdup(line + strlen("host="));
	}
	if (!https)
		free(steal_ptr(host));
	return host;
}

/* $TWELVE_API_KEY is for the host that is spoken to, and goes to no other. */
static char *token_for(const char *authority)
{
	const char *key = getenv("TWELVE_API_KEY");
	_cleanup_free_ char *ours = NULL;
	struct error ignored = ERROR_INIT;
	struct host h = { 0 };

	if (key && *key && host_parse(NULL, &h, &ignored) == 0 && h.kind == HOST_HTTP)
		ours = host_authority(&h);
	host_done(&h);
	return ours && streq(ours, authority) ? xstrdup(key) : netrc_password(authority);
}

static int git_credentials_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *host = NULL, *token = NULL;

	(void)err;
	/* "store" and "erase": a token is kept and forgotten by login and logout. */
	if (!streq(cli_rest(c, 0), "get"))
		return 0;
	host = read_host();
	token = host ? token_for(host) : NULL;
	if (token)
		printf("username=twelve\npassword=%s\n", token);
	else if (host)
		note(c, "There is no token for %s: twelve --host https://%s login", host, host);
	return 0;
}

static const struct command cmd_git_credentials = {
	.name = "git:credentials",
	.usage = "get",
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_HIDDEN,
	.summary = "git's credential helper",
	.run = git_credentials_run,
};

const struct command *const git_remote_commands[] = {
	&cmd_git_remote,
	&cmd_git_credentials,
	NULL,
};
