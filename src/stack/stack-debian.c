/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian: what mmdebstrap is asked for, and what its and apt's words
 * mean. It runs in a PID namespace of its own, so that nothing of it outlives us when we are
 * killed. Packages that were fetched are hard links of those in STATE/stacks/cache.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "stack/stack-priv.h"

#define MAKE_TIMEOUT_MS (30 * 60 * 1000)
#define LOG_MAX_BYTES (1 << 20)
#define EXCERPT_MAX 400

/* ---- why it did not work ---- */

/* Adds the word after each `before`, up to one of `ends`, and where it was asked for. */
static size_t add_names(struct buf *names, const struct stack_options *o, const char *log,
			const char *before, const char *ends)
{
	size_t n = 0;

	for (const char *p = strstr(log, before); p; p = strstr(p, before)) {
		_cleanup_free_ char *name = NULL;
		const char *where;

		p += strlen(before);
		name = xstrndup(p, strcspn(p, ends));
		where = o->where ? o->where(name, o->userdata) : NULL;
		buf_printf(names, "%s\"%.100s\"", names->len ? ", " : "", name);
		if (where)
			buf_printf(names, " (%s)", where);
		n++;
	}
	return n;
}

/* The line that `found` stands in. */
static int line_around(const char *log, const char *found, const char **ret)
{
	while (found > log && found[-1] != '\n')
		found--;
	*ret = found;
	return (int)strcspn(found, "\r\n");
}

static const char *last_of(const char *log, const char *what)
{
	const char *last = NULL;

	for (const char *p = strstr(log, what); p; p = strstr(p + 1, what))
		last = p;
	return last;
}

static int explain_conflict(const char *unmet, struct error *err)
{
	const char *first = strchr(unmet, '\n');

	first = first ? first + 1 + strspn(first + 1, " ") : unmet;
	return error_set(err, ERROR_INVALID, "The packages can't be installed together: %.*s",
			 (int)strcspn(first, "\r\n"), first);
}

int stack_explain(const struct stack_options *o, const char *log, struct error *err)
{
	_cleanup_buf_ struct buf names = BUF_INIT;
	size_t n = add_names(&names, o, log, "Unable to locate package ", "\r\n ") +
		   add_names(&names, o, log, "E: Package '", "'");
	const char *found, *line;
	int len;

	if (n)
		return error_set(err, ERROR_INVALID,
				 "%s has no package %.*s: look for %s at packages.debian.org",
				 stack_title(o->name), EXCERPT_MAX, names.data,
				 n > 1 ? "their names" : "its name");
	if (add_names(&names, o, log, "E: Version '", "\n"))
		return error_set(err, ERROR_INVALID,
				 "%s does not have this version of a package: %.*s",
				 stack_title(o->name), EXCERPT_MAX, names.data);
	if ((found = strstr(log, "unmet dependencies:")))
		return explain_conflict(found, err);
	if ((found = last_of(log, "Failed to fetch ")) ||
	    (found = last_of(log, "Temporary failure"))) {
		len = line_around(log, found, &line);
		return error_set(
			err, ERROR_UNAVAILABLE,
			"Debian's archive could not be reached: %.*s. Look at the network, at "
			"http_proxy in twelved's environment, or set TWELVE_DEBIAN_MIRROR",
			len > EXCERPT_MAX ? EXCERPT_MAX : len, line);
	}
	found = last_of(log, "E: ");
	if (!found)
		return error_set(err, ERROR_UNAVAILABLE,
				 "The stack could not be made, and apt gave no reason");
	len = line_around(log, found, &line);
	return error_set(err, ERROR_UNAVAILABLE, "The stack could not be made: %.*s",
			 len > EXCERPT_MAX ? EXCERPT_MAX : len, line);
}

/* ---- running it ---- */

int stack_run(const char *proc_dir, const char *const *argv, struct buf *log, struct error *err)
{
	_cleanup_free_ char *mount_proc = xasprintf("--mount-proc=%s", proc_dir);
	const char *const before[] = { "unshare",      "--pid",	   "--fork",
				       "--kill-child", mount_proc, NULL };
	_cleanup_strv_ char **all = NULL;
	struct proc_options p = { .timeout_ms = MAKE_TIMEOUT_MS,
				  .die_with_us = true,
				  .max_output = LOG_MAX_BYTES };
	int status;

	for (size_t i = 0; before[i]; i++)
		strv_push(&all, before[i]);
	for (; *argv; argv++)
		strv_push(&all, *argv);
	p.argv = (const char *const *)all;
	if (proc_run(&p, log, &status, err) < 0)
		return -1;
	return status ? 1 : 0;
}

