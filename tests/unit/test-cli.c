/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of the command line: arguments, words, tables, times, frames, events, names from
 * git. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/frames.h"
#include "cli/git-words.h"
#include "cli/pkt-line.h"
#include "cli/netrc.h"
#include "cli/sse.h"

/* ---- arguments ---- */

#define PARSE(a, err, ...)                                                           \
	({                                                                           \
		char *const words[] = { (char *)"twelve", __VA_ARGS__, NULL };       \
		args_parse((a), commands, (int)ARRAY_SIZE(words) - 1, words, (err)); \
	})
#define W(s) (char *)(s)

static void test_options(void **state)
{
	struct error err = ERROR_INIT;
	struct args a;
	int64_t n;

	(void)state;
	assert_int_equal(PARSE(&a, &err, W("-a"), W("shop"), W("logs"), W("-tn5"),
			       W("--dyno=web.1"), W("--source"), W("app")),
			 0);
	assert_string_equal(a.command->name, "logs");
	assert_string_equal(args_get(&a, "app"), "shop");
	assert_true(args_has(&a, "tail"));
	assert_int_equal(args_number(&a, "num", 1, 100, 7, &n, &err), 0);
	assert_int_equal(n, 5);
	assert_string_equal(args_get(&a, "dyno"), "web.1");
	assert_string_equal(args_get(&a, "source"), "app");
	assert_null(args_get(&a, "type"));
	assert_int_equal(a.n_rest, 0);
	args_done(&a);
}

static void test_verbatim(void **state)
{
	struct error err = ERROR_INIT;
	struct args a;

	(void)state;
	assert_int_equal(PARSE(&a, &err, W("run"), W("-e"), W("A=1"), W("-e"), W("B=2"), W("ls"),
			       W("-l"), W("--"), W("-a"), W("x")),
			 0);
	assert_string_equal(args_nth(&a, "env", 0), "A=1");
	assert_string_equal(args_nth(&a, "env", 1), "B=2");
	assert_null(args_nth(&a, "env", 2));
	assert_null(args_get(&a, "app"));
	assert_int_equal(a.n_rest, 5);
	assert_string_equal(args_rest(&a, 2), "--");
	args_done(&a);
	assert_int_equal(PARSE(&a, &err, W("run"), W("-a"), W("shop"), W("--"), W("sh"), W("-c"),
			       W("exit 7")),
			 0);
	assert_int_equal(a.n_rest, 3);
	assert_string_equal(args_rest(&a, 0), "sh");
	args_done(&a);
}

static void refused(const char *word, const char *const *words)
{
	struct error err = ERROR_INIT;
	struct args a;
	int n = 0;

	while (words[n])
		n++;
	assert_int_equal(args_parse(&a, commands, n, (char *const *)words, &err), -1);
	assert_int_equal(err.kind, ERROR_INVALID);
	if (!strstr(err.message, word))
		fail_msg("\"%s\" is not in: %s", word, err.message);
	args_done(&a);
}

static void test_mistakes(void **state)
{
	(void)state;
	refused("ps:scale", (const char *const[]){ "twelve", "ps:scael", NULL });
	refused("twelve help", (const char *const[]){ "twelve", "xyzzyxyzzy", NULL });
	refused("--tail", (const char *const[]){ "twelve", "logs", "--tial", NULL });
	refused("-z", (const char *const[]){ "twelve", "logs", "-z", NULL });
	refused("takes a value", (const char *const[]){ "twelve", "logs", "-n", NULL });
	refused("takes no value", (const char *const[]){ "twelve", "logs", "--tail=yes", NULL });
	refused("missing", (const char *const[]){ "twelve", "config:set", NULL });
	refused("unexpected argument", (const char *const[]){ "twelve", "info", "what", NULL });
	/* -a before a command that has no app. */
	refused("--app", (const char *const[]){ "twelve", "-a", "shop", "keys", NULL });
}

static void test_help_needs_nothing(void **state)
{
	struct error err = ERROR_INIT;
	struct args a;

	(void)state;
	assert_int_equal(PARSE(&a, &err, W("config:set"), W("-h")), 0);
	assert_true(args_has(&a, "help"));
	args_done(&a);
	assert_int_equal(PARSE(&a, &err, W("--version")), 0);
	assert_string_equal(a.command->name, "version");
	args_done(&a);
	assert_int_equal(PARSE(&a, &err, W("--help")), 0);
	assert_null(a.command);
	args_done(&a);
}

