/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks: what the database writes by itself, what is due, and how a delivery is signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "daemon/apps/webhooks.h"
#include "store/webhook.h"

struct fixture {
	char dir[40];
	struct store *s;
	struct app app;
	int n_written;
};

static void must(int r, const struct error *err)
{
	if (r < 0)
		fail_msg("%s", err->message);
}

static void on_written(void *userdata)
{
	struct fixture *f = userdata;

	f->n_written++;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct error err = ERROR_INIT;

	snprintf(f->dir, sizeof(f->dir), "/tmp/test-webhook-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	must(store_open(f->dir, &f->s, &err), &err);
	f->app = (struct app){ .name = xstrdup("shop"),
			       .stack = xstrdup("debian-12"),
			       .buildpacks = xstrdup("[]"),
			       .branch = xstrdup("main") };
	must(store_app_create(f->s, &f->app, &err), &err);
	store_webhook_watch(f->s, on_written, f);
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

static void add(struct fixture *f, const char *include, bool sync, char ret_id[static UUID_SIZE])
{
	struct webhook w = { .include = xstrdup(include),
			     .sync = sync,
			     .url = xstrdup("http://h.example/x"),
			     .secret = xstrdup("s3cret") };
	struct error err = ERROR_INIT;

	memcpy(w.app_id, f->app.id, UUID_SIZE);
	must(store_webhook_create(f->s, &w, &err), &err);
	memcpy(ret_id, w.id, UUID_SIZE);
	webhook_done(&w);
}

static void scale(struct fixture *f, int64_t n)
{
	struct error err = ERROR_INIT;

	must(store_formation_set(f->s, f->app.id, "id-of-web", "web", n, "eco", &err), &err);
}

static size_t count_events(struct fixture *f)
{
	struct webhook_event *rows = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0;

	must(store_webhook_event_list(f->s, f->app.id, &rows, &n, &err), &err);
	webhook_event_free_array(rows, n);
	return n;
}

static void test_what_nobody_asked_for_is_not_written(void **state)
{
	struct fixture *f = *state;
	char id[UUID_SIZE];

	scale(f, 1);
	assert_int_equal(count_events(f), 0);
	add(f, "[\"api:addon-attachment\", \"api:build\"]", true, id);
	scale(f, 2);
	assert_int_equal(count_events(f), 0);
	assert_int_equal(f->n_written, 0);
}

static void test_an_event_has_what_there_is_to_tell(void **state)
{
	struct fixture *f = *state;
	struct webhook_event *e = NULL;
	struct error err = ERROR_INIT;
	char id[UUID_SIZE];
	json_t *data, *previous;
	size_t n = 0;

	scale(f, 1);
	add(f, "[\"api:formation\"]", true, id);
	scale(f, 1);
	scale(f, 3);
	must(store_webhook_event_list(f->s, f->app.id, &e, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_int_equal(f->n_written, 1);
	assert_string_equal(e->include, "api:formation");
	assert_string_equal(e->action, "update");
	data = json_loads(e->data, 0, NULL);
	previous = json_loads(e->previous, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(data, "quantity")), 3);
	assert_int_equal(json_integer_value(json_object_get(previous, "quantity")), 1);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(data, "app"), "name")), "shop");
	json_decref(data);
	json_decref(previous);
	webhook_event_free_array(e, n);
}

static void test_a_transaction_that_is_undone_tells_nothing(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	char id[UUID_SIZE];

	add(f, "[\"api:formation\"]", true, id);
	must(store_begin(f->s, &err), &err);
	scale(f, 3);
	store_rollback(f->s);
	assert_int_equal(count_events(f), 0);
}

static size_t due(struct fixture *f, struct webhook_delivery **ret)
{
	struct error err = ERROR_INIT;
	size_t n = 0;

	must(store_webhook_delivery_due(f->s, clock_wall_ms() + 1000, ret, &n, &err), &err);
	return n;
}

static void test_deliveries_of_a_webhook_are_due_in_turn(void **state)
{
	struct fixture *f = *state;
	struct webhook_delivery *d = NULL, *again = NULL;
	struct error err = ERROR_INIT;
	char first[UUID_SIZE], second[UUID_SIZE];
	int64_t next;

	add(f, "[\"api:formation\"]", true, first);
	add(f, "[\"api:build\", \"api:formation\"]", false, second);
	scale(f, 1);
	scale(f, 2);
	assert_int_equal(due(f, &d), 2);
	assert_string_equal(d[0].webhook_id, first);
	assert_true(d[0].sync);
	assert_string_equal(d[1].webhook_id, second);
	assert_false(d[1].sync);
	assert_string_equal(d[0].event_id, d[1].event_id);
	assert_string_equal(d[0].status, "pending");

	/* Paused for an hour, the next of the same webhook has its turn. */
	free(d[0].status);
	d[0].status = xstrdup("retrying");
	d[0].next_ms = clock_wall_ms() + 3600000;
	d[0].n_attempts = 1;
	uuid_make(d[0].attempt_id);
	must(store_webhook_delivery_update(f->s, &d[0], &err), &err);
	assert_int_equal(due(f, &again), 2);
	assert_string_not_equal(again[0].id, d[0].id);
	must(store_webhook_delivery_next(f->s, clock_wall_ms() + 1000, &next, &err), &err);
	assert_int_equal(next, d[0].next_ms);
	webhook_delivery_free_array(again, 2);

	must(store_webhook_delete(f->s, first, &err), &err);
	assert_int_equal(due(f, &again), 1);
	webhook_delivery_free_array(again, 1);
	webhook_delivery_free_array(d, 2);
}

static void test_old_events_are_forgotten(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	char id[UUID_SIZE];

	add(f, "[\"api:formation\"]", true, id);
	must(store_begin(f->s, &err), &err);
	for (int i = 0; i < atoi(WEBHOOK_EVENTS_KEPT_TEXT) + 5; i++)
		scale(f, i);
	must(store_commit(f->s, &err), &err);
	assert_int_equal(count_events(f), atoi(WEBHOOK_EVENTS_KEPT_TEXT));
}

static void test_an_app_goes_with_all_of_it(void **state)
{
	struct fixture *f = *state;
	struct domain domain = { .hostname = xstrdup("shop.example.com") };
	struct webhook_delivery *d = NULL;
	struct error err = ERROR_INIT;
	char id[UUID_SIZE];

	add(f, "[\"api:formation\", \"api:domain\"]", true, id);
	memcpy(domain.app_id, f->app.id, UUID_SIZE);
	must(store_domain_create(f->s, &domain, &err), &err);
	scale(f, 1);
	assert_int_equal(count_events(f), 2);
	must(store_app_delete(f->s, f->app.id, &err), &err);
	assert_int_equal(count_events(f), 0);
	assert_int_equal(due(f, &d), 0);
	domain_done(&domain);
}

/* RFC 4231, test case 2, in base64. */
static void test_signature(void **state)
{
	_cleanup_free_ char *mac = webhook_signature("Jefe", "what do ya want for nothing?");

	(void)state;
	assert_string_equal(mac, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_nobody_asked_for_is_not_written),
		TEST(test_an_event_has_what_there_is_to_tell),
		TEST(test_a_transaction_that_is_undone_tells_nothing),
		TEST(test_deliveries_of_a_webhook_are_due_in_turn),
		TEST(test_old_events_are_forgotten),
		TEST(test_an_app_goes_with_all_of_it),
		cmocka_unit_test(test_signature),
	};

	return cmocka_run_group_tests_name("webhook", tests, NULL, NULL);
}
