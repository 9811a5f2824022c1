/* SPDX-License-Identifier: Apache-2.0 */
/* store: each record there and back, through a database of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "store/monitor.h"
#include "store/number.h"
#include "store/store-priv.h"

struct fixture {
	char dir[32];
	struct store *s;
	struct app app; /* "first" */
};

static void must(int r, const struct error *err)
{
	if (r < 0)
		fail_msg("%s", err->message);
}

static void refused(int r, const struct error *err, enum error_kind kind, const char *message)
{
	assert_int_equal(r, -1);
	assert_string_equal(err->message, message);
	assert_int_equal(err->kind, kind);
}

static struct app make_app(struct store *s, const char *name)
{
	struct app a = { .name = xstrdup(name),
			 .stack = xstrdup("debian-12"),
			 .buildpacks = xstrdup("[]"),
			 .branch = xstrdup("main") };
	struct error err = ERROR_INIT;

	must(store_app_create(s, &a, &err), &err);
	return a;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct error err = ERROR_INIT;

	snprintf(f->dir, sizeof(f->dir), "/tmp/test-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	must(store_open(f->dir, &f->s, &err), &err);
	f->app = make_app(f->s, "first");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	app_done(&f->app);
	store_close(f->s);
	fs_remove_tree(f->dir);
	free(f);
	return 0;
}

static void test_a_transaction_does_not_nest(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct app other;

	must(store_begin(f->s, &err), &err);
	other = make_app(f->s, "other");
	assert_int_equal(store_begin(f->s, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_int_equal(store_read_begin(f->s, &err), -1);
	must(store_commit(f->s, &err), &err);
	app_done(&other);
	must(store_app_get(f->s, "other", &other, &err), &err);
	app_done(&other);
}

static void test_a_lock_is_waited_for_a_moment(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *path = xasprintf("%s/twelve.db", f->dir);
	struct error err = ERROR_INIT;
	sqlite3 *elsewhere = NULL;
	int64_t before_ms;
	int all_ms = 0, n = 0;

	for (; db_busy_pause_ms(n) >= 0; n++)
		all_ms += db_busy_pause_ms(n);
	assert_in_range(all_ms, 10, 100);
	assert_int_equal(sqlite3_open(path, &elsewhere), SQLITE_OK);
	assert_int_equal(sqlite3_exec(elsewhere, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	before_ms = clock_now_ms();
	assert_int_equal(store_begin(f->s, &err), -1);
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	/* It was five seconds once. */
	assert_true(clock_now_ms() - before_ms < 3000);
	assert_int_equal(sqlite3_exec(elsewhere, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(elsewhere);
	must(store_begin(f->s, &err), &err);
	must(store_commit(f->s, &err), &err);
}

static void test_app(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct app a = { 0 };

	assert_true(uuid_is_valid(f->app.id));
	free(f->app.name);
	f->app.name = xstrdup("renamed");
	f->app.maintenance = true;
	f->app.current_version = 7;
	f->app.released_ms = 8;
	f->app.last_version = 99;
	must(store_app_update(f->s, &f->app, &err), &err);
	must(store_app_get(f->s, "renamed", &a, &err), &err);
	assert_string_equal(a.id, f->app.id);
	assert_string_equal(a.stack, "debian-12");
	assert_string_equal(a.buildpacks, "[]");
	assert_string_equal(a.branch, "main");
	assert_true(a.maintenance);
	assert_int_equal(a.current_version, 7);
	assert_int_equal(a.released_ms, 8);
	/* Numbers of releases are given out by store_release_create() alone. */
	assert_int_equal(a.last_version, 0);
	assert_int_equal(a.created_ms, f->app.created_ms);
	assert_true(a.updated_ms >= a.created_ms);
	app_done(&a);
	must(store_app_get(f->s, f->app.id, &a, &err), &err);
	assert_string_equal(a.name, "renamed");
	app_done(&a);
	refused(store_app_get(f->s, "first", &a, &err), &err, ERROR_NOT_FOUND,
		"Couldn't find that app: first");
	assert_null(a.name);
}

static void test_app_names_are_unique(void **state)
{
	struct fixture *f = *state;
	struct app b = make_app(f->s, "second");
	struct app c = { .name = xstrdup("first"),
			 .stack = xstrdup("x"),
			 .buildpacks = xstrdup("[]"),
			 .branch = xstrdup("main") };
	struct error err = ERROR_INIT;

	refused(store_app_create(f->s, &c, &err), &err, ERROR_INVALID,
		"Name first is already taken");
	free(b.name);
	b.name = xstrdup("first");
	refused(store_app_update(f->s, &b, &err), &err, ERROR_INVALID,
		"Name first is already taken");
	app_done(&b);
	app_done(&c);
}

static void test_machine_numbers(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct number *list = NULL;
	int64_t a, b, again;
	size_t n = 0;
	char id[UUID_SIZE];

	must(store_number_give(f->s, f->app.id, &a, &err), &err);
	must(store_number_give(f->s, "another", &b, &err), &err);
	must(store_number_give(f->s, f->app.id, &again, &err), &err);
	assert_int_equal(a, 1);
	assert_int_equal(b, 2);
	assert_int_equal(again, 1);
	/* The row outlives the app: what bears the number may still run. */
	must(store_app_delete(f->s, f->app.id, &err), &err);
	must(store_number_list(f->s, &list, &n, &err), &err);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].id, f->app.id);
	free(list);
	must(store_number_forget(f->s, 1, &err), &err);
	must(store_number_give(f->s, "third", &again, &err), &err);
	assert_int_equal(again, 1);
	must(store_begin(f->s, &err), &err);
	for (int i = 3; i <= STORE_NUMBER_MAX; i++) {
		uuid_make(id);
		must(store_number_give(f->s, id, &again, &err), &err);
	}
	must(store_commit(f->s, &err), &err);
	refused(store_number_give(f->s, "one more", &again, &err), &err, ERROR_CONFLICT,
		"This machine has 4095 apps and add-ons, and can tell no more apart: destroy some");
}

static void test_app_list_is_sorted(void **state)
{
	struct fixture *f = *state;
	struct app made[] = { make_app(f->s, "zed"), make_app(f->s, "alpha") };
	const char *const names[] = { "alpha", "first", "zed" };
	struct error err = ERROR_INIT;
	struct app *list = NULL;
	size_t n;

	must(store_app_list(f->s, &list, &n, &err), &err);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(list[i].name, names[i]);
		app_done(&list[i]);
	}
	free(list);
	app_done(&made[0]);
	app_done(&made[1]);
}

static struct release make_release(struct fixture *f, const char *slug)
{
	struct release r = { .slug = slug ? xstrdup(slug) : NULL,
			     .stack = xstrdup("stack-1"),
			     .stack_name = xstrdup("debian-12"),
			     .commit = xstrdup("3f2a91c"),
			     .description = xstrdup("Deploy 3f2a91c"),
			     .user = xstrdup("ada"),
			     .output_id = xstrdup("out") };
	struct error err = ERROR_INIT;

	memcpy(r.app_id, f->app.id, UUID_SIZE);
	r.config = json_pack("{s:s, s:s}", "GREETING", "h\xc3\xa9llo\n", "EMPTY", "");
	procfile_set(&r.processes, "web", "npm start");
	procfile_set(&r.processes, "a-worker", "sh -c \"x\"");
	must(store_begin(f->s, &err), &err);
	must(store_release_create(f->s, &r, &err), &err);
	must(store_commit(f->s, &err), &err);
	return r;
}

static void assert_same_release(const struct release *a, const struct release *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->app_id, b->app_id);
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->phase_done, b->phase_done);
	assert_string_equal(a->slug, b->slug);
	assert_string_equal(a->stack, b->stack);
	assert_string_equal(a->stack_name, b->stack_name);
	assert_string_equal(a->commit, b->commit);
	assert_string_equal(a->description, b->description);
	assert_string_equal(a->user, b->user);
	assert_string_equal(a->output_id, b->output_id);
	assert_int_equal(a->created_ms, b->created_ms);
	assert_int_equal(a->processes.n_types, b->processes.n_types);
	for (size_t i = 0; i < a->processes.n_types; i++) {
		assert_string_equal(a->processes.types[i].name, b->processes.types[i].name);
		assert_string_equal(a->processes.types[i].command, b->processes.types[i].command);
	}
}

static void test_release(void **state)
{
	struct fixture *f = *state;
	struct release made = make_release(f, "slug-1"), r = { 0 };
	struct error err = ERROR_INIT;

	assert_int_equal(made.version, 1);
	must(store_release_get(f->s, f->app.id, 1, &r, &err), &err);
	assert_same_release(&r, &made);
	assert_true(json_equal(r.config, made.config));
	assert_null(r.reason);
	assert_null(r.proof);
	release_done(&r);
	must(store_release_by_id(f->s, made.id, &r, &err), &err);
	assert_same_release(&r, &made);

	r.status = RELEASE_SUCCEEDED;
	r.phase_done = true;
	r.reason = xstrdup("because");
	r.proof = json_pack("{s:i}", "failed", 0);
	must(store_release_update(f->s, &r, &err), &err);
	release_done(&made);
	must(store_release_get(f->s, f->app.id, 1, &made, &err), &err);
	assert_same_release(&made, &r);
	assert_string_equal(made.reason, "because");
	assert_true(json_equal(made.proof, r.proof));
	release_done(&made);
	release_done(&r);
	refused(store_release_get(f->s, f->app.id, 99, &r, &err), &err, ERROR_NOT_FOUND,
		"Couldn't find that release: v99");
}

static void test_a_newer_release_expires_pending_ones(void **state)
{
	struct fixture *f = *state;
	struct release r1 = make_release(f, "s1"), r2 = { 0 }, r3 = { 0 };
	const enum release_status want[] = { RELEASE_PENDING, RELEASE_EXPIRED, RELEASE_SUCCEEDED };
	struct error err = ERROR_INIT;
	struct release *list = NULL;
	struct app a = { 0 };
	size_t n;

	r1.status = RELEASE_SUCCEEDED;
	must(store_release_update(f->s, &r1, &err), &err);
	r2 = make_release(f, "s2");
	r3 = make_release(f, NULL);
	must(store_release_list(f->s, f->app.id, 0, &list, &n, &err), &err);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(list[i].version, 3 - i);
		assert_int_equal(list[i].status, want[i]);
		assert_null(list[i].config);
		release_done(&list[i]);
	}
	free(list);
	must(store_release_list(f->s, f->app.id, 1, &list, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].version, 3);
	assert_null(list[0].slug);
	release_done(&list[0]);
	free(list);
	must(store_app_get(f->s, "first", &a, &err), &err);
	assert_int_equal(a.last_version, 3);
	app_done(&a);
	release_done(&r1);
	release_done(&r2);
	release_done(&r3);
}

static void test_a_release_never_changes(void **state)
{
	struct fixture *f = *state;
	struct release r = make_release(f, "s1");
	static const char *const columns[] = { "slug",	      "version", "config",    "processes",
					       "description", "stack",	 "commit_id", "user",
					       "app_id",      "id" };

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		_cleanup_free_ char *sql =
			xasprintf("UPDATE release SET %s = %s", columns[i], columns[i]);

		assert_int_equal(sqlite3_exec(f->s->db, sql, NULL, NULL, NULL),
				 SQLITE_CONSTRAINT_TRIGGER);
	}
	release_done(&r);
}

