/* SPDX-License-Identifier: Apache-2.0 */
/* model: names, Procfile, bin/release and sizes, as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"
#include "model/action.h"
#include "model/app-json.h"
#include "model/host.h"
#include "model/names.h"
#include "model/procfile.h"
#include "model/size.h"
#include "model/stale.h"

#define X10 "xxxxxxxxxx"
#define X30 X10 X10 X10
#define X60 X30 X30

/* What is checked, and a part of the message; NULL where it is good. */
struct row {
	const char *in;
	const char *message;
};

static void check_rows(int (*check)(const char *, struct error *), const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct error err = ERROR_INIT;
		int r = check(rows[i].in, &err);

		if (!rows[i].message && r < 0)
			fail_msg("\"%s\" is refused: %s", rows[i].in, err.message);
		if (!rows[i].message)
			continue;
		if (r == 0)
			fail_msg("\"%s\" is accepted", rows[i].in);
		if (!strstr(err.message, rows[i].message))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", rows[i].in, err.message,
				 rows[i].message);
		assert_int_equal(err.kind, ERROR_INVALID);
	}
}

static void test_app_names(void **state)
{
	static const struct row rows[] = {
		{ "abc", NULL },
		{ "quiet-river-4821", NULL },
		{ "a1-", "ends with \"-\"" },
		{ "api2", NULL },
		{ X30, NULL },
		{ X30 "x", "Name is too long (maximum is 30 characters)" },
		{ "ab", "Name is too short (minimum is 3 characters)" },
		{ "", "too short" },
		{ "1st", "starts with \"1\"" },
		{ "-ab", "starts with \"-\"" },
		{ "Up_Per", "\"Up_Per\" contains \"U\"" },
		{ "up_per", "contains \"_\"" },
		{ "a b",
		  "Name must start with a letter, end with a letter or digit and can only contain "
		  "lowercase letters, digits, and dashes" },
		{ "a\nb", "\"a?b\" contains \"?\"" },
		{ "caf\xc3\xa9", "\"caf\xc3\xa9\" contains \"\xc3\xa9\"" },
		{ "caf\xe9", "\"caf\xef\xbf\xbd\" contains \"\xef\xbf\xbd\"" },
		{ "api", "reserved" },
		{ "git", "reserved" },
		{ "../x", "contains \".\"" },
	};

	(void)state;
	check_rows(name_check_app, rows, ARRAY_SIZE(rows));
}

static void test_config_keys(void **state)
{
	static const struct row rows[] = {
		{ "A", NULL },
		{ "_a9", NULL },
		{ "DATABASE_URL", NULL },
		{ "PORTS", NULL },
		{ "HOME", NULL },
		{ "HEROKU_POSTGRESQL_PINK_URL", NULL },
		{ "TWELVE", NULL },
		{ "TWELVE_CHECK", NULL },
		{ "TWELVE_CHECK_PATH", NULL },
		{ "TWELVE_START_TIMEOUT", NULL },
		{ "TWELVE_STOP_TIMEOUT", NULL },
		{ "TWELVE_APP_NAME", "TWELVE_APP_NAME can't be set" },
		{ "TWELVE_", "can't be set" },
		{ "HEROKU_APP_NAME", "the platform gives it" },
		{ "PORT", "PORT can't be set" },
		{ "DYNO", "DYNO can't be set" },
		{ "1ABC", "\"1ABC\" must start with a letter or an underscore" },
		{ "A-B", "\"A-B\" can only contain" },
		{ "A=B", "\"A=B\" can only contain" },
		{ "", "empty" },
		{ X60 X60 "12345678", NULL },
		{ X60 X60 "123456789", "too long (maximum is 128 characters)" },
	};

	(void)state;
	check_rows(name_check_config_key, rows, ARRAY_SIZE(rows));
}

