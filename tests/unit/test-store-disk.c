/* SPDX-License-Identifier: Apache-2.0 */
/* store on disk: opening, migrations, what is sealed, kill -9, and what can be wrong with the
 * files. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "../skip.h"

#include "base/fs.h"
#include "base/str.h"
#include "store/store-priv.h"

#define SECRET "a-secret-that-nobody-may-find-4711"

static char dir[32];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test-store-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return fs_remove_tree(dir);
}

static void must(int r, const struct error *err)
{
	if (r < 0)
		fail_msg("%s", err->message);
}

static struct store *open_store(void)
{
	struct error err = ERROR_INIT;
	struct store *s = NULL;

	must(store_open(dir, &s, &err), &err);
	return s;
}

static void open_is_refused(const char *sentence)
{
	struct error err = ERROR_INIT;
	struct store *s = NULL;

	assert_int_equal(store_open(dir, &s, &err), -1);
	assert_null(s);
	if (!strstr(err.message, sentence))
		fail_msg("\"%s\" does not say \"%s\"", err.message, sentence);
}

static char *file(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void exec_sql(struct store *s, const char *sql)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(s->db));
}

/* As somebody else's hand. */
static void exec_file(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void make_app(struct store *s, const char *name, struct app *ret)
{
	struct app a = { .name = xstrdup(name),
			 .stack = xstrdup("debian-12"),
			 .buildpacks = xstrdup("[]"),
			 .branch = xstrdup("main") };
	struct error err = ERROR_INIT;

	must(store_app_create(s, &a, &err), &err);
	*ret = a;
}

static void make_release(struct store *s, const struct app *a, struct release *ret)
{
	struct release r = { .description = xstrdup("d"), .user = xstrdup("u") };
	struct error err = ERROR_INIT;

	memcpy(r.app_id, a->id, UUID_SIZE);
	r.config = json_pack("{s:s}", "KEY", SECRET);
	must(store_begin(s, &err), &err);
	must(store_release_create(s, &r, &err), &err);
	must(store_commit(s, &err), &err);
	*ret = r;
}

static void fill(struct store *s)
{
	struct app a;
	struct release r;

	make_app(s, "one", &a);
	make_release(s, &a, &r);
	app_done(&a);
	release_done(&r);
}

/* Every file of the directory, also what SQLite keeps beside the database. */
static bool is_on_disk(const void *bytes, size_t n)
{
	_cleanup_strv_ char **names = NULL;
	bool found = false;

	assert_int_equal(fs_list(dir, &names), 0);
	assert_true(strv_len(names) >= 2);
	for (size_t i = 0; names[i]; i++) {
		_cleanup_free_ char *path = file(names[i]);
		_cleanup_buf_ struct buf b = BUF_INIT;

		assert_int_equal(fs_read_file(path, 64 << 20, &b), 0);
		found |= memmem(b.data, b.len, bytes, n) != NULL;
	}
	return found;
}

static void test_secrets_are_sealed(void **state)
{
	struct store *s = open_store();
	struct token t = { .description = xstrdup("visible-description") };
	_cleanup_free_ char *token = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	fill(s);
	must(store_token_create(s, &t, &token, &err), &err);
	assert_true(is_on_disk("visible-description", 19));
	assert_false(is_on_disk(SECRET, strlen(SECRET)));
	assert_false(is_on_disk(token, strlen(token)));
	assert_false(is_on_disk(token + 3, strlen(token) - 3));
	store_close(s);
	assert_true(is_on_disk("visible-description", 19));
	assert_false(is_on_disk(SECRET, strlen(SECRET)));
	token_done(&t);
}

static void test_files_are_for_us_only(void **state)
{
	static const char *const names[] = { "twelve.db", "twelve.db-wal", "twelve.db-shm",
					     "secret.key" };
	mode_t old = umask(0);
	struct store *s = open_store();

	(void)state;
	umask(old);
	fill(s);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = file(names[i]);
		struct stat st;

		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	store_close(s);
}

static void test_config_of_another_release_does_not_open(void **state)
{
	struct store *s = open_store();
	struct error err = ERROR_INIT;
	struct release r1, r2, got = { 0 };
	struct app a;

	(void)state;
	make_app(s, "one", &a);
	make_release(s, &a, &r1);
	make_release(s, &a, &r2);
	exec_sql(s, "DROP TRIGGER release_is_immutable");
	exec_sql(s, "UPDATE release SET config = (SELECT config FROM release WHERE version = 1) "
		    "WHERE version = 2");
	must(store_release_get(s, a.id, 1, &got, &err), &err);
	release_done(&got);
	assert_int_equal(store_release_get(s, a.id, 2, &got, &err), -1);
	assert_non_null(strstr(err.message, "The config of release v2"));
	assert_null(strstr(err.message, SECRET));
	app_done(&a);
	release_done(&r1);
	release_done(&r2);
	store_close(s);
}

static void test_it_is_there_after_reopening(void **state)
{
	struct store *s = open_store();
	struct error err = ERROR_INIT;
	struct release r = { 0 };
	struct app a = { 0 };

	(void)state;
	fill(s);
	store_close(s);
	s = open_store();
	must(store_app_get(s, "one", &a, &err), &err);
	must(store_release_get(s, a.id, 1, &r, &err), &err);
	assert_string_equal(json_string_value(json_object_get(r.config, "KEY")), SECRET);
	release_done(&r);
	app_done(&a);
	store_close(s);
}

static void test_a_lost_key_is_told(void **state)
{
	_cleanup_free_ char *key = file("secret.key");

	(void)state;
	store_close(open_store());
	assert_int_equal(unlink(key), 0);
	open_is_refused("secret.key is missing");
	/* And no new one was made, which would hide the loss. */
	assert_false(fs_exists(key));
}

static void test_a_wrong_key_is_told(void **state)
{
	_cleanup_free_ char *key = file("secret.key");
	unsigned char other[SEAL_KEY_SIZE] = { 1, 2, 3 };

	(void)state;
	store_close(open_store());
	assert_int_equal(fs_write_atomic(key, 0600, other, sizeof(other)), 0);
	open_is_refused("is not the one that");
	assert_int_equal(fs_write_atomic(key, 0600, other, 5), 0);
	open_is_refused("is damaged: expected a file of 32 bytes");
	assert_int_equal(fs_write_atomic(key, 0640, other, sizeof(other)), 0);
	open_is_refused("can be read by others (mode 0640): chmod 600");
}

static void test_a_first_start_that_was_cut_off_goes_on(void **state)
{
	_cleanup_free_ char *key = file("secret.key"), *marker = file("first-start");
	unsigned char mine[SEAL_KEY_SIZE] = { 9 };
	_cleanup_buf_ struct buf b = BUF_INIT;

	(void)state;
	/* As after kill -9 between the two. */
	assert_int_equal(fs_write_atomic(marker, 0600, "", 0), 0);
	assert_int_equal(fs_write_atomic(key, 0600, mine, sizeof(mine)), 0);
	store_close(open_store());
	assert_int_equal(fs_read_file(key, 100, &b), 0);
	assert_memory_equal(b.data, mine, sizeof(mine));
	assert_false(fs_exists(marker));
}

static void remove_database(void)
{
	static const char *const names[] = { "twelve.db", "twelve.db-wal", "twelve.db-shm" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = file(names[i]);

		unlink(path);
	}
}

static void test_a_lost_database_is_told(void **state)
{
	_cleanup_free_ char *db = file("twelve.db"), *identity = file("identity"),
			    *key = file("secret.key");

	(void)state;
	store_close(open_store());
	remove_database();
	open_is_refused("is missing, but there is more of this state (secret.key)");
	assert_false(fs_exists(db));
	assert_int_equal(fs_write_atomic(db, 0600, "", 0), 0);
	open_is_refused("is empty");
	/* A first start that was cut off before there was a row. */
	exec_file(db, "PRAGMA journal_mode = WAL");
	open_is_refused("has nothing in it");
	assert_int_equal(unlink(key), 0);
	open_is_refused("identity");
	assert_int_equal(unlink(identity), 0);
	remove_database();
	store_close(open_store());
}

static void test_a_database_of_another_is_told(void **state)
{
	_cleanup_free_ char *db = file("twelve.db"), *identity = file("identity");
	struct store *s;

	(void)state;
	store_close(open_store());
	assert_int_equal(
		fs_write_atomic(identity, 0600, "11111111-2222-4333-8444-555555555555\n", 37), 0);
	open_is_refused("is of another platform");
	assert_int_equal(fs_write_atomic(identity, 0600, "nonsense\n", 9), 0);
	open_is_refused("is damaged");
	/* Of before there were identities: by its key it is ours. */
	assert_int_equal(unlink(identity), 0);
	exec_file(db, "DELETE FROM meta WHERE key = 'identity'");
	s = open_store();
	assert_true(uuid_is_valid(store_identity(s)));
	store_close(s);
	assert_true(fs_exists(identity));
	exec_file(db, "DELETE FROM meta WHERE key = 'key-check'");
	open_is_refused("does not say which key it was sealed with");
}

static void test_an_unused_database_beside_a_used_directory_is_told(void **state)
{
	struct error err = ERROR_INIT;
	struct store *s = open_store();

	(void)state;
	store_close(s);
	assert_int_equal(store_open_beside(dir, "2 repositories", &s, &err), -1);
	assert_non_null(strstr(
		err.message,
		"knows no app, no add-on and nothing that was ever done, but there is more"));
	s = open_store();
	fill(s);
	store_close(s);
	err = ERROR_INIT;
	must(store_open_beside(dir, "2 repositories", &s, &err), &err);
	store_close(s);
}

static void test_a_damaged_database_is_told(void **state)
{
	_cleanup_free_ char *db = file("twelve.db");
	char junk[4096];

	(void)state;
	memset(junk, 'x', sizeof(junk));
	store_close(open_store());
	assert_int_equal(fs_write_atomic(db, 0600, junk, sizeof(junk)), 0);
	open_is_refused("is damaged (file is not a database): restore it from a backup");
}

/* root may write everywhere, so somebody else tries. */
static void test_a_database_that_cannot_be_written_is_told(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	if (geteuid() != 0)
		SKIP_BECAUSE("only root can become another user");
	store_close(open_store());
	assert_int_equal(chmod(dir, 0755), 0);
	pid = fork();
	if (pid == 0) {
		struct error err = ERROR_INIT;
		struct store *s;

		if (setresuid(65534, 65534, 65534) < 0 || store_open(dir, &s, &err) == 0)
			_exit(1);
		_exit(strstr(err.message, "can't be opened for writing") ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int64_t schema(struct store *s)
{
	struct error err = ERROR_INIT;
	int64_t v = -1;

	must(store_schema(s, &v, &err), &err);
	return v;
}

/* The program's migrations and some of a newer one: a heap array. */
static const char **with_newer(const char *const *more, size_t n)
{
	const char **all = xcalloc(n_store_migrations + n, sizeof(*all));

	memcpy(all, store_migrations, n_store_migrations * sizeof(*all));
	memcpy(all + n_store_migrations, more, n * sizeof(*all));
	return all;
}

static void test_migrations_go_on_from_an_older_schema(void **state)
{
	const char *const more[] = { "ALTER TABLE app ADD COLUMN note TEXT NOT NULL DEFAULT 'none'",
				     "UPDATE app SET note = name" };
	_cleanup_free_ const char **newer = with_newer(more, 2);
	size_t n = n_store_migrations + 2;
	_cleanup_free_ char *message = xasprintf("has schema %zu, and this program knows up to "
						 "%zu: it was written by a newer twelved",
						 n, n_store_migrations);
	struct error err = ERROR_INIT;
	struct store *s = open_store();

	(void)state;
	assert_int_equal(schema(s), n_store_migrations);
	fill(s);
	must(store_migrate(s, newer, n, &err), &err);
	assert_int_equal(schema(s), n);
	exec_sql(s, "CREATE TABLE ok (x INTEGER CHECK (x = 1))");
	exec_sql(s, "INSERT INTO ok SELECT count(*) FROM app WHERE note = 'one'");
	must(store_migrate(s, newer, n, &err), &err);
	store_close(s);
	open_is_refused(message);
}

static void test_a_migration_that_fails_leaves_nothing(void **state)
{
	const char *const more[] = { "CREATE TABLE half (x); UPDATE nowhere SET x = 1" };
	_cleanup_free_ const char **newer = with_newer(more, 1);
	_cleanup_free_ char *message =
		xasprintf("Bringing the database to schema %zu", n_store_migrations + 1);
	struct error err = ERROR_INIT;
	struct store *s = open_store();

	(void)state;
	assert_int_equal(store_migrate(s, newer, n_store_migrations + 1, &err), -1);
	assert_non_null(strstr(err.message, message));
	if (!strstr(err.message, "no such table: nowhere"))
		fail_msg("%s", err.message);
	assert_int_equal(schema(s), n_store_migrations);
	exec_sql(s, "CREATE TABLE half (x)");
	store_close(s);
}

static void test_a_full_disk_changes_nothing(void **state)
{
	struct store *s = open_store();
	struct app last = { .name = xstrdup("last"),
			    .stack = xcalloc(1, 100001),
			    .buildpacks = xstrdup("[]"),
			    .branch = xstrdup("main") };
	struct error err = ERROR_INIT;

	(void)state;
	memset(last.stack, 'x', 100000);
	exec_sql(s, "PRAGMA max_page_count = 1");
	must(store_begin(s, &err), &err);
	assert_int_equal(store_app_create(s, &last, &err), -1);
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.message, "is full: nothing was changed"));
	/* SQLite may have rolled back by itself. */
	store_rollback(s);
	exec_sql(s, "PRAGMA max_page_count = 100000");
	must(store_app_create(s, &last, &err), &err);
	app_done(&last);
	store_close(s);
}

static void test_two_writers(void **state)
{
	struct store *a = open_store(), *b = open_store();
	struct app mine, theirs = { .name = xstrdup("one"),
				    .stack = xstrdup("x"),
				    .buildpacks = xstrdup("[]"),
				    .branch = xstrdup("main") };
	struct error err = ERROR_INIT;

	(void)state;
	make_app(a, "one", &mine);
	assert_int_equal(store_app_create(b, &theirs, &err), -1);
	assert_string_equal(err.message, "Name one is already taken");
	must(store_begin(a, &err), &err);
	sqlite3_busy_timeout(b->db, 1);
	assert_int_equal(store_begin(b, &err), -1);
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.message, "in use by another program"));
	store_rollback(b);
	store_rollback(a);
	app_done(&mine);
	app_done(&theirs);
	store_close(a);
	store_close(b);
}