static void test_in_use(void **state)
{
	struct fixture *f = *state;
	struct release made[] = { make_release(f, "s1"), make_release(f, "s2"),
				  make_release(f, "s2"), make_release(f, NULL) };
	_cleanup_strv_ char **v = NULL;
	struct error err = ERROR_INIT;

	made[0].status = RELEASE_FAILED;
	must(store_release_update(f->s, &made[0], &err), &err);
	made[2].status = RELEASE_SUCCEEDED;
	must(store_release_update(f->s, &made[2], &err), &err);
	must(store_slugs_in_use(f->s, 10, &v, &err), &err);
	assert_int_equal(strv_len(v), 1);
	assert_string_equal(v[0], "s2");
	strv_free(steal_ptr(v));
	must(store_stacks_in_use(f->s, 10, &v, &err), &err);
	assert_int_equal(strv_len(v), 1);
	assert_string_equal(v[0], "stack-1");
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		release_done(&made[i]);
}

static void in_use_are(struct fixture *f, int64_t keep, const char *first, const char *second,
		       const char *third)
{
	const char *const expected[] = { first, second, third };
	_cleanup_strv_ char **v = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0;

	must(store_slugs_in_use(f->s, keep, &v, &err), &err);
	for (; n < ARRAY_SIZE(expected) && expected[n]; n++) {
		assert_true(strv_len(v) > n);
		assert_string_equal(v[n], expected[n]);
	}
	assert_int_equal(strv_len(v), n);
}

