/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login, logout, whoami, auth:token: a token for a host over http or https, kept in ~/.netrc where
 * the heroku command keeps its, and the host in our own folder (config.h).
 */
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/team/team.h"
#include "cli/cli.h"
#include "cli/config.h"
#include "cli/netrc.h"
#include "cli/prompt.h"
#include "cli/signals.h"

#define TOKEN_LIFE_S (30 * 86400)
#define CA_FILE_MAX 65536

/* The host to log in to: one that takes tokens. */
static struct api *http_api(struct cli *c, const char *verb, struct error *err)
{
	struct api *a = cli_api(c, err);

	if (!a || api_host(a)->kind == HOST_HTTP)
		return a;
	error_set(err, ERROR_INVALID,
		  "%s is for hosts with http and https: a unix socket and ssh know who you are. "
		  "Name one: --host https://MACHINE:PORT",
		  verb);
	return NULL;
}

/* ---- the certificate ---- */

/* SHA-256 of a certificate as openssl and browsers show it, and whose it is. */
static int describe(const char *pem, char fingerprint[static 96], char subject[static 256],
		    struct error *err)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	bool good = x && X509_digest(x, EVP_sha256(), digest, &n);

	for (unsigned i = 0; good && i < n; i++)
		snprintf(fingerprint + 3 * i, 4, "%02X%s", digest[i], i + 1 < n ? ":" : "");
	if (good)
		X509_NAME_oneline(X509_get_subject_name(x), subject, 256);
	X509_free(x);
	BIO_free(bio);
	return good ? 0 : error_set(err, ERROR_INVALID, "This is not a certificate (PEM)");
}

/* From here on this authority is trusted for this host. */
static int trust(struct cli *c, const char *pem, struct error *err)
{
	_cleanup_free_ char *authority = host_authority(api_host(c->api));
	char fingerprint[96], subject[256];

	if (describe(pem, fingerprint, subject, err) < 0 || config_set_ca(authority, pem, err) < 0)
		return -1;
	api_free(c->api);
	c->api = NULL;
	return cli_api(c, err) ? 0 : -1;
}

static int trust_file(struct cli *c, const char *path, struct error *err)
{
	_cleanup_buf_ struct buf pem = BUF_INIT;
	int r = fs_read_file(path, CA_FILE_MAX, &pem);

	if (r < 0)
		return error_set_errno(err, r, "reading %s", path);
	return trust(c, pem.data ? pem.data : "", err);
}

/* Trust on first use, as ssh does: the fingerprint is shown and a person says yes. */
static int ask_to_trust(struct cli *c, struct error *err)
{
	const char *where = api_host(c->api)->path, *pem;
	char fingerprint[96], subject[256];
	_cleanup_json_ json_t *ca = NULL;
	_cleanup_free_ char *question = NULL;

	if (api_get_untrusted(c->api, "/twelve/ca", &ca, err) < 0)
		return -1;
	pem = json_str(ca, "certificate", "");
	if (describe(pem, fingerprint, subject, err) < 0)
		return error_prefix(err, "%s", where);
	note(c, "The certificate of %s is signed by an authority that is not known here:", where);
	note(c, "  subject  %s", subject);
	note(c, "  SHA-256  %s", fingerprint);
	note(c, "Compare it with what twelve ca says on that machine.");
	question = xasprintf("Trust it for %s? (y/N) ", where);
	if (!prompt_yes(question))
		return error_set(err, ERROR_INVALID,
				 "Nothing was sent. Where nobody can be asked, give the "
				 "authority's certificate: --ca FILE");
	return trust(c, pem, err);
}

/* Nothing secret is sent before this is done. */
static int settle_trust(struct cli *c, struct error *err)
{
	struct error own = ERROR_INIT;

	if (cli_get(c, "ca") && trust_file(c, cli_get(c, "ca"), err) < 0)
		return -1;
	if (api_probe(c->api, &own) == 0)
		return 0;
	if (api_is_untrusted(c->api) && !cli_get(c, "ca")) {
		if (ask_to_trust(c, err) < 0)
			return -1;
		own = ERROR_INIT;
		if (api_probe(c->api, &own) == 0)
			return 0;
	}
	*err = own;
	return -1;
}

/* ---- getting a token ---- */

static char *description_of_us(void)
{
	char name[256] = "";

	gethostname(name, sizeof(name) - 1);
	return xasprintf("twelve login from %s", name[0] ? name : "a machine without a name");
}

