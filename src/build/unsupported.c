/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apps that can't be built here, told before a stack is made for them: without this a Ruby app was
 * taken for one that needs no build, and the first thing to be heard of it was "bundle: command not
 * found".
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "build/build-priv.h"

struct language {
	const char *file, *name; /* "*.x": an ending */
	const char *pack;	 /* the buildpack, which may be here; NULL when there is none */
};

/* Files that their tools ask for at the top of a project. */
static const struct language languages[] = {
	{ "Gemfile", "Ruby", "ruby" },	      { "go.mod", "Go", "go" },
	{ "composer.json", "PHP", "php" },    { "index.php", "PHP", "php" },
	{ "Cargo.toml", "Rust", "rust" },     { "pom.xml", "Java", "java" },
	{ "build.gradle", "Gradle", "java" }, { "build.gradle.kts", "Gradle", "java" },
	{ "mix.exs", "Elixir", "elixir" },    { "deno.json", "Deno", "deno" },
	{ "deno.jsonc", "Deno", "deno" },     { "build.sbt", "Scala", NULL },
	{ "project.clj", "Clojure", NULL },   { "deps.edn", "Clojure", NULL },
	{ "Package.swift", "Swift", NULL },   { "pubspec.yaml", "Dart", NULL },
	{ "rebar.config", "Erlang", NULL },   { "gleam.toml", "Gleam", NULL },
	{ "stack.yaml", "Haskell", NULL },    { "*.cabal", "Haskell", NULL },
	{ "global.json", ".NET", NULL },      { "*.sln", ".NET", NULL },
	{ "*.csproj", ".NET", NULL },	      { "*.fsproj", ".NET", NULL },
	{ "shard.yml", "Crystal", NULL },     { "*.nimble", "Nim", NULL },
	{ "build.zig", "Zig", NULL },	      { "dune-project", "OCaml", NULL },
	{ "renv.lock", "R", NULL },	      { "app.R", "R", NULL },
	{ "Manifest.toml", "Julia", NULL },   { "cpanfile", "Perl", NULL },
	{ "hugo.toml", "Hugo", NULL },
};

static bool has_file(int dir_fd, const char *name)
{
	return faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool has_pack(const struct build *b, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s/bin/compile", b->packs_dir, name);

	return fs_exists(path);
}

static bool is_there(const char *pattern, char *const *names, const char **ret_file)
{
	for (; names && *names; names++)
		if (pattern[0] == '*' ? str_ends(*names, pattern + 1) : streq(*names, pattern)) {
			*ret_file = *names;
			return true;
		}
	return false;
}

/* The first language that the files are of and no buildpack here is for. */
static const struct language *find_language(const struct build *b, char *const *names,
					    const char **ret_file)
{
	for (size_t i = 0; i < ARRAY_SIZE(languages); i++)
		if (!(languages[i].pack && has_pack(b, languages[i].pack)) &&
		    is_there(languages[i].file, names, ret_file))
			return &languages[i];
	return NULL;
}

static int only_dockerfile(const struct build *b, struct error *err)
{
	_cleanup_free_ char *elsewhere = start_elsewhere(b), *below = nothing_below(b);

	return error_set(err, ERROR_INVALID,
			 "Dockerfile: images are not built here: add a Procfile with a line such "
			 "as \"web: ./server\", and what "
			 "the app needs of Debian's packages to an Aptfile%s%s%s",
			 elsewhere, below ? ". Or is it below? " : "", below ? below : "");
}

int unsupported_language(const struct build *b, struct error *err)
{
	_cleanup_fd_ int dir_fd = open(b->app, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_strv_ char **names = NULL;
	const struct language *language;
	const char *file;

	/* Its packages may bring the language. */
	if (dir_fd < 0 || has_file(dir_fd, "Aptfile") || fs_list(b->app, &names) < 0)
		return 0;
	language = find_language(b, names, &file);
	if (language)
		return error_set(err, ERROR_INVALID,
				 "%.100s makes this a %s app, for which the platform has no "
				 "buildpack: set one by its git URL "
				 "(twelve buildpacks:set URL), or \"twelve buildpacks:set plain\" "
				 "if it runs without a build",
				 file, language->name);
	return !b->types_file && has_file(dir_fd, "Dockerfile") ? only_dockerfile(b, err) : 0;
}

void unsupported_tell(const struct build *b)
{
	_cleanup_strv_ char **names = NULL;
	const struct language *language;
	const char *file;

	if (b->chosen || fs_list(b->app, &names) < 0)
		return;
	language = find_language(b, names, &file);
	if (language)
		build_say(b,
			  " !     %.100s is there, too: for %s the platform has no buildpack; one "
			  "is set by its git URL (twelve buildpacks:set URL)\n",
			  file, language->name);
}

/* Prints the reason of the first that says no, and then its number. */
static const char check_script[] =
	"n=0\n"
	"for p in \"$@\"; do\n"
	"  n=$((n + 1))\n"
	"  [ ! -x /buildpacks/$p/bin/check ] || /buildpacks/$p/bin/check /app early || exit $n\n"
	"done\n";

/* What an app can do without need not be right. */
static int says_beside(const struct build *b, size_t number, struct error *err)
{
	const char *last = b->packs[b->n_packs - 1].folder;
	struct error reason = *err;

	if (b->chosen || number >= b->n_packs)
		return -1;
	return error_set(err, ERROR_INVALID,
			 "%.500s (This is of the buildpack %s, which was added since files of its "
			 "language are here: \"twelve buildpacks:set %s\" leaves it out.)",
			 reason.message, b->packs[number - 1].folder, last);
}

int unsupported_files(struct build *b, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_strv_ char **args = NULL;
	int code;

	/* Those of others have no such program: their folders are looked at by nobody here. */
	for (size_t i = 0; i < b->n_packs && !build_has_foreign(b, i + 1); i++)
		strv_push(&args, b->packs[i].folder);
	if (!args)
		return 0;
	if (steps_capture(b, &b->base, check_script, args, &text, &code, err) < 0)
		return -1;
	if (code == 0)
		return 0;
	error_set(err, ERROR_INVALID, "%.500s",
		  *text.data ? str_trim(text.data) : "bin/check of a buildpack failed");
	return says_beside(b, (size_t)code, err);
}
