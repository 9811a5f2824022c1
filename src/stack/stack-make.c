/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a stack: mmdebstrap into STATE/stacks/tmp/PID-SPEC, our mount points and
 * the user, the list of what is in it, and one rename. Packages that were
 * fetched are kept in STATE/stacks/cache, so that the next stack is fast.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "sandbox/sandbox.h"
#include "stack/stack-priv.h"

#define MIRROR "http://deb.debian.org/debian"
#define SECURITY_MIRROR "http://deb.debian.org/debian-security"
#define MAKE_TIMEOUT_MS (30 * 60 * 1000)
#define CACHE_MAX_BYTES (2ULL << 30)
#define KEYRING "/usr/share/keyrings/debian-archive-keyring.gpg"
/* 2024-01-01: the one date of everything that we make. */
#define EPOCH "1704067200"

static void say(const struct stack_options *o, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	if (o->output_fd < 0)
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	/* Nobody may be listening any more; the stack is of use all the same. */
	if (fd_write_all(o->output_fd, text.data, text.len) < 0)
		return;
}

static char *join(char *const *a, char *const *b)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	for (; a && *a; a++)
		buf_printf(&text, "%s%s", text.len ? "," : "", *a);
	for (; b && *b; b++)
		buf_printf(&text, "%s%s", text.len ? "," : "", *b);
	return buf_steal(&text);
}

/* What apt says when it can't: the package that is not there, or the last of its errors. */
static int explain(const char *log, struct error *err)
{
	const char *missing = strstr(log, "Unable to locate package ");
	const char *last = NULL;

	if (!missing)
		missing = strstr(log, "Package '");
	if (missing && strstr(log, "Unable to locate package ")) {
		missing += strlen("Unable to locate package ");
		return error_set(err, ERROR_INVALID,
				 "Debian 12 has no package \"%.*s\": look for its name at packages.debian.org",
				 (int)strcspn(missing, "\r\n "), missing);
	}
	for (const char *p = strstr(log, "E: "); p; p = strstr(p + 3, "\nE: "))
		last = *p == '\n' ? p + 1 : p;
	return error_set(err, ERROR_UNAVAILABLE, "mmdebstrap could not make the stack: %.*s",
			 last ? (int)strcspn(last + 3, "\n") : 60, last ? last + 3 : "it gave no reason");
}

static int run_mmdebstrap(const struct stack_options *o, const char *rootfs, const char *packages, struct error *err)
{
	const char *mirror = getenv("TWELVE_DEBIAN_MIRROR");
	_cleanup_free_ char *cache = xasprintf("%s/stacks/cache", o->state_dir);
	_cleanup_free_ char *include = xasprintf("--include=%s", packages);
	_cleanup_free_ char *sync_in =
		xasprintf("--setup-hook=mkdir -p \"$1/var/cache/apt/archives\" && find '%s' -name '*.deb' "
			  "-exec cp -t \"$1/var/cache/apt/archives\" {} +", cache);
	_cleanup_free_ char *sync_out =
		xasprintf("--customize-hook=find \"$1/var/cache/apt/archives\" -name '*.deb' -exec cp -n -t '%s' {} +", cache);
	_cleanup_free_ char *main_suite = xasprintf("deb [signed-by=" KEYRING "] %s bookworm main", mirror ? mirror : MIRROR);
	_cleanup_free_ char *updates = xasprintf("deb [signed-by=" KEYRING "] %s bookworm-updates main", mirror ? mirror : MIRROR);
	const char *const argv[] = {
		"mmdebstrap", "--mode=root", "--variant=minbase", "--skip=download/empty", "--skip=essential/unlink",
		"--aptopt=Acquire::Retries \"3\"", "--aptopt=APT::Install-Recommends \"false\"",
		"--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/info/*",
		"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/*/copyright",
		"--dpkgopt=path-exclude=/usr/share/locale/*", include, sync_in, sync_out, "bookworm", rootfs,
		main_suite, updates, "deb [signed-by=" KEYRING "] " SECURITY_MIRROR " bookworm-security main", NULL };
	struct proc_options p = { .argv = argv, .timeout_ms = MAKE_TIMEOUT_MS, .die_with_us = true, .max_output = 1 << 20 };
	_cleanup_buf_ struct buf log = BUF_INIT;
	int status;

	setenv("SOURCE_DATE_EPOCH", EPOCH, 1);
	if (proc_run(&p, &log, &status, err) < 0)
		return -1;
	return status == 0 ? 0 : explain(log.data, err);
}

static int append(const char *rootfs, const char *file, const char *line)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", rootfs, file);
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

	return fd < 0 ? -errno : fd_write_all(fd, line, strlen(line));
}

