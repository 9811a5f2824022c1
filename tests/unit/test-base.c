/* SPDX-License-Identifier: Apache-2.0 */
/* base: errors, strings, buffers, files, digests. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/utf8.h"
#include "base/tree.h"

static void test_error_says_what_where(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(error_set(&err, ERROR_INVALID, "line %d", 3), -1);
	error_prefix(&err, "%s", "Procfile");
	assert_string_equal(err.message, "Procfile: line 3");
	assert_int_equal(error_http_status(err.kind), 422);
	error_set_errno(&err, -ENOENT, "opening %s", "x");
	assert_string_equal(err.message, "opening x: No such file or directory");
	assert_int_equal(err.errnum, ENOENT);
}

static void test_error_is_bounded(void **state)
{
	struct error err = ERROR_INIT;
	char *big = xcalloc(1, 5000);

	(void)state;
	memset(big, 'x', 4999);
	error_set(&err, ERROR_INVALID, "%s", big);
	error_prefix(&err, "%s", big);
	assert_int_equal(strlen(err.message), ERROR_MESSAGE_MAX - 1);
	free(big);
}

static void test_buf(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	(void)state;
	assert_string_equal(b.data, "");
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%d,", i);
	assert_int_equal(b.len, 3890);
	buf_consume(&b, 3886);
	assert_string_equal(b.data, "999,");
	buf_clear(&b);
	assert_string_equal(b.data, "");
}

static void test_numbers(void **state)
{
	int64_t v = 7;

	(void)state;
	assert_true(str_to_i64("42", 0, 100, &v));
	assert_int_equal(v, 42);
	assert_false(str_to_i64("101", 0, 100, &v));
	assert_false(str_to_i64("4x", 0, 100, &v));
	assert_false(str_to_i64("", 0, 100, &v));
	assert_false(str_to_i64(" 4", 0, 100, &v));
	assert_false(str_to_i64("99999999999999999999", 0, INT64_MAX, &v));
	assert_int_equal(v, 42);
}

static void test_strv(void **state)
{
	_cleanup_strv_ char **v = NULL;

	(void)state;
	strv_push(&v, "b");
	strv_push(&v, "a");
	strv_push(&v, "b");
	strv_sort_unique(v);
	assert_int_equal(strv_len(v), 2);
	assert_string_equal(v[0], "a");
	assert_true(strv_has(v, "b"));
}

static void test_files(void **state)
{
	char dir[] = "/tmp/twelve-base-XXXXXX";
	_cleanup_free_ char *sub = NULL, *file = NULL, *link = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT;

	(void)state;
	assert_non_null(mkdtemp(dir));
	sub = xasprintf("%s/a/b/c", dir);
	file = xasprintf("%s/f", sub);
	link = xasprintf("%s/etc", sub);
	assert_int_equal(fs_mkdirs(sub, 0755), 0);
	assert_int_equal(fs_write_atomic(file, 0600, "hello", 5), 0);
	assert_int_equal(fs_read_file(file, 4, &b), -EFBIG);
	buf_clear(&b);
	assert_int_equal(fs_read_file(file, 5, &b), 0);
	assert_string_equal(b.data, "hello");
	/* A link out of the tree is removed, and what it points to is not. */
	assert_int_equal(symlink("/etc", link), 0);
	assert_int_equal(fs_remove_tree(dir), 0);
	assert_false(fs_exists(dir));
	assert_true(fs_exists("/etc/passwd"));
	assert_int_equal(fs_remove_tree(dir), 0);
}

static int n_syncs;

/* In place of the C library's. */
int fsync(int fd)
{
	n_syncs++;
	return (int)syscall(SYS_fsync, fd);
}

static void assert_written(int r, const char *path, const char *expected, mode_t mode)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct stat st;

	assert_int_equal(r, 0);
	assert_int_equal(fs_read_file(path, 64, &b), 0);
	assert_string_equal(b.data, expected);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void test_what_is_durable_is_synced(void **state)
{
	char dir[] = "/tmp/twelve-base-XXXXXX";
	_cleanup_free_ char *path = NULL, *none = NULL;
	_cleanup_strv_ char **names = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/f", dir);
	none = xasprintf("%s/none/f", dir);
	n_syncs = 0;
	/* The file, and its name. */
	assert_written(fs_write_atomic(path, 0600, "first", 5), path, "first", 0600);
	assert_int_equal(n_syncs, 2);
	assert_written(fs_write_fleeting(path, 0644, "second", 6), path, "second", 0644);
	assert_int_equal(n_syncs, 2);
	assert_int_equal(fs_write_fleeting(none, 0644, "second", 6), -ENOENT);
	assert_int_equal(fs_list(dir, &names), 0);
	assert_int_equal(strv_len(names), 1);
	assert_int_equal(fs_remove_tree(dir), 0);
}

