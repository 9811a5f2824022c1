/* SPDX-License-Identifier: Apache-2.0 */
/* Which buildpacks build an app; see choose.h. */
#include "build/choose.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

/* ---- the language of a command ---- */

struct words {
	const char *language;
	const char *words; /* between spaces */
};

/* Programs by which apps are started; the last part of a path counts. */
static const struct words programs[] = {
	{ "nodejs", " node nodejs npm npx yarn yarnpkg pnpm pnpx corepack bun bunx deno next nuxt "
		    "nuxi vite astro remix-serve react-router-serve "
		    "react-scripts nest ts-node ts-node-dev tsx nodemon pm2 pm2-runtime forever "
		    "serve http-server gatsby strapi turbo nx lerna sails " },
	{ "python", " python python2 python3 pypy pypy3 gunicorn uvicorn hypercorn daphne granian "
		    "waitress-serve uwsgi flask fastapi django-admin "
		    "celery streamlit gradio chainlit rq dramatiq huey_consumer poetry pipenv pdm "
		    "uv uvx jupyter voila panel bokeh mkdocs alembic "
		    "aerich scrapy newrelic-admin ddtrace-run opentelemetry-instrument pserve "
		    "twistd sanic litestar reflex honcho " },
	{ "ruby", " ruby bundle bundler rails rake puma unicorn thin rackup passenger falcon "
		  "sidekiq resque jekyll middleman hanami foreman good_job " },
	{ "php", " php php-fpm heroku-php-apache2 heroku-php-nginx heroku-hhvm-apache2 frankenphp "
		 "artisan composer symfony " },
	{ "java", " java mvn mvnw gradle gradlew kotlin " },
	{ "elixir", " mix elixir iex " },
	{ "go", " go " },
	{ "rust", " cargo " },
};

static const struct words endings[] = {
	{ "nodejs", " .js .mjs .cjs .ts .mts " },
	{ "python", " .py " },
	{ "ruby", " .rb .ru " },
	{ "php", " .php " },
	{ "java", " .jar .war " },
};

static const struct words places[] = {
	{ "rust", " target/release/ target/debug/ " },
	{ "elixir", " _build/ " },
	{ "java", " build/install/ target/bin/ target/universal/ " },
	{ "php", " vendor/bin/ " },
	{ "nodejs", " node_modules/ " },
	{ "python", " venv/bin/ " },
};

static bool is_listed(const char *list, const char *word, size_t n)
{
	_cleanup_free_ char *quoted = xasprintf(" %.*s ", (int)n, word);

	return n > 0 && strstr(list, quoted);
}

static const char *language_of_place(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_free_ char *list = xstrdup(places[i].words);
		char *save = NULL;

		for (char *p = strtok_r(list, " ", &save); p; p = strtok_r(NULL, " ", &save))
			if (strstr(word, p))
				return places[i].language;
	}
	return NULL;
}

static const char *language_of_word(const char *word)
{
	const char *name = strrchr(word, '/') ? strrchr(word, '/') + 1 : word,
		   *dot = strrchr(name, '.');
	/* python3.12 */
	size_t n = str_starts(name, "python3.") ? strlen("python3") : strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (is_listed(programs[i].words, name, n))
			return programs[i].language;
	for (size_t i = 0; dot && i < ARRAY_SIZE(endings); i++)
		if (is_listed(endings[i].words, dot, strlen(dot)))
			return endings[i].language;
	return language_of_place(word);
}

/* What only starts the command that follows: VAR=value, exec, sh -c "...", options of those. */
static bool is_before_command(const char *word)
{
	static const char before[] =
		" exec env sh bash dash time nice nohup command sudo dumb-init tini "
		"start-stop-daemon start-nginx start-nginx-solo "
		"start-pgbouncer start-stunnel start-pgbouncer-stunnel with_jemalloc jemalloc.sh "
		"doppler dotenv ";
	const char *name = strrchr(word, '/') ? strrchr(word, '/') + 1 : word;

	return word[0] == '-' || strchr(word, '=') || is_listed(before, name, strlen(name));
}

/* A step of a command, which is taken apart. */
static const char *language_of_step(char *step)
{
	char *save = NULL;

	for (char *word = strtok_r(step, " \t\"'(){}", &save); word;
	     word = strtok_r(NULL, " \t\"'(){}", &save)) {
		const char *language = language_of_word(word);

		if (language || !is_before_command(word))
			return language;
	}
	return NULL;
}

/* Each step of a command in turn; NULL when there is no more. */
static char *next_step(char **rest)
{
	char *step;

	do
		step = strsep(rest, "&|;\n");
	while (step && !step[strspn(step, " \t\"')}")]);
	return step;
}

const char *choose_language(const char *command)
{
	_cleanup_free_ char *copy = xstrdup(command);
	const char *language = NULL;
	char *rest = copy, *step;

	while ((step = next_step(&rest)))
		language = language_of_step(step);
	return language;
}

static bool command_has(const char *command, const char *language)
{
	_cleanup_free_ char *copy = xstrdup(command);
	char *rest = copy, *step;

	while ((step = next_step(&rest))) {
		const char *is = language_of_step(step);

		if (is && streq(is, language))
			return true;
	}
	return false;
}

