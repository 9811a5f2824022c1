/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian's releases, and where packages come from: the mirror that this machine takes Debian from,
 * since people who have one near by name it there. Its apt says which archives there are; who made
 * an archive stands in the Release file that apt keeps of each. apt could say that too, but parses
 * all lists of packages for it: more than a second, for each stack.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "stack/stack-priv.h"

#define MIRROR "http://deb.debian.org/debian"
#define SECURITY_MIRROR "http://deb.debian.org/debian-security"
#define APT_LISTS "/var/lib/apt/lists"
#define RELEASE_MAX_BYTES (8 << 20)

/* ---- which release ---- */

static const struct release {
	const char *name, *suite, *title;
} releases[] = {
	{ "debian-13", "trixie", "Debian 13" },
	{ "debian-12", "bookworm", "Debian 12" },
};

static const struct release *release_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(releases); i++)
		if (streq(releases[i].name, name))
			return &releases[i];
	return NULL;
}

const char *stack_suite(const char *name)
{
	const struct release *r = release_of(name);

	return r ? r->suite : NULL;
}

const char *stack_title(const char *name)
{
	const struct release *r = release_of(name);

	return r ? r->title : name;
}

/* ---- where from ---- */

static bool is_of(const char *lists_dir, const char *name, const char *label)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", lists_dir, name),
			    *line = xasprintf("\nLabel: %s\n", label);
	_cleanup_buf_ struct buf text = BUF_INIT;

	return fs_read_file(path, RELEASE_MAX_BYTES, &text) == 0 &&
	       strstr(text.data, "\nOrigin: Debian\n") && strstr(text.data, line);
}

/* 'http://deb.debian.org/debian/dists/bookworm/InRelease' deb.debian.org_..._InRelease 0 */
static char *mirror_of_line(const char *line, const char *lists_dir, const char *label)
{
	size_t uri = strcspn(line + 1, "'\n");
	const char *rest = line + 1 + uri, *dists = strstr(line, "/dists/");
	_cleanup_free_ char *name = NULL;

	if (!str_starts(line, "'http") || !str_starts(rest, "' ") || !dists || dists > rest ||
	    !str_starts(rest - strlen("/InRelease"), "/InRelease"))
		return NULL;
	name = xstrndup(rest + 2, strcspn(rest + 2, " \n"));
	return is_of(lists_dir, name, label) ? xstrndup(line + 1, (size_t)(dists - line)) : NULL;
}

char *stack_find_mirror(const char *uris, const char *lists_dir, const char *label)
{
	char *found = NULL;

	for (const char *line = uris; !found && *line; line += strspn(line, "\n")) {
		found = mirror_of_line(line, lists_dir, label);
		line += strcspn(line, "\n");
	}
	return found;
}

static char *mirror_of_host(const char *label)
{
	const char *const argv[] = { "apt-get", "update", "--print-uris", NULL };
	const struct proc_options p = { .argv = argv, .die_with_us = true };
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct error ignored = ERROR_INIT;
	int status;

	if (proc_run(&p, &out, &status, &ignored) < 0 || status != 0)
		return NULL;
	return stack_find_mirror(out.data, APT_LISTS, label);
}

static char *mirror(const char *setting, const char *label, const char *usual)
{
	const char *set = getenv(setting);
	char *found = set && set[0] ? xstrdup(set) : mirror_of_host(label);

	return found ? found : xstrdup(usual);
}

static char *source(const char *uri, const char *suite, const char *pocket)
{
	return xasprintf("deb [signed-by=" STACK_KEYRING "] %s %s%s main", uri, suite, pocket);
}

void stack_sources(const struct stack_options *o, char ***ret)
{
	_cleanup_free_ char *uri = mirror("TWELVE_DEBIAN_MIRROR", "Debian", MIRROR);
	_cleanup_free_ char *security =
		mirror("TWELVE_DEBIAN_SECURITY_MIRROR", "Debian-Security", SECURITY_MIRROR);
	const char *suite = stack_suite(o->name);

	strv_push_take(ret, source(uri, suite, ""));
	strv_push_take(ret, source(uri, suite, "-updates"));
	strv_push_take(ret, source(security, suite, "-security"));
}
