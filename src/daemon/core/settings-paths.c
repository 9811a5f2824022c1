/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where our other programs and our data are: installed (the directories that
 * meson was told), all in one directory, or in the build tree, each program in
 * the folder of its name. What stands beside this program goes before what is
 * installed, so that a build tree never mixes with an older installation.
 */
#include "daemon/core/settings-priv.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"

static const struct {
	const char *program;
	const char *folder; /* below src/ of a build tree */
} folders[] = {
	{ "twelve", "cli" },	    { "twelve-dyno", "dyno" }, { "twelve-init", "dyno" },
	{ "twelve-logs", "logsd" }, { "twelved", "daemon" },
};

static const char *folder_of(const char *program)
{
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (streq(folders[i].program, program))
			return folders[i].folder;
	return NULL;
}

static bool in_build_tree(const char *dir)
{
	return str_ends(dir, "/src/daemon");
}

/* path if it can be executed, else NULL; takes it. */
static char *if_program(char *path)
{
	if (path && access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static char *find_near(const char *name)
{
	_cleanup_free_ char *dir = proc_exe_dir();
	const char *folder = folder_of(name);
	char *found;

	if (!dir)
		return NULL;
	found = if_program(xasprintf("%s/%s", dir, name));
	if (!found && folder && in_build_tree(dir))
		found = if_program(xasprintf("%.*s/%s/%s", (int)(strlen(dir) - strlen("/daemon")),
					     dir, folder, name));
	return found;
}

char *settings_find_libexec(void)
{
	char *path = find_near("twelve-dyno");
	char *dir;

	if (!path)
		return xstrdup(TWELVE_LIBEXECDIR);
	dir = xstrndup(path, strlen(path) - strlen("/twelve-dyno"));
	free(path);
	return dir;
}

char *settings_find_data(void)
{
	_cleanup_free_ char *dir = proc_exe_dir();
	_cleanup_free_ char *top = NULL;
	_cleanup_free_ char *buildpacks = NULL;
	char *real;

	if (!dir || !in_build_tree(dir))
		return xstrdup(TWELVE_DATADIR);
	/* TOP/build/src/daemon */
	top = xasprintf("%.*s/..", (int)(strlen(dir) - strlen("/src/daemon")), dir);
	buildpacks = xasprintf("%s/buildpacks", top);
	if (!fs_exists(buildpacks))
		return xstrdup(TWELVE_DATADIR);
	real = realpath(top, NULL);
	return real ? real : xstrdup(TWELVE_DATADIR);
}

char *settings_find_cli(void)
{
	char *path = find_near("twelve");

	if (!path && !fs_find_program("twelve", &path))
		path = xasprintf("%s/twelve", TWELVE_LIBEXECDIR);
	return path;
}

char *settings_program(const struct settings *s, const char *name)
{
	char *path;

	if (streq(name, "twelve"))
		return xstrdup(s->cli_path);
	path = if_program(xasprintf("%s/%s", s->libexec_dir, name));
	if (!path)
		path = find_near(name);
	if (!path)
		path = if_program(xasprintf("%s/%s", TWELVE_LIBEXECDIR, name));
	return path ? path : xasprintf("%s/%s", s->libexec_dir, name);
}

/* A build is one core's work, more or less; on a small machine one that waits for the network lets
 * another go on. */
/* What bundles a page takes gigabytes. It is a limit, and not set aside: when builds together need
 * more than there is, the kernel ends one of them first. */
char *settings_find_build_memory(void)
{
	const int64_t half = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 2,
		      least = INT64_C(2) << 30, most = INT64_C(8) << 30;

	return xasprintf("%lldM", (long long)(half < least  ? least
					      : half > most ? most
							    : half) >>
					  20);
}

char *settings_find_builds(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return xasprintf("%ld", n < 2 ? 2 : n);
}
