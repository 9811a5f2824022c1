/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source that no buildpack recognises: what is seen in it, and what to add. Often the app is in a
 * folder of a larger repository, or the file that names its packages was never written.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/str.h"
#include "build/build-priv.h"

/* By which a language's own tools know a project. */
static const char *const manifests[] = {
	"package.json",	    "requirements.txt", "pyproject.toml", "Pipfile",   "uv.lock",
	"Gemfile",	    "go.mod",		"composer.json",  "pom.xml",   "build.gradle",
	"build.gradle.kts", "mix.exs",		"Cargo.toml",	  "deno.json", "index.php",
	"static.json",	    "index.html",	"Procfile",
};

#define FOLDERS_SHOWN 4

struct finds {
	char **folders;	  /* "backend", "apps/web" */
	char **manifests; /* of each */
};

static void look_into(const struct build *b, const char *folder, struct finds *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(manifests); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s/%s", b->app, folder, manifests[i]);
		struct stat st;

		if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		strv_push(&ret->folders, folder);
		strv_push(&ret->manifests, manifests[i]);
		return;
	}
}

static bool is_passed_by(const char *name)
{
	static const char *const names[] = { "node_modules", "vendor", "test",	  "tests",
					     "docs",	     "doc",    "scripts", "examples" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(name, names[i]))
			return true;
	return name[0] == '.';
}

/* Folders one level down, then those two levels down. */
static void look_below(const struct build *b, const char *folder, int depth, struct finds *ret)
{
	_cleanup_free_ char *dir = folder[0] ? xasprintf("%s/%s", b->app, folder) : xstrdup(b->app);
	_cleanup_strv_ char **names = NULL;

	if (fs_list(dir, &names) < 0)
		return;
	for (char **n = names; n && *n; n++) {
		_cleanup_free_ char *below = folder[0] ? xasprintf("%s/%s", folder, *n)
						       : xstrdup(*n),
				    *path = xasprintf("%s/%s", b->app, below);
		struct stat st;

		if (is_passed_by(*n) || lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
			continue;
		if (depth > 1)
			look_below(b, below, depth - 1, ret);
		else
			look_into(b, below, ret);
	}
}

/* The folder that is most likely to be meant. */
static const char *best(const struct finds *f)
{
	static const char *const names[] = { "backend",	 "server",   "api", "app",  "web",
					     "apps/web", "apps/api", "src", "site", "frontend" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strv_has(f->folders, names[i]))
			return names[i];
	return f->folders[0];
}

/* What people see of names that others chose. */
static void put_clean(struct buf *out, const char *name)
{
	for (; *name; name++)
		buf_putc(out,
			 (unsigned char)*name < 0x20 || (unsigned char)*name > 0x7e ? '?' : *name);
}

static char *say_folders(const struct finds *f)
{
	_cleanup_buf_ struct buf list = BUF_INIT, folder = BUF_INIT;
	size_t n = strv_len(f->folders);

	for (size_t i = 0; i < n && i < FOLDERS_SHOWN; i++) {
		buf_printf(&list, "%s%s is in ",
			   i == 0	? ""
			   : i + 1 == n ? " and "
					: ", ",
			   f->manifests[i]);
		put_clean(&list, f->folders[i]);
		buf_putc(&list, '/');
	}
	if (n > FOLDERS_SHOWN)
		buf_printf(&list, " (and %zu folders more)", n - FOLDERS_SHOWN);
	put_clean(&folder, best(f));
	return xasprintf("%s: \"twelve config:set TWELVE_BUILD_DIR=%s\" builds that folder (\"git "
			 "subtree push --prefix %s twelve main\" pushes it alone)",
			 list.data, folder.data, folder.data);
}

char *nothing_below(const struct build *b)
{
	struct finds f = { 0 };
	char *sentence = NULL;

	look_below(b, "", 1, &f);
	if (!f.folders)
		look_below(b, "", 2, &f);
	if (f.folders)
		sentence = say_folders(&f);
	strv_free(f.folders);
	strv_free(f.manifests);
	return sentence;
}

/* Sources without the file that says what they need. */
static const struct missing {
	const char *ending, *advice;
} missing[] = {
	{ ".py", "add a requirements.txt that names its packages (it may be empty)" },
	{ ".js", "add a package.json (npm init)" },
	{ ".mjs", "add a package.json (npm init)" },
	{ ".ts", "add a package.json (npm init)" },
	{ ".go", "add a go.mod (go mod init example.com/app)" },
	{ ".rb", "add a Gemfile (bundle init)" },
	{ ".ru", "add a Gemfile (bundle init)" },
	{ ".php", "add an index.php or a composer.json" },
	{ ".rs", "add a Cargo.toml (cargo init)" },
	{ ".ex", "add a mix.exs (mix new)" },
	{ ".jar", "add a Procfile with a line such as \"web: java -jar FILE.jar\", and "
		  "default-jre-headless to an Aptfile" },
	{ ".c", "add a Makefile that builds it" },
	{ ".cpp", "add a Makefile or a CMakeLists.txt that builds it" },
	{ ".html", "add an index.html" },
};

static char *source_alone(const struct build *b)
{
	_cleanup_strv_ char **names = NULL;

	if (fs_list(b->app, &names) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(missing); i++)
		for (char **n = names; n && *n; n++) {
			_cleanup_buf_ struct buf name = BUF_INIT;

			if (!str_ends(*n, missing[i].ending))
				continue;
			put_clean(&name, *n);
			return xasprintf("%s is there: %s", name.data, missing[i].advice);
		}
	return NULL;
}

int packs_none(const struct build *b, struct error *err)
{
	_cleanup_buf_ struct buf looked = BUF_INIT;
	_cleanup_free_ char *seen = source_alone(b), *elsewhere = NULL;

	if (!seen)
		seen = nothing_below(b);
	for (size_t i = 0; i < b->n_packs; i++)
		buf_printf(&looked, "%s%s", i ? ", " : "", b->packs[i].label);
	if (seen)
		return error_set(err, ERROR_INVALID,
				 "No buildpack recognises this app (looked for: %s). %s",
				 looked.data, seen);
	elsewhere = start_elsewhere(b);
	return error_set(err, ERROR_INVALID,
			 "No buildpack recognises this app (looked for: %s): add the file that "
			 "names its packages (requirements.txt, package.json, ...), or a Makefile, "
			 "or at least a Procfile with a line such as \"web: ./server\"%s",
			 looked.data, elsewhere);
}