static void test_config_values(void **state)
{
	static const struct {
		const char *key;
		struct row row;
	} rows[] = {
		{ "A", { "", NULL } },
		{ "A", { "line\nline", NULL } },
		{ "TWELVE_CHECK_PATH", { "/", NULL } },
		{ "TWELVE_CHECK_PATH", { "/health?deep=1", NULL } },
		{ "TWELVE_CHECK_PATH", { "health", "starts with \"/\", found \"health\"" } },
		{ "TWELVE_CHECK_PATH", { "", "starts with \"/\"" } },
		{ "TWELVE_CHECK_PATH", { "/a HTTP/1.0\r\nX: y", "no spaces" } },
		{ "TWELVE_CHECK", { "http", NULL } },
		{ "TWELVE_CHECK", { "port", NULL } },
		{ "TWELVE_CHECK", { "tcp", "or \"port\" ($PORT is bound), found \"tcp\"" } },
		{ "TWELVE_BUILD_DIR", { "apps/web", NULL } },
		{ "TWELVE_BUILD_DIR", { "./web/", NULL } },
		{ "TWELVE_BUILD_DIR", { "", NULL } },
		{ "TWELVE_BUILD_DIR", { "..web", NULL } },
		{ "TWELVE_BUILD_DIR",
		  { "/web", "expected a folder below the top of the repository" } },
		{ "TWELVE_BUILD_DIR",
		  { "web/..", "expected a folder below the top of the repository" } },
		{ "TWELVE_BUILD_DIR", { "a\nb", "expected one folder" } },
		{ "TWELVE_WATCH_PATHS", { "web/** shared/**", NULL } },
		{ "TWELVE_START_TIMEOUT", { "1", NULL } },
		{ "TWELVE_START_TIMEOUT", { "3600", NULL } },
		{ "TWELVE_START_TIMEOUT", { "0", "from 1 to 3600, found \"0\"" } },
		{ "TWELVE_START_TIMEOUT", { "3601", "from 1 to 3600" } },
		{ "TWELVE_STOP_TIMEOUT", { "30s", "TWELVE_STOP_TIMEOUT: expected whole seconds" } },
		{ "TWELVE_STOP_TIMEOUT", { "", "expected whole seconds" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		int r = name_check_config_value(rows[i].key, rows[i].row.in, &err);

		assert_int_equal(r, rows[i].row.message ? -1 : 0);
		if (r < 0 && !strstr(err.message, rows[i].row.message))
			fail_msg("%s", err.message);
	}
}

static void test_a_long_value_stays_out_of_the_message(void **state)
{
	_cleanup_free_ char *value = xcalloc(1, CONFIG_VALUE_MAX + 2);
	struct error err = ERROR_INIT;

	(void)state;
	memset(value, 's', CONFIG_VALUE_MAX);
	assert_int_equal(name_check_config_value("SECRET", value, &err), 0);
	value[CONFIG_VALUE_MAX] = 's';
	assert_int_equal(name_check_config_value("SECRET", value, &err), -1);
	assert_non_null(strstr(err.message, "SECRET is too long: 32769 bytes"));
	assert_null(strstr(err.message, "ss"));
}

static void test_types(void **state)
{
	static const struct row rows[] = {
		{ "web", NULL },
		{ "Urgent_worker-2", NULL },
		{ X10 X10 X10 X10 X10, NULL },
		{ X10 X10 X10 X10 X10 "x", "too long (maximum is 50 characters)" },
		{ "", "empty" },
		{ "web.1", "\"web.1\" can only contain" },
		{ "a/b", "can only contain" },
	};

	(void)state;
	check_rows(name_check_type, rows, ARRAY_SIZE(rows));
}

static void test_domains(void **state)
{
	static const struct row rows[] = {
		{ "example.com", NULL },
		{ "WWW.Example.com", NULL },
		{ "*.example.com", NULL },
		{ "xn--bcher-kva.example", NULL },
		{ "3com.com", NULL },
		{ X60 "xxx.com", NULL },
		{ X60 "xxxx.com", "more than 63" },
		{ X60 "." X60 "." X60 "." X60 "." X10 ".com", "too long (maximum is 253" },
		{ "localhost", "at least one dot" },
		{ "*.com", "at least one dot" },
		{ "", "at least one dot" },
		{ "a..b", "empty label" },
		{ ".a.b", "empty label" },
		{ "a.b.", "empty label" },
		{ "-a.com", "dash" },
		{ "a-.com", "dash" },
		{ "a_b.com", "can only contain" },
		{ "a.*.com", "can only contain" },
		{ "a.com:80", "can only contain" },
		{ "http://a.com", "can only contain" },
		{ "127.0.0.1", "last label is a number" },
	};

	(void)state;
	check_rows(name_check_domain, rows, ARRAY_SIZE(rows));
}

static void test_generated_names_are_names(void **state)
{
	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct error err = ERROR_INIT;
		char name[APP_NAME_MAX + 1];

		name_generate(name, sizeof(name));
		if (name_check_app(name, &err) < 0)
			fail_msg("%s: %s", name, err.message);
	}
}

static void test_excerpt(void **state)
{
	char buf[NAME_EXCERPT_SIZE];

	(void)state;
	assert_string_equal(name_excerpt(buf, "a\033[2Jb"), "a?[2Jb");
	assert_string_equal(name_excerpt(buf, X60), X60);
	assert_string_equal(name_excerpt(buf, X60 "y"), X60 "...");
}

/* Types and commands as "type=command;". */
static char *flat(const struct procfile *p)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (size_t i = 0; i < p->n_types; i++)
		buf_printf(&b, "%s=%s;", p->types[i].name, p->types[i].command);
	buf_putc(&b, '\0');
	return buf_steal(&b);
}