static void test_what_a_file_holds(void **state)
{
	char dir[] = "/tmp/twelve-base-XXXXXX";
	_cleanup_free_ char *path = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/f", dir);
	assert_false(fs_file_holds(path, "hello", 5));
	assert_false(fs_file_holds(path, "", 0));
	assert_int_equal(fs_write_fleeting(path, 0600, "hello", 5), 0);
	assert_true(fs_file_holds(path, "hello", 5));
	assert_false(fs_file_holds(path, "hellO", 5));
	assert_false(fs_file_holds(path, "hell", 4));
	assert_false(fs_file_holds(path, "hello!", 6));
	assert_false(fs_file_holds(path, "", 0));
	assert_int_equal(fs_write_fleeting(path, 0600, "", 0), 0);
	assert_true(fs_file_holds(path, "", 0));
	assert_int_equal(fs_remove_tree(dir), 0);
}

/* As a build may leave them: each folder in the one before, without a right to enter it. */
static void make_deep(const char *top, int levels)
{
	int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	for (int i = 0; i < levels; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "a-folder-with-a-long-name", 0700), 0);
		next = openat(fd, "a-folder-with-a-long-name", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		assert_int_equal(fchmod(fd, 0), 0);
		close(fd);
		fd = next;
	}
	assert_int_equal(symlinkat("/etc", fd, "link"), 0);
	close(fd);
}

