/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes, and ranges of lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "daemon/api/docs.h"
#include "daemon/api/route.h"
#include "daemon/api/team/logins.h"
#include "daemon/api/team/page.h"
#include "daemon/http/range.h"

#define MAX_VALUES 4

struct matched {
	const struct api_route *route;
	const char *values[MAX_VALUES];
	size_t lengths[MAX_VALUES];
	size_t n;
	bool path_known;
};

static struct matched match(const char *method, const char *path)
{
	struct matched m = { 0 };

	m.route = api_match(method, path, m.values, m.lengths, MAX_VALUES, &m.n, &m.path_known);
	return m;
}

static void assert_value(const struct matched *m, size_t i, const char *expected)
{
	assert_true(i < m->n);
	assert_int_equal(m->lengths[i], strlen(expected));
	assert_memory_equal(m->values[i], expected, m->lengths[i]);
}

/* A pattern with other words for its parameters: "/apps/:app" gives "/apps/x0". */
static char *example(const char *pattern)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (int i = 0; *pattern;) {
		if (*pattern == ':') {
			buf_printf(&b, "x%d", i++);
			pattern += strcspn(pattern, "/.");
		} else {
			buf_putc(&b, *pattern++);
		}
	}
	return buf_steal(&b);
}

/* Each route is reached by its own path and no other route is; a literal stands before a parameter
 * that would take it. */
static void test_each_route_is_reached(void **state)
{
	(void)state;
	assert_non_null(api_route_at(50));
	for (size_t i = 0; api_route_at(i); i++) {
		_cleanup_free_ char *path = example(api_route_at(i)->path),
				    *slash = xasprintf("%s/", path);
		struct matched m = match(api_route_at(i)->method, path);

		if (m.route != api_route_at(i))
			fail_msg("%s %s is caught by %s", api_route_at(i)->method, path,
				 m.route ? m.route->path : "none");
		assert_ptr_equal(match(api_route_at(i)->method, slash).route, api_route_at(i));
		for (size_t k = 0; k < m.n; k++) {
			_cleanup_free_ char *value = xasprintf("x%zu", k);

			assert_value(&m, k, value);
		}
	}
}

static void test_each_route_says_what_it_does(void **state)
{
	(void)state;
	for (size_t i = 0; api_route_at(i); i++) {
		assert_non_null(api_route_at(i)->fn);
		assert_non_null(api_route_at(i)->help);
		assert_true(strlen(api_route_at(i)->help) > 5);
		assert_true(api_route_at(i)->path[0] == '/');
	}
}

/* Where the path holds no secret and what is shown is none (a CA's certificate, names of
 * buildpacks), a token is needed; providers have tokens of their own, which their handlers look at.
 */
static void test_what_is_public(void **state)
{
	static const char *const secrets[] = { "/streams/:",   "/log-streams/:", "/sources/:",
					       "/downloads/:", "/oauth/token",	 "/twelve/ca",
					       "/buildpacks",  "/auth" };

	(void)state;
	for (size_t i = 0; api_route_at(i); i++) {
		bool secret = str_starts(api_route_at(i)->help, "for its provider: ");

		for (size_t k = 0; k < ARRAY_SIZE(secrets); k++)
			secret = secret || str_starts(api_route_at(i)->path, secrets[k]);
		if (api_route_at(i)->need == NEED_NOTHING && !secret)
			fail_msg("%s %s is open to everybody", api_route_at(i)->method,
				 api_route_at(i)->path);
	}
}

/* ---- who may do what ---- */

static const struct {
	const char *name;
	struct standing standing;
} roles[] = {
	{ "nobody", { 0 } },
	{ "user", { .known = true } },
	{ "view", { .known = true, .permissions = PERMISSION_VIEW } },
	{ "deploy", { .known = true, .permissions = PERMISSION_VIEW | PERMISSION_DEPLOY } },
	{ "operate", { .known = true, .permissions = PERMISSION_VIEW | PERMISSION_OPERATE } },
	{ "manage", { .known = true, .permissions = PERMISSION_VIEW | PERMISSION_MANAGE } },
	{ "owner", { .known = true, .owner = true } },
	{ "admin", { .known = true, .admin = true } },
};