struct parse_row {
	const char *text;
	const char *flat;    /* NULL: an error */
	const char *message; /* all of it */
};

static int parse_procfile(const char *text, struct procfile *ret, struct error *err)
{
	return procfile_parse(text, "Procfile", ret, err);
}

static void check_parse(int (*parse)(const char *, struct procfile *, struct error *),
			const struct parse_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct procfile p = { 0 };
		struct error err = ERROR_INIT;
		int r = parse(rows[i].text, &p, &err);
		_cleanup_free_ char *got = flat(&p);

		if (rows[i].flat && r < 0)
			fail_msg("row %zu: %s", i, err.message);
		if (rows[i].flat)
			assert_string_equal(got, rows[i].flat);
		else if (r == 0)
			fail_msg("row %zu is accepted: %s", i, got);
		else
			assert_string_equal(err.message, rows[i].message);
		procfile_done(&p);
	}
}

static void test_procfile(void **state)
{
	static const struct parse_row rows[] = {
		{ "", "", NULL },
		{ "web: npm start", "web=npm start;", NULL },
		{ "web: a\r\nworker: b\r\n", "web=a;worker=b;", NULL },
		{ "\xef\xbb\xbfweb: a\n", "web=a;", NULL },
		{ "# one\n\n  \nz: 1\na: 2 # kept\n", "z=1;a=2 # kept;", NULL },
		{ "web:a\n", "web=a;", NULL },
		{ " web :  a:b  \n", "web=a:b;", NULL },
		{ "web: gunicorn -b 0.0.0.0:$PORT app:app",
		  "web=gunicorn -b 0.0.0.0:$PORT app:app;", NULL },
		{ "web: a\n\nweb gunicorn\n", NULL,
		  "Procfile:3: expected \"type: command\", found \"web gunicorn\"" },
		{ ": a\n", NULL, "Procfile:1: expected \"type: command\", found \": a\"" },
		{ "web: a\n#\nweb: b\n", NULL,
		  "Procfile:3: process type \"web\" is there twice: keep one" },
		{ "web: a\nworker:  \n", NULL,
		  "Procfile:2: process type \"worker\" has no command" },
		{ "\nmy web: a\n", NULL,
		  "Procfile:2: Process type \"my web\" can only contain letters, digits, dashes, "
		  "and "
		  "underscores" },
		{ "\033]0;x\007\n", NULL,
		  "Procfile:1: expected \"type: command\", found \"?]0;x?\"" },
	};

	(void)state;
	check_parse(parse_procfile, rows, ARRAY_SIZE(rows));
}

static void test_procfile_is_bounded(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct procfile p = { 0 };
	struct error err = ERROR_INIT;

	(void)state;
	for (int i = 0; i < PROCFILE_TYPES_MAX; i++)
		buf_printf(&b, "t%d: x\n", i);
	assert_int_equal(procfile_parse(b.data, "Procfile", &p, &err), 0);
	assert_int_equal(p.n_types, PROCFILE_TYPES_MAX);
	procfile_done(&p);
	buf_puts(&b, "more: x\n");
	assert_int_equal(procfile_parse(b.data, "Procfile", &p, &err), -1);
	assert_string_equal(err.message, "Procfile:101: more than 100 process types");
	assert_int_equal(p.n_types, 0);

	buf_clear(&b);
	buf_puts(&b, "web: ");
	memset(buf_reserve(&b, PROCFILE_COMMAND_MAX + 1), 'x', PROCFILE_COMMAND_MAX + 1);
	buf_added(&b, PROCFILE_COMMAND_MAX + 1);
	assert_int_equal(procfile_parse(b.data, "Procfile", &p, &err), -1);
	assert_string_equal(
		err.message,
		"Procfile:1: the command of \"web\" is too long (maximum is 32768 bytes)");
}