/* Writes apps and tells each number on the pipe once it is committed; is killed in the middle of
 * the next. */
static void write_until_killed(int tell_fd)
{
	struct store *s = open_store();
	struct error err = ERROR_INIT;

	for (unsigned char i = 0;; i++) {
		_cleanup_free_ char *name = xasprintf("app-%u", i);
		struct release r;
		struct app a;

		make_app(s, name, &a);
		make_release(s, &a, &r);
		if (write(tell_fd, &i, 1) != 1)
			_exit(1);
		must(store_begin(s, &err), &err);
		must(store_formation_set(s, a.id, "id-of-half-done", "half-done", 1, "eco", &err),
		     &err);
		if (i == 20)
			raise(SIGKILL);
		store_rollback(s);
	}
}

static void test_kill_9_loses_nothing_that_was_committed(void **state)
{
	struct error err = ERROR_INIT;
	struct formation *list = NULL;
	unsigned char told[64];
	struct store *s;
	int fds[2], status;
	ssize_t n_told;
	size_t n;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0)
		write_until_killed(fds[1]);
	close(fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	n_told = read(fds[0], told, sizeof(told));
	close(fds[0]);
	assert_int_equal(n_told, 21);
	s = open_store();
	for (ssize_t i = 0; i < n_told; i++) {
		_cleanup_free_ char *name = xasprintf("app-%u", told[i]);
		struct release r = { 0 };
		struct app a = { 0 };

		must(store_app_get(s, name, &a, &err), &err);
		must(store_release_get(s, a.id, 1, &r, &err), &err);
		assert_string_equal(json_string_value(json_object_get(r.config, "KEY")), SECRET);
		must(store_formation_list(s, a.id, &list, &n, &err), &err);
		assert_int_equal(n, 0);
		release_done(&r);
		app_done(&a);
	}
	store_close(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_secrets_are_sealed),
		TEST(test_files_are_for_us_only),
		TEST(test_config_of_another_release_does_not_open),
		TEST(test_it_is_there_after_reopening),
		TEST(test_a_lost_key_is_told),
		TEST(test_a_wrong_key_is_told),
		TEST(test_a_first_start_that_was_cut_off_goes_on),
		TEST(test_a_lost_database_is_told),
		TEST(test_a_database_of_another_is_told),
		TEST(test_an_unused_database_beside_a_used_directory_is_told),
		TEST(test_a_damaged_database_is_told),
		TEST(test_a_database_that_cannot_be_written_is_told),
		TEST(test_migrations_go_on_from_an_older_schema),
		TEST(test_a_migration_that_fails_leaves_nothing),
		TEST(test_a_full_disk_changes_nothing),
		TEST(test_two_writers),
		TEST(test_kill_9_loses_nothing_that_was_committed),
	};

	return cmocka_run_group_tests_name("store-disk", tests, NULL, NULL);
}
