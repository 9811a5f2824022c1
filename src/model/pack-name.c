/* SPDX-License-Identifier: Apache-2.0 */
/* Names of buildpacks; see pack-name.h. */
#include "model/pack-name.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/str.h"

struct synonym {
	const char *theirs; /* in small letters, as namespace/name */
	const char *here;
};

static const struct synonym synonyms[] = {
	{ "heroku/python", "python" }, { "heroku/nodejs", "nodejs" },
	{ "heroku/ruby", "ruby" },     { "heroku/go", "go" },
	{ "heroku/php", "php" },       { "heroku/java", "java" },
	{ "heroku/jvm", "java" },      { "heroku/jvm-common", "java" },
	{ "heroku/gradle", "java" },   { "heroku/kotlin", "java" },
	{ "heroku/static", "static" }, { "heroku-community/static", "static" },
	{ "heroku/apt", "apt" },       { "heroku-community/apt", "apt" },
	{ "heroku/elixir", "elixir" }, { "hashnuke/elixir", "elixir" },
	{ "heroku/rust", "rust" },     { "emk/rust", "rust" },
	{ "heroku/c", "c" },	       { "heroku/plain", "plain" },
	{ "heroku/bun", "bun" },       { "heroku/deno", "deno" },
	{ "jakeg/bun", "bun" },	       { "chibat/deno", "deno" },
};

/* Where the archives of Heroku's registry stand, and its own repositories: what follows is
 * namespace/name. */
static const char *const prefixes[] = {
	"urn:buildpack:",
	"https://github.com/",
	"http://github.com/",
	"git://github.com/",
	"git@github.com:",
	"ssh://git@github.com/",
	"https://buildpack-registry.s3.amazonaws.com/buildpacks/",
	"https://codon-buildpacks.s3.amazonaws.com/buildpacks/",
};

static bool cut_end(char *word, const char *end)
{
	size_t n = strlen(word), m = strlen(end);

	if (n <= m || strcasecmp(word + n - m, end) != 0)
		return false;
	word[n - m] = '\0';
	return true;
}

static char *without_prefix(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncasecmp(word, prefixes[i], strlen(prefixes[i])) == 0)
			return xstrdup(word + strlen(prefixes[i]));
	return strchr(word, ':') || word[0] == '/' ? NULL : xstrdup(word);
}

/* namespace/heroku-buildpack-name -> namespace/name. */
static void cut_middle(char *word)
{
	static const char middle[] = "heroku-buildpack-";
	char *slash = strchr(word, '/');

	if (slash && strncasecmp(slash + 1, middle, strlen(middle)) == 0)
		memmove(slash + 1, slash + 1 + strlen(middle),
			strlen(slash + 1 + strlen(middle)) + 1);
}

/* "@v12" or "@latest" of Heroku's registry. */
static const char *find(const char *word)
{
	_cleanup_free_ char *name = strchr(word, '#') ? NULL : without_prefix(word);

	if (!name)
		return NULL;
	name[strcspn(name, "@")] = '\0';
	while (cut_end(name, "/") || cut_end(name, ".git") || cut_end(name, ".tgz"))
		;
	cut_middle(name);
	for (size_t i = 0; i < ARRAY_SIZE(synonyms); i++)
		if (strcasecmp(name, synonyms[i].theirs) == 0)
			return synonyms[i].here;
	return NULL;
}

const char *pack_name_here(const char *word)
{
	const char *here = find(word);

	if (here)
		return here;
	if (str_starts(word, "heroku/"))
		word += strlen("heroku/");
	return word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-")] ? NULL : word;
}

bool pack_name_is_apt(const char *word)
{
	const char *here = pack_name_here(word);

	return here && streq(here, "apt");
}