static void test_procfile_set(void **state)
{
	struct procfile p = { 0 };

	(void)state;
	procfile_set(&p, "web", "a");
	procfile_set(&p, "worker", "b");
	procfile_set(&p, "web", "c");
	assert_int_equal(p.n_types, 2);
	assert_string_equal(procfile_get(&p, "web"), "c");
	assert_string_equal(procfile_get(&p, "worker"), "b");
	assert_null(procfile_get(&p, "clock"));
	procfile_done(&p);
	assert_int_equal(p.n_types, 0);
}

#define TYPES "---\ndefault_process_types:\n"

static void test_release_yaml(void **state)
{
	static const struct parse_row rows[] = {
		{ "", "", NULL },
		{ "---\n", "", NULL },
		{ "--- {}\n", "", NULL },
		{ "{}", "", NULL },
		{ "---\naddons: []\ndefault_process_types: {}\n", "", NULL },
		{ "default_process_types:\n", "", NULL },
		{ TYPES "  web: npm start\n", "web=npm start;", NULL },
		{ "---\naddons:\n- heroku-postgresql\nconfig_vars:\n  A: b\n  web: "
		  "no\ndefault_process_types:\n"
		  "  web: bin/rails server -p ${PORT:-5000} -e $RAILS_ENV\n  rake: bundle exec "
		  "rake\n"
		  "other:\n  clock: no\n...\n",
		  "web=bin/rails server -p ${PORT:-5000} -e $RAILS_ENV;rake=bundle exec rake;",
		  NULL },
		{ TYPES
		  "# a\n  web: 'it''s'   # b\n\n  # c\n  \"worker\": \"a \\\"b\\\" \\\\ \\t\"\n",
		  "web=it's;worker=a \"b\" \\ \t;", NULL },
		{ TYPES "  web: java -jar x.jar # not this\n", "web=java -jar x.jar;", NULL },
		{ TYPES "  web: echo a#b\n", "web=echo a#b;", NULL },
		{ TYPES "    web: one\n      two\n      three\n    worker: w\n",
		  "web=one two three;worker=w;", NULL },
		{ TYPES "  web:\n    long\n    command\n", "web=long command;", NULL },
		{ TYPES "  web: \"one\\\n    \\ two\"\n", "web=one two;", NULL },
		{ TYPES "  web: \"one\\\\\n    two\"\n", "web=one\\ two;", NULL },
		{ "default_process_types: # below\r\n  web: a\r\n", "web=a;", NULL },
		{ TYPES "  web: a\n  web: b\n", NULL,
		  "bin/release:4: process type \"web\" is there twice: keep one" },
		{ TYPES "  web:\n", NULL, "bin/release:3: process type \"web\" has no command" },
		{ TYPES "  web: ~\n", NULL, "bin/release:3: process type \"web\" has no command" },
		{ TYPES "  web: |\n    a\n", NULL,
		  "bin/release:3: block scalars are not supported, write the command on one line: "
		  "found \"| "
		  "a\"" },
		{ TYPES "  web: *x\n", NULL,
		  "bin/release:3: expected a command, quoted if it starts with this character: "
		  "found \"*x\"" },
		{ TYPES "  web: a: b\n", NULL,
		  "bin/release:3: a command with a colon and a space must be quoted: found \"a: "
		  "b\"" },
		{ TYPES "  web:\n    command: a\n", NULL,
		  "bin/release:3: a command with a colon and a space must be quoted: found "
		  "\"command: a\"" },
		{ TYPES "  web: 'a\n", NULL, "bin/release:3: a single quote is not closed" },
		{ TYPES "  web: \"a\n", NULL, "bin/release:3: a double quote is not closed" },
		{ TYPES "  web: \"a\" b\n", NULL,
		  "bin/release:3: expected nothing after the closing quote: found \"b\"" },
		{ TYPES "  web: \"\\q\"\n", NULL,
		  "bin/release:3: this escape is not supported: found \"\\q\"\"" },
		{ TYPES "  web: a\n worker: b\n", NULL,
		  "bin/release:4: this line is indented otherwise than the one above: found "
		  "\"worker: b\"" },
		{ TYPES "\tweb: a\n", NULL,
		  "bin/release:3: expected \"key: value\": found \"web: a\"" },
		{ TYPES "  - web\n", NULL,
		  "bin/release:3: expected \"type: command\": found \"- web\"" },
		{ "default_process_types: {web: a}\n", NULL,
		  "bin/release:1: expected the process types below, one a line: found \"{web: "
		  "a}\"" },
		{ "--- {default_process_types: {web: a}}\n", NULL,
		  "bin/release:1: expected \"key: value\": found \"--- {default_process_types: "
		  "{web: a}}\"" },
		{ "---\nsome words\n", NULL,
		  "bin/release:2: expected \"key: value\": found \"some words\"" },
	};

	(void)state;
	check_parse(procfile_parse_release, rows, ARRAY_SIZE(rows));
}

