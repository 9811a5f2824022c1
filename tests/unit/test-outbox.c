/* SPDX-License-Identifier: Apache-2.0 */
/* What waits to be sent to twelve-logs: order, lines that find no room, what is told again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "daemon/lines/outbox.h"
#include "ipc/logs-proto.h"

/* A field of the first message. */
static void first_has(struct outbox *o, const char *key, const char *want)
{
	assert_non_null(o->first);
	assert_string_equal(ipc_get(&o->first->msg, key), want);
}

static void test_texts_in_order(void **state)
{
	struct outbox o;

	(void)state;
	outbox_init(&o);
	assert_true(outbox_push_text(&o, "a", "app", "api", "one"));
	assert_true(outbox_push_text(&o, "b", "heroku", "web.1", "two\nthree"));
	first_has(&o, "text", "one");
	first_has(&o, "source", "app");
	outbox_pop(&o);
	first_has(&o, "text", "two\nthree");
	first_has(&o, "app", "b");
	first_has(&o, "dyno", "web.1");
	outbox_pop(&o);
	assert_null(o.first);
	assert_int_equal(o.bytes, 0);
	assert_false(outbox_tell_lost(&o));
	/* It goes on after it was empty. */
	assert_true(outbox_push_text(&o, "a", "app", "api", "four"));
	first_has(&o, "text", "four");
	outbox_done(&o);
}

static void test_what_finds_no_room_is_counted_by_app(void **state)
{
	_cleanup_free_ char *large = xcalloc(1, OUTBOX_MAX_BYTES + 1);
	struct outbox o;

	(void)state;
	memset(large, 'x', OUTBOX_MAX_BYTES);
	outbox_init(&o);
	assert_true(outbox_push_text(&o, "a", "app", "api", large));
	assert_false(outbox_push_text(&o, "a", "app", "api", "one\ntwo\n"));
	assert_false(outbox_push_text(&o, "b", "app", "api", "one"));
	assert_false(outbox_push_text(&o, "a", "app", "api", "three\nfour"));
	outbox_pop(&o);
	assert_true(outbox_tell_lost(&o));
	for (int i = 0; i < 2; i++) {
		bool a = streq(ipc_get(&o.first->msg, "app"), "a");

		first_has(&o, "dyno", "logplex");
		first_has(&o, "text",
			  a ? "Error L12 (Local buffer overflow) -> 4 lines dropped"
			    : "Error L12 (Local buffer overflow) -> 1 lines dropped");
		outbox_pop(&o);
	}
	assert_null(o.first);
	assert_false(outbox_tell_lost(&o));
	outbox_done(&o);
}

static bool keep(struct outbox *o, uint16_t type, const char *app, const char *value)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	m.type = type;
	ipc_put(&m, "value", value);
	return outbox_keep_standing(o, app, &m);
}

static void test_the_last_word_about_an_app_stands(void **state)
{
	struct outbox o;

	(void)state;
	outbox_init(&o);
	assert_true(keep(&o, LOGS_DRAINS, "a", "1"));
	assert_false(keep(&o, LOGS_DRAINS, "a", "1"));
	assert_true(keep(&o, LOGS_LINK, "a", "1"));
	assert_true(keep(&o, LOGS_DRAINS, "b", "1"));
	assert_true(keep(&o, LOGS_DRAINS, "a", "2"));
	assert_int_equal(o.standing->msg.type, LOGS_DRAINS);
	outbox_push_standing(&o, o.standing);
	first_has(&o, "value", "2");
	outbox_forget_standing(&o, "a");
	assert_string_equal(o.standing->app_id, "b");
	assert_null(o.standing->next);
	outbox_done(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts_in_order),
		cmocka_unit_test(test_what_finds_no_room_is_counted_by_app),
		cmocka_unit_test(test_the_last_word_about_an_app_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
