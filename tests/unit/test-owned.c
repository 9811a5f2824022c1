/* SPDX-License-Identifier: Apache-2.0 */
/* store: the limits of users, and what their apps have, counted from rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/str.h"
#include "store/owned.h"
#include "store/owner-limit.h"
#include "store/store-priv.h"

struct fixture {
	char dir[32];
	struct store *s;
	struct user ada, bob;
};

static void must(int r, const struct error *err)
{
	if (r < 0)
		fail_msg("%s", err->message);
}

static struct user make_user(struct store *s, const char *email)
{
	struct user u = { .email = xstrdup(email), .name = xstrdup("") };
	struct error err = ERROR_INIT;

	must(store_user_create(s, &u, &err), &err);
	return u;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct error err = ERROR_INIT;

	snprintf(f->dir, sizeof(f->dir), "/tmp/test-owned-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	must(store_open(f->dir, &f->s, &err), &err);
	f->ada = make_user(f->s, "ada@example.com");
	f->bob = make_user(f->s, "bob@example.com");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	user_done(&f->ada);
	user_done(&f->bob);
	store_close(f->s);
	fs_remove_tree(f->dir);
	free(f);
	return 0;
}

static struct app make_app(struct fixture *f, const char *name, const struct user *owner)
{
	struct app a = { .name = xstrdup(name),
			 .stack = xstrdup("debian-12"),
			 .buildpacks = xstrdup("[]"),
			 .branch = xstrdup("main") };
	struct error err = ERROR_INIT;

	memcpy(a.owner_id, owner->id, UUID_SIZE);
	must(store_app_create(f->s, &a, &err), &err);
	return a;
}

/* A release with these process types, which `status` makes the current one. */
static void release(struct fixture *f, struct app *a, const char *slug, const char *types,
		    enum release_status status)
{
	struct release r = { .slug = slug ? xstrdup(slug) : NULL,
			     .commit = xstrdup(""),
			     .description = xstrdup(""),
			     .user = xstrdup("ada"),
			     .config = json_object() };
	_cleanup_free_ char *words = xstrdup(types);
	struct error err = ERROR_INIT;
	char *save = NULL;

	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		procfile_set(&r.processes, w, "run");
	memcpy(r.app_id, a->id, UUID_SIZE);
	must(store_begin(f->s, &err), &err);
	must(store_release_create(f->s, &r, &err), &err);
	must(store_commit(f->s, &err), &err);
	r.status = status;
	must(store_release_update(f->s, &r, &err), &err);
	a->last_version = r.version;
	if (status == RELEASE_SUCCEEDED)
		a->current_version = r.version;
	must(store_app_update(f->s, a, &err), &err);
	release_done(&r);
}

static void scale(struct fixture *f, const struct app *a, const char *type, int64_t n,
		  const char *size)
{
	struct error err = ERROR_INIT;
	char id[UUID_SIZE];

	must(store_formation_set(f->s, a->id, uuid_make(id), type, n, size, &err), &err);
}

/* "performance-m=2 standard-1x=3" */
static void assert_dynos(struct fixture *f, const struct owned_scope *scope, const char *expected)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct owned_dynos *rows = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0;

	must(store_owned_dynos(f->s, scope, &rows, &n, &err), &err);
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s%s=%lld", i ? " " : "", rows[i].size, (long long)rows[i].n);
	owned_dynos_free_array(rows, n);
	assert_string_equal(text.data ? text.data : "", expected);
}

static void test_limits(void **state)
{
	struct fixture *f = *state;
	struct owner_numbers n;
	struct error err = ERROR_INIT;

	must(store_owner_limits_get(f->s, f->ada.id, &n, &err), &err);
	for (size_t i = 0; i < _OWNER_LIMIT_MAX; i++)
		assert_int_equal(n.of[i], OWNER_DEFAULT);
	n.of[OWNER_APPS] = 3;
	n.of[OWNER_ADDONS] = 0;
	n.of[OWNER_MEMORY] = OWNER_UNLIMITED;
	must(store_owner_limits_set(f->s, f->ada.id, &n, &err), &err);
	n.of[OWNER_APPS] = 4;
	n.of[OWNER_ADDONS] = OWNER_DEFAULT;
	must(store_owner_limits_set(f->s, f->ada.id, &n, &err), &err);
	must(store_owner_limits_get(f->s, f->ada.id, &n, &err), &err);
	assert_int_equal(n.of[OWNER_APPS], 4);
	assert_int_equal(n.of[OWNER_DYNOS], OWNER_DEFAULT);
	assert_int_equal(n.of[OWNER_ADDONS], OWNER_DEFAULT);
	assert_int_equal(n.of[OWNER_MEMORY], OWNER_UNLIMITED);
	must(store_owner_limits_get(f->s, f->bob.id, &n, &err), &err);
	assert_int_equal(n.of[OWNER_APPS], OWNER_DEFAULT);
	/* All or nothing, and of nobody that is not there. */
	n.of[OWNER_BUILDS] = 2;
	n.of[OWNER_MEMORY] = -5;
	assert_int_equal(store_owner_limits_set(f->s, f->bob.id, &n, &err), -1);
	must(store_owner_limits_get(f->s, f->bob.id, &n, &err), &err);
	assert_int_equal(n.of[OWNER_BUILDS], OWNER_DEFAULT);
	n.of[OWNER_APPS] = 1;
	assert_int_equal(store_owner_limits_set(f->s, "nobody", &n, &err), -1);
}