static void test_numbers(void **state)
{
	struct error err = ERROR_INIT;
	struct args a;
	int64_t n = 3;

	(void)state;
	assert_int_equal(PARSE(&a, &err, W("logs"), W("-n"), W("two")), 0);
	assert_int_equal(args_number(&a, "num", 1, 100, 7, &n, &err), -1);
	assert_non_null(strstr(err.message, "two"));
	assert_int_equal(n, 3);
	args_done(&a);
}

/* ---- the table of commands ---- */

static void check_options(const struct command *cmd)
{
	const struct arg_option *o, *p;

	for (size_t i = 0; (o = command_option(cmd, i)); i++) {
		assert_non_null(o->help);
		for (size_t k = 0; k < i && (p = command_option(cmd, k)); k++) {
			/* An own option may stand for a common one: it comes first. */
			if (streq(o->name, p->name))
				continue;
			if (o->letter && o->letter == p->letter)
				fail_msg("%s: -%c is both --%s and --%s", cmd->name, o->letter,
					 p->name, o->name);
		}
	}
}

/* The words up to what is the shell's are ones that we take. */
static void check_example(const struct command *cmd, const char *line, size_t n)
{
	_cleanup_free_ char *text = xstrndup(line, n);
	char *words[32], *save = NULL;
	struct error err = ERROR_INIT;
	struct args a;
	int argc = 0;

	text[strcspn(text, "'\"|<>$;&~")] = '\0';
	for (char *w = strtok_r(text, " ", &save); w && argc < 31; w = strtok_r(NULL, " ", &save))
		words[argc++] = w;
	words[argc] = NULL;
	if (argc == 0 || !streq(words[0], "twelve"))
		return;
	/* What was cut off may have been an argument. */
	if (args_parse(&a, commands, argc, words, &err) < 0 && !strstr(err.message, "missing") &&
	    !strstr(err.message, "takes a value"))
		fail_msg("%s: the example \"%.*s\" is wrong: %s", cmd->name, (int)n, line,
			 err.message);
	args_done(&a);
}

static void test_table(void **state)
{
	const struct command *cmd;

	(void)state;
	for (size_t i = 0; (cmd = command_at(commands, i)); i++) {
		assert_non_null(cmd->name);
		assert_non_null(cmd->run);
		assert_non_null(cmd->usage);
		assert_ptr_equal(command_find(commands, cmd->name), cmd);
		for (size_t k = 0; cmd->aliases[k]; k++)
			assert_ptr_equal(command_find(commands, cmd->aliases[k]), cmd);
		assert_true(cmd->max_args == CMD_ANY_ARGS || cmd->min_args <= cmd->max_args);
		check_options(cmd);
		if (cmd->flags & CMD_HIDDEN)
			continue;
		if (!cmd->examples)
			fail_msg("%s has no examples", cmd->name);
		assert_false(str_ends(cmd->summary, "."));
		for (const char *p = cmd->examples; *p; p += strcspn(p, "\n"), p += *p == '\n')
			check_example(cmd, p, strcspn(p, "\n"));
	}
}

/* Each command stands once in the overview, below the title of its subject. */
static void test_overview(void **state)
{
	struct cli c = { .args.all = commands };
	_cleanup_free_ char *text = NULL;
	const char *at;
	size_t n, column = 0;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	help_overview(&c, f);
	fclose(f);
	at = text;
	for (const struct command_group *g = commands; g->title; g++) {
		_cleanup_free_ char *title = xasprintf("\n\n%s\n", g->title);

		at = strstr(at, title);
		if (!at)
			fail_msg("the overview lacks \"%s\" in its place", g->title);
		at += strlen(title) - 1;
		for (size_t i = 0; g->files[i]; i++)
			for (size_t k = 0; g->files[i][k]; k++) {
				const struct command *cmd = g->files[i][k];
				_cleanup_free_ char *line = xasprintf("\n  %s ", cmd->name);
				const char *found = strstr(at, line);

				if (!(cmd->flags & CMD_HIDDEN) != (found == at))
					fail_msg("%s is not in its place", cmd->name);
				if (found == at) {
					const char *summary = strstr(at, cmd->summary);
					size_t here = (size_t)(summary - at);

					/* A longer name moves no summary. */
					column = column ? column : here;
					assert_non_null(summary);
					assert_int_equal(here, column);
				}
				at += found == at ? 1 + strcspn(at + 1, "\n") : 0;
			}
	}
}