static int by_password(struct cli *c, char **ret_token, struct error *err)
{
	_cleanup_free_ char *email = cli_get(c, "email") ? xstrdup(cli_get(c, "email")) : NULL,
			    *what = description_of_us();
	_cleanup_secret_ char *password = NULL;
	_cleanup_json_ json_t *answer = NULL;
	bool piped = cli_has(c, "password-stdin");
	int r;

	if (piped && !email)
		return error_set(err, ERROR_INVALID, "--password-stdin needs --email EMAIL");
	if (!piped && !prompt_can_ask())
		return error_set(err, ERROR_INVALID,
				 "There is no terminal for the question: say --email EMAIL "
				 "--password-stdin, with the password as the first line of stdin");
	if (!email && prompt_line("E-mail: ", &email, err) < 0)
		return -1;
	if (piped ? prompt_stdin_line("the password", &password, err) < 0
		  : prompt_secret("Password: ", &password, err) < 0)
		return -1;
	api_use_password(c->api, email, password);
	r = api_request(c->api, "POST",
			json_pack("{s:s, s:i, s:[s]}", "description", what, "expires_in",
				  TOKEN_LIFE_S, "scope", "global"),
			&answer, err, "/oauth/authorizations");
	api_use_password(c->api, NULL, NULL);
	if (r < 0)
		return -1;
	*ret_token = xstrdup(json_str(answer, "access_token.token", ""));
	return 0;
}

/* Opens the page where there is a desktop; the URL is shown in any case. */
static void open_browser(const char *url)
{
	const char *display = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY"),
		   *own = getenv("BROWSER");
	const char *program = own && *own ? own : "xdg-open";
	const char *const argv[] = { program, url, NULL };
	struct proc_options o = { .argv = argv };
	struct error ignored = ERROR_INIT;
	pid_t pid;

	if (((display && *display) || (wayland && *wayland) || (own && *own)) &&
	    fs_find_program(program, NULL))
		proc_spawn(&o, &pid, &ignored);
}

static bool gather(const char *data, size_t n, void *userdata)
{
	struct buf *b = userdata;

	buf_append(b, data, n);
	return b->len < CA_FILE_MAX;
}

static int wait_for_browser(struct cli *c, const json_t *urls, char **ret_token, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_json_ json_t *answer = NULL;
	struct api_stream o = { .url = json_str(urls, "cli_url", "/"),
				.fn = gather,
				.userdata = &text };
	int r;

	signals_note();
	api_use_token(c->api, json_str(urls, "token", ""));
	r = api_stream(c->api, &o, err);
	api_use_token(c->api, NULL);
	if (r < 0)
		return error_prefix(err, "login");
	answer = json_loadb(text.data ? text.data : "", text.len, 0, NULL);
	if (!json_str(answer, "access_token", NULL))
		return error_set(
			err, ERROR_UNAUTHORIZED, "login: %s",
			json_str(answer, "error", "the connection ended before an answer"));
	*ret_token = xstrdup(json_str(answer, "access_token", ""));
	return 0;
}

static int by_browser(struct cli *c, char **ret_token, struct error *err)
{
	_cleanup_free_ char *what = description_of_us(), *url = NULL;
	_cleanup_json_ json_t *urls = NULL;

	if (api_request(c->api, "POST", json_pack("{s:s}", "description", what), &urls, err,
			"/auth") < 0)
		return -1;
	url = xasprintf("%s%s", api_host(c->api)->path, json_str(urls, "browser_url", ""));
	note(c, "Open this page, and say there who you are (or use twelve login -i):");
	printf("%s\n", url);
	fflush(stdout);
	open_browser(url);
	return wait_for_browser(c, urls, ret_token, err);
}

/* The login is kept all the same: the variable may be meant for this shell only. */
static void note_what_goes_before(struct cli *c, const char *path)
{
	static const char *const names[] = { "TWELVE_HOST", "TWELVE_SOCKET" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *v = getenv(names[i]);

		if (v && *v && !streq(v, path))
			note(c,
			     "%s is set and takes precedence over a login: unset it to speak to %s "
			     "without --host",
			     names[i], path);
	}
}

static int keep(struct cli *c, const char *token, struct error *err)
{
	const struct host *host = api_host(c->api);
	_cleanup_free_ char *authority = host_authority(host);
	_cleanup_json_ json_t *account = NULL;

	api_use_token(c->api, token);
	if (api_get(c->api, &account, err, "/account") < 0 ||
	    netrc_store(authority, json_str(account, "email", ""), token, err) < 0 ||
	    config_set_host(host->path, err) < 0)
		return -1;
	note(c, "Logged in as %s at %s: the token is in ~/.netrc, for 30 days",
	     json_str(account, "email", ""), host->path);
	note_what_goes_before(c, host->path);
	return 0;
}

static int login_run(struct cli *c, struct error *err)
{
	_cleanup_secret_ char *token = NULL;
	const char *key = getenv("TWELVE_API_KEY");
	bool typed =
		cli_has(c, "interactive") || cli_has(c, "email") || cli_has(c, "password-stdin");

	if (key && *key)
		return error_set(
			err, ERROR_INVALID,
			"TWELVE_API_KEY is set and takes precedence over a login: unset it first");
	if (!http_api(c, "login", err) || settle_trust(c, err) < 0)
		return -1;
	api_use_token(c->api, NULL);
	if (typed ? by_password(c, &token, err) < 0 : by_browser(c, &token, err) < 0)
		return -1;
	return keep(c, token, err);
}

