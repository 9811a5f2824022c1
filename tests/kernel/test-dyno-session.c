/* SPDX-License-Identifier: Apache-2.0 */
/* An attached client: pipes and terminals, much data, slow readers, clients that leave. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"
#include "fixture.h"

#define CHUNK ((size_t)ATTACH_MAX_PAYLOAD)
#define N_CHUNKS 64
#define INTERRUPT_MS 500

/* Frames until `text` is in the output. */
static void await_text(struct test_dyno *d, struct buf *out, const char *text)
{
	_cleanup_buf_ struct buf frame = BUF_INIT;

	while (!strstr(out->data, text)) {
		assert_int_equal(dyno_next_frame(d, &frame), ATTACH_STDOUT);
		buf_append(out, frame.data, frame.len);
	}
}

/*
 * Ctrl-C until the end: a shell that is between two commands when it comes
 * looks at it after the next.
 */
static void interrupt(struct test_dyno *d, struct buf *out, struct buf *exit)
{
	struct pollfd p = { .fd = d->client_fd, .events = POLLIN };

	for (int i = 0; i < WAIT_MS / INTERRUPT_MS; i++) {
		dyno_frame(d, ATTACH_STDIN, "\x03", 1);
		while (poll(&p, 1, INTERRUPT_MS) == 1) {
			if (dyno_next_frame(d, exit) == ATTACH_EXIT)
				return;
			buf_append(out, exit->data, exit->len);
		}
	}
	fail_msg("Ctrl-C did nothing: %s", out->data);
}

static void test_terminal(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT, exit = BUF_INIT;
	struct test_dyno d = { .attach = true, .terminal = true };

	(void)state;
	dyno_begin(&d, "trap 'echo interrupted; exit 5' INT; stty size; read x; stty size; echo "
		       "wait; read y");
	await_text(&d, &out, "24 80");
	dyno_frame(&d, ATTACH_WINSIZE, "100 50", 6);
	dyno_frame(&d, ATTACH_STDIN, "\r", 1);
	await_text(&d, &out, "50 100");
	await_text(&d, &out, "wait");
	interrupt(&d, &out, &exit);
	assert_non_null(strstr(out.data, "interrupted"));
	assert_true(str_starts(exit.data, "5 exited with status 5"));
	dyno_end(&d);
}

static void test_streams_are_apart(void **state)
{
	_cleanup_buf_ struct buf frame = BUF_INIT;
	struct test_dyno d = { .attach = true };

	(void)state;
	dyno_begin(&d, "echo out; read x; echo err >&2; read x; exit 3");
	assert_int_equal(dyno_next_frame(&d, &frame), ATTACH_STDOUT);
	assert_string_equal(frame.data, "out\n");
	dyno_frame(&d, ATTACH_STDIN, "\n", 1);
	assert_int_equal(dyno_next_frame(&d, &frame), ATTACH_STDERR);
	assert_string_equal(frame.data, "err\n");
	/* The end of the input. */
	dyno_frame(&d, ATTACH_STDIN, "", 0);
	assert_int_equal(dyno_next_frame(&d, &frame), ATTACH_EXIT);
	assert_true(str_starts(frame.data, "3 "));
	assert_int_equal(dyno_next_frame(&d, &frame), 0);
	dyno_end(&d);
}

static void *feed(void *userdata)
{
	struct test_dyno *d = userdata;
	_cleanup_free_ char *chunk = xcalloc(1, CHUNK);

	for (int i = 0; i < N_CHUNKS; i++) {
		memset(chunk, 'a' + i % 26, CHUNK);
		dyno_frame(d, ATTACH_STDIN, chunk, CHUNK);
	}
	dyno_frame(d, ATTACH_STDIN, "", 0);
	return NULL;
}

/* More than all pipes and buffers on the way hold, both ways at once. */
static void test_much_through_cat(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT, exit = BUF_INIT;
	struct test_dyno d = { .attach = true };
	pthread_t feeder;

	(void)state;
	dyno_begin(&d, "cat");
	assert_int_equal(pthread_create(&feeder, NULL, feed, &d), 0);
	dyno_output(&d, &out, &exit);
	assert_int_equal(pthread_join(feeder, NULL), 0);
	assert_int_equal(out.len, N_CHUNKS * CHUNK);
	for (size_t i = 0; i < N_CHUNKS; i++)
		assert_int_equal(out.data[(i + 1) * CHUNK - 1], 'a' + (int)i % 26);
	dyno_end(&d);
}

/* A client that does not read and a process that writes: the supervisor still answers, and what was written comes. */
static void test_slow_client(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT, exit = BUF_INIT;
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct test_dyno d = { .attach = true };

	(void)state;
	dyno_begin(&d, "cat /dev/zero");
	dyno_await(&d, "up", &m);
	await_fd(d.client_fd);
	dyno_send(&d, DYNO_STOP);
	dyno_await(&d, "exited", &m);
	assert_int_equal(ipc_get_i64(&m, "exit", 0), 143);
	dyno_output(&d, &out, &exit);
	assert_true(str_starts(exit.data, "143 was stopped"));
	/* The pipe, the sockets, and a buffer with a cap. */
	assert_true(out.len < 2 * MIB);
	dyno_end(&d);
}

static void test_process_that_does_not_read(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT, exit = BUF_INIT;
	_cleanup_free_ char *chunk = xcalloc(1, CHUNK);
	struct test_dyno d = { .attach = true };

	(void)state;
	dyno_begin(&d, "sleep 1000");
	/* Past the pipe, within the buffer: the signal's frame is behind it and is seen. */
	dyno_frame(&d, ATTACH_STDIN, chunk, CHUNK);
	dyno_frame(&d, ATTACH_STDIN, chunk, CHUNK);
	dyno_frame(&d, ATTACH_SIGNAL, "19", 2); /* SIGSTOP: refused */
	dyno_frame(&d, ATTACH_SIGNAL, "9", 1);
	dyno_output(&d, &out, &exit);
	assert_true(str_starts(exit.data, "137 was killed by signal 9 (Killed)"));
	dyno_end(&d);
}

static void test_client_leaves(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct test_dyno d = { .attach = true, .terminal = true };

	(void)state;
	/* An interactive shell ignores SIGTERM; it must get SIGHUP. */
	dyno_begin(&d, "trap '' TERM; echo ready; while :; do read x || exit; done");
	await_text(&d, &out, "ready");
	d.client_fd = fd_close(d.client_fd);
	dyno_await(&d, "exited", &m);
	assert_string_equal(ipc_get(&m, "reason"), "was stopped: the client went away");
	assert_int_equal(ipc_get_i64(&m, "exit", 0), 129);
	dyno_end(&d);
}

static void test_what_is_no_frame(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct test_dyno d = { .attach = true };

	(void)state;
	dyno_begin(&d, "sleep 1000");
	dyno_await(&d, "up", &m);
	assert_int_equal(fd_write_all(d.client_fd, "GET / HTTP/1.1\r\n", 16), 0);
	dyno_await(&d, "exited", &m);
	assert_string_equal(ipc_get(&m, "reason"), "was stopped: the client went away");
	dyno_end(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_streams_are_apart),
		cmocka_unit_test(test_much_through_cat),
		cmocka_unit_test(test_slow_client),
		cmocka_unit_test(test_process_that_does_not_read),
		cmocka_unit_test(test_client_leaves),
		cmocka_unit_test(test_what_is_no_frame),
	};
	int r = fixture_begin();

	if (r == 0)
		r = cmocka_run_group_tests_name("dyno-session", tests, NULL, NULL);
	fixture_end();
	return r;
}
