/* SPDX-License-Identifier: Apache-2.0 */
/* Builds: the canonical form of trees, and archives that want to escape. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/str.h"
#include "build/build-priv.h"
#include "build/fetch.h"
#include "build/git-url.h"
#include "build/pack.h"

static char dir[] = "/tmp/twelve-build-XXXXXX";
static const struct pack_limits limits = { .max_bytes = 1 << 20, .max_entries = 100 };

static char *at(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void put(const char *name, const char *text, mode_t mode)
{
	_cleanup_free_ char *path = at(name);

	assert_int_equal(fs_write_atomic(path, mode, text, strlen(text)), 0);
}

static void digest_of(const char *name, char hex[static DIGEST_HEX_SIZE])
{
	_cleanup_free_ char *path = at(name);
	struct error err = ERROR_INIT;
	uint64_t size;

	assert_int_equal(pack_digest(path, 1 << 20, hex, &size, &err), 0);
}

static void make_tree(const char *name, bool other_order)
{
	_cleanup_free_ char *sub = xasprintf("%s/%s/lib", dir, name),
			    *link = xasprintf("%s/%s/link", dir, name);
	_cleanup_free_ char *a = xasprintf("%s/a", name), *b = xasprintf("%s/lib/b", name);

	fs_mkdirs(sub, 0755);
	if (other_order)
		put(b, "two", 0644);
	put(a, "one", 0755);
	if (!other_order)
		put(b, "two", 0644);
	assert_int_equal(symlink("lib/b", link), 0);
}

static void test_same_tree_same_digest(void **state)
{
	char one[DIGEST_HEX_SIZE], two[DIGEST_HEX_SIZE], three[DIGEST_HEX_SIZE];
	_cleanup_free_ char *old = at("t2/a");
	const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	(void)state;
	make_tree("t1", false);
	make_tree("t2", true);
	assert_int_equal(utimensat(0, old, times, 0), 0);
	digest_of("t1", one);
	digest_of("t2", two);
	assert_string_equal(one, two);
	/* Contents, mode and link target each count. */
	put("t2/a", "One", 0755);
	digest_of("t2", three);
	assert_string_not_equal(one, three);
	put("t2/a", "one", 0644);
	digest_of("t2", three);
	assert_string_not_equal(one, three);
}

static void test_a_fifo_has_no_place(void **state)
{
	_cleanup_free_ char *tree = at("t3"), *fifo = at("t3/fifo");
	struct error err = ERROR_INIT;
	char hex[DIGEST_HEX_SIZE];
	uint64_t size;

	(void)state;
	fs_mkdirs(tree, 0755);
	assert_int_equal(mkfifo(fifo, 0644), 0);
	assert_int_equal(pack_digest(tree, 1 << 20, hex, &size, &err), -1);
	assert_string_equal(err.message,
			    "fifo is a socket, device or FIFO, which a slug can't hold");
}

static void test_names_are_bytes(void **state)
{
	static const char *const names[] = { "t4/gr\xc3\xbc\xc3\x9f", "t4/latin-\xfc" };
	char one[DIGEST_HEX_SIZE], two[DIGEST_HEX_SIZE];
	_cleanup_free_ char *tree = at("t4"), *deep = NULL, *old = at(names[1]),
			    *new = at("t4/latin-\xfd");

	(void)state;
	fs_mkdirs(tree, 0755);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		put(names[i], "x", 0644);
	/* Longer than a header of tar has room for. */
	deep = xasprintf("t4/%0*d\xc3\xbc", 200, 1);
	put(deep, "x", 0644);
	digest_of("t4", one);
	assert_int_equal(rename(old, new), 0);
	digest_of("t4", two);
	assert_string_not_equal(one, two);
}

static void test_a_hole_is_not_read(void **state)
{
	_cleanup_free_ char *tree = at("t5"), *hole = at("t5/hole");
	struct error err = ERROR_INIT;
	char hex[DIGEST_HEX_SIZE];
	uint64_t size;

	(void)state;
	fs_mkdirs(tree, 0755);
	put("t5/hole", "x", 0644);
	assert_int_equal(truncate(hole, 1LL << 40), 0);
	assert_int_equal(pack_digest(tree, 1 << 20, hex, &size, &err), -1);
	assert_int_equal(err.kind, ERROR_TOO_LARGE);
}

