/* SPDX-License-Identifier: Apache-2.0 */
/* Which buildpacks build an app in which more than one sees its language, and the language of a
 * command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "build/choose.h"
#include "model/pack-name.h"

static void test_language_of_a_command(void **state)
{
	static const char *const cases[][2] = {
		{ "gunicorn mysite.wsgi", "python" },
		{ "python3.12 -m uvicorn app:app --port $PORT", "python" },
		{ "/app/.twelve/venv/bin/python worker", "python" },
		{ "./manage.py runserver 0.0.0.0:$PORT", "python" },
		{ "npm run build && gunicorn app:app", "python" },
		{ "cd web; npm start", "nodejs" },
		{ "NODE_ENV=production exec node --max-old-space-size=400 dist/main.js", "nodejs" },
		{ "sh -c 'node server.js'", "nodejs" },
		{ "bash -c \"cd backend && python app.py\"", "python" },
		{ "pnpm --filter api start", "nodejs" },
		{ "bun run src/index.ts", "nodejs" },
		{ "bundle exec puma -C config/puma.rb", "ruby" },
		{ "bin/rails server -p $PORT", "ruby" },
		{ "bin/start-nginx bundle exec unicorn", "ruby" },
		{ "vendor/bin/heroku-php-apache2 public/", "php" },
		{ "php artisan serve", "php" },
		{ "java $JAVA_OPTS -jar target/app.jar", "java" },
		{ "target/universal/stage/bin/shop", "java" },
		{ "_build/prod/rel/shop/bin/shop start", "elixir" },
		{ "MIX_ENV=prod mix phx.server", "elixir" },
		{ "./target/release/server", "rust" },
		{ "cargo run --release", "rust" },
		{ "go run .", "go" },
		{ "bin/server", NULL },
		{ "npm run build && ./server", NULL },
		{ "", NULL },
		{ "   &&  ", NULL },
		{ "exec", NULL },
		{ "(cd a && php -S 0:1)", "php" },
		{ "release", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *language = choose_language(cases[i][0]);

		if (cases[i][1])
			assert_string_equal(language ? language : cases[i][0], cases[i][1]);
		else
			assert_true(!language);
	}
}

struct row {
	const char *seen; /* names in the order of detection; "+" after one that serves, "*" after
			     one that wants to be built beside another */
	const char *procfile; /* NULL: there is none */
	const char *picks;
	const char *left_out;
	enum choice_why why;
	bool static_json;
};

static const struct row rows[] = {
	/* One, or none. */
	{ "", NULL, "", "", CHOICE_ALONE },
	{ "nodejs+", NULL, "nodejs", "", CHOICE_ALONE },
	{ "plain", "web: ./server", "plain", "", CHOICE_ALONE },
	{ "python c plain", "web: x", "python", "", CHOICE_ALONE },
	{ "c plain", "web: x", "c", "", CHOICE_ALONE },
	{ "static+ plain", "web: ./server", "plain", "", CHOICE_ALONE },
	{ "static+ plain", "worker: ./work", "static", "", CHOICE_ALONE },
	{ "static+", NULL, "static", "", CHOICE_ALONE },
	{ "static+", "web: ./server", "static", "", CHOICE_ALONE },
	/* Node.js and another: the other is last. */
	{ "nodejs* python+*", NULL, "nodejs python", "", CHOICE_SERVES },
	{ "nodejs+* python+*", NULL, "nodejs python", "", CHOICE_SERVES },
	{ "python+* nodejs+*", NULL, "nodejs python", "", CHOICE_SERVES },
	{ "nodejs python+*", NULL, "python", "nodejs", CHOICE_SERVES },
	{ "ruby+ nodejs+*", NULL, "nodejs ruby", "", CHOICE_SERVES },
	{ "nodejs* php+", NULL, "nodejs php", "", CHOICE_SERVES },
	{ "nodejs* go+", NULL, "nodejs go", "", CHOICE_SERVES },
	{ "nodejs* elixir+", NULL, "nodejs elixir", "", CHOICE_SERVES },
	{ "nodejs* java+", NULL, "nodejs java", "", CHOICE_SERVES },
	{ "bun* rust+", NULL, "bun rust", "", CHOICE_SERVES },
	/* Node.js has a start script, the other knows no way to start. */
	{ "nodejs+* python*", NULL, "python nodejs", "", CHOICE_SERVES },
	{ "nodejs+* python", NULL, "nodejs", "python", CHOICE_SERVES },
	{ "nodejs+* ruby", NULL, "nodejs", "ruby", CHOICE_SERVES },
	/* The Procfile says it. */
	{ "nodejs+* python+*", "web: npm start", "python nodejs", "", CHOICE_COMMAND },
	{ "nodejs+* python+", "web: npm start", "nodejs", "python", CHOICE_COMMAND },
	{ "nodejs+* python+", "web: npm start\nworker: python work.py", "python nodejs", "",
	  CHOICE_COMMAND },
	{ "nodejs python*", "web: gunicorn app", "python", "nodejs", CHOICE_COMMAND },
	{ "nodejs python*", "web: npm run build && gunicorn app", "nodejs python", "",
	  CHOICE_COMMAND },
	{ "nodejs* go+", "web: node server.js", "nodejs", "go", CHOICE_COMMAND },
	{ "nodejs* deno+ python", "web: python a.py", "nodejs python", "", CHOICE_COMMAND },
	{ "php+ python+*", "web: vendor/bin/heroku-php-nginx", "python php", "", CHOICE_COMMAND },
	/* It names a program of the app's own, or no web. */
	{ "nodejs* go+", "web: bin/server", "nodejs go", "", CHOICE_ORDER },
	{ "nodejs+* python+*", "web: ./start.sh", "nodejs python", "", CHOICE_ORDER },
	{ "nodejs+*", "web: ./start.sh", "nodejs", "", CHOICE_ALONE },
	{ "nodejs+* python*", "worker: sleep 1", "python nodejs", "", CHOICE_SERVES },
	{ "nodejs* python*", "worker: sleep 1", "nodejs python", "", CHOICE_ORDER },
	/* Two that serve, none of them Node.js: the order. */
	{ "ruby+ python+*", NULL, "python ruby", "", CHOICE_SERVES },
	{ "ruby nodejs* python+*", NULL, "nodejs python", "ruby", CHOICE_SERVES },
	/* Files: never beside a language that serves. */
	{ "nodejs* static+", NULL, "nodejs static", "", CHOICE_STATIC },
	{ "nodejs static+", NULL, "nodejs static", "", CHOICE_STATIC },
	{ "nodejs+ static+", NULL, "nodejs", "", CHOICE_ALONE },
	{ "nodejs+ static+", NULL, "nodejs static", "", CHOICE_STATIC, true },
	{ "nodejs+ static+", "web: node a.js", "nodejs", "", CHOICE_ALONE, true },
	{ "python* static+", NULL, "python", "", CHOICE_ALONE },
	{ "nodejs+* python+* static+ plain", NULL, "nodejs python", "", CHOICE_SERVES },
};

