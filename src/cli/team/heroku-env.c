/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heroku-env: the variables that make the heroku command speak to twelved. Without the second half
 * of them it would copy its token to Heroku's own services (particleboard, telemetry, the diagnosis
 * of databases). A few commands have an address of Heroku's built in, which no variable changes:
 * the text below names them all. What each does was measured on version 11.10.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "cli/team/team.h"
#include "cli/cli.h"
#include "cli/config.h"

#define TOKEN_LIFE_S (30 * 86400)

enum kind {
	KIND_URL,	 /* http://HOST:PORT */
	KIND_TLS_URL,	 /* https://HOST:PORT: the same door */
	KIND_SOCKET_URL, /* ws://HOST:PORT */
	KIND_AUTHORITY,	 /* HOST:PORT */
	KIND_HOST,
	KIND_TOKEN,
	KIND_HEADERS, /* the token again, where the command would not send it */
	KIND_CA,
	KIND_GIT_KEY, /* git trusts the authority for our URLs only: others keep theirs */
	KIND_FIXED,
};

static const struct variable {
	const char *name;
	enum kind kind;
	const char *value; /* of KIND_FIXED */
} variables[] = {
	{ "HEROKU_HOST", KIND_URL, NULL },
	{ "HEROKU_API_KEY", KIND_TOKEN, NULL },
	{ "HEROKU_HEADERS", KIND_HEADERS, NULL },
	{ "HEROKU_GIT_HOST", KIND_AUTHORITY, NULL },
	{ "HEROKU_LOGIN_HOST", KIND_URL, NULL },
	{ "HEROKU_DATA_HOST", KIND_HOST, NULL },
	{ "HEROKU_PARTICLEBOARD_URL", KIND_URL, NULL },
	{ "HEROKU_STATUS_HOST", KIND_URL, NULL },
	{ "HEROKU_BUILDPACK_REGISTRY_URL", KIND_URL, NULL },
	{ "HEROKU_EXEC_URL", KIND_TLS_URL, NULL },
	{ "HEROKU_CI_WEBSOCKET_URL", KIND_SOCKET_URL, NULL },
	{ "HEROKU_ANALYTICS_URL", KIND_URL, NULL },
	{ "PGDIAGNOSE_URL", KIND_HOST, NULL },
	/* By what pg: and redis: know their add-ons. */
	{ "HEROKU_POSTGRESQL_ADDON_NAME", KIND_FIXED, "postgresql" },
	{ "HEROKU_REDIS_ADDON_NAME", KIND_FIXED, "redis" },
	{ "DISABLE_TELEMETRY", KIND_FIXED, "true" },
	{ "HEROKU_SKIP_ANALYTICS", KIND_FIXED, "1" },
	{ "HEROKU_SKIP_NEW_VERSION_CHECK", KIND_FIXED, "true" },
	{ "HEROKU_DISABLE_AUTOUPDATE", KIND_FIXED, "1" },
	{ "HEROKU_NETRC_WRITE", KIND_FIXED, "true" },
	{ "NODE_EXTRA_CA_CERTS", KIND_CA, NULL },
	{ "GIT_CONFIG_COUNT", KIND_FIXED, "1" },
	{ "GIT_CONFIG_KEY_0", KIND_GIT_KEY, NULL },
	{ "GIT_CONFIG_VALUE_0", KIND_CA, NULL },
};

struct target {
	char *url, *authority, *host, *token, *ca;
	bool local_name; /* exactly localhost or 127.0.0.1: the command sends its token by itself */
};

static void target_done(struct target *t)
{
	free(t->url);
	free(t->authority);
	free(t->host);
	if (t->token)
		explicit_bzero(t->token, strlen(t->token));
	free(t->token);
	free(t->ca);
}

/* ---- where it is ---- */

/* Where the platform says that its door is: on this machine, by the name that the command takes. */
static int url_of_door(struct cli *c, char **ret, struct error *err)
{
	_cleanup_json_ json_t *status = NULL;
	const char *address, *port;

	if (api_get(c->api, &status, err, "/twelve/status") < 0)
		return -1;
	address = json_str(status, "api_address", "");
	port = strrchr(address, ':');
	if (!port)
		return error_set(err, ERROR_CONFLICT,
				 "twelved has no address for its API (TWELVE_API), which the "
				 "heroku command needs");
	*ret = xasprintf("http://localhost%s", port);
	return 0;
}