static void test_reads_files_within_the_tree_only(void **state)
{
	_cleanup_free_ char *tree = at("t6"), *sub = at("t6/sub"), *secret = at("secret");
	_cleanup_free_ char *up = at("t6/up"), *absolute = at("t6/absolute"),
			    *inner = at("t6/inner"), *fifo = at("t6/fifo");
	static const char *const escapes[] = { "up", "absolute", "../secret" };
	_cleanup_buf_ struct buf text = BUF_INIT;

	(void)state;
	fs_mkdirs(sub, 0755);
	put("secret", "secret", 0600);
	put("t6/sub/Procfile", "web: x", 0644);
	assert_int_equal(symlink("../secret", up), 0);
	assert_int_equal(symlink(secret, absolute), 0);
	assert_int_equal(symlink("/sub/../sub/Procfile", inner), 0);
	assert_int_equal(mkfifo(fifo, 0644), 0);
	for (size_t i = 0; i < ARRAY_SIZE(escapes); i++)
		assert_int_equal(pack_read_file(tree, escapes[i], 100, &text), -ENOENT);
	assert_int_equal(pack_read_file(tree, "sub", 100, &text), -EISDIR);
	assert_int_equal(pack_read_file(tree, "fifo", 100, &text), -EINVAL);
	assert_int_equal(pack_read_file(tree, "inner", 5, &text), -EFBIG);
	buf_clear(&text);
	assert_int_equal(pack_read_file(tree, "inner", 100, &text), 0);
	assert_string_equal(text.data, "web: x");
}

/* ---- archives ---- */

static struct archive *open_archive(const char *name)
{
	_cleanup_free_ char *path = at(name);
	struct archive *a = archive_write_new();

	archive_write_set_format_pax_restricted(a);
	archive_write_add_filter_gzip(a);
	assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
	return a;
}

static void add(struct archive *a, const char *name, mode_t type, const char *content)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_mode(e, type | 0644);
	if (type == AE_IFLNK)
		archive_entry_set_symlink(e, content);
	else if (type == AE_IFREG)
		archive_entry_set_size(e, (la_int64_t)strlen(content));
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	if (type == AE_IFREG)
		archive_write_data(a, content, strlen(content));
	archive_entry_free(e);
}

static int extract(const char *name, const char *to, bool strip, struct error *err)
{
	_cleanup_free_ char *archive = at(name), *dest = at(to);

	fs_mkdirs(dest, 0755);
	return pack_extract(archive, dest, strip, &limits, err);
}

/* Renames until it is killed, at the latest with us. */
static pid_t start_renaming(const char *from, const char *to)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		if (rename(from, to) < 0 || rename(to, from) < 0)
			_exit(1);
	_exit(0);
}

/* openat2() gives EAGAIN for a path with ".." whenever anything is renamed, anywhere. */
static void test_reads_while_others_rename(void **state)
{
	_cleanup_free_ char *tree = at("t6r"), *sub = at("t6r/sub"), *from = at("renamed"),
			    *to = at("renamed-too");
	_cleanup_buf_ struct buf text = BUF_INIT;
	int failed = 0, status;
	pid_t pid;

	(void)state;
	fs_mkdirs(sub, 0755);
	put("t6r/sub/Procfile", "web: x", 0644);
	put("renamed", "", 0644);
	pid = start_renaming(from, to);
	assert_true(pid > 0);
	for (int i = 0; i < 5000; i++) {
		buf_clear(&text);
		failed += pack_read_file(tree, "sub/../sub/Procfile", 100, &text) < 0;
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(failed, 0);
}

static void test_extracts_and_strips(void **state)
{
	struct archive *a = open_archive("good.tgz");
	_cleanup_free_ char *plain = at("x1/top/Procfile"), *stripped = at("x2/Procfile");
	struct error err = ERROR_INIT;

	(void)state;
	add(a, "top/Procfile", AE_IFREG, "web: x\n");
	add(a, "top/..dots..", AE_IFREG, "fine");
	archive_write_free(a);
	assert_int_equal(extract("good.tgz", "x1", false, &err), 0);
	assert_true(fs_exists(plain));
	assert_int_equal(extract("good.tgz", "x2", true, &err), 0);
	assert_true(fs_exists(stripped));
}

static void test_refuses_what_escapes(void **state)
{
	static const struct {
		const char *name;
		mode_t type;
	} bad[] = { { "../evil", AE_IFREG },
		    { "/tmp/evil", AE_IFREG },
		    { "a/../../evil", AE_IFREG },
		    { "dev", AE_IFCHR },
		    { "pipe", AE_IFIFO } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_free_ char *name = xasprintf("bad%zu.tgz", i);
		struct archive *a = open_archive(name);
		struct error err = ERROR_INIT;

		add(a, bad[i].name, bad[i].type, "evil");
		archive_write_free(a);
		assert_int_equal(extract(name, "x3", false, &err), -1);
		assert_int_equal(err.kind, ERROR_INVALID);
	}
}

static void test_does_not_write_through_links(void **state)
{
	struct archive *a = open_archive("link.tgz");
	_cleanup_free_ char *outside = at("outside"), *evil = at("outside/evil");
	struct error err = ERROR_INIT;

	(void)state;
	fs_mkdirs(outside, 0755);
	add(a, "way", AE_IFLNK, outside);
	add(a, "way/evil", AE_IFREG, "evil");
	archive_write_free(a);
	extract("link.tgz", "x4", false, &err);
	assert_false(fs_exists(evil));
}

static void add_hard_link(struct archive *a, const char *name, const char *target)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_mode(e, AE_IFREG | 0644);
	archive_entry_set_hardlink(e, target);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	archive_entry_free(e);
}