/* "GET /apps/:app  --vdomoa" as authorization.txt has it: a letter for each role that may, a dash
 * for each that may not. */
static char *authorization_line(const struct api_route *route)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		buf_putc(&b, role_allows(route->need, &roles[i].standing) ? roles[i].name[0] : '-');
	buf_printf(&b, " %s %s", route->method, route->path);
	return buf_steal(&b);
}

/* Every endpoint x role: the file is for people to read; a new endpoint has to be put there, and
 * looked at. */
static void test_authorization(void **state)
{
	const char *path = getenv("TWELVE_AUTHORIZATION_TABLE");
	_cleanup_buf_ struct buf text = BUF_INIT, lines = BUF_INIT;
	size_t n_rows = 0;

	(void)state;
	assert_non_null(path);
	assert_int_equal(fs_read_file(path, 1 << 20, &text), 0);
	buf_printf(&lines, "\n%s", text.data);
	for (size_t i = 0; api_route_at(i); i++) {
		_cleanup_free_ char *line = authorization_line(api_route_at(i)),
				    *whole = xasprintf("\n%s\n", line);

		if (!strstr(lines.data, whole))
			fail_msg("authorization.txt has no line: %s", line);
	}
	for (const char *p = lines.data; (p = strchr(p, '\n')); p++)
		n_rows += p[1] && p[1] != '#' && p[1] != '\n';
	assert_null(api_route_at(n_rows));
	assert_non_null(api_route_at(n_rows - 1));
}