static void read_source(const char *name, struct buf *to)
{
	_cleanup_free_ char *dir = xstrndup(__FILE__, (size_t)(strrchr(__FILE__, '/') - __FILE__));
	_cleanup_free_ char *path = xasprintf("%s/../../%s", dir, name);

	assert_int_equal(fs_read_file(path, 1 << 20, to), 0);
}

static void test_manual(void **state)
{
	_cleanup_buf_ struct buf man = BUF_INIT, want = BUF_INIT;
	const char *begin, *end;

	(void)state;
	read_source("man/twelve.1", &man);
	manual_commands(commands, &want);
	begin = strstr(man.data, "\n.Sh COMMANDS\n");
	end = strstr(man.data, ".Sh ENVIRONMENT\n");
	assert_true(begin && end && begin < end);
	begin += strlen("\n.Sh COMMANDS\n");
	if ((size_t)(end - begin) != want.len || memcmp(begin, want.data, want.len) != 0)
		fail_msg("man/twelve.1 is old: make docs");
}

static void same_as_file(const char *shell, const char *file)
{
	_cleanup_free_ char *name = xasprintf("completions/%s", file);
	_cleanup_buf_ struct buf want = BUF_INIT, have = BUF_INIT;

	read_source(name, &have);
	assert_true(completion_script(commands, shell, &want));
	if (!streq(want.data, have.data))
		fail_msg("completions/%s is old: twelve completion %s > completions/%s", file,
			 shell, file);
}

static void test_completions(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	(void)state;
	same_as_file("bash", "twelve.bash");
	same_as_file("zsh", "_twelve");
	same_as_file("fish", "twelve.fish");
	assert_false(completion_script(commands, "csh", &out));
}

/* ---- words ---- */

static void test_suggestions(void **state)
{
	const char *const names[] = { "ps", "ps:scale", "releases", "run", NULL };

	(void)state;
	assert_int_equal(suggest_distance("", ""), 0);
	assert_int_equal(suggest_distance("abc", ""), 3);
	assert_int_equal(suggest_distance("kitten", "sitting"), 3);
	assert_int_equal(suggest_distance("scael", "scale"), 1);
	assert_string_equal(suggest("relases", names), "releases");
	assert_string_equal(suggest("ps:scael", names), "ps:scale");
	assert_null(suggest("xyzzyxyzzy", names));
	assert_null(suggest("a-word-that-is-far-too-long-to-be-meant-for-anything", names));
}