static void test_only_the_newest_releases_keep_their_slugs(void **state)
{
	struct fixture *f = *state;
	struct release made[] = { make_release(f, "s1"), make_release(f, "s2"),
				  make_release(f, "s3"), make_release(f, NULL),
				  make_release(f, "s4") };
	struct error err = ERROR_INIT;
	struct app a = { 0 };

	for (size_t i = 0; i < 4; i++) {
		made[i].status = RELEASE_SUCCEEDED;
		must(store_release_update(f->s, &made[i], &err), &err);
	}
	/* s4 is pending; one without a slug does not count. */
	in_use_are(f, 1, "s3", "s4", NULL);
	in_use_are(f, 2, "s2", "s3", "s4");
	/* What runs is kept, however old. */
	must(store_app_get(f->s, "first", &a, &err), &err);
	a.current_version = made[0].version;
	must(store_app_update(f->s, &a, &err), &err);
	in_use_are(f, 1, "s1", "s3", "s4");
	made[4].status = RELEASE_EXPIRED;
	must(store_release_update(f->s, &made[4], &err), &err);
	in_use_are(f, 1, "s1", "s3", NULL);
	app_done(&a);
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		release_done(&made[i]);
}

static void test_formation(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct formation *list = NULL;
	char id[UUID_SIZE];
	size_t n = 9;

	must(store_formation_list(f->s, f->app.id, &list, &n, &err), &err);
	assert_int_equal(n, 0);
	must(store_formation_set(f->s, f->app.id, "id-of-worker", "worker", 3, "eco", &err), &err);
	must(store_formation_set(f->s, f->app.id, "id-of-web", "web", 1, "basic", &err), &err);
	must(store_formation_list(f->s, f->app.id, &list, &n, &err), &err);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].type, "web");
	memcpy(id, list[1].id, UUID_SIZE);
	formation_free_array(list, n);
	must(store_formation_set(f->s, f->app.id, "id-of-worker", "worker", 0, "standard-2x", &err),
	     &err);
	must(store_formation_list(f->s, f->app.id, &list, &n, &err), &err);
	assert_int_equal(n, 2);
	assert_string_equal(list[1].id, id);
	assert_string_equal(list[1].type, "worker");
	assert_int_equal(list[1].quantity, 0);
	assert_string_equal(list[1].size, "standard-2x");
	formation_free_array(list, n);
}