/* A letter for each scope that lets one read (r) and one that lets one write (w). */
static void test_scopes(void **state)
{
	static const struct {
		const char *words;
		const char *nobody, *identity, *account, *apps, *secrets;
	} rows[] = {
		{ "global", "rw", "rw", "rw", "rw", "rw" },
		{ "identity", "rw", "r", "", "", "" },
		{ "read", "rw", "", "", "r", "" },
		{ "write", "rw", "", "", "rw", "" },
		{ "read-protected", "rw", "", "", "r", "r" },
		{ "write-protected", "rw", "", "", "rw", "rw" },
	};

	(void)state;
	assert_int_equal(scope_parse("all"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *const expected[] = { rows[i].nobody, rows[i].identity, rows[i].account,
						 rows[i].apps, rows[i].secrets };

		assert_int_not_equal(scope_parse(rows[i].words), 0);
		for (enum reach reach = REACH_NOBODY; reach <= REACH_SECRETS; reach++)
			for (int write = 0; write < 2; write++)
				if (scope_allows(scope_parse(rows[i].words), reach, write) !=
				    (strchr(expected[reach], write ? 'w' : 'r') != NULL))
					fail_msg("%s: reach %d, write %d", rows[i].words,
						 (int)reach, write);
	}
	assert_true(scope_allows(SCOPE_IDENTITY | SCOPE_READ, REACH_IDENTITY, false));
	assert_false(scope_allows(0, REACH_APPS, false));
}

static void check(const char *body, const char *text, const char *sentence)
{
	json_t *object = json_loads(text, 0, NULL);
	struct error err = ERROR_INIT;

	assert_non_null(object);
	if (!sentence) {
		if (api_check_body(body, true, object, &err) < 0)
			fail_msg("%s: %s", text, err.message);
	} else {
		assert_int_equal(api_check_body(body, true, object, &err), -1);
		assert_int_equal(err.kind, ERROR_INVALID);
		assert_string_equal(err.message, sentence);
	}
	json_decref(object);
}

static void test_bodies(void **state)
{
	static const char body[] =
		"name:string size?:int on?:bool to?:ref list?:array map?:object it?:any";

	(void)state;
	check(NULL, "{\"x\": null}", NULL);
	check(NULL, "{\"x\": 1}", "\"x\" is not supported here: there are no members");
	check("*:any", "{\"X\": 1}", NULL);
	check(body, "{\"name\": \"a\", \"size\": null, \"unknown\": null}", NULL);
	check(body, "{\"name\": \"a\", \"unknown\": 3}",
	      "\"unknown\" is not supported here: the members are name, size, on, to, list, map, "
	      "it");
	check(body, "{\"name\": \"a\", \"name size\": 3}",
	      "\"name size\" is not supported here: the members are name, size, on, to, list, map, "
	      "it");
	check("space?:none", "{\"space\": false}", NULL);
	check("space?:none", "{\"space\": \"x\"}",
	      "\"space\" must be null or false: this platform has no such thing");
	check("quiet?:true", "{\"quiet\": true}", NULL);
	check("quiet?:true", "{\"quiet\": false}",
	      "\"quiet\" must be true: nothing else can be had here");
	check(body, "{}", "\"name\" is missing: a string is needed");
	check(body, "{\"name\": null}", "\"name\" is missing: a string is needed");
	check(body, "{\"name\": 1}", "\"name\" must be a string");
	check(body, "{\"name\": \"a\", \"size\": \"600\"}", NULL);
	check(body, "{\"name\": \"a\", \"size\": \"\"}", "\"size\" must be a whole number");
	check(body, "{\"name\": \"a\", \"size\": \"-1\"}", "\"size\" must be a whole number");
	check(body, "{\"name\": \"a\", \"size\": \"1.5\"}", "\"size\" must be a whole number");
	check(body, "{\"name\": \"a\", \"size\": \"1234567890123456789\"}",
	      "\"size\" must be a whole number");
	check(body, "{\"name\": \"a\", \"on\": 0}", "\"on\" must be true or false");
	check(body,
	      "{\"name\": \"a\", \"to\": {\"id\": \"x\"}, \"list\": [], \"map\": {}, \"it\": 1.5}",
	      NULL);
	check(body, "{\"name\": \"a\", \"to\": {}}",
	      "\"to\" must be a string, or an object with an \"id\" or a \"name\"");
	check(body, "{\"name\": \"a\", \"list\": {}}", "\"list\" must be an array");
	check(body, "{\"name\": \"a\", \"map\": []}", "\"map\" must be an object");
}

/* A slip in the table would let everything pass, or nothing. */
static void test_tables_bodies_are_words(void **state)
{
	static const char types[] = " string int bool object array any ref none true ";
	struct api_member m;

	(void)state;
	for (size_t i = 0; api_route_at(i); i++)
		for (const char *p = api_route_at(i)->body; p && (p = api_member_next(p, &m));) {
			_cleanup_free_ char *word = xasprintf(" %.*s ", (int)m.type_n, m.type);

			assert_true(m.name_n > 0);
			if (!strstr(types, word))
				fail_msg("%s: type%sis none", api_route_at(i)->path, word);
		}
}

static void test_paths(void **state)
{
	static const char *const unknown[] = {
		"",
		"/",
		"/app",
		"/appsx",
		"/apps//config-vars",
		"//apps",
		"/apps/a/b/c/d/e/f",
		"/apps/a/dyno",
		"apps",
		"/apps/a/dynos/b/attach/c",
		"/apps/a//",
		"/streams/",
		"/%61pps",
		"/.git/info/refs",
		"/shop/info/refs",
		"/shop.git/HEAD",
		"/a/b.git/info/refs",
	};
	struct matched m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		m = match("GET", unknown[i]);
		if (m.route || m.path_known)
			fail_msg("\"%s\" is taken for %s", unknown[i],
				 m.route ? m.route->path : "another method");
	}
	m = match("PUT", "/apps/a/dynos");
	assert_null(m.route);
	assert_true(m.path_known);
	/* Split first, decoded after: an escaped slash is in a part. */
	m = match("DELETE", "/apps/a%2Fb/dynos/web.1");
	assert_non_null(m.route);
	assert_value(&m, 0, "a%2Fb");
	assert_value(&m, 1, "web.1");
	/* A suffix is none of the value's. */
	m = match("GET", "/a.git.git/info/refs");
	assert_non_null(m.route);
	assert_value(&m, 0, "a.git");
	/* "~" is a word of its own where it is in the table. */
	assert_string_equal(match("GET", "/users/~/apps").route->path, "/users/~/apps");
}

