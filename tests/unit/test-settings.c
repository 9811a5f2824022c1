/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/settings: values and their messages as a table; and finding programs, in layouts made of
 * this very test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/core/env-file.h"
#include "daemon/api/parts.h"

static int clear(void **state)
{
	(void)state;
	for (char **e = environ; *e;) {
		_cleanup_free_ char *name = xstrndup(*e, strcspn(*e, "="));

		if (str_starts(name, "TWELVE_"))
			unsetenv(name);
		else
			e++;
	}
	return 0;
}

static void test_defaults(void **state)
{
	struct settings s = { 0 };
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(settings_load(&s, &err), 0);
	assert_string_equal(s.state_dir, "/var/lib/twelve");
	assert_string_equal(s.run_dir, "/run/twelve");
	assert_string_equal(s.http_address, "127.0.0.1:5080");
	assert_string_equal(s.api_address, "127.0.0.1:5000");
	assert_string_equal(s.apps_domain, "localhost");
	assert_string_equal(s.group, "twelve");
	assert_int_equal(s.port_first, 20000);
	assert_int_equal(s.port_last, 24999);
	assert_int_equal(s.build_disk_bytes, INT64_C(4) << 30);
	assert_int_equal(s.build_timeout_ms, 15 * 60 * 1000);
	assert_int_equal(s.disk_reserve_bytes, INT64_C(1) << 30);
	assert_int_equal(s.max_upload_bytes, INT64_C(2) << 30);
	assert_int_equal(s.max_dynos, 200);
	assert_int_equal(s.owner_apps, 0);
	assert_int_equal(s.owner_memory_bytes, 0);
	assert_string_equal(s.acme_directory, "https://acme-v02.api.letsencrypt.org/directory");
	assert_string_equal(s.acme_email, "");
	assert_string_equal(s.acme_ca, "");
	assert_non_null(s.libexec_dir);
	assert_non_null(s.data_dir);
	assert_non_null(s.cli_path);
	settings_done(&s);
	assert_null(s.state_dir);
}

/* joined: the assignments with "|" between them; NULL where message is the error. */
static const struct {
	const char *text, *joined, *message;
} env_files[] = {
	{ "TWELVE_HTTP=:80\nTWELVE_API=\n", "TWELVE_HTTP=:80|TWELVE_API=", NULL },
	{ "# a comment\n\n; another\n  A=1  \n\tB = 2\nC D=3\n", NULL,
	  "f:6: expected a line such as TWELVE_HTTP=:80" },
	{ "# a comment\n\n; another\n  A=1  \n\tB = 2\n", "A=1|B=2", NULL },
	{ "A=\"x y # z\"  \nB='$HOME \\n'\nC=a\\ b\n", "A=x y # z|B=$HOME \\n|C=a b", NULL },
	{ "A=one two \r\nB=\" kept \" \n", "A=one two|B= kept ", NULL },
	{ "A=\"quote \\\" back \\\\ dollar \\$ other \\n\"",
	  "A=quote \" back \\ dollar $ other \\n", NULL },
	{ "A=one\\\ntwo\nB=\"three\nfour\"\n", "A=onetwo|B=three\nfour", NULL },
	{ "A=x=y#z", "A=x=y#z", NULL },
	{ "A=1\nexport B=2\n", NULL, "f:2: expected a line such as TWELVE_HTTP=:80" },
	{ "A=1\n\nB=\"open\n\n", NULL, "f:3: a quote that is opened here is not closed" },
	{ "1A=2", NULL, "f:1: expected a line such as TWELVE_HTTP=:80" },
	{ "A=\"one\nB=\"two\n", "A=one\nB=two", NULL },
	{ "A=\\", "A=", NULL },
	{ "", "", NULL },
};

