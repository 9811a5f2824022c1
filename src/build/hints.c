/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a source has that looks like more than it is here: files of other platforms that are not read, a Procfile under
 * another name, a process type that nothing will ever reach. One line each, at the push, where somebody reads it.
 */
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/str.h"
#include "build/build-priv.h"

struct ignored {
	const char *name, *instead;
};

static const struct ignored ignored[] = {
	{ "Dockerfile", "buildpacks and the Procfile say what is built and run" },
	{ "docker-compose.yml", "process types are in the Procfile, backing services are add-ons" },
	{ "docker-compose.yaml", "process types are in the Procfile, backing services are add-ons" },
	{ "compose.yml", "process types are in the Procfile, backing services are add-ons" },
	{ "compose.yaml", "process types are in the Procfile, backing services are add-ons" },
	{ "heroku.yml", "its \"run\" goes into the Procfile, its \"setup\" into app.json and add-ons" },
	{ "static.json", "the web server that the Procfile starts has a configuration of its own" },
	{ "project.toml", "buildpacks are set with \"twelve buildpacks:set\" or in .buildpacks" },
};

static bool is_file(const struct build *b, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", b->app, name);
	struct stat st;

	return lstat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

/* "procfile", "Procfile.txt", "PROCFILE": what somebody meant to be it. */
static bool is_meant(const char *name)
{
	static const char *const names[] = { "procfile", "procfile.txt", "procfile.md", "procfile.yml", "procfile.yaml", "proc file" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static void tell_meant(const struct build *b, const char *folder)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", b->app, folder);
	_cleanup_strv_ char **names = NULL;

	if (fs_list(path, &names) < 0)
		return;
	for (char **n = names; n && *n; n++) {
		_cleanup_free_ char *file = folder[0] ? xasprintf("%s/%s", folder, *n) : xstrdup(*n);

		if (is_meant(*n) && is_file(b, file))
			build_say(b, " !     %s is not read: the file is named Procfile, with a large P, and stands in the top folder\n", file);
	}
}

/* There is no Procfile: perhaps it is elsewhere. */
static void tell_no_procfile(const struct build *b)
{
	_cleanup_strv_ char **names = NULL;

	tell_meant(b, "");
	if (fs_list(b->app, &names) < 0)
		return;
	for (char **n = names; n && *n; n++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", b->app, *n);
		struct stat st;

		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && !streq(*n, "node_modules"))
			tell_meant(b, *n);
	}
}

void hints_tell(const struct build *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		if (is_file(b, ignored[i].name))
			build_say(b, " !     %s is there and not used: %s\n", ignored[i].name, ignored[i].instead);
	if (!b->has_procfile)
		tell_no_procfile(b);
}

void hints_tell_types(const struct build *b, const struct procfile *types)
{
	static const char *const special[] = { "web", "release" };

	for (size_t i = 0; i < types->n_types; i++)
		for (size_t k = 0; k < ARRAY_SIZE(special); k++)
			if (strcasecmp(types->types[i].name, special[k]) == 0 && !streq(types->types[i].name, special[k]))
				build_say(b, " !     The process type \"%s\" is not \"%s\": write it in small letters, or it is one like any other\n",
					  types->types[i].name, special[k]);
	if (!procfile_get(types, "web"))
		build_say(b, " !     There is no process type \"web\": nothing answers requests, and no dyno starts until \"twelve ps:scale\" says so\n");
}