/* ---- the documents ---- */

static void compare(const char *name, char *take_made)
{
	_cleanup_free_ char *made = take_made,
			    *path = xasprintf("%s/%s", getenv("TWELVE_DOCS"), name);
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (fs_read_file(path, 1 << 22, &text) < 0 || !streq(text.data, made))
		fail_msg("docs/%s is not what the table of endpoints makes: run \"make docs\"",
			 name);
}

static void test_documents_are_those_of_the_table(void **state)
{
	(void)state;
	assert_non_null(getenv("TWELVE_DOCS"));
	compare("api.md", api_docs_markdown());
	compare("openapi.json", api_docs_openapi());
}

/* A list can be told from one thing; a word is no sentence. */
static void test_answers_are_words(void **state)
{
	(void)state;
	for (size_t i = 0; api_route_at(i); i++) {
		const char *answer = api_route_at(i)->answer;
		size_t n = answer ? strspn(answer, "[]abcdefghijklmnopqrstuvwxyz-") : 0;

		if (answer && (answer[n] || (answer[0] == '[') != (answer[n - 1] == ']')))
			fail_msg("%s %s: the answer \"%s\" is no word", api_route_at(i)->method,
				 api_route_at(i)->path, answer);
	}
}

/* ---- ranges ---- */

static void test_range_headers(void **state)
{
	static const struct {
		const char *header, *property, *start, *end;
		bool exclusive, end_exclusive, descending;
		size_t max;
	} rows[] = {
		{ NULL, "", "", "", false, false, false, RANGE_MAX },
		{ "", "", "", "", false, false, false, RANGE_MAX },
		{ "version ..; max=1, order=desc", "version", "", "", false, false, true, 1 },
		{ "version ..; order=desc,max=15", "version", "", "", false, false, true, 15 },
		{ "version ..; order=desc", "version", "", "", false, false, true, RANGE_MAX },
		{ "id ..; max=1000;", "id", "", "", false, false, false, RANGE_MAX },
		{ "seq ..; order=desc,max=100000", "seq", "", "", false, false, true, RANGE_MAX },
		{ "version ]12..; max=5, order=desc", "version", "12", "", true, false, true, 5 },
		{ "version 3..7", "version", "3", "7", false, false, false, RANGE_MAX },
		{ "version 3..7[", "version", "3", "7", false, true, false, RANGE_MAX },
		{ "version ..7[;max=2", "version", "", "7", false, true, false, 2 },
		{ "name ]my-app..; order=asc", "name", "my-app", "", true, false, false,
		  RANGE_MAX },
		{ "id", "id", "", "", false, false, false, RANGE_MAX },
		{ "..", "", "", "", false, false, false, RANGE_MAX },
		{ "  version   ]3 .. 9 ; max=4 ", "version", "3", "9", true, false, false, 4 },
		{ "bytes=0-99", "", "", "", false, false, false, RANGE_MAX },
		{ ";;;,,", "", "", "", false, false, false, RANGE_MAX },
		{ "; max=2", "", "", "", false, false, false, 2 },
		{ "id ..; colour=red", "id", "", "", false, false, false, RANGE_MAX },
	};
	static const char *const wrong[] = {
		"version ..; max=0",
		"version ..; max=-3",
		"version ..; max=x",
		"version ..; order=up",
		"version 3",
		"]3..7",
		"a b c",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ..",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		struct range r;

		if (range_parse(rows[i].header, &r, &err) < 0)
			fail_msg("%s", err.message);
		print_message("%s\n", rows[i].header ? rows[i].header : "(none)");
		assert_string_equal(r.property, rows[i].property);
		assert_string_equal(r.start, rows[i].start);
		assert_string_equal(r.end, rows[i].end);
		assert_int_equal(r.exclusive, rows[i].exclusive);
		assert_int_equal(r.end_exclusive, rows[i].end_exclusive);
		assert_int_equal(r.descending, rows[i].descending);
		assert_int_equal(r.max, rows[i].max);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct error err = ERROR_INIT;
		struct range r;

		if (range_parse(wrong[i], &r, &err) == 0)
			fail_msg("\"%s\" is taken", wrong[i]);
		assert_int_equal(err.kind, ERROR_RANGE);
	}
}