static void test_env_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(env_files); i++) {
		_cleanup_strv_ char **found = NULL;
		_cleanup_buf_ struct buf joined = BUF_INIT;
		struct error err = ERROR_INIT;
		int r = env_file_parse(env_files[i].text, "f", &found, &err);

		if (env_files[i].message) {
			assert_int_equal(r, -1);
			assert_string_equal(err.message, env_files[i].message);
			continue;
		}
		assert_int_equal(r, 0);
		for (char **a = found; a && *a; a++)
			buf_printf(&joined, "%s%s", joined.len ? "|" : "", *a);
		assert_string_equal(joined.data, env_files[i].joined);
	}
}

static void test_env_file_yields(void **state)
{
	char path[] = "/tmp/twelve-env-XXXXXX";
	struct error err = ERROR_INIT;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(fs_write_atomic(path, 0600, "TWELVE_HTTP=:80\nTWELVE_GROUP=ops\n", 33), 0);
	setenv("TWELVE_HTTP", ":8080", 1);
	assert_int_equal(env_file_load(path, &err), 0);
	assert_string_equal(getenv("TWELVE_HTTP"), ":8080");
	assert_string_equal(getenv("TWELVE_GROUP"), "ops");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(env_file_load(path, &err), -1);
	assert_non_null(strstr(err.message, "reading the settings in /tmp/twelve-env-"));
}