static void test_deep_trees(void **state)
{
	static const struct tree_usage max = { .entries = 1000000 };
	char dir[] = "/tmp/twelve-base-XXXXXX";
	struct tree_usage usage = { 0 };
	uint64_t bytes;

	(void)state;
	assert_non_null(mkdtemp(dir));
	make_deep(dir, TREE_MAX_DEPTH - 2);
	assert_int_equal(tree_measure(dir, &max, &usage), TREE_TOO_DEEP); /* by its path */
	assert_int_equal(fs_remove_tree(dir), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	make_deep(dir, 100);
	usage = (struct tree_usage){ 0 };
	assert_int_equal(tree_measure(dir, &max, &usage), TREE_FITS);
	assert_int_equal(usage.entries, 101);
	assert_int_equal(fs_tree_size(dir, &bytes), 0);
	assert_int_equal(fs_remove_tree(dir), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	/* More levels than a process has descriptors by default, and a path that no call takes. */
	make_deep(dir, 1500);
	assert_int_equal(tree_measure(dir, &max, &usage), TREE_TOO_DEEP);
	assert_int_equal(fs_tree_size(dir, &bytes), -ENAMETOOLONG);
	assert_int_equal(fs_remove_tree(dir), 0);
	assert_false(fs_exists(dir));
	assert_true(fs_exists("/etc/passwd"));
}

/* Wide and deep at once, so that a removal comes back to directories that it had closed. */
static void test_removal_comes_back(void **state)
{
	char dir[] = "/tmp/twelve-base-XXXXXX";
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 300; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "a", 0700), 0);
		assert_int_equal(mkdirat(fd, "b", 0700), 0);
		assert_int_equal(mkdirat(fd, "b/c", 0700), 0);
		assert_int_equal(mkdirat(fd, "z", 0700), 0);
		next = openat(fd, i % 2 ? "a" : "z", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	close(fd);
	assert_int_equal(fs_remove_tree(dir), 0);
	assert_false(fs_exists(dir));
}

static void test_measures(void **state)
{
	const struct tree_usage few = { .entries = 10 }, little = { .bytes = 4096 }, none = { 0 };
	char dir[] = "/tmp/twelve-base-XXXXXX";
	struct tree_usage usage = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (int i = 0; i < 20; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%d", dir, i);

		assert_int_equal(fs_write_atomic(path, 0600, "hello", 5), 0);
	}
	assert_int_equal(tree_measure(dir, &few, &usage), TREE_TOO_MANY);
	assert_int_equal(usage.entries, 11);
	usage = (struct tree_usage){ 0 };
	assert_int_equal(tree_measure(dir, &little, &usage), TREE_TOO_LARGE);
	usage = (struct tree_usage){ 0 };
	assert_int_equal(tree_measure(dir, &none, &usage), TREE_FITS);
	assert_int_equal(usage.entries, 20);
	assert_int_equal(fs_remove_tree(dir), 0);
	assert_int_equal(tree_measure(dir, &none, &usage), TREE_FITS);
}

static void test_proc(void **state)
{
	const char *const good[] = { "sh", "-c", "echo out; echo err >&2; exit 3", NULL };
	const char *const missing[] = { "no-such-program-here", NULL };
	struct proc_options o = { .argv = good };
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;
	int status;

	(void)state;
	assert_int_equal(proc_run(&o, &out, &status, &err), 0);
	assert_string_equal(out.data, "out\nerr\n");
	assert_int_equal(proc_exit_code(status), 3);
	o.argv = missing;
	assert_int_equal(proc_run(&o, &out, &status, &err), -1);
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_int_equal(proc_run_simple(good, &err), -1);
	assert_string_equal(err.message, "sh exited with status 3: err");
}

/* In a child, since it is for good: a limit that was 0 stays, where it may not be raised. */
static void test_no_cores(void **state)
{
	static const rlim_t before[] = { RLIM_INFINITY, 1, 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			struct rlimit l = { before[i], before[i] };

			if (setrlimit(RLIMIT_CORE, &l) < 0)
				_exit(0); /* ours is lower */
			if (proc_no_cores() < 0 || getrlimit(RLIMIT_CORE, &l) < 0)
				_exit(1);
			_exit(prctl(PR_GET_DUMPABLE) == 0 && l.rlim_max <= 1 &&
					      l.rlim_cur == l.rlim_max &&
					      (l.rlim_max == 1 || before[i] == 0)
				      ? 0
				      : 2);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

static void test_proc_deadline(void **state)
{
	const char *const slow[] = { "sh", "-c", "sleep 60 & wait", NULL };
	struct proc_options o = { .argv = slow, .timeout_ms = 50 };
	struct error err = ERROR_INIT;
	int status;

	(void)state;
	assert_int_equal(proc_run(&o, NULL, &status, &err), -1);
	assert_non_null(strstr(err.message, "did not end"));
}

static void test_digest_and_uuid(void **state)
{
	char hex[DIGEST_HEX_SIZE], id[UUID_SIZE];

	(void)state;
	digest_bytes("abc", 3, hex);
	/* FIPS 180-4, appendix: the one-block message "abc". */
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(uuid_is_valid(uuid_make(id)));
	assert_false(uuid_is_valid("web"));
	assert_false(uuid_is_valid("01234567-89ab-4def-8123-456789abcdefX"));
}

static void test_clock(void **state)
{
	char buf[CLOCK_ISO_SIZE];

	(void)state;
	assert_string_equal(clock_iso(1000, buf), "1970-01-01T00:00:01Z");
	assert_string_equal(clock_iso_us(1500000000123456789, buf),
			    "2017-07-14T02:40:00.123456+00:00");
}

/* A message is cut at its size; within a character there would be no text left for JSON. */
static void test_json_values(void **state)
{
	static const struct {
		const char *json, *ref;
	} refs[] = {
		{ "\"web\"", "web" },
		{ "{\"id\": \"1\", \"name\": \"web\"}", "1" },
		{ "{\"id\": 7, \"name\": \"web\"}", "web" },
		{ "{\"email\": \"a@b\", \"url\": \"u\"}", "a@b" },
		{ "{\"url\": \"u\"}", "u" },
		{ "{\"other\": \"u\"}", NULL },
		{ "null", NULL },
	};
	json_t *j;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refs); i++) {
		j = json_loads(refs[i].json, JSON_DECODE_ANY, NULL);
		assert_non_null(j);
		if (refs[i].ref)
			assert_string_equal(json_ref(j), refs[i].ref);
		else
			assert_null(json_ref(j));
		json_decref(j);
	}
	j = json_text("caf\xc3\xa9 \xff");
	assert_string_equal(json_string_value(j), "caf\xc3\xa9 " UTF8_REPLACEMENT);
	json_decref(j);
	assert_true(json_is_null(json_text(NULL)));
	j = json_time(1764028801000);
	assert_string_equal(json_string_value(j), "2025-11-25T00:00:01Z");
	json_decref(j);
	assert_true(json_is_null(json_time(0)));
}

static void test_a_cut_message_is_text(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		struct error err = ERROR_INIT;
		struct buf long_text = BUF_INIT;

		buf_append(&long_text, "xxx", shift);
		for (int i = 0; i < ERROR_MESSAGE_MAX; i++)
			buf_puts(&long_text, i % 2 ? "\xe2\x82\xac" : "\xf0\x9f\x98\x80");
		error_set(&err, ERROR_INVALID, "%s", long_text.data);
		assert_true(strlen(err.message) > ERROR_MESSAGE_MAX - 6);
		assert_int_equal(utf8_span(err.message, strlen(err.message)), strlen(err.message));
		buf_done(&long_text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_cut_message_is_text),
		cmocka_unit_test(test_error_says_what_where),
		cmocka_unit_test(test_error_is_bounded),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_strv),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_what_is_durable_is_synced),
		cmocka_unit_test(test_what_a_file_holds),
		cmocka_unit_test(test_deep_trees),
		cmocka_unit_test(test_removal_comes_back),
		cmocka_unit_test(test_measures),
		cmocka_unit_test(test_proc),
		cmocka_unit_test(test_no_cores),
		cmocka_unit_test(test_proc_deadline),
		cmocka_unit_test(test_digest_and_uuid),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_json_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