/* Versions 1 to n; names go the other way, and the ids are in no order. */
static json_t *versions(int n)
{
	json_t *list = json_array();

	for (int i = 1; i <= n; i++)
		json_array_append_new(list, json_pack("{s:i, s:o, s:o, s:b}", "version", i, "id",
						      json_sprintf("id-%d", i * 7 % 10), "name",
						      json_sprintf("n%d", 9 - i), "odd", i % 2));
	return list;
}

/* Follows Next-Range to the end, as a client does; gives the versions in a row, or the error. */
static char *follow(const char *header, int n)
{
	_cleanup_buf_ struct buf seen = BUF_INIT;
	_cleanup_free_ char *next = xstrdup(header);
	json_t *list = versions(n);

	for (int pages = 0; next; pages++) {
		_cleanup_free_ char *this = steal_ptr(next);
		struct error err = ERROR_INIT;
		struct range_page page = { 0 };
		struct range range;
		json_t *item;
		size_t i;

		assert_true(pages <= n);
		assert_int_equal(range_parse(this, &range, &err), 0);
		if (range_page(&range, list, &page, &err) < 0) {
			assert_int_equal(err.kind, ERROR_RANGE);
			buf_puts(&seen, err.message);
			break;
		}
		json_array_foreach (page.items, i, item)
			buf_printf(&seen, "%lld ",
				   (long long)json_integer_value(json_object_get(item, "version")));
		next = steal_ptr(page.next);
		buf_puts(&seen, next ? "| " : ".");
		range_page_done(&page);
	}
	json_decref(list);
	return buf_steal(&seen);
}

static void test_pages(void **state)
{
	static const struct {
		const char *header;
		int n;
		const char *expected;
	} rows[] = {
		{ "version ..; max=2, order=desc", 5, "5 4 | 3 2 | 1 ." },
		{ "version ..; max=2", 4, "1 2 | 3 4 ." },
		/* 7 4 1 8 5 */
		{ "id ..; max=3", 5, "3 2 5 | 1 4 ." },
		{ "id ..; order=desc; max=2", 3, "1 2 | 3 ." },
		{ "name ..; max=2", 3, "3 2 | 1 ." },
		{ "name n7..; max=1", 3, "2 | 1 ." },
		{ "version 3..; max=2", 5, "3 4 | 5 ." },
		{ "version 2..4; max=2", 5, "2 3 | 4 ." },
		{ "version 2..4[; max=1", 5, "2 | 3 ." },
		{ "version 4..2; order=desc; max=1", 5, "4 | 3 | 2 ." },
		{ "version ]3..; max=2, order=desc", 5, "2 1 ." },
		{ "version 9..", 5, "." },
		{ "version ]9..; order=desc", 3, "3 2 1 ." },
		{ "id ]unknown..; max=2", 5, "." },
		{ "id ]id-4..; max=2", 5, "5 1 | 4 ." },
		{ "nothing ..; max=2", 3,
		  "This list can't be sorted by \"nothing\"; it can by version, name, id" },
		{ "odd ..; max=2", 3,
		  "This list can't be sorted by \"odd\"; it can by version, name, id" },
		{ "nothing ..; max=2", 0, "." },
		{ "", 3, "1 2 3 ." },
		{ "; max=2", 5, "1 2 | 3 4 | 5 ." },
		{ "version ..; max=1", 0, "." },
		{ "version 01..; max=3", 2, "1 2 ." },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *seen = follow(rows[i].header, rows[i].n);

		if (!streq(seen, rows[i].expected))
			fail_msg("\"%s\" of %d gives %s, not %s", rows[i].header, rows[i].n, seen,
				 rows[i].expected);
	}
}