static void test_heroku_yml(void **state)
{
	static const struct parse_row rows[] = {
		{ "build:\n  docker:\n    web: Dockerfile\nrun:\n  web: bundle exec puma\n  "
		  "worker:\n    command:\n      - python worker.py\n    image: web\n",
		  "web=bundle exec puma;worker=python worker.py;", NULL },
		{ "run:\n  worker:\n    image: web\n    command: sleep 1\n  web: a\n",
		  "worker=sleep 1;web=a;", NULL },
		{ "run:\n  worker:\n    command:\n    - npm\n    - run\n    - \"a b\"\n    image: "
		  "web\n  web: x\n",
		  "worker=npm run 'a b';web=x;", NULL },
		{ "run:\r\n  web:\r\n    command: [\"sh\", \"-c\", \"it's a, b\"]\r\n",
		  "web=sh -c 'it'\\''s a, b';", NULL },
		{ "run:\n  web: [npm, start]\n", "web=npm start;", NULL },
		{ "run:\n  web: [\"npm start\"]\n", "web=npm start;", NULL },
		{ "run:\n  web:\n    npm\n    start\n", NULL,
		  "heroku.yml:2: expected a command, or a \"command:\" below" },
		{ "release:\n  image: web\n  command:\n    - ./migrate\nrun:\n  web: a\n",
		  "release=./migrate;web=a;", NULL },
		{ "setup:\n  addons:\n    - plan: heroku-postgresql\n  config:\n    A: b\n", "",
		  NULL },
		{ "run:\n", "", NULL },
		{ "run:\n  web:\n    image: web\n", NULL,
		  "heroku.yml:2: expected a command, or a \"command:\" below" },
		{ "run:\n  web: |\n    a\n", NULL,
		  "heroku.yml:2: block scalars are not supported, write the command on one line: "
		  "found \"| a\"" },
		{ "run:\n  web: [a\n", NULL,
		  "heroku.yml:2: a list on one line has to end there: found \"[a\"" },
		{ "release:\n  image: web\n", "", NULL },
	};

	(void)state;
	check_parse(procfile_parse_heroku_yml, rows, ARRAY_SIZE(rows));
}