static int check_name(const struct target *t, struct error *err)
{
	if (strstr(t->host, "localhost") || strstr(t->host, "127.0.0.1"))
		return 0;
	return error_set(
		err, ERROR_INVALID,
		"The heroku command speaks to hosts named localhost and to Heroku alone: it would "
		"take its token there instead of to %s. Forward a port (ssh -N -L "
		"5000:localhost:5000 USER@MACHINE) and use --host http://localhost:5000",
		t->authority);
}

static int find_url(struct cli *c, struct target *t, struct error *err)
{
	const struct host *h = api_host(c->api);
	struct host parsed = { 0 };

	if (h->kind == HOST_SSH)
		return error_set(
			err, ERROR_INVALID,
			"The heroku command can't go over ssh by itself: forward a port (ssh -N -L "
			"5000:localhost:5000 %s%s%s) and use --host http://localhost:5000",
			h->user ? h->user : "", h->user ? "@" : "", h->machine);
	if (h->kind == HOST_HTTP)
		t->url = xstrdup(h->path);
	else if (url_of_door(c, &t->url, err) < 0)
		return -1;
	if (host_parse(t->url, &parsed, err) < 0)
		return -1;
	t->authority = host_authority(&parsed);
	t->host = xstrdup(parsed.machine);
	host_done(&parsed);
	t->local_name = streq(t->host, "localhost") || streq(t->host, "127.0.0.1");
	return check_name(t, err);
}

/* ---- who and what it trusts ---- */

static int find_token(struct cli *c, struct target *t, struct error *err)
{
	_cleanup_json_ json_t *made = NULL;

	if (api_host(c->api)->kind == HOST_HTTP) {
		if (!api_token(c->api))
			return error_set(err, ERROR_UNAUTHORIZED,
					 "You are not logged in at %s: twelve login", t->url);
		t->token = xstrdup(api_token(c->api));
		return 0;
	}
	if (api_request(c->api, "POST",
			json_pack("{s:s, s:i}", "description", "twelve heroku-env", "expires_in",
				  TOKEN_LIFE_S),
			&made, err, "/oauth/authorizations") < 0)
		return -1;
	t->token = xstrdup(json_str(made, "access_token.token", ""));
	note(c, "A token was made, for 30 days: twelve authorizations:revoke %s ends it.",
	     json_str(made, "id", ""));
	return 0;
}

/* A file with the authority: the platform's own on its machine, else a copy. */
static int find_ca(struct cli *c, struct target *t, struct error *err)
{
	const char *given = getenv("TWELVE_CA"), *path;
	_cleanup_json_ json_t *ca = NULL;

	if (api_host(c->api)->kind == HOST_HTTP && given && *given) {
		t->ca = realpath(given, NULL);
		return t->ca ? 0
			     : error_set(err, ERROR_INVALID, "TWELVE_CA: there is no file %s",
					 given);
	}
	if (api_get(c->api, &ca, err, "/twelve/ca") < 0)
		return -1;
	path = json_str(ca, "path", "");
	if (api_host(c->api)->kind == HOST_UNIX && fs_exists(path)) {
		t->ca = xstrdup(path);
		return 0;
	}
	t->ca = config_ca_path(t->authority);
	return config_set_ca(t->authority, json_str(ca, "certificate", ""), err);
}

/* ---- printing ---- */

/* NULL: not needed here. Heap. */
static char *value_of(const struct variable *v, const struct target *t)
{
	switch (v->kind) {
	case KIND_URL:
		return xstrdup(t->url);
	case KIND_TLS_URL:
		return xasprintf("https://%s", t->authority);
	case KIND_SOCKET_URL:
		return xasprintf("ws://%s/socket", t->authority);
	case KIND_AUTHORITY:
		return xstrdup(t->authority);
	case KIND_HOST:
		return xstrdup(t->host);
	case KIND_TOKEN:
		return xstrdup(t->token);
	case KIND_HEADERS:
		return t->local_name ? NULL
				     : xasprintf("{\"Authorization\":\"Bearer %s\"}", t->token);
	case KIND_CA:
		return xstrdup(t->ca);
	case KIND_GIT_KEY:
		return xasprintf("http.https://%s/.sslCAInfo", t->authority);
	case KIND_FIXED:
		break;
	}
	return xstrdup(v->value);
}