static void test_what_a_page_says(void **state)
{
	struct range range;
	struct range_page page;
	json_t *list = versions(5);

	(void)state;
	assert_int_equal(range_parse("version ]1..4; max=2", &range, NULL), 0);
	assert_int_equal(range_page(&range, list, &page, NULL), 0);
	assert_string_equal(page.content, "version 2..3");
	assert_string_equal(page.accept, "version, name, id");
	assert_string_equal(page.next, "version ]3..4; max=2");
	range_page_done(&page);
	json_decref(list);
}

/* Five of the same time: each is on one page, in both directions. */
static void test_pages_of_the_same_value(void **state)
{
	(void)state;
	for (int descending = 0; descending < 2; descending++) {
		_cleanup_free_ char *next =
			xasprintf("created_at ..; max=2%s", descending ? ", order=desc" : "");
		_cleanup_buf_ struct buf seen = BUF_INIT;
		json_t *list = json_array();

		for (int i = 0; i < 5; i++)
			json_array_append_new(
				list,
				json_pack("{s:o, s:s}", "id",
					  json_sprintf("%d0000000-0000-4000-8000-000000000000",
						       i * 3 % 5),
					  "created_at",
					  i < 4 ? "2026-01-01T00:00:00Z" : "2027-01-01T00:00:00Z"));
		while (next) {
			_cleanup_free_ char *this = steal_ptr(next);
			struct range range;
			struct range_page page;
			json_t *item;
			size_t i;

			assert_int_equal(range_parse(this, &range, NULL), 0);
			assert_int_equal(range_page(&range, list, &page, NULL), 0);
			json_array_foreach (page.items, i, item)
				buf_putc(&seen, json_string_value(json_object_get(item, "id"))[0]);
			buf_putc(&seen, '|');
			next = steal_ptr(page.next);
			range_page_done(&page);
			assert_true(seen.len < 20);
		}
		/* The last, 12 % 5 = 2, is a year later. */
		assert_string_equal(seen.data, descending ? "24|31|0|" : "01|34|2|");
		json_decref(list);
	}
}

/* Texts that a header can't bear as they are, or that read as something else in it; some are there
 * twice. */
static json_t *odd_names(void)
{
	static const char *const names[] = {
		"",   "",   "a..b",	"a.",	"a.",	 ".",
		"]x", "y[", "c;max=1",	"d,e",	"f g",	 "%41",
		"%",  "A",  "\xc3\xbc", "h\ni", "j\x7f", "k 00000000-0000-4000-8000-000000000000"
	};
	json_t *list = json_array();
	int i = 0;

	for (size_t k = 0; k < ARRAY_SIZE(names); k++, i++)
		json_array_append_new(
			list,
			json_pack("{s:o, s:s}", "id",
				  json_sprintf("%08d-0000-4000-8000-000000000000", i * 7 % 23),
				  "name", names[k]));
	/* Long ones: two of the same, one that differs at its end only, one at its beginning. */
	for (int k = 0; k < 4; k++, i++) {
		char name[5001];

		memset(name, 'z', sizeof(name) - 1);
		name[sizeof(name) - 1] = '\0';
		name[k == 2 ? sizeof(name) - 2 : 0] = k == 3 ? 'x' : 'z' - (k == 2);
		json_array_append_new(
			list,
			json_pack("{s:o, s:s}", "id",
				  json_sprintf("%08d-0000-4000-8000-000000000000", i * 7 % 23),
				  "name", name));
	}
	return list;
}

