/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `twelved acme HOST`: one order, with uacme. It may take minutes, so it is a child; it dies with
 * twelved, and uacme with it. What is said goes to stdout, for whoever reads why it did not work.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/edge/acme-key.h"

#define LIMIT_MS 300000
#define LOOKS 10
#define BUNDLE "/etc/ssl/certs/ca-certificates.crt"
#define BUNDLE_MAX_BYTES (16 << 20)

/* uacme asks for each challenge whether we take it. That of http-01 is answered already. */
static const char hook_script[] = "#!/bin/sh\n"
				  "# Written by twelved: uacme's hook.\n"
				  "[ \"$1\" != begin ] || [ \"$2\" = http-01 ]\n";

static int write_hook(const char *path, struct error *err)
{
	int r = fs_write_atomic(path, 0700, hook_script, strlen(hook_script));

	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

/*
 * uacme trusts the system's authorities and can't be told of others, so it gets a view of the file
 * system in which there is one more.
 */
static int trust_besides(const struct settings *s, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/acme/trust.pem", s->state_dir);
	_cleanup_buf_ struct buf bundle = BUF_INIT;
	int r;

	if (!s->acme_ca[0])
		return 0;
	r = fs_read_file(BUNDLE, BUNDLE_MAX_BYTES, &bundle);
	if (r < 0)
		return error_set_errno(err, r,
				       "reading " BUNDLE " (of the package ca-certificates)");
	buf_putc(&bundle, '\n');
	r = fs_read_file(s->acme_ca, BUNDLE_MAX_BYTES, &bundle);
	if (r < 0)
		return error_set_errno(err, r, "TWELVE_ACME_CA: reading %s", s->acme_ca);
	r = fs_write_atomic(path, 0644, bundle.data, bundle.len);
	if (r < 0)
		return error_set_errno(err, r, "writing %s", path);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(path, BUNDLE, NULL, MS_BIND, NULL) < 0)
		return error_set_errno(err, errno, "TWELVE_ACME_CA: mounting %s", path);
	return 0;
}

/* What it said is appended to *said. A failure whose reason it has told has an empty message. */
static int run_uacme(const char *const *argv, struct buf *said, struct error *err)
{
	struct proc_options o = { .argv = argv, .die_with_us = true, .timeout_ms = LIMIT_MS };
	char how[64];
	int status;

	if (!fs_find_program("uacme", NULL))
		return error_set(err, ERROR_UNAVAILABLE,
				 "uacme is not installed: apt-get install uacme");
	if (proc_run(&o, said, &status, err) < 0)
		return -1;
	if (status == 0)
		return 0;
	return said->len ? error_set(err, ERROR_SYSTEM, "%s", "")
			 : error_set(err, ERROR_SYSTEM, "uacme %s",
				     proc_describe_status(status, how, sizeof(how)));
}

/*
 * uacme 1.7 gives up at a challenge without a token (dns-persist-01) that stands before the one for
 * us. Authorities shuffle them for each look, and nothing was tried yet: so it looks again, and
 * finds ours first in half of the cases.
 */
static bool met_unknown_challenge(const struct buf *said)
{
	return strstr(said->data, "failed to parse challenge") &&
	       !strstr(said->data, "starting challenge");
}

static int run_issue(const char *const *issue, struct buf *said, struct error *err)
{
	int r = run_uacme(issue, said, err);

	for (int i = 1; r < 0 && met_unknown_challenge(said) && i < LOOKS; i++) {
		buf_clear(said);
		*err = ERROR_INIT;
		r = run_uacme(issue, said, err);
	}
	return r;
}

/* The account is made when the authority says that there is none: at the first order, or after
 * another authority was chosen. */
static int order_with(const char *const *issue, const char *const *account, struct buf *said,
		      struct error *err)
{
	if (run_issue(issue, said, err) == 0)
		return 0;
	if (!strstr(said->data, "accountDoesNotExist"))
		return -1;
	buf_clear(said);
	*err = ERROR_INIT;
	if (run_uacme(account, said, err) < 0)
		return -1;
	buf_clear(said);
	return run_issue(issue, said, err);
}

static int order(const struct settings *s, const char *host, struct buf *said, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/acme", s->state_dir),
			    *hook = xasprintf("%s/hook", dir);
	_cleanup_free_ char *old = xasprintf("%s/%s", dir, host),
			    *old_key = xasprintf("%s/private/%s", dir, host);
	char thumbprint[ACME_THUMBPRINT_SIZE];
	/* Twice -v: problem documents are shown. */
	const char *const account[] = { "uacme", "-v",
					"-v",	 "-y",
					"-t",	 "EC",
					"-c",	 dir,
					"-a",	 s->acme_directory,
					"new",	 s->acme_email[0] ? s->acme_email : NULL,
					NULL };
	const char *const issue[] = {
		"uacme",	   "-v",    "-v", "-t", "EC", "-c", dir, "-h", hook, "-a",
		s->acme_directory, "issue", host, NULL
	};

	umask(077);
	if (acme_key_prepare(s->state_dir, thumbprint, err) < 0 || write_hook(hook, err) < 0 ||
	    trust_besides(s, err) < 0)
		return -1;
	/* One that is there was looked at, and is no good. */
	fs_remove_tree(old);
	fs_remove_tree(old_key);
	return order_with(issue, account, said, err);
}

int acme_worker_main(const char *host)
{
	struct settings s = { 0 };
	struct error err = ERROR_INIT;
	_cleanup_buf_ struct buf said = BUF_INIT;
	int r = settings_load(&s, &err) == 0 && order(&s, host, &said, &err) == 0 ? 0 : 1;

	fwrite(said.data, 1, said.len, stdout);
	if (err.message[0])
		puts(err.message);
	settings_done(&s);
	return r;
}