/* ---- the choice ---- */

/* Buildpacks of one language have one name here. */
static const char *language_of(const char *pack)
{
	static const char *const same[][2] = { { "bun", "nodejs" },
					       { "deno", "nodejs" },
					       { "gradle", "java" },
					       { "maven", "java" },
					       { "jvm", "java" } };

	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		if (streq(same[i][0], pack))
			return same[i][1];
	return pack;
}

static bool is_language(const struct candidate *c)
{
	return !streq(c->name, "static") && !streq(c->name, "c") && !streq(c->name, "plain");
}

static bool is_js(const struct candidate *c)
{
	return streq(language_of(c->name), "nodejs");
}

struct facts {
	const struct candidate *c;
	size_t n;
	const struct procfile *procfile;
	bool static_json;
};

/* The first of its language, in the order. */
static bool is_first(const struct facts *f, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (streq(language_of(f->c[k].name), language_of(f->c[i].name)))
			return false;
	return is_language(&f->c[i]);
}

static size_t find_named(const struct facts *f, const char *name)
{
	size_t i = 0;

	while (i < f->n && !streq(f->c[i].name, name))
		i++;
	return i;
}

enum js { ONLY, WITHOUT };

/* The first language that (serves, and) is or is no JavaScript; f->n when there is none. */
static size_t find_language(const struct facts *f, enum js js, bool serving)
{
	size_t i = 0;

	while (i < f->n &&
	       (!is_first(f, i) || is_js(&f->c[i]) != (js == ONLY) || (serving && !f->c[i].serves)))
		i++;
	return i;
}

static size_t find_by_command(const struct facts *f)
{
	const char *web = f->procfile ? procfile_get(f->procfile, "web") : NULL,
		   *language = web ? choose_language(web) : NULL;
	size_t i = 0;

	if (!language)
		return f->n;
	while (i < f->n && (!is_first(f, i) || !streq(language_of(f->c[i].name), language)))
		i++;
	return i;
}

/* There is a language at least. */
static size_t find_last(const struct facts *f, enum choice_why *why)
{
	size_t other = find_language(f, WITHOUT, false), serves = find_language(f, WITHOUT, true),
	       js = find_language(f, ONLY, false), files = find_named(f, "static"),
	       i = find_by_command(f);
	bool has_web = f->procfile && procfile_get(f->procfile, "web");

	*why = CHOICE_COMMAND;
	if (i < f->n)
		return i;
	*why = CHOICE_SERVES;
	if (!has_web && serves < f->n)
		return serves;
	/* What a page is made of: its "start" is the server of who develops it. */
	if (!has_web && files < f->n && js < f->n &&
	    (f->static_json || (other == f->n && !f->c[js].serves))) {
		*why = CHOICE_STATIC;
		return files;
	}
	if (!has_web && js < f->n && f->c[js].serves)
		return js;
	*why = CHOICE_ORDER;
	return other < f->n ? other : js;
}

static bool has_command_of(const struct facts *f, const char *language)
{
	for (size_t i = 0; f->procfile && i < f->procfile->n_types; i++)
		if (command_has(f->procfile->types[i].command, language))
			return true;
	return false;
}

static bool is_needed(const struct facts *f, size_t i, const struct choice *choice)
{
	return f->c[i].wanted || (choice->why == CHOICE_STATIC && is_js(&f->c[i])) ||
	       has_command_of(f, language_of(f->c[i].name));
}

/* JavaScript first, whatever the order: what it makes is for the others to take along. */
static void add_beside(const struct facts *f, size_t last, enum js js, struct choice *ret)
{
	for (size_t i = 0; i < f->n; i++) {
		if (i == last || !is_first(f, i) || is_js(&f->c[i]) != (js == ONLY))
			continue;
		if (is_needed(f, i, ret))
			ret->picks[ret->n++] = i;
		else
			ret->left_out[ret->n_left_out++] = i;
	}
}

/* No language: a program that is built, files, or what runs as it is. */
static size_t find_plain(const struct facts *f)
{
	size_t i = 0;

	if (f->procfile && procfile_get(f->procfile, "web"))
		while (i + 1 < f->n && streq(f->c[i].name, "static"))
			i++;
	return i;
}

void choose_packs(const struct candidate *c, size_t n, const struct procfile *procfile,
		  bool static_json, struct choice *ret)
{
	const struct facts f = { .c = c,
				 .n = n < CHOICE_MAX ? n : CHOICE_MAX,
				 .procfile = procfile,
				 .static_json = static_json };
	size_t last;

	*ret = (struct choice){ .why = CHOICE_ALONE };
	if (n == 0)
		return;
	if (find_language(&f, ONLY, false) == f.n && find_language(&f, WITHOUT, false) == f.n) {
		last = find_plain(&f);
	} else {
		last = find_last(&f, &ret->why);
		add_beside(&f, last, ONLY, ret);
		add_beside(&f, last, WITHOUT, ret);
		if (ret->n == 0 && ret->n_left_out == 0)
			ret->why = CHOICE_ALONE;
	}
	ret->picks[ret->n++] = last;
}