/* A Next-Range fits in a header, and leads to each item once. */
static void test_pages_of_odd_values(void **state)
{
	static const char *const headers[] = { "name ..; max=1", "name ..; max=3",
					       "name ..; max=1, order=desc",
					       "name ..; max=4, order=desc" };

	(void)state;
	for (size_t h = 0; h < ARRAY_SIZE(headers); h++) {
		_cleanup_free_ char *next = xstrdup(headers[h]);
		json_t *list = odd_names(), *seen = json_object();
		size_t n = 0;

		while (next) {
			_cleanup_free_ char *this = steal_ptr(next);
			struct range range;
			struct range_page page;
			json_t *item;
			size_t i;

			assert_int_equal(range_parse(this, &range, NULL), 0);
			assert_int_equal(range_page(&range, list, &page, NULL), 0);
			json_array_foreach (page.items, i, item)
				json_object_set_new(seen,
						    json_string_value(json_object_get(item, "id")),
						    json_true());
			n += json_array_size(page.items);
			next = steal_ptr(page.next);
			for (const char *c = page.content; *c; c++)
				assert_true(*c >= ' ' && *c <= '~');
			for (const char *c = next; c && *c; c++)
				assert_true(*c >= ' ' && *c <= '~');
			assert_true(strlen(page.content) < 1000 && (!next || strlen(next) < 1000));
			range_page_done(&page);
			assert_true(n <= json_array_size(list));
		}
		assert_int_equal(n, json_array_size(list));
		assert_int_equal(json_object_size(seen), n);
		json_decref(seen);
		json_decref(list);
	}
}

static void test_a_value_is_said_whole(void **state)
{
	struct range range;
	struct range_page page;
	json_t *list = json_pack("[{s:s}, {s:s}, {s:s}]", "hostname", "*.a.example", "hostname",
				 "b c", "hostname", "d%");

	(void)state;
	assert_int_equal(range_parse("hostname *.a.example..b%20c; max=1", &range, NULL), 0);
	assert_string_equal(range.end, "b c");
	assert_int_equal(range_page(&range, list, &page, NULL), 0);
	assert_string_equal(page.content, "hostname *.a.example..*.a.example");
	assert_string_equal(page.next, "hostname ]*.a.example..b%20c; max=1");
	range_page_done(&page);
	assert_int_equal(range_parse("hostname d%..", &range, NULL), 0);
	assert_int_equal(range_page(&range, list, &page, NULL), 0);
	assert_string_equal(page.content, "hostname d%25..d%25");
	range_page_done(&page);
	json_decref(list);
}

/* What is in no order by itself goes by its ids once it needs more than a page, so that none is
 * lost. */
static void test_pages_without_an_order(void **state)
{
	json_t *list = json_pack("[{s:s}, {s:s}, {s:s}]", "id", "b", "id", "c", "id", "a");
	struct range range;
	struct range_page page;

	(void)state;
	assert_int_equal(range_parse("", &range, NULL), 0);
	assert_int_equal(range_page(&range, list, &page, NULL), 0);
	assert_true(json_equal(page.items, list));
	assert_null(page.next);
	range_page_done(&page);
	assert_int_equal(range_parse("; max=2", &range, NULL), 0);
	assert_int_equal(range_page(&range, list, &page, NULL), 0);
	assert_string_equal(page.content, "id a..b");
	assert_string_equal(page.next, "id ]b..; max=2");
	range_page_done(&page);
	json_decref(list);
}

/* ---- pages and logins ---- */

static void assert_filled(const char *template, const char *expected)
{
	static const struct page_value values[] = {
		{ "name", "<b> & \"co\" 'x' {{html}}" }, { "html", "<i>" }, { "none", NULL }, { 0 }
	};
	_cleanup_buf_ struct buf out = BUF_INIT;

	page_fill(template, values, &out);
	assert_string_equal(out.data ? out.data : "", expected);
}

static void test_page_templates(void **state)
{
	(void)state;
	assert_filled("a {{html}} b", "a &lt;i&gt; b");
	assert_filled("{{{html}}}", "<i>");
	assert_filled("{{name}}", "&lt;b&gt; &amp; &quot;co&quot; &#39;x&#39; {{html}}");
	assert_filled("{{none}}{{unknown}}|", "|");
	assert_filled("a { b: {{ c }} {{}} {{html}", "a { b: {{ c }} {{}} {{html}");
	assert_filled("", "");
}

static struct login *ask(struct logins *l, const char *from, int64_t now_ms)
{
	struct error err = ERROR_INIT;
	struct login *login = NULL;