/* message: all of it; NULL where the value is good. */
static const struct {
	const char *name, *value, *message;
} rows[] = {
	{ "TWELVE_STATE_DIR", "/srv/twelve", NULL },
	{ "TWELVE_STATE_DIR", "", NULL },
	{ "TWELVE_STATE_DIR", "state",
	  "TWELVE_STATE_DIR: expected an absolute path, found \"state\"" },
	{ "TWELVE_RUN_DIR", "/run/0123456789012345678901234567890123456789012345678901",
	  "TWELVE_RUN_DIR: expected a path of at most 55 characters, because paths of unix sockets "
	  "are "
	  "short, found 57" },
	{ "TWELVE_DATA_DIR", "/proc/self", "TWELVE_DATA_DIR: /proc/self/buildpacks is not there" },
	{ "TWELVE_LIBEXEC_DIR", "/proc/self",
	  "TWELVE_LIBEXEC_DIR: /proc/self/twelve-dyno is not there" },
	{ "TWELVE_HTTP", ":80", NULL },
	{ "TWELVE_HTTP", "[::1]:80", NULL },
	{ "TWELVE_HTTP", "*:80", NULL },
	{ "TWELVE_HTTP", "example.com:8080", NULL },
	{ "TWELVE_HTTP", "80",
	  "TWELVE_HTTP: expected an address such as 127.0.0.1:5000, found \"80\"" },
	{ "TWELVE_HTTP", "::1:80",
	  "TWELVE_HTTP: expected an address such as 127.0.0.1:5000, found \"::1:80\"" },
	{ "TWELVE_API", "", NULL },
	{ "TWELVE_API", "[::1:80",
	  "TWELVE_API: expected an address such as 127.0.0.1:5000, found \"[::1:80\"" },
	{ "TWELVE_API", "a b:1",
	  "TWELVE_API: expected an address such as 127.0.0.1:5000, found \"a b:1\"" },
	{ "TWELVE_API", "h:0",
	  "TWELVE_API: expected an address such as 127.0.0.1:5000, found \"h:0\"" },
	{ "TWELVE_API", "h:65536",
	  "TWELVE_API: expected an address such as 127.0.0.1:5000, found \"h:65536\"" },
	{ "TWELVE_APPS_DOMAIN", "apps.example.com", NULL },
	{ "TWELVE_APPS_DOMAIN", "a_b",
	  "TWELVE_APPS_DOMAIN: expected a domain such as apps.example.com, found \"a_b\"" },
	{ "TWELVE_ACME_DIRECTORY", "", NULL },
	{ "TWELVE_ACME_DIRECTORY", "https://acme.example/directory", NULL },
	{ "TWELVE_ACME_DIRECTORY", "http://acme.example/directory",
	  "TWELVE_ACME_DIRECTORY: expected an https:// URL of an ACME directory, found "
	  "\"http://acme.example/directory\"" },
	{ "TWELVE_ACME_EMAIL", "", NULL },
	{ "TWELVE_ACME_EMAIL", "ada@example.com", NULL },
	{ "TWELVE_ACME_EMAIL", "-x@example.com",
	  "TWELVE_ACME_EMAIL: expected an e-mail address, found \"-x@example.com\"" },
	{ "TWELVE_ACME_CA", "", NULL },
	{ "TWELVE_ACME_CA", "/proc/version", NULL },
	{ "TWELVE_ACME_CA", "/proc/none",
	  "TWELVE_ACME_CA: expected the absolute path of a file that is there, found "
	  "\"/proc/none\"" },
	{ "TWELVE_GROUP", "a b", "TWELVE_GROUP: expected the name of a group, found \"a b\"" },
	{ "TWELVE_PORTS", "3000-3000", NULL },
	{ "TWELVE_PORTS", "3001-3000",
	  "TWELVE_PORTS: expected a range of ports from 1024 to 65535 such as 20000-24999, found "
	  "\"3001-3000\"" },
	{ "TWELVE_PORTS", "80-3000",
	  "TWELVE_PORTS: expected a range of ports from 1024 to 65535 such as 20000-24999, found "
	  "\"80-3000\"" },
	{ "TWELVE_PORTS", "3000",
	  "TWELVE_PORTS: expected a range of ports from 1024 to 65535 such as 20000-24999, found "
	  "\"3000\"" },
	{ "TWELVE_BUILD_MEMORY", "512m", NULL },
	{ "TWELVE_BUILD_MEMORY", "1048576", NULL },
	{ "TWELVE_BUILD_MEMORY", "abc",
	  "TWELVE_BUILD_MEMORY: expected a size such as 2G, found \"abc\"" },
	{ "TWELVE_BUILD_MEMORY", "2GB",
	  "TWELVE_BUILD_MEMORY: expected a size such as 2G, found \"2GB\"" },
	{ "TWELVE_BUILD_MEMORY", "-1G",
	  "TWELVE_BUILD_MEMORY: expected a size such as 2G, found \"-1G\"" },
	{ "TWELVE_BUILD_MEMORY", "G",
	  "TWELVE_BUILD_MEMORY: expected a size such as 2G, found \"G\"" },
	{ "TWELVE_BUILD_DISK", "9999999T",
	  "TWELVE_BUILD_DISK: expected a size such as 2G, found \"9999999T\"" },
	{ "TWELVE_BUILD_DISK", "4", "TWELVE_BUILD_DISK: expected at least 1M, found \"4\"" },
	{ "TWELVE_DISK_RESERVE", "0", NULL },
	{ "TWELVE_DISK_RESERVE", "900000G", NULL },
	{ "TWELVE_BUILD_TIMEOUT", "90s", NULL },
	{ "TWELVE_BUILD_TIMEOUT", "2H", NULL },
	{ "TWELVE_BUILD_TIMEOUT", "15",
	  "TWELVE_BUILD_TIMEOUT: expected a duration such as 15m or 30s, found \"15\"" },
	{ "TWELVE_BUILD_TIMEOUT", "0s",
	  "TWELVE_BUILD_TIMEOUT: expected at least 1s, found \"0s\"" },
	{ "TWELVE_OWNER_APPS", "-1",
	  "TWELVE_OWNER_APPS: expected a number from 0 to 1000000, found \"-1\"" },
	{ "TWELVE_OWNER_DYNOS", "many",
	  "TWELVE_OWNER_DYNOS: expected a number from 0 to 1000000, found \"many\"" },
	{ "TWELVE_OWNER_ADDONS", "1000001",
	  "TWELVE_OWNER_ADDONS: expected a number from 0 to 1000000, found \"1000001\"" },
	{ "TWELVE_OWNER_MEMORY", "4GB",
	  "TWELVE_OWNER_MEMORY: expected a size such as 2G, found \"4GB\"" },
	{ "TWELVE_MAX_DYNOS", "0",
	  "TWELVE_MAX_DYNOS: expected a number from 1 to 10000, found \"0\"" },
	{ "TWELVE_MAX_DYNOS", "ten",
	  "TWELVE_MAX_DYNOS: expected a number from 1 to 10000, found \"ten\"" },
};