static size_t read_seen(char *seen, struct candidate *ret)
{
	size_t n = 0;
	char *save = NULL;

	for (char *word = strtok_r(seen, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		ret[n] = (struct candidate){ .name = word,
					     .serves = strchr(word, '+'),
					     .wanted = strchr(word, '*') };
		word[strcspn(word, "+*")] = '\0';
		n++;
	}
	return n;
}

static void put_names(const struct candidate *c, const size_t *picks, size_t n, struct buf *ret)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(ret, "%s%s", i ? " " : "", c[picks[i]].name);
}

static void try_row(const struct row *row)
{
	_cleanup_free_ char *seen = xstrdup(row->seen);
	_cleanup_buf_ struct buf picks = BUF_INIT, left_out = BUF_INIT;
	struct candidate c[CHOICE_MAX];
	size_t n = read_seen(seen, c);
	struct procfile p = { 0 };
	struct error err = ERROR_INIT;
	struct choice choice;

	if (row->procfile)
		assert_int_equal(procfile_parse(row->procfile, "Procfile", &p, &err), 0);
	choose_packs(c, n, row->procfile ? &p : NULL, row->static_json, &choice);
	put_names(c, choice.picks, choice.n, &picks);
	put_names(c, choice.left_out, choice.n_left_out, &left_out);
	print_message("%s | %s -> %s (%s)\n", row->seen, row->procfile ? row->procfile : "-",
		      picks.len ? picks.data : "", left_out.len ? left_out.data : "");
	assert_string_equal(picks.len ? picks.data : "", row->picks);
	assert_string_equal(left_out.len ? left_out.data : "", row->left_out);
	assert_int_equal(choice.why, row->why);
	procfile_done(&p);
}

static void test_choice(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		try_row(&rows[i]);
}

static void test_names_of_buildpacks(void **state)
{
	static const char *const cases[][2] = {
		{ "python", "python" },
		{ "heroku/python", "python" },
		{ "heroku/whatever", "whatever" },
		{ "heroku/jvm", "java" },
		{ "heroku/gradle", "java" },
		{ "heroku-community/static", "static" },
		{ "heroku-community/static@latest", "static" },
		{ "hashnuke/elixir", "elixir" },
		{ "urn:buildpack:heroku/ruby", "ruby" },
		{ "https://github.com/heroku/heroku-buildpack-python", "python" },
		{ "https://github.com/heroku/heroku-buildpack-nodejs.git", "nodejs" },
		{ "https://github.com/Heroku/heroku-buildpack-Ruby.git/", "ruby" },
		{ "git@github.com:heroku/heroku-buildpack-go.git", "go" },
		{ "https://github.com/HashNuke/heroku-buildpack-elixir", "elixir" },
		{ "https://buildpack-registry.s3.amazonaws.com/buildpacks/heroku/php.tgz", "php" },
		{ "https://github.com/heroku/heroku-buildpack-python#v247", NULL },
		{ "https://github.com/somebody/heroku-buildpack-python", NULL },
		{ "https://git.example/heroku/heroku-buildpack-python", NULL },
		{ "/srv/packs/python", NULL },
		{ "other/python", NULL },
		{ "heroku/a/b", NULL },
		{ "heroku/../python", NULL },
		{ "..", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *here = pack_name_here(cases[i][0]);

		if (cases[i][1])
			assert_string_equal(here ? here : cases[i][0], cases[i][1]);
		else
			assert_true(!here);
	}
	assert_true(pack_name_is_apt("heroku-community/apt"));
	assert_true(pack_name_is_apt("https://github.com/heroku/heroku-buildpack-apt"));
	assert_false(pack_name_is_apt("heroku/python"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_language_of_a_command),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_names_of_buildpacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