static void test_sizes(void **state)
{
	static const struct {
		const char *name, *found;
	} rows[] = {
		{ "standard-1x", "standard-1x" },
		{ "Standard-1X", "standard-1x" },
		{ "1X", "standard-1x" },
		{ "2x", "standard-2x" },
		{ "PERFORMANCE-L-RAM", "performance-l-ram" },
		{ DYNO_SIZE_DEFAULT, "standard-1x" },
		{ "huge", NULL },
		{ "", NULL },
		{ "standard-", NULL },
		{ "m", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct dyno_size *s = dyno_size_find(rows[i].name);

		if (!rows[i].found)
			assert_null(s);
		else
			assert_string_equal(s->name, rows[i].found);
	}
	assert_int_equal(dyno_size_find("eco")->memory_bytes, 512u << 20);
	assert_int_equal(dyno_size_find("performance-m")->memory_bytes, 2560u << 20);
	for (size_t i = 0; i < n_dyno_sizes; i++) {
		const struct dyno_size *s = &dyno_sizes[i];

		assert_true(s->memory_bytes >= 512u << 20);
		/* cgroup v1 takes cpu.shares of 2 to 262144. */
		assert_in_range(s->cpu_shares, 1024, 262144);
		assert_in_range(s->pids, 256, 32768);
	}
}

/* ---- app.json ---- */

static const char *first(json_t *errors)
{
	const char *text = json_string_value(json_array_get(errors, 0));

	return text ? text : "";
}

static void test_app_json_refuses(void **state)
{
	static const struct row rows[] = {
		{ "{}", NULL },
		{ "{\"env\": null, \"addons\": null, \"scripts\": null, \"formation\": null, "
		  "\"buildpacks\": null}",
		  NULL },
		{ "", "line 1" },
		{ "[]", "app.json: an object is needed" },
		{ "{\"name\": 1}", "\"name\" must be a string" },
		{ "{\"name\": \"a\", \"name\": \"b\"}", "a member is there twice" },
		{ "{\"env\": []}", "\"env\" must be an object" },
		{ "{\"env\": {\"A\": 1}}", "\"env.A\": a string" },
		{ "{\"env\": {\"A B\": \"\"}}", "app.json: \"env\": " },
		{ "{\"env\": {\"A\": {\"generator\": \"uuid\"}}}", "the only generator" },
		{ "{\"env\": {\"A\": {\"required\": 1}}}", "\"env.A.required\"" },
		{ "{\"addons\": {}}", "\"addons\" must be an array" },
		{ "{\"addons\": [\"\"]}", "\"addons[0]\"" },
		{ "{\"addons\": [\"a\", {\"plan\": \"b\", \"as\": 1}]}", "\"addons[1].as\"" },
		{ "{\"buildpacks\": [{\"url\": \"--upload-pack=x\"}]}", "\"buildpacks[0]\"" },
		{ "{\"formation\": {\"web\": {\"quantity\": -1}}}", "\"formation.web.quantity\"" },
		{ "{\"formation\": {\"web\": {\"size\": \"huge\"}}}", "\"formation.web.size\"" },
		{ "\xef\xbb\xbf{\"name\": \"by an editor on Windows\"}", NULL },
		{ "\xef\xbb\xbf", "line 1, column 0" },
		{ "{\"formation\": {\"a b\": {}}}", "app.json: \"formation\": " },
		{ "{\"scripts\": {\"postdeploy\": \"\"}}", "\"scripts.postdeploy\"" },
		{ "{\"environments\": {\"review\": 1}}",
		  "\"environments.review\" must be an object" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *errors = json_array();
		json_t *parsed = app_json_parse(rows[i].in, strlen(rows[i].in), "review", errors);

		if (!rows[i].message != !!parsed ||
		    (rows[i].message && !strstr(first(errors), rows[i].message)))
			fail_msg("%s: \"%s\"", rows[i].in, first(errors));
		json_decref(parsed);
		json_decref(errors);
	}
}

static void test_app_json_in_its_plain_form(void **state)
{
	static const char text[] =
		"{\"env\": {\"A\": \"1\", \"B\": {\"value\": \"2\"}, \"C\": {\"required\": false}},"
		" \"addons\": [\"redis\", {\"plan\": \"postgresql:x\", \"as\": \"DB\"}],"
		" \"formation\": {\"web\": {\"quantity\": 2, \"size\": \"Standard-2X\"}},"
		" \"scripts\": {\"postdeploy\": {\"command\": \"seed\"}},"
		" \"environments\": {\"review\": {\"addons\": [], \"env\": {\"B\": \"3\"}}}}";
	json_t *errors = json_array(), *plain = app_json_parse(text, strlen(text), NULL, errors);
	json_t *review = app_json_parse(text, strlen(text), "review", errors);
	_cleanup_free_ char *addons = json_dumps(json_object_get(plain, "addons"), JSON_COMPACT);
	_cleanup_free_ char *formation =
		json_dumps(json_object_get(plain, "formation"), JSON_COMPACT);

	(void)state;
	assert_non_null(plain);
	assert_non_null(review);
	assert_string_equal(
		addons,
		"[{\"plan\":\"redis\",\"as\":null},{\"plan\":\"postgresql:x\",\"as\":\"DB\"}]");
	assert_string_equal(formation, "{\"web\":{\"quantity\":2,\"size\":\"standard-2x\"}}");
	assert_string_equal(json_string_value(json_object_get(plain, "postdeploy")), "seed");
	assert_int_equal(json_array_size(json_object_get(review, "addons")), 0);
	assert_string_equal(json_string_value(json_object_get(review, "postdeploy")), "seed");
	for (int i = 0; i < 2; i++) {
		json_t *env = app_json_env(i ? review : plain, NULL, errors);

		assert_string_equal(json_string_value(json_object_get(env, "B")), i ? "3" : "2");
		assert_int_equal(json_object_size(env), 2);
		json_decref(env);
	}
	json_decref(plain);
	json_decref(review);
	json_decref(errors);
}

static void test_app_json_env(void **state)
{
	static const char text[] =
		"{\"env\": {\"S\": {\"generator\": \"secret\"}, \"R\": {\"description\": \"x\"}}}";
	json_t *errors = json_array(), *plain = app_json_parse(text, strlen(text), NULL, errors);
	json_t *overrides = json_pack("{s:s, s:s}", "R", "mine", "MORE", "1"), *env;

	(void)state;
	assert_null(app_json_env(plain, NULL, errors));
	assert_non_null(strstr(first(errors), "\"env.R\" is required"));
	env = app_json_env(plain, overrides, errors);
	assert_int_equal(json_object_size(env), 3);
	assert_int_equal(strspn(json_string_value(json_object_get(env, "S")), "0123456789abcdef"),
			 64);
	assert_string_equal(json_string_value(json_object_get(env, "R")), "mine");
	json_decref(env);
	json_decref(overrides);
	json_decref(plain);
	json_decref(errors);
}

/* Each endpoint that changes something has words that are none of a path. */
static void test_actions_have_words(void **state)
{
	const char *path = getenv("TWELVE_AUTHORIZATION_TABLE");
	FILE *f = path ? fopen(path, "re") : NULL;
	char line[256], method[16], where[200], action[220];
	size_t n = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		const char *words;

		if (sscanf(line, "%*s %15s %199s", method, where) != 2 || line[0] == '#' ||
		    streq(method, "GET"))
			continue;
		snprintf(action, sizeof(action), "%s %s", method, where);
		words = action_words(action);
		if (!words)
			fail_msg("%s has no words in src/model/action.c", action);
		assert_null(strpbrk(words, "/:"));
		n++;
	}
	fclose(f);
	assert_true(n > 90);
	assert_null(action_words("GET /apps"));
}

static void test_actions_and_notes(void **state)
{
	static const char *const table[][3] = {
		{ "DELETE /apps/:app/collaborators/:collaborator", "collaborator ada@example.com",
		  "remove collaborator ada@example.com" },
		{ "POST /apps/:app/collaborators", "collaborator ada@example.com: view",
		  "add collaborator ada@example.com: view" },
		{ "PATCH /apps/:app/config-vars", "set GREETING", "change config: set GREETING" },
		{ "PATCH /apps/:app/config-vars", "", "change config" },
		{ "PATCH /apps/:app/formation", "scale web=2", "scale web=2" },
		{ "PUT /apps/:app/buildpack-installations", "buildpacks: none",
		  "set buildpacks: none" },
		{ "POST /apps/:app/acm", "automatic certificates enabled",
		  "automatic certificates enabled" },
		{ "POST /addon-attachments", "attach shelf as CACHE", "attach shelf as CACHE" },
		{ "POST /apps/:app/domains", "domains", "add domain: domains" },
		{ "PURGE /moon", "all of it", "PURGE /moon: all of it" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char *s = action_sentence(table[i][0], table[i][1]);

		assert_string_equal(s, table[i][2]);
		free(s);
	}
}

/* From the last of what was done to it, whichever that is. */
static void test_stale(void **state)
{
	const int64_t day = 86400000;
	struct stale_facts f = { .days = 5, .created_ms = 10 * day };

	(void)state;
	assert_int_equal(stale_due_ms(&f), 15 * day);
	f.build_ms = 11 * day;
	assert_int_equal(stale_due_ms(&f), 16 * day);
	f.release_ms = 12 * day;
	assert_int_equal(stale_due_ms(&f), 17 * day);
	f.build_ms = 13 * day + 1;
	assert_int_equal(stale_due_ms(&f), 18 * day + 1);
	f.put_back_ms = 20 * day;
	assert_int_equal(stale_due_ms(&f), 25 * day);
	f.put_back_ms = 0;
	f.days = STALE_DAYS_MAX;
	f.build_ms = f.release_ms = 1;
	assert_int_equal(stale_due_ms(&f), (10 + STALE_DAYS_MAX) * day);
}

static void test_hosts(void **state)
{
	static const struct {
		const char *text, *host, *shown;
	} rows[] = {
		{ "shop.example.com", "shop.example.com", "shop.example.com" },
		{ "Shop.Example.COM.", "shop.example.com", "shop.example.com" },
		{ "b\xc3\xbc"
		  "cher.example",
		  "xn--bcher-kva.example",
		  "b\xc3\xbc"
		  "cher.example" },
		{ "*.B\xc3\x9c"
		  "CHER.example",
		  "*.xn--bcher-kva.example",
		  "*.b\xc3\xbc"
		  "cher.example" },
		/* The umlaut as two characters is the same name. */
		{ "bu\xcc\x88"
		  "cher.example",
		  "xn--bcher-kva.example",
		  "b\xc3\xbc"
		  "cher.example" },
		{ "fa\xc3\x9f.example", "xn--fa-hia.example", "fa\xc3\x9f.example" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example",
		  "b\xc3\xbc"
		  "cher.example" },
		/* None: not UTF-8, an empty label, no dot, something that is no letter. */
		{ "b\xfc"
		  "cher.example",
		  NULL, NULL },
		{ "b\xc3\xbc"
		  "cher..example",
		  NULL, NULL },
		{ "b\xc3\xbc"
		  "cher",
		  NULL, NULL },
		{ "b\xc3\xbc/cher.example", NULL, NULL },
		{ ".", NULL, NULL },
		{ "", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *host = NULL, *shown = NULL;
		struct error err = ERROR_INIT;
		int r = host_from_text(rows[i].text, &host, &err);

		assert_int_equal(r, rows[i].host ? 0 : -1);
		if (r < 0) {
			assert_int_equal(err.kind, ERROR_INVALID);
			continue;
		}
		assert_string_equal(host, rows[i].host);
		shown = host_to_text(host);
		assert_string_equal(shown, rows[i].shown);
	}
}

static void test_sizes_as_people_write_them(void **state)
{
	char buf[DYNO_SIZE_DISPLAY];

	(void)state;
	size_display("standard-1x", buf);
	assert_string_equal(buf, "Standard-1X");
	size_display("performance-l-ram", buf);
	assert_string_equal(buf, "Performance-L-Ram");
	size_display("a-name-that-is-far-longer-than-any-size", buf);
	assert_int_equal(strlen(buf), DYNO_SIZE_DISPLAY - 1);
}

static void test_ids_of_names_stay(void **state)
{
	char one[UUID_SIZE], two[UUID_SIZE];

	(void)state;
	name_uuid("stack", "base-1", one);
	assert_string_equal(name_uuid("stack", "base-1", two), one);
	assert_int_equal(strlen(one), UUID_SIZE - 1);
	assert_int_equal(one[14], '8');
	assert_string_not_equal(name_uuid("region", "base-1", two), one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes_as_people_write_them),
		cmocka_unit_test(test_ids_of_names_stay),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_app_names),
		cmocka_unit_test(test_config_keys),
		cmocka_unit_test(test_config_values),
		cmocka_unit_test(test_a_long_value_stays_out_of_the_message),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_generated_names_are_names),
		cmocka_unit_test(test_excerpt),
		cmocka_unit_test(test_procfile),
		cmocka_unit_test(test_procfile_is_bounded),
		cmocka_unit_test(test_procfile_set),
		cmocka_unit_test(test_release_yaml),
		cmocka_unit_test(test_heroku_yml),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_app_json_refuses),
		cmocka_unit_test(test_app_json_in_its_plain_form),
		cmocka_unit_test(test_app_json_env),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_actions_have_words),
		cmocka_unit_test(test_actions_and_notes),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
