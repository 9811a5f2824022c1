/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to haproxy, asked of a peer of the test's own: answers, silence, a full backlog, an end
 * in the middle. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"
#include "daemon/edge/question.h"

static void test_lines(void **state)
{
	_cleanup_buf_ struct buf commands = BUF_INIT, line = BUF_INIT;
	const char *rest = "a\nb\n", *long_one;

	(void)state;
	assert_true(question_take_line(&rest, &line));
	assert_string_equal(line.data, "a; b\n");
	assert_false(question_take_line(&rest, &line));
	/* As many as haproxy's buffer takes, and one that is longer alone. */
	for (int i = 0; i < 3000; i++)
		buf_puts(&commands, "x");
	for (int i = 0; i < 5; i++) {
		buf_puts(&commands, "\n");
		for (int k = 0; k < 3000; k++)
			buf_puts(&commands, "y");
	}
	rest = commands.data;
	assert_true(question_take_line(&rest, &line));
	assert_true(line.len < 12010 && line.len > 9000);
	assert_true(question_take_line(&rest, &line));
	assert_false(question_take_line(&rest, &line));
	buf_clear(&commands);
	for (int i = 0; i < 13000; i++)
		buf_puts(&commands, "z");
	long_one = commands.data;
	assert_true(question_take_line(&long_one, &line));
	assert_int_equal(line.len, 13001);
}

struct peer {
	struct loop *loop;
	char path[64];
	int listener, fd;
	struct watch *accepting;
	bool silent, cuts;
	struct buf answer;
	struct error err;
	int calls;
	bool failed;
};

static void on_connection(void *userdata)
{
	struct peer *p = userdata;
	char text[16384];
	ssize_t n;

	p->fd = accept(p->listener, NULL, NULL);
	if (p->fd < 0 || p->silent)
		return;
	n = read(p->fd, text, sizeof(text));
	assert_true(n > 0);
	/* Of one that was let go nobody reads. */
	if (!p->cuts && send(p->fd, "said: ", 6, MSG_NOSIGNAL) == 6)
		assert_int_equal(send(p->fd, text, (size_t)n, MSG_NOSIGNAL), n);
	p->fd = fd_close(p->fd);
}

static void on_answer(const struct buf *answer, const struct error *err, void *userdata)
{
	struct peer *p = userdata;

	buf_append(&p->answer, answer->data, answer->len);
	if (err)
		p->err = *err;
	p->failed = err != NULL;
	p->calls++;
	loop_stop(p->loop);
}

static int make_peer(void **state)
{
	struct peer *p = xcalloc(1, sizeof(*p));

	*p = (struct peer){ .loop = loop_new(), .fd = -1, .answer = BUF_INIT };
	snprintf(p->path, sizeof(p->path), "/tmp/test-question-%d", getpid());
	p->listener = sock_listen_unix(p->path, SOCK_STREAM, 0600);
	assert_true(p->listener >= 0);
	p->accepting = watch_readable(p->loop, p->listener, on_connection, p);
	*state = p;
	return 0;
}

static int end_peer(void **state)
{
	struct peer *p = *state;

	watch_free(p->accepting);
	fd_close(p->fd);
	fd_close(p->listener);
	unlink(p->path);
	loop_free(p->loop);
	buf_done(&p->answer);
	free(p);
	return 0;
}

static void ask(struct peer *p, int64_t timeout_ms)
{
	question_new(p->loop, p->path, "show proc\nshow stat\n", timeout_ms, on_answer, p);
	assert_int_equal(p->calls, 0);
	loop_run(p->loop);
	assert_int_equal(p->calls, 1);
}

static void test_an_answer(void **state)
{
	struct peer *p = *state;

	ask(p, 10000);
	assert_false(p->failed);
	assert_string_equal(p->answer.data, "said: show proc; show stat\n");
}

static void test_an_end_without_a_word(void **state)
{
	struct peer *p = *state;

	p->cuts = true;
	ask(p, 10000);
	assert_false(p->failed);
	assert_int_equal(p->answer.len, 0);
}

static void test_silence(void **state)
{
	struct peer *p = *state;

	p->silent = true;
	ask(p, 50);
	assert_true(p->failed);
	assert_non_null(strstr(p->err.message, p->path));
}

static void test_nobody(void **state)
{
	struct peer *p = *state;

	watch_pause(p->accepting, true);
	unlink(p->path);
	ask(p, 10000);
	assert_true(p->failed);
}

static void test_a_full_backlog(void **state)
{
	struct peer *p = *state;
	int held[1024], n = 0;

	/* As of a program that is stopped. */
	watch_pause(p->accepting, true);
	do
		held[n] = sock_connect_unix(p->path, SOCK_STREAM | SOCK_NONBLOCK);
	while (held[n] >= 0 && ++n < 1024);
	assert_int_equal(held[n], -EAGAIN);
	ask(p, 100);
	assert_true(p->failed);
	while (n)
		fd_close(held[--n]);
}

static void test_one_that_is_let_go(void **state)
{
	struct peer *p = *state;
	struct question *q = question_new(p->loop, p->path, "show proc", 10000, on_answer, p);

	question_free(q);
	question_free(NULL);
	ask(p, 10000);
	assert_string_equal(p->answer.data, "said: show proc; show stat\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test_setup_teardown(test_an_answer, make_peer, end_peer),
		cmocka_unit_test_setup_teardown(test_an_end_without_a_word, make_peer, end_peer),
		cmocka_unit_test_setup_teardown(test_silence, make_peer, end_peer),
		cmocka_unit_test_setup_teardown(test_nobody, make_peer, end_peer),
		cmocka_unit_test_setup_teardown(test_a_full_backlog, make_peer, end_peer),
		cmocka_unit_test_setup_teardown(test_one_that_is_let_go, make_peer, end_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