static void test_values(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct settings s = { 0 };
		struct error err = ERROR_INIT;
		int r;

		clear(state);
		setenv(rows[i].name, rows[i].value, 1);
		r = settings_load(&s, &err);
		if (!rows[i].message && r < 0)
			fail_msg("%s", err.message);
		if (!rows[i].message) {
			settings_done(&s);
			continue;
		}
		if (r == 0)
			fail_msg("%s=%s is accepted", rows[i].name, rows[i].value);
		assert_string_equal(err.message, rows[i].message);
		assert_int_equal(err.kind, ERROR_INVALID);
		assert_null(s.state_dir);
	}
}

static void test_what_values_become(void **state)
{
	struct settings s = { 0 };
	struct error err = ERROR_INIT;

	(void)state;
	setenv("TWELVE_RUN_DIR", "/run/x//", 1);
	setenv("TWELVE_API", "", 1);
	setenv("TWELVE_APPS_DOMAIN", "Apps.Example", 1);
	setenv("TWELVE_PORTS", "3000-3009", 1);
	setenv("TWELVE_BUILD_MEMORY", "512M", 1);
	setenv("TWELVE_BUILD_DISK", "3t", 1);
	setenv("TWELVE_BUILD_TIMEOUT", "2h", 1);
	assert_int_equal(settings_load(&s, &err), 0);
	assert_string_equal(s.run_dir, "/run/x");
	assert_string_equal(s.api_address, "");
	assert_string_equal(s.apps_domain, "apps.example");
	assert_int_equal(s.port_first, 3000);
	assert_int_equal(s.port_last, 3009);
	assert_int_equal(s.build_memory_bytes, INT64_C(512) << 20);
	assert_int_equal(s.build_disk_bytes, INT64_C(3) << 40);
	assert_int_equal(s.build_timeout_ms, 7200000);
	settings_done(&s);
}

static void test_memory_of_builds_by_the_machine(void **state)
{
	int64_t half = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 2;
	struct settings s = { 0 };
	struct error err = ERROR_INIT;

	(void)state;
	unsetenv("TWELVE_BUILD_MEMORY");
	assert_int_equal(settings_load(&s, &err), 0);
	assert_true(s.build_memory_bytes >= INT64_C(2) << 30 &&
		    s.build_memory_bytes <= INT64_C(8) << 30);
	if (half > INT64_C(2) << 30 && half < INT64_C(8) << 30)
		assert_int_equal(s.build_memory_bytes >> 20, half >> 20);
	settings_done(&s);
}

/* As a child in some layout: what is found there. */
static int tell(void)
{
	struct settings s = { 0 };
	struct error err = ERROR_INIT;

	if (settings_load(&s, &err) < 0)
		return fprintf(stderr, "%s\n", err.message), 1;
	for (const char *const *p = (const char *const[]){ "twelve", "twelve-dyno", "twelve-init",
							   "twelve-logs", NULL };
	     *p; p++) {
		_cleanup_free_ char *path = settings_program(&s, *p);

		printf("%s\n", path);
	}
	printf("%s\n", s.data_dir);
	settings_done(&s);
	return 0;
}