static void test_scale(void **state)
{
	static const struct {
		const char *word, *type, *quantity, *size;
	} good[] = {
		{ "web=3", "web", "3", "" },
		{ "worker=1:standard-2x", "worker", "1", "standard-2x" },
		{ "web+1", "web", "+1", "" },
		{ "web-2", "web", "-2", "" },
		{ "web-api=2", "web-api", "2", "" },
		{ "web-api-1", "web-api", "-1", "" },
		{ "web=standard-2x", "web", "", "standard-2x" },
	};
	static const char *const bad[] = {
		"web",	  "=3",	  "web=",    "web=3:", "web=-1",
		"web=3x", "web+", "web+one", "",       "web=1234567890"
	};
	struct error err = ERROR_INIT;
	struct scale s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(scale_parse(good[i].word, &s, &err), 0);
		assert_string_equal(s.type, good[i].type);
		assert_string_equal(s.quantity, good[i].quantity);
		assert_string_equal(s.size, good[i].size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (scale_parse(bad[i], &s, &err) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
}

static void test_words(void **state)
{
	struct error err = ERROR_INIT;
	_cleanup_free_ char *key = NULL;
	const char *value;
	int64_t v = 0;

	(void)state;
	assert_int_equal(assignment_parse("A=b=c", &key, &value, &err), 0);
	assert_string_equal(key, "A");
	assert_string_equal(value, "b=c");
	assert_int_equal(assignment_parse("NOVALUE", &key, &value, &err), -1);
	assert_int_equal(assignment_parse("=x", &key, &value, &err), -1);
	assert_int_equal(version_parse("v12", &v, &err), 0);
	assert_int_equal(v, 12);
	assert_int_equal(version_parse("7", &v, &err), 0);
	assert_int_equal(version_parse("vv", &v, &err), -1);
	assert_int_equal(version_parse("v0", &v, &err), -1);
}

static void joined(const char *want, const char *const *words)
{
	_cleanup_free_ char *s = shell_join(words);

	assert_string_equal(s, want);
}

static void test_shell(void **state)
{
	(void)state;
	joined("echo $HOME | wc", (const char *const[]){ "echo $HOME | wc", NULL });
	joined("sh -c 'echo $A; exit 7'",
	       (const char *const[]){ "sh", "-c", "echo $A; exit 7", NULL });
	joined("echo 'it'\\''s' ''", (const char *const[]){ "echo", "it's", "", NULL });
}

/* ---- output ---- */

static void test_tables(void **state)
{
	static const char *const headings[] = { "NAME", "N", "WHAT" };
	_cleanup_buf_ struct buf plain = BUF_INIT, colored = BUF_INIT;
	_cleanup_table_ struct table t;

	(void)state;
	table_init(&t, 3, headings);
	table_add(&t, "a", "1", "first");
	table_add(&t, "größer", "22", NULL);
	table_add(&t, "b\033[31m", "3", "x\ty");
	table_render(&t, false, &plain);
	assert_string_equal(plain.data, "NAME    N   WHAT\n"
					"a       1   first\n"
					"größer  22\n"
					"b?[31m  3   x?y\n");
	table_render(&t, true, &colored);
	assert_true(str_starts(colored.data, "\033[1mNAME\033[0m    \033[1mN\033[0m"));
}

static void test_times(void **state)
{
	char d[DURATION_SIZE], s[SINCE_SIZE];
	int64_t at, ms;

	(void)state;
	assert_string_equal(duration_text(0, d), "0.0 s");
	assert_string_equal(duration_text(449, d), "0.4 s");
	assert_string_equal(duration_text(9999, d), "9.9 s");
	assert_string_equal(duration_text(61000, d), "61 s");
	assert_string_equal(duration_text(180000, d), "3m");
	assert_string_equal(duration_text(3 * 3600000LL, d), "3h");
	assert_string_equal(duration_text(-5, d), "0.0 s");
	assert_true(clock_parse("2026-11-22T10:00:01Z", &at));
	assert_int_equal(at, 1795341601000LL);
	assert_true(clock_parse("2026-11-22T10:00:01.250000+00:00", &ms) && ms == at + 250);
	assert_true(clock_parse("2026-11-22T12:00:01+02:00", &ms) && ms == at);
	assert_false(clock_parse("yesterday", &ms));
	assert_false(clock_parse("2026-11-22T12:00:01", &ms));
	assert_string_equal(since_text(at, at + 185000, s), "2026/11/22 10:00:01 (~ 3m ago)");
	assert_string_equal(since_text(at, at + 59000, s), "2026/11/22 10:00:01 (~ 59s ago)");
	assert_string_equal(since_text(at, at + 3600000, s), "2026/11/22 10:00:01 (~ 1h ago)");
	assert_string_equal(since_text(at, at + 90000000, s), "2026/11/22 10:00:01 (~ 1d ago)");
	assert_string_equal(since_text(at, at - 5000, s), "2026/11/22 10:00:01 (~ 0s ago)");
	assert_string_equal(since_text(0, at, s), "?");
	assert_string_equal(bytes_text(999, d), "999 B");
	assert_string_equal(bytes_text(12345678, d), "12.3 MB");
	assert_string_equal(bytes_text(345000000000, d), "345 GB");
}

static void test_json_lacks_things(void **state)
{
	_cleanup_json_ json_t *j =
		json_pack("{s:{s:i, s:s}, s:n}", "twelve", "pid", 7, "reason", "why", "slug");

	(void)state;
	assert_int_equal(json_i64(j, "twelve.pid", 0), 7);
	assert_string_equal(json_str(j, "twelve.reason", ""), "why");
	assert_string_equal(json_str(j, "slug.id", "none"), "none");
	assert_string_equal(json_str(j, "twelve.pid", "no text"), "no text");
	assert_int_equal(json_i64(j, "twelve.proof.failed", -1), -1);
	assert_string_equal(json_str(NULL, "a.b", "x"), "x");
}

/* The command that a sentence of the API leads to; it must be one of ours. */
static void leads_to(const char *message, const char *app, const char *want)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ char *name = NULL;

	next_step(message, app, &b);
	assert_string_equal(b.len ? b.data : "", want);
	if (!b.len)
		return;
	name = xstrndup(b.data + strlen("Run `twelve "),
			strcspn(b.data + strlen("Run `twelve "), " `"));
	if (!command_find(commands, name))
		fail_msg("twelve %s is no command", name);
}

static void test_next_steps(void **state)
{
	static const char *const listed[] = {
		"add-on",  "app",	    "app transfer",	"attachment",	"authorization",
		"backup",  "build",	    "certificate",	"collaborator", "domain name",
		"drain",   "key",	    "pipeline",		"provider",	"release",
		"webhook", "webhook event", "webhook delivery",
	};

	(void)state;
	leads_to("Couldn't find that app: shop", "shop", "Run `twelve apps` to list your apps.");
	leads_to("Couldn't find that release: v99", "shop",
		 "Run `twelve releases -a shop` to list releases of shop.");
	leads_to("Couldn't find that release: v99", NULL,
		 "Run `twelve releases` to list releases.");
	leads_to("Couldn't find that add-on of shop: DB", "shop",
		 "Run `twelve addons -a shop` to list add-ons of shop.");
	leads_to("Couldn't find that app feature: nonesuch", "shop", "");
	leads_to("Couldn't find that", NULL, "");
	leads_to("The app could not be found", NULL, "");
	for (size_t i = 0; i < ARRAY_SIZE(listed); i++) {
		_cleanup_free_ char *message =
			xasprintf("Couldn't find that %s: x of y", listed[i]);
		_cleanup_buf_ struct buf b = BUF_INIT;
		_cleanup_free_ char *want = NULL;

		next_step(message, NULL, &b);
		if (!b.len)
			fail_msg("no next step after \"%s\"", message);
		want = xstrdup(b.data);
		leads_to(message, NULL, want);
	}
}

static void test_proof(void **state)
{
	_cleanup_json_ json_t *j =
		json_pack("{s:i, s:{s:{s:i, s:i, s:i}}}", "version", 5, "twelve", "proof",
			  "requests", 132, "failed", 0, "rollout_ms", 430);
	_cleanup_json_ json_t *bare = json_pack("{s:i}", "version", 6);
	_cleanup_buf_ struct buf b = BUF_INIT, c = BUF_INIT;

	(void)state;
	release_proof_text(j, &b);
	assert_string_equal(b.data, "v5 is live after 0.4 s: 0 of 132 requests failed");
	json_object_set_new(json_object_get(json_object_get(j, "twelve"), "proof"), "requests",
			    json_integer(1));
	buf_clear(&b);
	release_proof_text(j, &b);
	assert_string_equal(b.data, "v5 is live after 0.4 s: 0 of 1 request failed");
	release_proof_text(bare, &c);
	assert_string_equal(c.data, "v6 is live");
}

/* ---- hosts and git ---- */

static void test_hosts(void **state)
{
	struct error err = ERROR_INIT;
	struct host h;

	(void)state;
	assert_int_equal(host_parse("unix:///run/x.sock", &h, &err), 0);
	assert_int_equal(h.kind, HOST_UNIX);
	assert_string_equal(h.path, "/run/x.sock");
	host_done(&h);
	assert_int_equal(host_parse("ssh://ada@machine.example:2222", &h, &err), 0);
	assert_int_equal(h.kind, HOST_SSH);
	assert_string_equal(h.user, "ada");
	assert_string_equal(h.machine, "machine.example");
	assert_string_equal(h.port, "2222");
	host_done(&h);
	assert_int_equal(host_parse("https://api.example.com/", &h, &err), 0);
	assert_string_equal(h.path, "https://api.example.com");
	assert_string_equal(h.machine, "api.example.com");
	host_done(&h);
	assert_int_equal(host_parse("ssh://root@[::1]:22", &h, &err), 0);
	assert_string_equal(h.machine, "::1");
	host_done(&h);
	assert_int_equal(host_parse("ssh://-oProxyCommand=id", &h, &err), -1);
	assert_int_equal(host_parse("ssh://", &h, &err), -1);
	assert_int_equal(host_parse("ftp://x", &h, &err), -1);
	assert_int_equal(host_parse("unix://x", &h, &err), -1);
	assert_string_equal(url_path("http://h:5000/a/b?c=d"), "/a/b?c=d");
	assert_string_equal(url_path("/a"), "/a");
	assert_string_equal(url_path("http://h"), "/");
}

static void test_app_from_remote(void **state)
{
	static const struct {
		const char *url, *app;
	} urls[] = {
		{ "ssh://twelve@machine/shop.git", "shop" },
		{ "/var/lib/twelve/git/shop-2.git", "shop-2" },
		{ "twelve@machine:shop.git", "shop" },
		{ "https://machine/shop.git/", "shop" },
		{ "/srv/shop", "shop" },
		{ "", NULL },
		{ "/", NULL },
		{ "/srv/.git", NULL },
		{ "/srv/Not An App.git", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		_cleanup_free_ char *app = app_from_url(urls[i].url);

		if (urls[i].app)
			assert_string_equal(app, urls[i].app);
		else
			assert_null(app);
	}
}

static void test_refs(void **state)
{
	char line[] = "0000000000000000000000000000000000000000 89abcdef refs/heads/a b\n",
	     junk[] = "hello\n";
	struct ref_update u;

	(void)state;
	assert_true(ref_update_parse(line, &u));
	assert_true(ref_id_is_zero(u.old_id));
	assert_false(ref_id_is_zero(u.new_id));
	assert_string_equal(u.ref, "refs/heads/a b");
	assert_false(ref_update_parse(junk, &u));
	assert_int_equal(ref_kind_of("refs/heads/main", "main"), REF_DEPLOYS);
	assert_int_equal(ref_kind_of("refs/heads/master", "main"), REF_DEPLOYS);
	assert_int_equal(ref_kind_of("refs/heads/master", "production"), REF_OTHER_BRANCH);
	assert_int_equal(ref_kind_of("refs/heads/mainly", "main"), REF_OTHER_BRANCH);
	assert_int_equal(ref_kind_of("refs/tags/v1", "main"), REF_STORED);
	assert_string_equal(ref_short("refs/heads/a/b"), "a/b");
	assert_string_equal(ref_short("refs/stash"), "refs/stash");
}

static void test_complaints(void **state)
{
	char prepare[] = "start: ok\nfatal: prepare: cannot lock ref 'x'\nmore\n",
	     other[] = "what?\n";

	(void)state;
	assert_string_equal(git_complaint(prepare), "cannot lock ref 'x'");
	assert_string_equal(git_complaint(other), "what?");
}

/* What is written to a file is read from it. */
static int read_lines(const char *bytes, size_t n, struct buf *line)
{
	_cleanup_fd_ int fd = fd_memfile("pkt", bytes, n);

	return pkt_read(fd, line);
}

static void test_pkt_lines(void **state)
{
	static const char *const bad[] = { "", "00", "zzzz", "0003", "0010short", "ffff", "-001" };
	_cleanup_buf_ struct buf line = BUF_INIT;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(pkt_printf(fds[1], "ok %s\n", "refs/heads/main"), 0);
	assert_int_equal(pkt_flush(fds[1]), 0);
	fd_close(fds[1]);
	assert_int_equal(pkt_read(fds[0], &line), 1);
	assert_string_equal(line.data, "ok refs/heads/main");
	assert_int_equal(pkt_read(fds[0], &line), 0);
	assert_true(pkt_read(fds[0], &line) < 0);
	fd_close(fds[0]);
	assert_int_equal(read_lines("0004", 4, &line), 1);
	assert_int_equal(line.len, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (read_lines(bad[i], strlen(bad[i]), &line) >= 0)
			fail_msg("\"%s\" was taken", bad[i]);
}

static void test_ssh_commands(void **state)
{
	static const struct {
		const char *command, *program, *app;
	} good[] = {
		{ "git-receive-pack '/shop.git'", "git-receive-pack", "shop" },
		{ "git-upload-pack 'shop.git'", "git-upload-pack", "shop" },
		{ "git-upload-pack shop", "git-upload-pack", "shop" },
		{ "git-upload-archive '//shop.git/'", "git-upload-archive", "shop" },
	};
	static const char *const bad[] = { NULL,
					   "",
					   "id",
					   "git-receive-pack",
					   "git-receive-pack ''",
					   "git-receive-pack '../../etc'",
					   "git-receive-pack '/a/b.git'",
					   "git-receive-pack '-x.git'",
					   "git-receive-pack 'a'; id",
					   "git-receive-packs 'a'",
					   "bash -i",
					   "git-receive-pack 'a' --exec=x" };
	struct error err = ERROR_INIT;
	const char *program;
	char *app = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(ssh_command_parse(good[i].command, &program, &app, &err), 0);
		assert_string_equal(program, good[i].program);
		assert_string_equal(app, good[i].app);
		free(app);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		err = ERROR_INIT;
		if (ssh_command_parse(bad[i], &program, &app, &err) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_true(err.message[0]);
	}
}

/* ---- streams ---- */

static void test_frames(void **state)
{
	_cleanup_buf_ struct buf all = BUF_INIT, part = BUF_INIT;
	_cleanup_free_ char *sentence = NULL;
	const char *data;
	char type;
	size_t n;

	(void)state;
	frame_put(&all, ATTACH_STDIN, "hi\n", 3);
	frame_put(&all, ATTACH_STDIN, "", 0);
	frame_put(&all, ATTACH_EXIT, "7 exited with status 7", 22);
	assert_memory_equal(all.data, "i\0\0\0\3hi\n", 8);
	/* Byte by byte, nothing is seen too early. */
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(frame_peek(&part, &type, &data, &n), 0);
		buf_append(&part, all.data + i, 1);
	}
	assert_int_equal(frame_peek(&part, &type, &data, &n), 1);
	assert_int_equal(type, ATTACH_STDIN);
	assert_int_equal(n, 3);
	assert_memory_equal(data, "hi\n", 3);
	frame_consume(&part);
	assert_int_equal(part.len, 0);
	frame_consume(&all);
	assert_int_equal(frame_peek(&all, &type, &data, &n), 1);
	assert_int_equal(n, 0);
	frame_consume(&all);
	assert_int_equal(frame_peek(&all, &type, &data, &n), 1);
	assert_int_equal(type, ATTACH_EXIT);
	assert_int_equal(frame_exit_code(data, n, &sentence), 7);
	assert_string_equal(sentence, "exited with status 7");
	buf_clear(&part);
	buf_append(&part, "o\xff\xff\xff\xff", 5);
	assert_int_equal(frame_peek(&part, &type, &data, &n), -EPROTO);
}

static void collect(const char *line, void *userdata)
{
	buf_printf(userdata, "[%s]", line);
}

static void test_events(void **state)
{
	static const char text[] = ": hello\nretry: 1\nid: 7\ndata: one\n\n"
				   "event: other\ndata: not ours\n\n"
				   "id: 8\r\ndata:two\r\ndata: three\r\n\r\n"
				   "id: 9\ndata: half";
	_cleanup_buf_ struct buf whole = BUF_INIT, bytes = BUF_INIT;
	struct sse s = SSE_INIT;

	(void)state;
	sse_feed(&s, text, sizeof(text) - 1, collect, &whole);
	assert_string_equal(whole.data, "[one][two][three]");
	assert_string_equal(s.last_id, "8");
	/* A new connection goes on after the last whole event. */
	sse_restart(&s);
	sse_feed(&s, "id: 9\ndata: again\n\n", 19, collect, &whole);
	assert_string_equal(whole.data, "[one][two][three][again]");
	assert_string_equal(s.last_id, "9");
	sse_done(&s);
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		sse_feed(&s, text + i, 1, collect, &bytes);
	assert_string_equal(bytes.data, "[one][two][three]");
	sse_done(&s);
}

static void test_log_lines(void **state)
{
	struct log_line l;

	(void)state;
	assert_true(log_line_split("2026-11-22T10:00:01.000000+00:00 app[web.1]: a [b]: c", &l));
	assert_int_equal(l.stamp_len, 32);
	assert_memory_equal(l.source, "app", (size_t)l.source_len);
	assert_int_equal(l.source_len, 3);
	assert_memory_equal(l.dyno, "web.1", (size_t)l.dyno_len);
	assert_int_equal(l.dyno_len, 5);
	assert_string_equal(l.text, "a [b]: c");
	assert_false(log_line_split("no line", &l));
	assert_false(log_line_split("", &l));
	assert_false(log_line_split("2026 some words [x]: y", &l));
}

/* ---- ~/.netrc ---- */

static const char netrc_text[] =
	"# mine\nmachine api.heroku.com\n  login a@example.com\n  password HEROKU\n"
	"macdef init\nmachine localhost:5000 password NO\n\n"
	"machine localhost:5000 login ada@example.com password tw-1\n"
	"machine localhost password tw-2\nmachine bare\ndefault login x password y\n";

static void assert_found(const char *text, const char *machine, const char *password)
{
	_cleanup_free_ char *found = netrc_find(text, machine);

	if (password)
		assert_string_equal(found, password);
	else
		assert_null(found);
}

static void test_netrc_entries(void **state)
{
	(void)state;
	assert_found(netrc_text, "api.heroku.com", "HEROKU");
	assert_found(netrc_text, "localhost:5000", "tw-1");
	assert_found(netrc_text, "localhost", "tw-2");
	assert_found(netrc_text, "bare", NULL);
	assert_found(netrc_text, "localhost:500", NULL);
	assert_found("", "localhost", NULL);
	assert_found("machine", "localhost", NULL);
	assert_found("machine localhost password", "localhost", NULL);
	assert_found("machine a machine localhost password b", "localhost", "b");
}

static void assert_edited(const char *text, const char *machine, const char *password,
			  const char *expected)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	netrc_edit(text, machine, password ? "me" : NULL, password, &out);
	assert_string_equal(out.data ? out.data : "", expected);
}

static void test_netrc_edits(void **state)
{
	(void)state;
	assert_edited("", "h:1", "t", "machine h:1\n  login me\n  password t\n");
	assert_edited("machine a password b", "h:1", "t",
		      "machine a password b\nmachine h:1\n  login me\n  password t\n");
	assert_edited("machine h:1 login x password old\nmachine a password b\n", "h:1", "t",
		      "machine h:1\n  login me\n  password t\nmachine a password b\n");
	assert_edited("machine a password b\nmachine h:1\n\tlogin x\n\tpassword old\n# end\n",
		      "h:1", NULL, "machine a password b\n# end\n");
	assert_edited("machine a password b\n", "h:1", NULL, "machine a password b\n");
	assert_edited("default login x password y\n", "h:1", "t",
		      "machine h:1\n  login me\n  password t\ndefault login x password y\n");
	/* All the rest stays as it is, whatever is done. */
	{
		_cleanup_buf_ struct buf once = BUF_INIT, twice = BUF_INIT;

		netrc_edit(netrc_text, "new:1", "me", "t", &once);
		assert_found(once.data, "new:1", "t");
		netrc_edit(once.data, "new:1", NULL, NULL, &twice);
		assert_string_equal(twice.data, netrc_text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),	    cmocka_unit_test(test_verbatim),
		cmocka_unit_test(test_mistakes),    cmocka_unit_test(test_help_needs_nothing),
		cmocka_unit_test(test_overview),    cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_table),	    cmocka_unit_test(test_completions),
		cmocka_unit_test(test_manual),	    cmocka_unit_test(test_suggestions),
		cmocka_unit_test(test_scale),	    cmocka_unit_test(test_words),
		cmocka_unit_test(test_shell),	    cmocka_unit_test(test_tables),
		cmocka_unit_test(test_times),	    cmocka_unit_test(test_json_lacks_things),
		cmocka_unit_test(test_proof),	    cmocka_unit_test(test_next_steps),
		cmocka_unit_test(test_hosts),	    cmocka_unit_test(test_netrc_entries),
		cmocka_unit_test(test_netrc_edits), cmocka_unit_test(test_app_from_remote),
		cmocka_unit_test(test_refs),	    cmocka_unit_test(test_pkt_lines),
		cmocka_unit_test(test_complaints),  cmocka_unit_test(test_ssh_commands),
		cmocka_unit_test(test_frames),	    cmocka_unit_test(test_events),
		cmocka_unit_test(test_log_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
