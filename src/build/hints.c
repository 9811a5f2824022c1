/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a source has that looks like more than it is here: files of other platforms that are not
 * read, a Procfile under another name, a process type that nothing will ever reach. One line each,
 * at the push, where somebody reads it.
 */
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/str.h"
#include "build/build-priv.h"
#include "build/pack.h"

#define HEROKU_YML_MAX 65536

struct ignored {
	const char *name, *instead;
};

static const struct ignored ignored[] = {
	{ "Dockerfile", "buildpacks and the Procfile say what is built and run" },
	{ "docker-compose.yml", "process types are in the Procfile, backing services are add-ons" },
	{ "docker-compose.yaml",
	  "process types are in the Procfile, backing services are add-ons" },
	{ "compose.yml", "process types are in the Procfile, backing services are add-ons" },
	{ "compose.yaml", "process types are in the Procfile, backing services are add-ons" },
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
	static const char *const names[] = { "procfile",     "procfile.txt",  "procfile.md",
					     "procfile.yml", "procfile.yaml", "proc file" };

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
		_cleanup_free_ char *file =
			folder[0] ? xasprintf("%s/%s", folder, *n) : xstrdup(*n);

		if (is_meant(*n) && is_file(b, file))
			build_say(b,
				  " !     %s is not read: the file is named Procfile, with a large "
				  "P, and stands in the top folder\n",
				  file);
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

/* "run" and "release" of a heroku.yml are used where there is no Procfile; the rest never is. */
static void tell_heroku_yml(const struct build *b)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *setup;

	if (pack_read_file(b->app, "heroku.yml", HEROKU_YML_MAX, &text) < 0)
		return;
	setup = str_starts(text.data, "setup:") || strstr(text.data, "\nsetup:")
			? "; its \"setup\" goes into app.json and add-ons"
			: "";
	if (b->types_file && streq(b->types_file, "heroku.yml"))
		build_say(b,
			  " !     heroku.yml: its \"run\" names the processes, as there is no "
			  "Procfile; buildpacks build the app, not its \"build\"%s\n",
			  setup);
	else
		build_say(b, " !     heroku.yml is there and not used: %s%s\n",
			  b->types_file ? "the Procfile goes before it"
					: "it names no process that could be run",
			  setup);
}

static bool builds_with(const struct build *b, const char *folder)
{
	for (size_t i = 0; i < b->n_packs; i++)
		if (streq(b->packs[i].folder, folder))
			return true;
	return false;
}

void hints_tell_packs(const struct build *b)
{
	_cleanup_free_ char *below = NULL;

	if (is_file(b, "static.json") && !builds_with(b, "static"))
		build_say(b, " !     static.json is there and not used: the app serves its files "
			     "itself\n");
	/* "cd backend && npm start": what that needs is not built. */
	if (b->chosen || !builds_with(b, "plain") || is_file(b, "Aptfile"))
		return;
	below = nothing_below(b);
	if (below)
		build_say(b, " !     Only the Procfile is at the top, so nothing is built. %s\n",
			  below);
}

void hints_tell(const struct build *b)
{
	tell_heroku_yml(b);
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		if (is_file(b, ignored[i].name))
			build_say(b, " !     %s is there and not used: %s\n", ignored[i].name,
				  ignored[i].instead);
	if (!b->types_file)
		tell_no_procfile(b);
}

void hints_tell_types(const struct build *b, const struct procfile *types)
{
	static const char *const special[] = { "web", "release" };

	for (size_t i = 0; i < types->n_types; i++)
		for (size_t k = 0; k < ARRAY_SIZE(special); k++)
			if (strcasecmp(types->types[i].name, special[k]) == 0 &&
			    !streq(types->types[i].name, special[k]))
				build_say(b,
					  " !     The process type \"%s\" is not \"%s\": write it "
					  "in lower case, or it is one like any other\n",
					  types->types[i].name, special[k]);
	if (!procfile_get(types, "web"))
		build_say(b, " !     There is no process type \"web\": nothing answers requests, "
			     "and no dyno starts until \"twelve ps:scale\" says so\n");
}