static void test_limits_go_with_their_user(void **state)
{
	struct fixture *f = *state;
	struct owner_numbers n = { { 1, 1, 1, 1, 1 } };
	struct error err = ERROR_INIT;

	f->bob.admin = true;
	must(store_user_update(f->s, &f->bob, &err), &err);
	must(store_owner_limits_set(f->s, f->ada.id, &n, &err), &err);
	must(store_user_delete(f->s, &f->ada, &err), &err);
	must(store_owner_limits_get(f->s, f->ada.id, &n, &err), &err);
	assert_int_equal(n.of[OWNER_APPS], OWNER_DEFAULT);
}

static void test_dynos(void **state)
{
	struct fixture *f = *state;
	struct app one = make_app(f, "one", &f->ada), two = make_app(f, "two", &f->ada);
	struct app other = make_app(f, "other", &f->bob);
	const struct owned_scope ada = { .owner_id = f->ada.id }, of_one = { .app_id = one.id };
	struct error err = ERROR_INIT;
	int64_t n = 0;

	must(store_owned_apps(f->s, &ada, &n, &err), &err);
	assert_int_equal(n, 2);
	must(store_owned_apps(f->s, &of_one, &n, &err), &err);
	assert_int_equal(n, 1);
	/* Nothing runs without a slug, whatever a formation says. */
	release(f, &one, NULL, "web", RELEASE_SUCCEEDED);
	scale(f, &one, "worker", 5, "basic");
	assert_dynos(f, &ada, "");
	/* One web dyno unless it is said otherwise, nothing else, and never the release phase. */
	release(f, &one, "s1", "web clock release", RELEASE_SUCCEEDED);
	assert_dynos(f, &ada, "standard-1x=1");
	release(f, &two, "s1", "web worker", RELEASE_SUCCEEDED);
	scale(f, &two, "worker", 2, "performance-m");
	scale(f, &two, "gone", 7, "performance-m");
	assert_dynos(f, &ada, "performance-m=2 standard-1x=2");
	assert_dynos(f, &of_one, "standard-1x=1");
	scale(f, &two, "web", 0, "standard-1x");
	/* Of a pending release as well as of the current one, each type once. */
	release(f, &one, "s2", "web worker", RELEASE_PENDING);
	assert_dynos(f, &ada, "basic=5 performance-m=2 standard-1x=1");
	release(f, &one, "s3", "web", RELEASE_FAILED);
	assert_dynos(f, &ada, "performance-m=2 standard-1x=1");
	release(f, &other, "s1", "web", RELEASE_SUCCEEDED);
	assert_dynos(f, &ada, "performance-m=2 standard-1x=1");
	app_done(&one);
	app_done(&two);
	app_done(&other);
}

static struct addon make_addon(struct fixture *f, const struct app *app, const char *name,
			       const char *plan)
{
	struct addon a = { .app_name = xstrdup(app->name),
			   .name = xstrdup(name),
			   .service = xstrdup("redis"),
			   .plan = xstrdup(plan),
			   .schedule_minute = -1,
			   .secret = json_object() };
	struct error err = ERROR_INIT;

	memcpy(a.app_id, app->id, UUID_SIZE);
	must(store_addon_create(f->s, &a, &err), &err);
	return a;
}

/* "redis:mini=2 ..." */
static void assert_addons(struct fixture *f, const struct owned_scope *scope, const char *expected)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct owned_addons *rows = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0;

	must(store_owned_addons(f->s, scope, &rows, &n, &err), &err);
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s%s:%s=%lld", i ? " " : "", rows[i].service, rows[i].plan,
			   (long long)rows[i].n);
	owned_addons_free_array(rows, n);
	assert_string_equal(text.data ? text.data : "", expected);
}