static void test_monitors(void **state)
{
	struct fixture *f = *state;
	struct app second = make_app(f->s, "second");
	struct monitor m = { .active = true, .min = 1, .max = 3, .target_ms = 1000 }, again = { 0 },
		       *list = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0;

	assert_int_equal(store_monitor_get(f->s, f->app.id, &again, &err), 0);
	memcpy(m.app_id, f->app.id, UUID_SIZE);
	must(store_monitor_create(f->s, &m, &err), &err);
	again = m;
	refused(store_monitor_create(f->s, &again, &err), &err, ERROR_CONFLICT,
		"The app's web dynos have a monitor already: change that one");
	memcpy(again.app_id, second.id, UUID_SIZE);
	again.active = false;
	must(store_monitor_create(f->s, &again, &err), &err);
	m.min = 2;
	m.max = 5;
	m.target_ms = 250;
	must(store_monitor_update(f->s, &m, &err), &err);
	again = (struct monitor){ 0 };
	assert_int_equal(store_monitor_get(f->s, f->app.id, &again, &err), 1);
	assert_memory_equal(&again, &m, sizeof(m));
	must(store_monitor_list(f->s, &list, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_memory_equal(&list[0], &m, sizeof(m));
	free(list);
	/* It goes with its app. */
	must(store_app_delete(f->s, f->app.id, &err), &err);
	assert_int_equal(store_monitor_get(f->s, f->app.id, &again, &err), 0);
	app_done(&second);
}

static void test_restarts(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct restart *list = NULL;
	size_t n;

	must(store_restart_set(f->s, f->app.id, "web", 2, 100, &err), &err);
	must(store_restart_set(f->s, f->app.id, "", 0, 50, &err), &err);
	must(store_restart_set(f->s, f->app.id, "", 0, 70, &err), &err);
	must(store_restart_set(f->s, f->app.id, "", 0, 60, &err), &err);
	must(store_restart_list(f->s, f->app.id, &list, &n, &err), &err);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].type, "");
	assert_int_equal(list[0].at_ms, 70);
	assert_string_equal(list[1].type, "web");
	assert_int_equal(list[1].number, 2);
	assert_int_equal(list[1].at_ms, 100);
	restart_done(&list[0]);
	restart_done(&list[1]);
	free(list);
}