static const struct arg_option login_options[] = {
	{ "interactive", NULL, "ask for e-mail and password here instead of in a browser", 'i' },
	{ "email", "EMAIL", "your e-mail address, with -i", 0 },
	{ "password-stdin", NULL, "read the password from the first line of stdin, with --email",
	  0 },
	{ "ca", "FILE", "trust this certificate authority (PEM) for the host from now on", 0 },
	{ 0 },
};

static const struct command cmd_login = {
	.name = "login",
	.aliases = { "auth:login" },
	.usage = "",
	.summary = "log in to a host and use it from now on",
	.options = login_options,
	.run = login_run,
	.details =
		"Opens a browser, or asks here with -i. Stores the token in ~/.netrc and the host "
		"in ~/.config/twelve, so that later commands need no --host. A host with its own "
		"certificate authority is trusted after you confirm its fingerprint, or with --ca.",
	.examples = "twelve login --host https://paas.example.com:5000\ntwelve login -i --host "
		    "http://localhost:5000",
};

/* ---- the other way ---- */

/* The token on the server: one that is gone already is what was wanted. */
static int end_token(struct cli *c, struct error *err)
{
	if (api_request(c->api, "DELETE", NULL, NULL, err, "/oauth/authorizations/~") < 0)
		return err->kind == ERROR_UNAUTHORIZED || err->kind == ERROR_NOT_FOUND ? 0 : -1;
	return 0;
}

/* Nobody said where, and there has been no login. */
static bool is_logged_out(struct cli *c)
{
	const char *host = getenv("TWELVE_HOST");

	return !cli_get(c, "host") && !(host && *host) && api_host(c->api)->kind == HOST_UNIX;
}

static int logout_run(struct cli *c, struct error *err)
{
	const char *key = getenv("TWELVE_API_KEY");
	_cleanup_free_ char *authority = NULL;
	struct error far = ERROR_INIT;
	bool had_token;
	int r;

	if (key && *key)
		return error_set(err, ERROR_INVALID,
				 "Your token is that of TWELVE_API_KEY: unset it, and twelve "
				 "authorizations:revoke ends it");
	if (cli_api(c, err) && is_logged_out(c)) {
		note(c, "You are not logged in.");
		return 0;
	}
	if (err->kind != ERROR_NONE || !http_api(c, "logout", err))
		return -1;
	authority = host_authority(api_host(c->api));
	had_token = api_has_token(c->api);
	r = had_token ? end_token(c, &far) : 0;
	if (netrc_remove(authority, err) < 0 || config_forget_host(api_host(c->api)->path, err) < 0)
		return -1;
	if (r < 0)
		return error_set(err, far.kind,
				 "Logged out here, but the token is still good at %s: %s",
				 api_host(c->api)->path, far.message);
	note(c, had_token ? "Logged out of %s" : "You are not logged in at %s.",
	     api_host(c->api)->path);
	return 0;
}

static const struct command cmd_logout = {
	.name = "logout",
	.aliases = { "auth:logout" },
	.usage = "",
	.summary = "log out: revoke the token and forget the host",
	.run = logout_run,
	.examples = "twelve logout",
};

static int whoami_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *account = NULL;

	if (!cli_api(c, err) || api_get(c->api, &account, err, "/account") < 0)
		return -1;
	if (cli_has(c, "json"))
		print_json(account);
	else
		printf("%s\n", json_str(account, "email", ""));
	return 0;
}

static const struct command cmd_whoami = {
	.name = "whoami",
	.aliases = { "auth:whoami", "account" },
	.usage = "",
	.summary = "show who you are logged in as",
	.flags = CMD_JSON,
	.run = whoami_run,
	.examples = "twelve whoami",
};

static int auth_token_run(struct cli *c, struct error *err)
{
	const char *token;

	if (!http_api(c, "auth:token", err))
		return -1;
	token = api_token(c->api);
	if (!token)
		return error_set(err, ERROR_UNAUTHORIZED,
				 "You are not logged in at %s: twelve login",
				 api_host(c->api)->path);
	printf("%s\n", token);
	return 0;
}

static const struct command cmd_auth_token = {
	.name = "auth:token",
	.usage = "",
	.summary = "print the token in use",
	.run = auth_token_run,
	.details = "Prints TWELVE_API_KEY or the token of the login. twelve authorizations:create "
		   "creates one.",
	.examples = "twelve auth:token",
};

const struct command *const login_commands[] = {
	&cmd_login, &cmd_logout, &cmd_whoami, &cmd_auth_token, NULL,
};