/* Within quotes fish takes backslashes as such but for these two. */
static char *fish_quote(const char *s)
{
	struct buf b = BUF_INIT;

	buf_putc(&b, '\'');
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			buf_putc(&b, '\\');
		buf_putc(&b, *s);
	}
	buf_putc(&b, '\'');
	return buf_steal(&b);
}

static void print_unset(bool fish)
{
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		printf(fish ? "set -e %s;\n" : "unset %s;\n", variables[i].name);
}

static void print_set(const struct target *t, bool fish)
{
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		_cleanup_free_ char *value = value_of(&variables[i], t), *quoted = NULL;

		if (!value)
			continue;
		quoted = fish ? fish_quote(value) : shell_quote(value);
		printf(fish ? "set -gx %s %s;\n" : "export %s=%s;\n", variables[i].name, quoted);
	}
}

static void print_object(const struct target *t)
{
	_cleanup_json_ json_t *j = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		_cleanup_free_ char *value = value_of(&variables[i], t);

		if (value)
			json_object_set_new(j, variables[i].name, json_string(value));
	}
	print_json(j);
}

static int heroku_env_run(struct cli *c, struct error *err)
{
	const char *shell = cli_get(c, "shell") ? cli_get(c, "shell") : "sh";
	bool fish = streq(shell, "fish");
	struct target t = { 0 };
	int r;

	if (!fish && !streq(shell, "sh") && !streq(shell, "bash") && !streq(shell, "zsh"))
		return error_set(err, ERROR_INVALID,
				 "--shell: sh (bash and zsh are the same) or fish, not \"%.50s\"",
				 shell);
	if (cli_has(c, "unset")) {
		print_unset(fish);
		return 0;
	}
	if (!cli_api(c, err))
		return -1;
	r = find_url(c, &t, err);
	if (r == 0)
		r = find_ca(c, &t, err);
	if (r == 0)
		r = find_token(c, &t, err);
	if (r == 0 && cli_has(c, "json"))
		print_object(&t);
	else if (r == 0)
		print_set(&t, fish);
	target_done(&t);
	return r;
}

static const struct arg_option options[] = {
	{ "shell", "SHELL", "sh, bash, zsh or fish (sh)", 's' },
	{ "unset", NULL, "unset them all", 0 },
	{ 0 },
};

static const struct command cmd_heroku_env = {
	.name = "heroku-env",
	.usage = "",
	.summary = "print environment variables that point the heroku command here",
	.options = options,
	.flags = CMD_JSON,
	.run = heroku_env_run,
	.details =
		"Uses the token of your login; over the unix socket it creates one for 30 days. "
		"Other services of Heroku that the command sends its token to are redirected here "
		"or turned off. Don't use these commands, because they send the token to a "
		"built-in address of Heroku: pipelines:connect, pipelines:setup, pipelines:diff, "
		"reviewapps:enable, reviewapps:disable and ci:run, ci:rerun and ci:debug "
		"(kolkrabbi.heroku.com); apps:errors (api.metrics.herokai.com); "
		"ps:autoscale:enable and ps:autoscale:disable (api.metrics.heroku.com); "
		"notifications (telex.heroku.com); apps:favorites (particleboard.heroku.com); "
		"dashboard (all of them); and, without a token, status (api.status.salesforce.com; "
		"here it is twelve status). container:login, push, pull and release need an image "
		"registry, which this platform does not have. A line such as \"127.0.0.1 "
		"api.metrics.heroku.com\" in /etc/hosts redirects a name to this machine. git "
		"trusts the platform's authority for the platform's URLs only.",
	.examples = "eval \"$(twelve heroku-env)\"\neval (twelve heroku-env --shell fish)\neval "
		    "\"$(twelve heroku-env --unset)\"",
};

const struct command *const heroku_env_commands[] = {
	&cmd_heroku_env,
	NULL,
};