	if (logins_ask(l, "a\nline", from, now_ms, &login, &err) < 0)
		assert_int_equal(err.kind, ERROR_RATE_LIMIT);
	return login;
}

static void count_call(void *userdata)
{
	++*(int *)userdata;
}

static void test_a_login_is_answered_once(void **state)
{
	struct logins *l = logins_new();
	struct login *login = ask(l, "::1", 1000);
	char page[LOGIN_SECRET_SIZE], cli[LOGIN_SECRET_SIZE];
	int told = 0;
	struct login_waiter a = { .fn = count_call, .userdata = &told }, b = a;

	(void)state;
	memcpy(page, login->page, sizeof(page));
	memcpy(cli, login->cli, sizeof(cli));
	assert_string_equal(login->description, "a line");
	assert_ptr_equal(logins_by_page(l, page, 2000), login);
	assert_null(logins_by_page(l, cli, 2000));
	assert_null(logins_by_cli(l, page, 2000));
	assert_null(logins_by_page(l, "", 2000));
	login_wait(login, &a);
	login_wait(login, &b);
	login_wait_no_more(&b);
	login_decide(login, "0123");
	assert_int_equal(told, 1);
	assert_null(logins_by_page(l, page, 2000));
	assert_ptr_equal(logins_by_cli(l, cli, 2000), login);
	assert_int_equal(login->state, LOGIN_APPROVED);
	assert_string_equal(login->user_id, "0123");
	login_handed_over(login, 3000);
	assert_non_null(logins_by_cli(l, cli, 3000 + LOGIN_AFTERLIFE_MS - 1));
	assert_null(logins_by_cli(l, cli, 3000 + LOGIN_AFTERLIFE_MS));
	assert_int_equal(told, 2);
	login_wait_no_more(&a);
	logins_free(l);
}

static void test_logins_end_by_themselves(void **state)
{
	struct logins *l = logins_new();
	struct login *login = ask(l, "::1", 1000);
	char cli[LOGIN_SECRET_SIZE];
	int told = 0;
	struct login_waiter w = { .fn = count_call, .userdata = &told };

	(void)state;
	memcpy(cli, login->cli, sizeof(cli));
	login_wait(login, &w);
	assert_non_null(logins_by_cli(l, cli, 1000 + LOGIN_LIFE_MS - 1));
	assert_int_equal(told, 0);
	assert_null(logins_by_cli(l, cli, 1000 + LOGIN_LIFE_MS));
	assert_int_equal(told, 1);
	logins_free(l);
}

static void test_logins_are_bounded(void **state)
{
	struct logins *l = logins_new();
	char from[16];

	(void)state;
	for (int i = 0; i < LOGINS_MAX_FROM; i++)
		assert_non_null(ask(l, "::1", 0));
	assert_null(ask(l, "::1", 0));
	for (int i = LOGINS_MAX_FROM; i < LOGINS_MAX; i++) {
		snprintf(from, sizeof(from), "10.0.%d.%d", i / 200, i % 200);
		assert_non_null(ask(l, from, 0));
	}
	assert_null(ask(l, "10.1.1.1", 0));
	assert_non_null(ask(l, "10.1.1.1", LOGIN_LIFE_MS));
	logins_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_route_is_reached),
		cmocka_unit_test(test_each_route_says_what_it_does),
		cmocka_unit_test(test_what_is_public),
		cmocka_unit_test(test_authorization),
		cmocka_unit_test(test_page_templates),
		cmocka_unit_test(test_a_login_is_answered_once),
		cmocka_unit_test(test_logins_end_by_themselves),
		cmocka_unit_test(test_logins_are_bounded),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_tables_bodies_are_words),
		cmocka_unit_test(test_documents_are_those_of_the_table),
		cmocka_unit_test(test_answers_are_words),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_range_headers),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_what_a_page_says),
		cmocka_unit_test(test_pages_of_the_same_value),
		cmocka_unit_test(test_pages_of_odd_values),
		cmocka_unit_test(test_a_value_is_said_whole),
		cmocka_unit_test(test_pages_without_an_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
