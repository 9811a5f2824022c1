/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API has found when it calls a handler, although much may happen while a body comes. The
 * real server over a unix socket, with the store and nothing else of the platform: client and
 * server share one event loop. A client that asks for it is told to go on when the head was looked
 * at ("100 Continue"); so what comes then is between the head and the body.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "daemon/api/serve.h"
#include "model/role.h"
#include "store/webhook.h"

#define DEADLINE_MS 20000
#define HOOK "{\"include\": [\"api:app\"], \"level\": \"notify\", \"url\": \"https://a.example/\"}"

static struct {
	char dir[40], *path;
	struct parts parts;
	struct app app;
	struct user user; /* may operate the app */
} t;

static void must(int r, const struct error *err)
{
	if (r < 0)
		fail_msg("%s", err->message);
}

static void make_app(const char *name, struct app *ret)
{
	struct error err = ERROR_INIT;

	*ret = (struct app){ .name = xstrdup(name),
			     .stack = xstrdup("debian-12"),
			     .buildpacks = xstrdup("[]"),
			     .branch = xstrdup("main") };
	must(store_app_create(t.parts.platform.store, ret, &err), &err);
}

static void let_operate(unsigned permissions)
{
	struct error err = ERROR_INIT;

	must(store_collaborator_set(t.parts.platform.store, t.app.id, t.user.id, permissions, &err),
	     &err);
}

static int setup(void **state)
{
	struct error err = ERROR_INIT;
	struct platform *p = &t.parts.platform;

	(void)state;
	memset(&t, 0, sizeof(t));
	snprintf(t.dir, sizeof(t.dir), "/tmp/test-serve-XXXXXX");
	assert_non_null(mkdtemp(t.dir));
	t.path = xasprintf("%s/sock", t.dir);
	must(settings_load(&p->settings, &err), &err);
	must(store_open(t.dir, &p->store, &err), &err);
	p->loop = loop_new();
	make_app("shop", &t.app);
	t.user = (struct user){ .email = xstrdup("who@example.com"), .name = xstrdup("") };
	must(store_user_create(p->store, &t.user, &err), &err);
	let_operate(PERMISSION_VIEW | PERMISSION_OPERATE);
	must(api_new(&t.parts, &t.parts.api, &err), &err);
	must(http_listen(t.parts.http, sock_listen_unix(t.path, SOCK_STREAM, 0600), true, &err),
	     &err);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	http_free(t.parts.http);
	api_free(t.parts.api);
	store_close(t.parts.platform.store);
	loop_free(t.parts.platform.loop);
	settings_done(&t.parts.platform.settings);
	user_done(&t.user);
	app_done(&t.app);
	free(t.path);
	assert_int_equal(fs_remove_tree(t.dir), 0);
	return 0;
}

/* ---- the client ---- */

struct client {
	int fd;
	const char *until; /* in the text */
	struct buf *text;
};

static void on_deadline(void *userdata)
{
	const struct client *c = userdata;

	fail_msg("no \"%s\" came: %s", c->until, c->text->data ? c->text->data : "");
}

static void on_readable(void *userdata)
{
	struct client *c = userdata;
	char data[4096];
	ssize_t n = recv(c->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n > 0)
		buf_append(c->text, data, (size_t)n);
	if (n == 0 || strstr(c->text->data, c->until))
		loop_stop(t.parts.platform.loop);
}

/* Runs the loop until the answer has this. */
static void read_until(struct client *c, const char *text)
{
	struct loop *l = t.parts.platform.loop;
	struct watch *deadline = watch_timer(l, on_deadline, c),
		     *readable = watch_readable(l, c->fd, on_readable, c);

	c->until = text;
	watch_arm(deadline, DEADLINE_MS);
	loop_run(l);
	watch_free(readable);
	watch_free(deadline);
	assert_non_null(strstr(c->text->data, text));
}

/*
 * The status of the answer to a request by the user for the app "shop", whose body comes after what
 * `meanwhile` does.
 */
static int ask(void (*meanwhile)(void), struct buf *ret)
{
	struct client c = { .fd = sock_connect_unix(t.path, SOCK_STREAM), .text = ret };
	_cleanup_free_ char *head =
		xasprintf("POST /apps/shop/webhooks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
			  "Twelve-User: %s\r\nContent-Length: %zu\r\nExpect: 100-continue\r\n\r\n",
			  t.user.email, strlen(HOOK));

	assert_true(c.fd >= 0);
	assert_int_equal(fd_write_all(c.fd, head, strlen(head)), 0);
	read_until(&c, "100 Continue\r\n\r\n");
	if (meanwhile)
		meanwhile();
	buf_consume(ret, ret->len);
	assert_int_equal(fd_write_all(c.fd, HOOK, strlen(HOOK)), 0);
	read_until(&c, "}");
	close(c.fd);
	return atoi(ret->data + strlen("HTTP/1.1 "));
}

static size_t count_hooks(const char *app_id)
{
	struct error err = ERROR_INIT;
	struct webhook *rows = NULL;
	size_t n = 0;

	must(store_webhook_list(t.parts.platform.store, app_id, &rows, &n, &err), &err);
	webhook_free_array(rows, n);
	return n;
}

/* ---- what happens meanwhile ---- */

static void destroy(void)
{
	struct error err = ERROR_INIT;

	must(store_app_delete(t.parts.platform.store, t.app.id, &err), &err);
}

static void take_permission(void)
{
	let_operate(PERMISSION_VIEW);
}

static void rename_it(void)
{
	struct error err = ERROR_INIT;

	free(t.app.name);
	t.app.name = xstrdup("market");
	must(store_app_update(t.parts.platform.store, &t.app, &err), &err);
}

/* Of somebody else. */
static void give_name_away(void)
{
	struct app other;

	rename_it();
	make_app("shop", &other);
	app_done(&other);
}

/* ---- the tests ---- */

static void test_nothing_happens(void **state)
{
	_cleanup_buf_ struct buf answer = BUF_INIT;

	(void)state;
	assert_int_equal(ask(NULL, &answer), 201);
	assert_int_equal(count_hooks(t.app.id), 1);
}

static void test_a_destroyed_app_is_not_found(void **state)
{
	_cleanup_buf_ struct buf answer = BUF_INIT;

	(void)state;
	assert_int_equal(ask(destroy, &answer), 404);
	assert_non_null(strstr(answer.data, "Couldn't find that app"));
}

static void test_a_permission_that_was_taken_away(void **state)
{
	_cleanup_buf_ struct buf answer = BUF_INIT;

	(void)state;
	assert_int_equal(ask(take_permission, &answer), 403);
	assert_int_equal(count_hooks(t.app.id), 0);
}

static void test_an_app_is_as_it_is_now(void **state)
{
	_cleanup_buf_ struct buf answer = BUF_INIT;

	(void)state;
	assert_int_equal(ask(rename_it, &answer), 201);
	assert_non_null(strstr(answer.data, "\"market\""));
}

/* The request goes on with the app that was found, and not with the one that has its name now. */
static void test_a_name_that_is_anothers_by_now(void **state)
{
	_cleanup_buf_ struct buf answer = BUF_INIT;

	(void)state;
	assert_int_equal(ask(give_name_away, &answer), 201);
	assert_int_equal(count_hooks(t.app.id), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_happens, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_destroyed_app_is_not_found, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_permission_that_was_taken_away, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_an_app_is_as_it_is_now, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_name_that_is_anothers_by_now, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