static void test_builds(void **state)
{
	struct fixture *f = *state;
	struct build a = { .user = xstrdup("ada"), .commit = xstrdup("c1") };
	struct build b = { .user = xstrdup("ada") }, got = { 0 };
	struct error err = ERROR_INIT;
	struct build *list = NULL;
	size_t n;

	memcpy(a.app_id, f->app.id, UUID_SIZE);
	memcpy(b.app_id, f->app.id, UUID_SIZE);
	must(store_build_create(f->s, &a, &err), &err);
	must(store_build_create(f->s, &b, &err), &err);
	a.status = xstrdup("succeeded");
	a.slug = xstrdup("slug");
	a.stack = xstrdup("stack");
	a.buildpacks = xstrdup("Python");
	a.release_version = 4;
	must(store_build_update(f->s, &a, &err), &err);
	must(store_build_fail_pending(f->s, "twelved was restarted", &err), &err);
	must(store_build_get(f->s, f->app.id, a.id, &got, &err), &err);
	assert_string_equal(got.status, "succeeded");
	assert_string_equal(got.commit, "c1");
	assert_string_equal(got.slug, "slug");
	assert_string_equal(got.stack, "stack");
	assert_string_equal(got.buildpacks, "Python");
	assert_int_equal(got.release_version, 4);
	assert_null(got.error);
	must(store_build_list(f->s, f->app.id, &list, &n, &err), &err);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].id, b.id);
	assert_string_equal(list[0].status, "failed");
	assert_string_equal(list[0].error, "twelved was restarted");
	for (size_t i = 0; i < n; i++)
		build_row_done(&list[i]);
	free(list);
	build_row_done(&a);
	build_row_done(&b);
	build_row_done(&got);
	refused(store_build_get(f->s, f->app.id, "none", &got, &err), &err, ERROR_NOT_FOUND,
		"Couldn't find that build: none");
}

static void test_domains(void **state)
{
	struct fixture *f = *state;
	struct app other = make_app(f->s, "other");
	struct domain a = { .hostname = xstrdup("WWW.Example.com") };
	struct domain b = { .hostname = xstrdup("www.EXAMPLE.com") }, got = { 0 };
	struct error err = ERROR_INIT;
	struct domain *list = NULL;
	size_t n;

	memcpy(a.app_id, f->app.id, UUID_SIZE);
	memcpy(b.app_id, other.id, UUID_SIZE);
	must(store_domain_create(f->s, &a, &err), &err);
	refused(store_domain_create(f->s, &b, &err), &err, ERROR_INVALID,
		"www.example.com is already a domain of the app first");
	must(store_domain_get(f->s, f->app.id, "Www.example.COM", &got, &err), &err);
	assert_string_equal(got.hostname, "www.example.com");
	assert_string_equal(got.app_id, f->app.id);
	domain_done(&got);
	must(store_domain_get(f->s, NULL, a.id, &got, &err), &err);
	domain_done(&got);
	assert_int_equal(store_domain_get(f->s, other.id, a.id, &got, &err), -1);
	must(store_domain_list(f->s, NULL, &list, &n, &err), &err);
	assert_int_equal(n, 1);
	domain_done(&list[0]);
	free(list);
	must(store_domain_list(f->s, other.id, &list, &n, &err), &err);
	assert_int_equal(n, 0);
	must(store_domain_delete(f->s, a.id, &err), &err);
	refused(store_domain_delete(f->s, "x.y", &err), &err, ERROR_NOT_FOUND,
		"Couldn't find that domain name: x.y");
	domain_done(&a);
	domain_done(&b);
	app_done(&other);
}