static void test_hard_links_stay_inside(void **state)
{
	_cleanup_free_ char *b = at("x7/b..c"), *stolen = at("x8/stolen"), *outside = at("");
	static const char *const targets[] = { "way/secret2", "../secret2", "/etc/passwd" };
	struct archive *a = open_archive("hard.tgz");
	struct error err = ERROR_INIT;

	(void)state;
	put("secret2", "secret", 0600);
	add(a, "a..b", AE_IFREG, "fine");
	add_hard_link(a, "b..c", "a..b");
	archive_write_free(a);
	assert_int_equal(extract("hard.tgz", "x7", false, &err), 0);
	assert_true(fs_exists(b));
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		a = open_archive("steal.tgz");
		add(a, "way", AE_IFLNK, outside);
		add_hard_link(a, "stolen", targets[i]);
		archive_write_free(a);
		assert_int_equal(extract("steal.tgz", "x8", false, &err), -1);
		assert_false(fs_exists(stolen));
	}
}

static void test_names_that_are_not_english(void **state)
{
	struct archive *a = open_archive("names.tgz");
	_cleanup_free_ char *file = at("x9/\xc3\xbc/gr\xc3\xbc\xc3\x9f"),
			    *link = at("x9/l\xc3\xbcnk");
	_cleanup_free_ char *long_name = xasprintf("%0*d\xc3\xbc", 200, 1),
			    *deep = xasprintf("%s/x9/%s", dir, long_name);
	struct error err = ERROR_INIT;
	char target[64] = { 0 };

	(void)state;
	/* As others write them: as UTF-8, and said so. */
	setlocale(LC_CTYPE, "C.UTF-8");
	add(a, "\xc3\xbc/gr\xc3\xbc\xc3\x9f", AE_IFREG, "x");
	add(a, "l\xc3\xbcnk", AE_IFLNK, "\xc3\xbc/gr\xc3\xbc\xc3\x9f");
	add(a, long_name, AE_IFREG, "x");
	archive_write_free(a);
	setlocale(LC_CTYPE, "C");
	assert_int_equal(extract("names.tgz", "x9", false, &err), 0);
	assert_true(fs_exists(file));
	assert_true(fs_exists(deep));
	assert_true(readlink(link, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "\xc3\xbc/gr\xc3\xbc\xc3\x9f");
}

static void test_limits_and_garbage(void **state)
{
	struct archive *a = open_archive("many.tgz");
	struct error err = ERROR_INIT;

	(void)state;
	for (int i = 0; i < 101; i++) {
		_cleanup_free_ char *name = xasprintf("f%d", i);

		add(a, name, AE_IFREG, "");
	}
	archive_write_free(a);
	assert_int_equal(extract("many.tgz", "x5", false, &err), -1);
	assert_int_equal(err.kind, ERROR_TOO_LARGE);
	a = open_archive("large.tgz");
	for (int i = 0; i < 3; i++) {
		static char half[(1 << 19) + 1];
		_cleanup_free_ char *name = xasprintf("f%d", i);

		memset(half, 'x', sizeof(half) - 1);
		add(a, name, AE_IFREG, half);
	}
	archive_write_free(a);
	assert_int_equal(extract("large.tgz", "x5", false, &err), -1);
	assert_string_equal(err.message, "The source is larger than 1 MB unpacked");
	put("garbage.tar", "this is no archive at all, however long the text may be", 0644);
	assert_int_equal(extract("garbage.tar", "x6", false, &err), -1);
	assert_int_equal(err.kind, ERROR_INVALID);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return fs_remove_tree(dir);
}

/* ---- sources that stand elsewhere ---- */

static bool is_public(const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return fetch_is_public((struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return fetch_is_public((struct sockaddr *)&in6);
}

static void test_public_addresses(void **state)
{
	static const char *const yes[] = { "1.1.1.1",	      "9.255.255.255",	 "11.0.0.0",
					   "100.63.255.255",  "100.128.0.0",	 "126.255.255.255",
					   "128.0.0.0",	      "169.253.255.255", "169.255.0.0",
					   "172.15.255.255",  "172.32.0.0",	 "192.0.1.0",
					   "192.167.255.255", "192.169.0.0",	 "198.17.255.255",
					   "198.20.0.0",      "223.255.255.255", "2606:4700::1111",
					   "2001:200::1",     "2a00:1450::1",	 "::ffff:8.8.8.8",
					   "64:ff9b::8.8.8.8" };
	static const char *const no[] = { "0.0.0.0",
					  "10.0.0.0",
					  "10.255.255.255",
					  "100.64.0.0",
					  "100.127.255.255",
					  "127.0.0.1",
					  "127.255.255.255",
					  "169.254.169.254",
					  "172.16.0.0",
					  "172.31.255.255",
					  "192.0.0.1",
					  "192.0.2.1",
					  "192.88.99.1",
					  "192.168.0.1",
					  "198.18.0.1",
					  "198.19.255.255",
					  "198.51.100.1",
					  "203.0.113.1",
					  "224.0.0.1",
					  "240.0.0.1",
					  "255.255.255.255",
					  "::",
					  "::1",
					  "::ffff:10.0.0.1",
					  "::127.0.0.1",
					  "64:ff9b::10.0.0.1",
					  "64:ff9b:1::1",
					  "100::1",
					  "2001::1",
					  "2001:1ff::1",
					  "2001:db8::1",
					  "2002:7f00:1::1",
					  "3fff:fff::1",
					  "fc00::1",
					  "fd12::1",
					  "fe80::1",
					  "fec0::1",
					  "ff02::1" };
	const struct sockaddr other = { .sa_family = AF_UNIX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (!is_public(yes[i]))
			fail_msg("%s is public", yes[i]);
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (is_public(no[i]))
			fail_msg("%s is not public", no[i]);
	assert_false(fetch_is_public(&other));
}

static void test_urls_to_fetch(void **state)
{
	static const char *const good[] = { "https://a/b.tgz", "HTTPS://example.com:8443/x?sig=a@b",
					    "https://[2001:db8::1]/x" };
	static const char *const bad[] = { "",
					   "https",
					   "https://",
					   "https:///x",
					   "https://?x",
					   "https://u:p@h/x",
					   "https://u@h",
					   "http://h/x",
					   "file:///etc/passwd",
					   "ftp://h/x",
					   "https://h/a b",
					   "https://h/\n",
					   "https://h/\303\244" };
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(fetch_check_url(good[i], false, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(fetch_check_url(bad[i], false, &err), -1);
		assert_int_equal(err.kind, ERROR_INVALID);
		assert_non_null(strstr(err.message, "source_blob.url"));
	}
	assert_int_equal(fetch_check_url("http://h/x", true, &err), 0);
}

static void test_git_urls(void **state)
{
	static const struct {
		const char *url, *host;
		enum git_transport transport;
		int port;
	} good[] = {
		{ "https://github.com/a/b", "github.com", GIT_HTTPS, 443 },
		{ "https://h.example:8443/~a/b.git", "h.example", GIT_HTTPS, 8443 },
		{ "https://[2001:db8::1]:444/b", "2001:db8::1", GIT_HTTPS, 444 },
		{ "http://10.0.0.1/b", "10.0.0.1", GIT_HTTP, 80 },
		{ "ssh://git@github.com/a/b.git", "github.com", GIT_SSH, 22 },
		{ "ssh://git@h:2222/a%20b", "h", GIT_SSH, 2222 },
		{ "ssh://h/a", "h", GIT_SSH, 22 },
		{ "git@github.com:a/b.git", "github.com", GIT_SSH, 22 },
	};
	static const char *const bad[] = {
		"",
		"x",
		"file:///etc",
		"/srv/x.git",
		"../x.git",
		"x/y.git",
		"ext::sh -c x",
		"git://h/x",
		"ftp://h/x",
		"HTTPS://h/x",
		"https://",
		"https://h",
		"https:///x",
		"https://h/",
		"https://u@h/x",
		"https://u:p@h/x",
		"https://h:0/x",
		"https://h:65536/x",
		"https://h:x/y",
		"https://-h/x",
		"https://h/-x",
		"https://h/a b",
		"https://h/a\nb",
		"https://h/\x1b",
		"https://h/a\"b",
		"https://h/a\\b",
		"https://h/a;b",
		"https://h/$(b)",
		"https://h\xc3\xa9/x",
		"https://[::1/x",
		"https://[h]x/y",
		"https://[::1]x/y",
		"ssh://-oProxyCommand=x/y",
		"ssh://u:p@h/x",
		"ssh://-u@h/x",
		"git@-h:x",
		"git@h:-x",
		"git@h:",
		"@h:x",
		"-u@h:x",
		"git@h",
		"h:x",
		"c@[::1]:x",
	};
	struct error err = ERROR_INIT;
	struct git_url u;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(git_url_parse(good[i].url, "It", &u, &err), 0);
		assert_string_equal(u.host, good[i].host);
		assert_int_equal(u.transport, good[i].transport);
		assert_int_equal(u.port, good[i].port);
		assert_true(git_url_is_meant(good[i].url));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		err = ERROR_INIT;
		assert_int_equal(git_url_parse(bad[i], "It", &u, &err), -1);
		assert_int_equal(err.kind, ERROR_INVALID);
		assert_true(str_starts(err.message, "It "));
	}
	assert_false(git_url_is_meant("heroku/python"));
	assert_false(git_url_is_meant("../x.git"));
	assert_false(git_url_is_meant("/a@b:c"));
}

static void test_git_refs(void **state)
{
	static const char *const good[] = { "main", "v1.2", "feature/x", "a@b",
					    "0123456789abcdef0123456789abcdef01234567" };
	static const char *const bad[] = { "",	    "-x",     "--upload-pack=x",
					   "+main", "main:x", "a..b",
					   "a b",   "a~1",    "a^",
					   "a?",    "a*",     "a[",
					   "a\\b",  "@",      "@{u}",
					   "/a",    "a/",     "a//b",
					   ".a",    "a.",     "a.lock",
					   "a\n" };
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(git_ref_check(good[i], "It", &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(git_ref_check(bad[i], "It", &err), -1);
	assert_true(git_ref_is_commit(good[4]));
	assert_false(git_ref_is_commit("0123456789abcdef0123456789abcdef0123456"));
	assert_false(git_ref_is_commit("v123456789abcdef0123456789abcdef01234567"));
}

static void test_slugignore_patterns(void **state)
{
	static const struct {
		const char *pattern;
		bool anchored;
		const char *path;
		bool matches;
	} cases[] = {
		{ "*.psd", false, "deep/a.psd", true },
		{ "*.psd", false, "a.psd/x", false },
		{ "spec", false, "a/spec", true },
		{ "spec", true, "a/spec", false },
		{ "doc/*.md", true, "doc/a.md", true },
		{ "doc/*.md", true, "doc/b/a.md", false },
		{ "doc/**/*.md", true, "doc/a.md", true },
		{ "doc/**/*.md", true, "doc/b/c/a.md", true },
		{ "doc/**/*.md", true, "x/doc/a.md", false },
		{ "**/tmp", true, "tmp", true },
		{ "**/tmp", true, "a/b/tmp", true },
		{ "**/tmp", true, "a/tmpx", false },
		{ "a/**/b/**/c", true, "a/b/c", true },
		{ "a/**/b/**/c", true, "a/x/b/y/z/c", true },
		{ "[", false, "[", true },
		{ "", true, "x", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (slugignore_matches(cases[i].pattern, cases[i].anchored, cases[i].path) !=
		    cases[i].matches)
			fail_msg("\"%s\" and \"%s\"", cases[i].pattern, cases[i].path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_tree_same_digest),
		cmocka_unit_test(test_a_fifo_has_no_place),
		cmocka_unit_test(test_names_are_bytes),
		cmocka_unit_test(test_slugignore_patterns),
		cmocka_unit_test(test_a_hole_is_not_read),
		cmocka_unit_test(test_reads_files_within_the_tree_only),
		cmocka_unit_test(test_reads_while_others_rename),
		cmocka_unit_test(test_extracts_and_strips),
		cmocka_unit_test(test_refuses_what_escapes),
		cmocka_unit_test(test_does_not_write_through_links),
		cmocka_unit_test(test_hard_links_stay_inside),
		cmocka_unit_test(test_names_that_are_not_english),
		cmocka_unit_test(test_limits_and_garbage),
		cmocka_unit_test(test_public_addresses),
		cmocka_unit_test(test_urls_to_fetch),
		cmocka_unit_test(test_git_urls),
		cmocka_unit_test(test_git_refs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