/* What a stack has besides its packages: see stack.h. */
static int furnish(const char *rootfs)
{
	static const char *const dirs[] = { "app", "cache", "env", "source", "buildpacks", ".twelve" };
	_cleanup_free_ char *passwd = xasprintf(SANDBOX_USER ":x:%d:%d::/app:/bin/bash\n", SANDBOX_UID, SANDBOX_GID);
	_cleanup_free_ char *group = xasprintf(SANDBOX_USER ":x:%d:\n", SANDBOX_GID);
	const char *const files[][2] = {
		{ "etc/passwd", passwd }, { "etc/group", group }, { "etc/resolv.conf", "" },
		{ "etc/hosts", "" },      { ".twelve/init", "" },  { "etc/ssl/certs/ca-certificates.crt", "" },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", rootfs, dirs[i]);

		r = fs_mkdirs(path, 0755);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++)
		r = append(rootfs, files[i][0], files[i][1]);
	return r;
}

/* Package caches and lists are of no use in a root that is never written again. */
static void strip(const char *rootfs)
{
	static const char *const trees[] = { "var/cache/apt/archives", "var/lib/apt/lists", "var/log" };

	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", rootfs, trees[i]);

		fs_remove_tree(path);
		fs_mkdirs(path, 0755);
	}
}

static int list_packages(const char *dir, const char *rootfs, const char *name, char digest[static DIGEST_HEX_SIZE],
			 struct error *err)
{
	_cleanup_free_ char *admin = xasprintf("--admindir=%s/var/lib/dpkg", rootfs);
	_cleanup_free_ char *path = xasprintf("%s/packages", dir);
	const char *const argv[] = { "dpkg-query", admin, "-W", "-f", "${Package}=${Version}\n", NULL };
	struct proc_options p = { .argv = argv, .max_output = 4 << 20 };
	_cleanup_buf_ struct buf list = BUF_INIT;
	struct digest *d;
	int status, r;

	if (proc_run(&p, &list, &status, err) < 0)
		return -1;
	if (status != 0)
		return error_set(err, ERROR_SYSTEM, "dpkg-query could not list the packages of the stack");
	r = fs_write_atomic(path, 0644, list.data, list.len);
	if (r < 0)
		return error_set_errno(err, r, "writing %s", path);
	d = digest_new();
	digest_update_str(d, name);
	digest_update(d, list.data, list.len);
	digest_finish(d, digest);
	digest_free(d);
	return 0;
}

static void trim_cache(const char *state_dir)
{
	_cleanup_free_ char *cache = xasprintf("%s/stacks/cache", state_dir);
	uint64_t bytes;

	if (fs_tree_size(cache, &bytes) == 0 && bytes > CACHE_MAX_BYTES && fs_remove_tree(cache) == 0)
		fs_mkdirs(cache, 0755);
}

static int make_in(const struct stack_options *o, const char *dir, const char *packages,
		   char digest[static DIGEST_HEX_SIZE], struct error *err)
{
	_cleanup_free_ char *rootfs = xasprintf("%s/rootfs", dir);
	_cleanup_free_ char *final = NULL;
	int r = fs_mkdirs(dir, 0755);

	if (r < 0)
		return error_set_errno(err, r, "making %s", dir);
	if (run_mmdebstrap(o, rootfs, packages, err) < 0)
		return -1;
	r = furnish(rootfs);
	if (r < 0)
		return error_set_errno(err, r, "furnishing %s", rootfs);
	strip(rootfs);
	if (list_packages(dir, rootfs, o->name, digest, err) < 0)
		return -1;
	r = fs_sync_tree(dir);
	if (r < 0)
		return error_set_errno(err, r, "writing %s to the disk", dir);
	final = xasprintf("%s/stacks/%s", o->state_dir, digest);
	/* The same packages by another request: one of the two trees is enough. */
	if (fs_exists(final))
		return 0;
	return rename(dir, final) < 0 ? error_set_errno(err, errno, "renaming %s", dir) : 0;
}

int stack_make(const struct stack_options *o, char *const *base, const char *spec,
	       char digest[static DIGEST_HEX_SIZE], struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/stacks/tmp/%d-%.16s", o->state_dir, (int)getpid(), spec);
	_cleanup_free_ char *packages = join(base, o->packages);
	size_t more = strv_len(o->packages);
	int r;

	if (more)
		say(o, "-----> Making the %s stack %s with %zu more packages (once; the next build has it)\n",
		    o->build ? "build" : "run", o->name, more);
	else
		say(o, "-----> Making the %s stack %s (once; the next build has it)\n", o->build ? "build" : "run", o->name);
	r = make_in(o, dir, packages, digest, err);
	fs_remove_tree(dir);
	trim_cache(o->state_dir);
	return r;
}
