/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks: names and lists of packages, specs, what is collected. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "stack/stack-priv.h"

static char dir[] = "/tmp/twelve-stack-XXXXXX";

static void write_file(const char *name, const char *text)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);

	assert_int_equal(fs_write_atomic(path, 0644, text, strlen(text)), 0);
}

static void test_names(void **state)
{
	static const char *const good[] = { "curl",	   "g++",
					    "libssl3",	   "libstdc++-12-dev",
					    "libc6:amd64", "python3=3.11.2-1+b1" };
	static const char *const bad[] = { "",	       "x",	"Curl",	     "-y",   "--help",
					   "a b",      "lib/x", "a;rm",	     "$(x)", "bash-",
					   "curl,git", "..",	"curl=$(id)" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(stack_package_is_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(stack_package_is_valid(bad[i]));
}

static void test_lists(void **state)
{
	_cleanup_free_ char *path = xasprintf("%s/Aptfile", dir);
	_cleanup_strv_ char **packages = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	write_file("Aptfile", "# libraries\ncurl  git # two\n\n\r\nlibpq5\r\n");
	assert_int_equal(stack_read_packages(path, "Aptfile", &packages, &err), 0);
	assert_int_equal(strv_len(packages), 3);
	assert_string_equal(packages[1], "git");
	assert_string_equal(packages[2], "libpq5");
	write_file("Aptfile", "curl\n\nhttps://example.com/x.deb\n");
	assert_int_equal(stack_read_packages(path, "Aptfile", &packages, &err), -1);
	assert_string_equal(
		err.message,
		"Aptfile:3: \"https://example.com/x.deb\" is not the name of a Debian package");
	assert_int_equal(err.kind, ERROR_INVALID);
}

static void test_spec_does_not_depend_on_order(void **state)
{
	_cleanup_strv_ char **base = NULL, **ab = NULL, **ba = NULL, **more = NULL;
	char one[DIGEST_HEX_SIZE], two[DIGEST_HEX_SIZE], three[DIGEST_HEX_SIZE];
	struct stack_options o = { .name = "debian-12" };

	(void)state;
	strv_push(&base, "bash");
	strv_push(&ab, "a1");
	strv_push(&ab, "b1");
	strv_push(&ba, "b1");
	strv_push(&ba, "a1");
	strv_push(&ba, "bash");
	strv_push(&more, "a1");
	o.packages = ab;
	stack_spec_digest(&o, base, one);
	o.packages = ba;
	stack_spec_digest(&o, base, two);
	o.packages = more;
	stack_spec_digest(&o, base, three);
	assert_string_equal(one, two);
	assert_string_not_equal(one, three);
}

static const char *where(const char *package, void *userdata)
{
	(void)userdata;
	return streq(package, "nope") ? "Aptfile:2" : NULL;
}

static void test_explains_what_apt_says(void **state)
{
	static const struct {
		const char *log, *message;
		enum error_kind kind;
	} cases[] = {
		{ "Reading...\nE: Unable to locate package nope\nE: apt-get failed\n",
		  "Debian 12 has no package \"nope\" (Aptfile:2): look for its name at "
		  "packages.debian.org",
		  ERROR_INVALID },
		{ "E: Unable to locate package nope\r\nE: Unable to locate package other\nE: "
		  "Couldn't find any package by regex 'other'\n",
		  "Debian 12 has no package \"nope\" (Aptfile:2), \"other\": look for their names "
		  "at packages.debian.org",
		  ERROR_INVALID },
		{ "E: Package 'nope' has no installation candidate\n",
		  "Debian 12 has no package \"nope\" (Aptfile:2): look for its name at "
		  "packages.debian.org",
		  ERROR_INVALID },
		{ "E: Version '9' for 'curl' was not found\n",
		  "Debian 12 does not have this version of a package: \"9' for 'curl' was not "
		  "found\"",
		  ERROR_INVALID },
		{ "The following packages have unmet dependencies:\n a : Conflicts: b\nE: Unable "
		  "to correct problems\n",
		  "The packages can't be installed together: a : Conflicts: b", ERROR_INVALID },
		{ "Err:1 http://x\nE: Failed to fetch http://x/InRelease  Could not connect\nE: "
		  "last\n",
		  "Debian's archive could not be reached: E: Failed to fetch http://x/InRelease  "
		  "Could not connect. Look at the "
		  "network, at http_proxy in twelved's environment, or set TWELVE_DEBIAN_MIRROR",
		  ERROR_UNAVAILABLE },
		{ "I: x\nE: first\nE: the last\n", "The stack could not be made: E: the last",
		  ERROR_UNAVAILABLE },
		{ "", "The stack could not be made, and apt gave no reason", ERROR_UNAVAILABLE },
	};
	const struct stack_options o = { .name = "debian-12", .where = where };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = ERROR_INIT;

		assert_int_equal(stack_explain(&o, cases[i].log, &err), -1);
		assert_string_equal(err.message, cases[i].message);
		assert_int_equal(err.kind, cases[i].kind);
	}
}

static void test_finds_the_line_of_a_package(void **state)
{
	static const char text[] = "# curl\ncurlie\n\nlibpq5=15.1 git\ncurl:amd64\n";

	(void)state;
	assert_int_equal(stack_find_package(text, "curl"), 5);
	assert_int_equal(stack_find_package(text, "git"), 4);
	assert_int_equal(stack_find_package(text, "libpq5"), 4);
	assert_int_equal(stack_find_package(text, "amd64"), 0);
}

static void test_collects_what_nobody_uses(void **state)
{
	char used[DIGEST_HEX_SIZE], unused[DIGEST_HEX_SIZE];
	char *keep[] = { used, NULL };
	_cleanup_free_ char *a = NULL, *b = NULL, *half = NULL, *live = NULL, *specs = NULL,
			    *lock = NULL;
	_cleanup_fd_ int lock_fd = -1;
	struct error err = ERROR_INIT;
	size_t removed;

	(void)state;
	memset(used, 'a', 64);
	memset(unused, 'b', 64);
	used[64] = unused[64] = '\0';
	a = xasprintf("%s/stacks/%s/rootfs", dir, used);
	b = xasprintf("%s/stacks/%s/rootfs", dir, unused);
	/* One left by a maker that was killed, one that is being made: its spec is locked. */
	half = xasprintf("%s/stacks/tmp/dead/rootfs", dir);
	live = xasprintf("%s/stacks/tmp/live/rootfs", dir);
	specs = xasprintf("%s/stacks/specs", dir);
	lock = xasprintf("%s/live.lock", specs);
	fs_mkdirs(specs, 0755);
	lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(flock(lock_fd, LOCK_EX), 0);
	fs_mkdirs(a, 0755);
	fs_mkdirs(b, 0755);
	fs_mkdirs(half, 0755);
	fs_mkdirs(live, 0755);
	assert_int_equal(stack_collect(dir, keep, &removed, &err), 0);
	assert_int_equal(removed, 1);
	assert_true(fs_exists(a));
	assert_false(fs_exists(b));
	assert_false(fs_exists(half));
	assert_true(fs_exists(live));
}

static void put(const char *digest, const char *name, const char *text)
{
	_cleanup_free_ char *path = xasprintf("%s/stacks/%s", dir, digest),
			    *file = xasprintf("stacks/%s/%s", digest, name);
	_cleanup_free_ char *tree = xasprintf("%s/%s", path, text ? "layer" : "rootfs");

	assert_int_equal(fs_mkdirs(tree, 0755), 0);
	if (text)
		write_file(file, text);
}

/* A base, a build variant on it and a set on that; one that nobody uses beside it; and one of
 * before there were layers. */
static char base[DIGEST_HEX_SIZE], variant[DIGEST_HEX_SIZE], set[DIGEST_HEX_SIZE],
	other[DIGEST_HEX_SIZE], old[DIGEST_HEX_SIZE];

static void put_all(void)
{
	_cleanup_free_ char *on_base = NULL, *on_variant = NULL;
	char *const all[] = { base, variant, set, other, old };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		snprintf(all[i], DIGEST_HEX_SIZE, "%064zx", 0xabc0 + i);
	on_base = xasprintf("%s\n", base);
	on_variant = xasprintf("%s\n", variant);
	put(base, "below", NULL);
	put(old, "below", NULL);
	put(variant, "below", on_base);
	put(set, "below", on_variant);
	put(other, "below", on_base);
}

static void test_opens_all_that_a_stack_stands_on(void **state)
{
	__attribute__((cleanup(stack_done))) struct stack s = { 0 }, whole = { 0 };
	_cleanup_free_ char *top = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	put_all();
	top = xasprintf("%s/stacks/%s/layer", dir, set);
	assert_int_equal(stack_open(dir, set, &s, &err), 0);
	assert_int_equal(strv_len(s.layers), 3);
	assert_string_equal(s.layers[0], top);
	assert_true(str_ends(s.layers[2], "/rootfs"));
	assert_int_equal(stack_open(dir, old, &whole, &err), 0);
	assert_int_equal(strv_len(whole.layers), 1);
}

static void test_a_stack_that_lost_what_it_stands_on_is_gone(void **state)
{
	static const char *const bad[] = { "cafe\n", "../../../etc\n", "" };
	struct stack s = { 0 };
	char path[128];

	(void)state;
	put_all();
	snprintf(path, sizeof(path), "%s/stacks/%s", dir, base);
	assert_int_equal(fs_remove_tree(path), 0);
	for (size_t i = 0; i <= ARRAY_SIZE(bad); i++) {
		struct error err = ERROR_INIT;

		if (i > 0)
			put(set, "below", bad[i - 1]);
		assert_false(stack_is_whole(dir, set));
		assert_int_equal(stack_open(dir, set, &s, &err), -1);
		assert_null(s.layers);
	}
	/* One that stands on itself. */
	put_all();
	snprintf(path, sizeof(path), "%s\n", set);
	put(variant, "below", path);
	assert_false(stack_is_whole(dir, set));
}

static void test_collects_nothing_that_is_stood_on(void **state)
{
	char *keep[] = { set, NULL };
	struct error err = ERROR_INIT;
	size_t removed;

	(void)state;
	put_all();
	assert_int_equal(stack_collect(dir, keep, &removed, &err), 0);
	assert_true(stack_is_whole(dir, set));
	assert_true(stack_is_whole(dir, variant));
	assert_false(stack_is_whole(dir, other));
	assert_false(stack_is_whole(dir, old));
	assert_int_equal(stack_collect(dir, NULL, &removed, &err), 0);
	assert_int_equal(removed, 3);
	assert_false(stack_is_whole(dir, base));
}

static void test_what_a_layer_adds(void **state)
{
	_cleanup_strv_ char **all = NULL, **in = NULL, **added = NULL;

	(void)state;
	stack_added(NULL, NULL, &added);
	assert_null(added);
	strv_push(&all, "b");
	strv_push(&all, "a");
	strv_push(&all, "c=1");
	strv_push(&all, "b");
	strv_push(&in, "a");
	strv_push(&in, "c");
	stack_added(all, in, &added);
	assert_int_equal(strv_len(added), 2);
	assert_string_equal(added[0], "b");
	assert_string_equal(added[1], "c=1");
}

#define INRELEASE(label)                                                                    \
	"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: Debian\nLabel: " label \
	"\nSuite: x\n"

/* What apt prints, on a machine with an archive of others, a flat one, and one not fetched yet. */
static void test_finds_the_mirror_of_the_machine(void **state)
{
	static const char uris[] =
		"'http://other.example/debian/dists/stable/InRelease' other_InRelease 0 \n"
		"'http://flat.example/tools/./InRelease' flat_InRelease 0 \n"
		"'cdrom:/debian/dists/bookworm/InRelease' disc_InRelease 0 \n"
		"'http://new.example/debian/dists/bookworm/InRelease' new_InRelease 0 \n"
		"'https://near.example/deb%20ian/dists/bookworm/InRelease' near_InRelease 0 \n"
		"'http://far.example/debian/dists/bookworm/InRelease' far_InRelease 0 \n"
		"'http://near.example/s/dists/bookworm-security/InRelease' s_InRelease 0 \n"
		"'http://p.example/dists/bookworm/main/binary-amd64/Packages.xz' far_InRelease 0 "
		"\n";
	_cleanup_free_ char *debian = NULL, *security = NULL, *none = NULL, *empty = NULL;

	(void)state;
	write_file("other_InRelease", "Origin: Other\nLabel: Debian\n");
	write_file("flat_InRelease", INRELEASE("Debian"));
	write_file("disc_InRelease", INRELEASE("Debian"));
	write_file("near_InRelease", INRELEASE("Debian"));
	write_file("far_InRelease", INRELEASE("Debian"));
	write_file("s_InRelease", INRELEASE("Debian-Security"));
	debian = stack_find_mirror(uris, dir, "Debian");
	security = stack_find_mirror(uris, dir, "Debian-Security");
	none = stack_find_mirror(uris, dir, "Debian Backports");
	empty = stack_find_mirror("", dir, "Debian");
	assert_string_equal(debian, "https://near.example/deb%20ian/");
	assert_string_equal(security, "http://near.example/s/");
	assert_null(none);
	assert_null(empty);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_spec_does_not_depend_on_order),
		cmocka_unit_test(test_explains_what_apt_says),
		cmocka_unit_test(test_finds_the_line_of_a_package),
		cmocka_unit_test(test_collects_what_nobody_uses),
		cmocka_unit_test(test_opens_all_that_a_stack_stands_on),
		cmocka_unit_test(test_a_stack_that_lost_what_it_stands_on_is_gone),
		cmocka_unit_test(test_collects_nothing_that_is_stood_on),
		cmocka_unit_test(test_what_a_layer_adds),
		cmocka_unit_test(test_finds_the_mirror_of_the_machine),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
