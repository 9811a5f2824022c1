/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines in the store: couplings, promotions, and what goes with what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "store/pipeline.h"

struct fixture {
	char dir[40];
	struct store *s;
	char app_ids[3][UUID_SIZE];
	struct pipeline p; /* "shop" */
};

static void must(int r, const struct error *err)
{
	if (r < 0)
		fail_msg("%s", err->message);
}

static void make_app(struct fixture *f, int i)
{
	struct app a = { .name = xasprintf("app-%d", i),
			 .stack = xstrdup("debian-12"),
			 .buildpacks = xstrdup("[]"),
			 .branch = xstrdup("main") };
	struct error err = ERROR_INIT;

	must(store_app_create(f->s, &a, &err), &err);
	memcpy(f->app_ids[i], a.id, UUID_SIZE);
	app_done(&a);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct error err = ERROR_INIT;

	snprintf(f->dir, sizeof(f->dir), "/tmp/test-pipeline-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	must(store_open(f->dir, &f->s, &err), &err);
	for (int i = 0; i < 3; i++)
		make_app(f, i);
	f->p.name = xstrdup("shop");
	must(store_pipeline_create(f->s, &f->p, &err), &err);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pipeline_done(&f->p);
	store_close(f->s);
	fs_remove_tree(f->dir);
	free(f);
	return 0;
}

static void couple(struct fixture *f, int i, enum stage stage, char ret_id[static UUID_SIZE])
{
	struct coupling c = { .stage = stage };
	struct error err = ERROR_INIT;

	memcpy(c.app_id, f->app_ids[i], UUID_SIZE);
	memcpy(c.pipeline_id, f->p.id, UUID_SIZE);
	must(store_coupling_create(f->s, &c, &err), &err);
	assert_string_equal(c.pipeline_name, "shop");
	assert_true(c.created_ms > 0);
	memcpy(ret_id, c.id, UUID_SIZE);
	coupling_done(&c);
}

/* The names of the apps in the pipeline, in order, with their stages. */
static char *listed(struct fixture *f)
{
	struct coupling *rows = NULL;
	char *text = xstrdup("");
	struct error err = ERROR_INIT;
	size_t n = 0;

	must(store_coupling_list(f->s, f->p.id, &rows, &n, &err), &err);
	for (size_t i = 0; i < n; i++) {
		char *more =
			xasprintf("%s%s:%s ", text, rows[i].app_name, stage_names[rows[i].stage]);

		free(text);
		text = more;
	}
	coupling_free_array(rows, n);
	return text;
}

static void test_names(void **state)
{
	struct fixture *f = *state;
	struct pipeline other = { .name = xstrdup("shop") }, got = { 0 };
	struct error err = ERROR_INIT;

	assert_int_equal(store_pipeline_create(f->s, &other, &err), -1);
	assert_int_equal(err.kind, ERROR_INVALID);
	must(store_pipeline_get(f->s, f->p.id, &got, &err), &err);
	assert_string_equal(got.name, "shop");
	free(got.name);
	got.name = xstrdup("store");
	must(store_pipeline_update(f->s, &got, &err), &err);
	pipeline_done(&got);
	assert_int_equal(store_pipeline_get(f->s, "shop", &got, &err), -1);
	assert_int_equal(err.kind, ERROR_NOT_FOUND);
	must(store_pipeline_get(f->s, "store", &got, &err), &err);
	pipeline_done(&got);
	pipeline_done(&other);
}

static void test_stages(void **state)
{
	(void)state;
	for (int i = 0; i < _STAGE_MAX; i++)
		assert_int_equal(stage_parse(stage_names[i]), i);
	assert_int_equal(stage_parse("test"), _STAGE_MAX);
	assert_int_equal(stage_parse(""), _STAGE_MAX);
}

static void test_couplings(void **state)
{
	struct fixture *f = *state;
	char first[UUID_SIZE], second[UUID_SIZE];
	_cleanup_free_ char *before = NULL, *after = NULL, *left = NULL;
	struct coupling again = { .stage = STAGE_REVIEW };
	struct error err = ERROR_INIT;

	couple(f, 0, STAGE_PRODUCTION, first);
	couple(f, 1, STAGE_STAGING, second);
	before = listed(f);
	assert_string_equal(before, "app-1:staging app-0:production ");
	memcpy(again.app_id, f->app_ids[0], UUID_SIZE);
	memcpy(again.pipeline_id, f->p.id, UUID_SIZE);
	assert_int_equal(store_coupling_create(f->s, &again, &err), -1);
	assert_string_equal(err.message,
			    "app-0 is in the pipeline shop already: take it out first");
	must(store_coupling_set_stage(f->s, first, STAGE_DEVELOPMENT, &err), &err);
	after = listed(f);
	assert_string_equal(after, "app-0:development app-1:staging ");
	must(store_coupling_delete(f->s, second, &err), &err);
	must(store_coupling_get(f->s, f->app_ids[0], &again, &err), &err);
	assert_string_equal(again.id, first);
	coupling_done(&again);
	must(store_app_delete(f->s, f->app_ids[0], &err), &err);
	left = listed(f);
	assert_string_equal(left, "");
}

static void promote(struct fixture *f, struct promotion *p, struct promotion_target targets[2])
{
	struct error err = ERROR_INIT;

	memcpy(p->pipeline_id, f->p.id, UUID_SIZE);
	memcpy(p->app_id, f->app_ids[0], UUID_SIZE);
	uuid_make(p->release_id);
	memcpy(targets[0].app_id, f->app_ids[1], UUID_SIZE);
	memcpy(targets[1].app_id, f->app_ids[2], UUID_SIZE);
	must(store_promotion_create(f->s, p, targets, 2, &err), &err);
}

static void test_a_promotion_that_was_cut_off(void **state)
{
	struct fixture *f = *state;
	struct promotion_target made[2] = { 0 }, *got = NULL;
	struct promotion p = { 0 }, read = { 0 };
	struct error err = ERROR_INIT;
	char release[UUID_SIZE];
	size_t n = 0;

	promote(f, &p, made);
	must(store_promotion_target_set(f->s, made[0].id, uuid_make(release), NULL, &err), &err);
	must(store_promotion_fail_pending(f->s, "restarted", &err), &err);
	must(store_promotion_targets(f->s, p.id, &got, &n, &err), &err);
	assert_int_equal(n, 2);
	assert_string_equal(got[0].release_id, release);
	assert_null(got[0].error);
	assert_string_equal(got[1].release_id, "");
	assert_string_equal(got[1].error, "restarted");
	assert_string_equal(got[1].app_id, f->app_ids[2]);
	promotion_target_free_array(got, n);
	must(store_promotion_get(f->s, p.id, &read, &err), &err);
	assert_memory_equal(&read, &p, sizeof(p));
	must(store_pipeline_delete(f->s, f->p.id, &err), &err);
	assert_int_equal(store_promotion_get(f->s, p.id, &read, &err), -1);
	assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

static void test_old_promotions_are_forgotten(void **state)
{
	struct fixture *f = *state;
	struct promotion first = { 0 }, second = { 0 }, p = { 0 }, got;
	struct promotion_target made[2] = { 0 }, *targets = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0;

	promote(f, &first, made);
	promote(f, &second, made);
	for (int i = 0; i < PROMOTIONS_KEPT - 1; i++)
		promote(f, &p, made);
	assert_int_equal(store_promotion_get(f->s, first.id, &got, &err), -1);
	must(store_promotion_targets(f->s, first.id, &targets, &n, &err), &err);
	assert_int_equal(n, 0);
	must(store_promotion_get(f->s, second.id, &got, &err), &err);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names),
		TEST(test_stages),
		TEST(test_couplings),
		TEST(test_a_promotion_that_was_cut_off),
		TEST(test_old_promotions_are_forgotten),
	};

	return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