static void test_addons(void **state)
{
	struct fixture *f = *state;
	struct app one = make_app(f, "one", &f->ada), two = make_app(f, "two", &f->ada);
	const struct owned_scope ada = { .owner_id = f->ada.id }, bob = { .owner_id = f->bob.id },
				 of_one = { .app_id = one.id };
	struct addon a = make_addon(f, &one, "redis-a", "mini");
	struct addon b = make_addon(f, &two, "redis-b", "mini");
	struct addon c = make_addon(f, &two, "redis-c", "large");
	struct error err = ERROR_INIT;

	assert_addons(f, &ada, "redis:large=1 redis:mini=2");
	assert_addons(f, &of_one, "redis:mini=1");
	assert_addons(f, &bob, "");
	/* Until it is gone, also when its app is. */
	a.state = ADDON_DEPROVISIONING;
	must(store_addon_update(f->s, &a, &err), &err);
	must(store_app_delete(f->s, one.id, &err), &err);
	assert_addons(f, &ada, "redis:large=1 redis:mini=2");
	a.state = ADDON_DEPROVISIONED;
	must(store_addon_update(f->s, &a, &err), &err);
	assert_addons(f, &ada, "redis:large=1 redis:mini=1");
	app_done(&one);
	app_done(&two);
	addon_done(&a);
	addon_done(&b);
	addon_done(&c);
}

static void backup_of(struct fixture *f, const struct addon *a, struct backup *ret)
{
	struct backup b = { .addon_name = xstrdup(a->name),
			    .app_name = xstrdup(a->app_name),
			    .service = xstrdup(a->service),
			    .plan = xstrdup(a->plan),
			    .extension = xstrdup("dump"),
			    .status = xstrdup("succeeded"),
			    .kind = xstrdup("manual") };
	struct error err = ERROR_INIT;

	memcpy(b.addon_id, a->id, UUID_SIZE);
	memcpy(b.app_id, a->app_id, UUID_SIZE);
	must(store_backup_create(f->s, &b, &err), &err);
	*ret = b;
}

/* Destroys an app of `owner` that has an add-on with a backup, takes another backup, and checks
 * whose they all are then. */
static void destroy_with_backups(struct fixture *f, const char *name, const struct user *owner)
{
	struct app app = make_app(f, name, owner);
	struct addon a = make_addon(f, &app, name, "mini"), left = { 0 };
	struct backup early, late, *list = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0;

	backup_of(f, &a, &early);
	must(store_app_delete(f->s, app.id, &err), &err);
	backup_of(f, &a, &late);
	must(store_addon_get(f->s, a.id, &left, &err), &err);
	assert_string_equal(left.owner_id, owner->id);
	must(store_backup_list(f->s, a.id, NULL, &list, &n, &err), &err);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].owner_id, owner->id);
	assert_string_equal(list[1].owner_id, owner->id);
	backup_free_array(list, n);
	backup_done(&early);
	backup_done(&late);
	addon_done(&a);
	addon_done(&left);
	app_done(&app);
}

static void test_an_app_leaves_its_owner_to_its_backups(void **state)
{
	static const struct user nobody = { 0 };
	struct fixture *f = *state;

	destroy_with_backups(f, "owned", &f->ada);
	destroy_with_backups(f, "of-nobody", &nobody);
}

/* From the schema before this one, with users that are there already. */
static void test_migration(void **state)
{
	struct fixture *f = *state;
	struct owner_numbers n = { { 1, 1, 1, 1, 1 } };
	struct error err = ERROR_INIT;
	size_t step = 0;

	while (store_migrations[step] != store_schema_owner_limit)
		step++;
	assert_true(step < n_store_migrations);
	must(db_exec(f->s, "DROP TABLE owner_limit", &err), &err);
	{
		_cleanup_free_ char *sql = xasprintf("PRAGMA user_version = %zu", step);

		must(db_exec(f->s, sql, &err), &err);
	}
	must(store_migrate(f->s, store_migrations, step + 1, &err), &err);
	must(store_owner_limits_set(f->s, f->ada.id, &n, &err), &err);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_limits),    TEST(test_limits_go_with_their_user),
		TEST(test_dynos),     TEST(test_addons),
		TEST(test_migration), TEST(test_an_app_leaves_its_owner_to_its_backups),
	};

	return cmocka_run_group_tests_name("owned", tests, NULL, NULL);
}