int stack_failed(const struct stack_options *o, const char *log, struct error *err)
{
	/* A package that a crash of the machine damaged would be taken from the cache for ever. */
	if (strstr(log, "dpkg-deb: error")) {
		_cleanup_free_ char *cache = xasprintf("%s/stacks/cache", o->state_dir);

		fs_remove_tree(cache);
	}
	return stack_explain(o, log, err);
}

static char *join(char *const *v)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	for (; v && *v; v++)
		buf_printf(&text, "%s%s", text.len ? "," : "", *v);
	return buf_steal(&text);
}

int stack_debootstrap(const struct stack_options *o, const char *rootfs, char *const *packages,
		      struct error *err)
{
	_cleanup_free_ char *cache = xasprintf("%s/stacks/cache", o->state_dir);
	_cleanup_free_ char *names = join(packages), *include = xasprintf("--include=%s", names);
	_cleanup_free_ char *tmp = xasprintf("%s.tmp", rootfs);
	_cleanup_free_ char *tmpdir = xasprintf("TMPDIR=%s", tmp);
	_cleanup_buf_ struct buf log = BUF_INIT;
	const char *const argv[] = {
		"env", tmpdir, "mmdebstrap", "--mode=root", "--variant=minbase",
		/* Else usrmerge is installed, and with it all of Perl, which nobody asked for. */
		"--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
		/* Packages are there before apt asks for them, and are wanted afterwards. */
		"--skip=download/empty", "--skip=essential/unlink", "--skip=cleanup/apt/lists",
		"--setup-hook=mkdir -p \"$1/var/cache/apt/archives\" && find \"$TWELVE_DEBS\" "
		"-name '*.deb' "
		"-exec cp -l -t \"$1/var/cache/apt/archives\" {} +",
		"--customize-hook=find \"$1/var/cache/apt/archives\" -name '*.deb' -exec cp -ln -t "
		"\"$TWELVE_DEBS\" {} +",
		/* Pages stay out, but packages lay links there when they are configured
		   (stack-layer.c). */
		"--setup-hook=for n in 1 2 3 4 5 6 7 8; do mkdir -p \"$1/usr/share/man/man$n\"; "
		"done",
		/* What apps and buildpacks take for given; more by the package locales-all. */
		"--customize-hook=chroot \"$1\" localedef --no-archive -i en_US -f UTF-8 "
		"en_US.UTF-8",
		"--aptopt=Acquire::Retries \"3\"", "--aptopt=APT::Install-Recommends \"false\"",
		/* Durable once, at the end, instead of file by file. */
		"--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/man/*",
		"--dpkgopt=path-exclude=/usr/share/info/*",
		"--dpkgopt=path-exclude=/usr/share/doc/*",
		"--dpkgopt=path-include=/usr/share/doc/*/copyright",
		"--dpkgopt=path-exclude=/usr/share/locale/*", include, stack_suite(o->name), rootfs,
		NULL
	};
	_cleanup_strv_ char **all = NULL;
	int r;

	if (!fs_exists(STACK_KEYRING))
		return error_set(err, ERROR_UNAVAILABLE,
				 "Debian's keys are not here (" STACK_KEYRING
				 "): apt-get install debian-archive-keyring");
	for (size_t i = 0; argv[i]; i++)
		strv_push(&all, argv[i]);
	stack_sources(o, &all);
	/* It leaves things behind: its own, and what a kill leaves. */
	r = fs_mkdirs(tmp, 0700);
	if (r < 0)
		return error_set_errno(err, r, "making %s", tmp);
	setenv("SOURCE_DATE_EPOCH", STACK_EPOCH, 1);
	setenv("TWELVE_DEBS", cache, 1);
	r = stack_run("/proc", (const char *const *)all, &log, err);
	fs_remove_tree(tmp);
	return r > 0 ? stack_failed(o, log.data, err) : r;
}