static void put_program(const char *top, const char *path, const void *data, size_t n)
{
	_cleanup_free_ char *file = xasprintf("%s/%s", top, path);
	_cleanup_free_ char *dir = xstrndup(file, (size_t)(strrchr(file, '/') - file));

	assert_int_equal(fs_mkdirs(dir, 0755), 0);
	assert_int_equal(fs_write_atomic(file, 0755, data, n), 0);
}

static void check_layout(const char *me, const char *const *programs, const char *want)
{
	char top[] = "/tmp/test-settings-XXXXXX";
	_cleanup_free_ char *exe = NULL;
	_cleanup_buf_ struct buf self = BUF_INIT;
	_cleanup_buf_ struct buf out = BUF_INIT;
	_cleanup_buf_ struct buf told = BUF_INIT;
	struct error err = ERROR_INIT;
	int status;

	assert_non_null(mkdtemp(top));
	assert_int_equal(fs_read_file("/proc/self/exe", 64 << 20, &self), 0);
	put_program(top, me, self.data, self.len);
	for (; *programs; programs++)
		put_program(top, *programs, "#!/bin/true\n", 12);
	exe = xasprintf("%s/%s", top, me);
	if (proc_run(&(struct proc_options){ .argv = (const char *const[]){ exe, "tell", NULL } },
		     &out, &status, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(fs_remove_tree(top), 0);
	if (status)
		fail_msg("%s", out.data);
	/* Paths below the temporary directory are told without it. */
	for (char *rest = out.data, *line; (line = strsep(&rest, "\n")) && *line;)
		buf_printf(&told, "%s\n", str_starts(line, top) ? line + strlen(top) : line);
	assert_string_equal(told.data, want);
}

static void test_a_build_tree(void **state)
{
	static const char *const programs[] = {
		"build/src/cli/twelve",	      "build/src/dyno/twelve-dyno",
		"build/src/dyno/twelve-init", "build/src/logsd/twelve-logs",
		"buildpacks/order",	      NULL
	};

	(void)state;
	check_layout(
		"build/src/daemon/twelved", programs,
		"/build/src/cli/twelve\n/build/src/dyno/twelve-dyno\n/build/src/dyno/twelve-init\n"
		"/build/src/logsd/twelve-logs\n\n");
}

static void test_side_by_side(void **state)
{
	static const char *const programs[] = { "bin/twelve", "bin/twelve-dyno", "bin/twelve-init",
						"bin/twelve-logs", NULL };

	(void)state;
	check_layout(
		"bin/twelved", programs,
		"/bin/twelve\n/bin/twelve-dyno\n/bin/twelve-init\n/bin/twelve-logs\n" TWELVE_DATADIR
		"\n");
}

static void test_nowhere(void **state)
{
	static const char *const programs[] = { "bin/twelve", NULL };

	(void)state;
	check_layout("bin/twelved", programs,
		     "/bin/twelve\n" TWELVE_LIBEXECDIR "/twelve-dyno\n" TWELVE_LIBEXECDIR
		     "/twelve-init\n" TWELVE_LIBEXECDIR "/twelve-logs\n" TWELVE_DATADIR "\n");
}

static void test_help_names_every_setting(void **state)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	settings_print_help(f);
	fclose(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_non_null(strstr(text, rows[i].name));
	free(text);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_defaults, clear),
		cmocka_unit_test(test_env_files),
		cmocka_unit_test_setup(test_env_file_yields, clear),
		cmocka_unit_test_setup(test_values, clear),
		cmocka_unit_test_setup(test_what_values_become, clear),
		cmocka_unit_test_setup(test_memory_of_builds_by_the_machine, clear),
		cmocka_unit_test_setup(test_a_build_tree, clear),
		cmocka_unit_test_setup(test_side_by_side, clear),
		cmocka_unit_test_setup(test_nowhere, clear),
		cmocka_unit_test_setup(test_help_names_every_setting, clear),
	};

	if (argc == 2 && streq(argv[1], "tell"))
		return tell();
	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