static void test_keys(void **state)
{
	struct fixture *f = *state;
	struct ssh_key k = { .public_key = xstrdup("ssh-ed25519 AAAA ada"),
			     .comment = xstrdup("ada"),
			     .fingerprint = xstrdup("SHA256:abc") };
	struct error err = ERROR_INIT;
	struct ssh_key *list = NULL;
	size_t n;

	must(store_key_create(f->s, &k, &err), &err);
	refused(store_key_create(f->s, &k, &err), &err, ERROR_INVALID,
		"The key SHA256:abc is already there");
	must(store_key_list(f->s, NULL, &list, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].public_key, "ssh-ed25519 AAAA ada");
	assert_string_equal(list[0].fingerprint, "SHA256:abc");
	assert_string_equal(list[0].comment, "ada");
	ssh_key_done(&list[0]);
	free(list);
	must(store_key_delete(f->s, NULL, "SHA256:abc", &err), &err);
	refused(store_key_delete(f->s, NULL, "SHA256:abc", &err), &err, ERROR_NOT_FOUND,
		"Couldn't find that key: SHA256:abc");
	ssh_key_done(&k);
}

static void test_tokens(void **state)
{
	struct fixture *f = *state;
	struct token t = { .description = xstrdup("ci") }, got = { 0 };
	_cleanup_free_ char *secret = NULL;
	_cleanup_free_ char *late = NULL;
	struct error err = ERROR_INIT;
	struct token *list = NULL;
	size_t n;

	must(store_token_create(f->s, &t, &secret, &err), &err);
	assert_int_equal(strlen(secret), 3 + 64);
	assert_true(str_starts(secret, "tw-"));
	must(store_token_check(f->s, secret, &got, &err), &err);
	assert_string_equal(got.id, t.id);
	assert_string_equal(got.description, "ci");
	token_done(&got);
	must(store_token_list(f->s, NULL, &list, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_true(list[0].used_ms >= t.created_ms);
	token_done(&list[0]);
	free(list);
	refused(store_token_check(f->s, "tw-wrong", &got, &err), &err, ERROR_UNAUTHORIZED,
		"Invalid credentials provided");
	must(store_token_delete(f->s, NULL, t.id, &err), &err);
	assert_int_equal(store_token_check(f->s, secret, &got, &err), -1);

	t.expires_ms = clock_wall_ms() - 1;
	must(store_token_create(f->s, &t, &late, &err), &err);
	refused(store_token_check(f->s, late, &got, &err), &err, ERROR_UNAUTHORIZED,
		"The token has expired: make another one");
	token_done(&t);
}

static void test_numbers(void **state)
{
	struct fixture *f = *state;
	struct app other = make_app(f->s, "other");
	struct error err = ERROR_INIT;
	int64_t n;

	for (int64_t i = 1; i <= 3; i++) {
		must(store_next_number(f->s, f->app.id, "run", &n, &err), &err);
		assert_int_equal(n, i);
	}
	must(store_next_number(f->s, f->app.id, "release", &n, &err), &err);
	assert_int_equal(n, 1);
	must(store_next_number(f->s, other.id, "run", &n, &err), &err);
	assert_int_equal(n, 1);
	assert_int_equal(store_next_number(f->s, "no-app", "run", &n, &err), -1);
	app_done(&other);
}

static int64_t count(struct store *s, const char *table)
{
	_cleanup_free_ char *sql = xasprintf("SELECT count(*) FROM %s", table);
	sqlite3_stmt *st = NULL;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(s->db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static void test_delete_takes_all_that_belongs_to_the_app(void **state)
{
	struct fixture *f = *state;
	static const char *const tables[] = { "release", "formation", "restart",
					      "build",	 "domain",    "counter" };
	struct release r = make_release(f, "s");
	struct build b = { .user = xstrdup("ada") };
	struct domain d = { .hostname = xstrdup("a.b") };
	struct error err = ERROR_INIT;
	int64_t n;

	memcpy(b.app_id, f->app.id, UUID_SIZE);
	memcpy(d.app_id, f->app.id, UUID_SIZE);
	must(store_formation_set(f->s, f->app.id, "id-of-web", "web", 1, "eco", &err), &err);
	must(store_restart_set(f->s, f->app.id, "", 0, 1, &err), &err);
	must(store_next_number(f->s, f->app.id, "run", &n, &err), &err);
	must(store_build_create(f->s, &b, &err), &err);
	must(store_domain_create(f->s, &d, &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		assert_int_equal(count(f->s, tables[i]), 1);
	must(store_app_delete(f->s, f->app.id, &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		assert_int_equal(count(f->s, tables[i]), 0);
	assert_int_equal(store_app_delete(f->s, f->app.id, &err), -1);
	assert_int_equal(err.kind, ERROR_NOT_FOUND);
	release_done(&r);
	build_row_done(&b);
	domain_done(&d);
}

static void test_rollback(void **state)
{
	struct fixture *f = *state;
	struct release r = { .description = xstrdup("d"), .user = xstrdup("u") };
	struct error err = ERROR_INIT;
	struct app a = { 0 };

	memcpy(r.app_id, f->app.id, UUID_SIZE);
	must(store_begin(f->s, &err), &err);
	must(store_release_create(f->s, &r, &err), &err);
	must(store_formation_set(f->s, f->app.id, "id-of-web", "web", 1, "eco", &err), &err);
	store_rollback(f->s);
	store_rollback(f->s);
	assert_int_equal(count(f->s, "release"), 0);
	assert_int_equal(count(f->s, "formation"), 0);
	must(store_app_get(f->s, "first", &a, &err), &err);
	assert_int_equal(a.last_version, 0);
	app_done(&a);
	/* And the next transaction is not hindered. */
	must(store_begin(f->s, &err), &err);
	must(store_commit(f->s, &err), &err);
	release_done(&r);
}

/* Reads that belong together see one state, whatever others write meanwhile. */
static void test_reads(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store *other = NULL;
	struct app a;

	must(store_open(f->dir, &other, &err), &err);
	must(store_read_begin(f->s, &err), &err);
	assert_int_equal(count(f->s, "app"), 1);
	a = make_app(other, "second");
	app_done(&a);
	assert_int_equal(count(f->s, "app"), 1);
	store_read_end(f->s);
	assert_int_equal(count(f->s, "app"), 2);
	store_close(other);
}

static void test_every_statement_is_understood(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < _STATEMENT_MAX; i++) {
		_cleanup_query_ struct query q = query_make(f->s, (enum statement)i);

		if (q.rc)
			fail_msg("statement %d: %s", i, sqlite3_errmsg(f->s->db));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static struct sni_endpoint make_sni(struct fixture *f, const char *name, bool acm)
{
	struct sni_endpoint e = {
		.name = xstrdup(name), .chain = xstrdup("chain"), .acm = acm, .trusted = true
	};
	struct error err = ERROR_INIT;

	memcpy(e.app_id, f->app.id, sizeof(e.app_id));
	must(store_sni_create(f->s, &e, "key of it", &err), &err);
	return e;
}

static bool file_holds(const char *path, const char *text)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	return fs_read_file(path, 64 << 20, &b) == 0 && memmem(b.data, b.len, text, strlen(text));
}

static void test_sni_endpoints(void **state)
{
	struct fixture *f = *state;
	struct sni_endpoint e = make_sni(f, "one", false), got = { 0 }, *list = NULL;
	struct domain dom = { .hostname = xstrdup("a.example") };
	_cleanup_free_ char *wal = xasprintf("%s-wal", f->s->path);
	struct error err = ERROR_INIT;
	char *key = NULL;
	size_t n = 0;

	must(store_sni_key(f->s, e.id, &key, &err), &err);
	assert_string_equal(key, "key of it");
	free(key);
	assert_false(file_holds(f->s->path, "key of it") || file_holds(wal, "key of it"));
	free(e.chain);
	e.chain = xstrdup("another");
	must(store_sni_update(f->s, &e, "another key", &err), &err);
	must(store_sni_key(f->s, e.id, &key, &err), &err);
	assert_string_equal(key, "another key");
	free(key);
	must(store_sni_get(f->s, f->app.id, "one", &got, &err), &err);
	assert_string_equal(got.chain, "another");
	assert_string_equal(got.id, e.id);
	assert_true(got.trusted && !got.acm);
	sni_endpoint_done(&got);
	refused(store_sni_get(f->s, "another app", "one", &got, &err), &err, ERROR_NOT_FOUND,
		"Couldn't find that certificate: one");
	must(store_sni_list(f->s, NULL, &list, &n, &err), &err);
	assert_int_equal(n, 1);
	sni_endpoint_free_array(list, n);
	/* A domain has it for as long as it is there. */
	memcpy(dom.app_id, f->app.id, sizeof(dom.app_id));
	must(store_domain_create(f->s, &dom, &err), &err);
	must(store_domain_set_sni(f->s, dom.id, e.id, &err), &err);
	must(store_sni_delete(f->s, e.id, &err), &err);
	domain_done(&dom);
	must(store_domain_get(f->s, f->app.id, "a.example", &dom, &err), &err);
	assert_string_equal(dom.sni_id, "");
	domain_done(&dom);
	sni_endpoint_done(&e);
}

static void test_orphans(void **state)
{
	struct fixture *f = *state;
	struct sni_endpoint used = make_sni(f, "used", true), unused = make_sni(f, "unused", true),
			    own = make_sni(f, "own", false);
	struct domain dom = { .hostname = xstrdup("a.example") };
	struct sni_endpoint *list = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0;

	memcpy(dom.app_id, f->app.id, sizeof(dom.app_id));
	memcpy(dom.sni_id, used.id, sizeof(dom.sni_id));
	must(store_domain_create(f->s, &dom, &err), &err);
	must(store_sni_delete_orphans(f->s, &err), &err);
	must(store_sni_list(f->s, f->app.id, &list, &n, &err), &err);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].name, "used");
	assert_string_equal(list[1].name, "own");
	sni_endpoint_free_array(list, n);
	domain_done(&dom);
	sni_endpoint_done(&used);
	sni_endpoint_done(&unused);
	sni_endpoint_done(&own);
}

static void test_acm(void **state)
{
	struct fixture *f = *state;
	struct acm_state got = { 0 }, want = {
		.failures = 3, .tried_ms = 4, .next_ms = 5, .reason = (char *)"why"
	};
	struct domain dom = { .hostname = xstrdup("a.example") };
	struct error err = ERROR_INIT;
	bool on = true;

	must(store_acm_get(f->s, f->app.id, &on, &err), &err);
	assert_false(on);
	must(store_acm_set(f->s, f->app.id, true, &err), &err);
	must(store_acm_set(f->s, f->app.id, true, &err), &err);
	must(store_acm_get(f->s, f->app.id, &on, &err), &err);
	assert_true(on);
	must(store_acm_set(f->s, f->app.id, false, &err), &err);
	must(store_acm_get(f->s, f->app.id, &on, &err), &err);
	assert_false(on);
	memcpy(dom.app_id, f->app.id, sizeof(dom.app_id));
	must(store_domain_create(f->s, &dom, &err), &err);
	must(store_acm_state_get(f->s, dom.id, &got, &err), &err);
	assert_int_equal(got.failures, 0);
	must(store_acm_state_set(f->s, dom.id, &want, &err), &err);
	must(store_acm_state_get(f->s, dom.id, &got, &err), &err);
	assert_int_equal(got.failures, 3);
	assert_int_equal(got.tried_ms, 4);
	assert_int_equal(got.next_ms, 5);
	assert_string_equal(got.reason, "why");
	acm_state_done(&got);
	must(store_acm_state_forget(f->s, f->app.id, &err), &err);
	must(store_acm_state_get(f->s, dom.id, &got, &err), &err);
	assert_int_equal(got.next_ms, 0);
	domain_done(&dom);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_transaction_does_not_nest),
		TEST(test_a_lock_is_waited_for_a_moment),
		TEST(test_app),
		TEST(test_app_names_are_unique),
		TEST(test_app_list_is_sorted),
		TEST(test_machine_numbers),
		TEST(test_release),
		TEST(test_a_newer_release_expires_pending_ones),
		TEST(test_a_release_never_changes),
		TEST(test_in_use),
		TEST(test_only_the_newest_releases_keep_their_slugs),
		TEST(test_formation),
		TEST(test_sni_endpoints),
		TEST(test_orphans),
		TEST(test_acm),
		TEST(test_monitors),
		TEST(test_restarts),
		TEST(test_builds),
		TEST(test_domains),
		TEST(test_keys),
		TEST(test_tokens),
		TEST(test_numbers),
		TEST(test_delete_takes_all_that_belongs_to_the_app),
		TEST(test_rollback),
		TEST(test_reads),
		TEST(test_every_statement_is_understood),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
