/* SPDX-License-Identifier: Apache-2.0 */
/* ca: the local certificate authority, and how to trust it. */
#include <stdio.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/str.h"
#include "cli/host/host.h"
#include "cli/cli.h"

#define FILE_NAME "twelve-ca.pem"

static int save(struct cli *c, const json_t *ca, const char *path, struct error *err)
{
	const char *pem = json_str(ca, "certificate", "");
	int r = fs_write_atomic(path, 0644, pem, strlen(pem));

	if (r < 0)
		return error_set_errno(err, r, "writing %s", path);
	note(c, "Wrote %s, SHA-256 %s", path, json_str(ca, "fingerprint", "?"));
	return 0;
}

static int ca_run(struct cli *c, struct error *err)
{
	const char *path = cli_get(c, "output");
	_cleanup_json_ json_t *ca = NULL;
	_cleanup_table_ struct table t;

	table_init(&t, 2, NULL);
	if (!cli_api(c, err) || api_get(c->api, &ca, err, "/twelve/ca") < 0)
		return -1;
	if (path)
		return save(c, ca, path, err);
	if (printed_json(c, ca))
		return 0;
	fputs(json_str(ca, "certificate", ""), stdout);
	note(c, "Subject:  %s", json_str(ca, "subject", "?"));
	note(c, "SHA-256:  %s", json_str(ca, "fingerprint", "?"));
	note(c, "Expires:  %s", json_str(ca, "expires_at", "?"));
	note(c, "File:     %s, on the machine that runs twelved", json_str(ca, "path", "?"));
	note(c, "How to trust it: twelve help ca");
	return 0;
}

static const struct arg_option options[] = {
	{ "output", "FILE", "write the certificate to this file", 'o' },
	{ NULL, NULL, NULL, 0 },
};

static const struct command cmd_ca = {
	.name = "ca",
	.usage = "",
	.summary = "print the certificate of the platform's own authority",
	.flags = CMD_JSON,
	.options = options,
	.run = ca_run,
	.details = "Domains without a public certificate are served with one that the "
		   "platform signs itself. The authority's certificate goes to stdout, its "
		   "fingerprint to stderr; compare it with the one on the machine.\n"
		   "To trust it, save it to a file, then:\n"
		   "curl: curl --cacert FILE https://...\n"
		   "git: git config --global http.https://HOST:PORT/.sslCAInfo FILE\n"
		   "node and the heroku command: export NODE_EXTRA_CA_CERTS=FILE, with an absolute "
		   "path\n"
		   "Debian and Ubuntu: cp FILE /usr/local/share/ca-certificates/twelve.crt; "
		   "update-ca-certificates\n"
		   "macOS: security add-trusted-cert -d -r trustRoot -k "
		   "/Library/Keychains/System.keychain FILE, with sudo\n"
		   "Firefox: Settings, Certificates, View Certificates, Authorities, Import\n"
		   "A machine that trusts it trusts everything that this platform signs.",
	.examples = "twelve ca -o " FILE_NAME "\ncurl --cacert " FILE_NAME
		    " https://api.localhost:5443/twelve/ca\ntwelve ca --json",
};

const struct command *const ca_commands[] = {
	&cmd_ca,
	NULL,
};
