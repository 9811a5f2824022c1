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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"
#include "fixture.h"

#define CHUNK ((size_t)ATTACH_MAX_PAYLOAD)
#define N_CHUNKS 64
#define INTERRUPT_MS 500
#define BREAKS 20

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

/* Nothing waits for a client that would come back. */
static void kill_dyno(struct test_dyno *d)
{
	d->client_fd = fd_close(d->client_fd);
	dyno_send(d, DYNO_KILL);
	dyno_end(d);
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

/* No more than the window is under way, as our client does it. */
static void await_window(struct test_dyno *d, uint64_t n_sent)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += WAIT_MS / 1000;
	pthread_mutex_lock(&d->lock);
	while (n_sent > d->n_acked + ATTACH_WINDOW_BYTES - CHUNK)
		assert_int_equal(pthread_cond_timedwait(&d->told, &d->lock, &limit), 0);
	pthread_mutex_unlock(&d->lock);
}

static void *feed(void *userdata)
{
	struct test_dyno *d = userdata;
	_cleanup_free_ char *chunk = xcalloc(1, CHUNK);

	for (int i = 0; i < N_CHUNKS; i++) {
		await_window(d, (uint64_t)i * CHUNK);
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

/* A client that does not read and a process that writes: the supervisor still answers, and what was
 * written comes. */
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

static void test_goodbye(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct test_dyno d = { .attach = true, .terminal = true };

	(void)state;
	/* An interactive shell ignores SIGTERM; it must get SIGHUP. */
	dyno_begin(&d, "trap '' TERM; echo ready; while :; do read x || exit; done");
	await_text(&d, &out, "ready");
	dyno_frame(&d, ATTACH_GOODBYE, "", 0);
	dyno_await(&d, "exited", &m);
	assert_string_equal(ipc_get(&m, "reason"), "was stopped: the client went away");
	assert_int_equal(ipc_get_i64(&m, "exit", 0), 129);
	dyno_end(&d);
}

/* Nobody comes back: after the stated time it is as if the client had said goodbye. */
static void test_nobody_comes_back(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct test_dyno d = { .attach = true, .terminal = true, .detach_ms = 300 };

	(void)state;
	dyno_begin(&d, "trap '' TERM; echo ready; while :; do read x || exit; done");
	await_text(&d, &out, "ready");
	d.client_fd = fd_close(d.client_fd);
	dyno_await(&d, "exited", &m);
	assert_string_equal(ipc_get(&m, "reason"),
			    "was stopped: its client went away and none came");
	assert_int_equal(ipc_get_i64(&m, "exit", 0), 129);
	dyno_end(&d);
}

/* What is no frame breaks the connection off, and the session goes on. */
static void test_what_is_no_frame(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT, frame = BUF_INIT;
	struct test_dyno d = { .attach = true };

	(void)state;
	dyno_begin(&d, "echo ready; read x; echo $x; exit 4");
	await_text(&d, &out, "ready");
	assert_int_equal(fd_write_all(d.client_fd, "GET / HTTP/1.1\r\n", 16), 0);
	assert_int_equal(dyno_next_frame(&d, &frame), 0);
	dyno_attach(&d, false);
	dyno_frame(&d, ATTACH_STDIN, "well\n", 5);
	await_text(&d, &out, "well");
	assert_int_equal(dyno_next_frame(&d, &frame), ATTACH_EXIT);
	assert_true(str_starts(frame.data, "4 "));
	dyno_end(&d);
}

/* Output that counts 0, 1, 2 ... comes whole over connections that break off again and again. */
static void test_broken_again_and_again(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT, frame = BUF_INIT;
	struct test_dyno d = { .attach = true };
	_cleanup_buf_ struct buf expected = BUF_INIT;
	size_t n_breaks = 0;
	char type = 0;

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_printf(&expected, "%d\n", i);
	dyno_begin(&d, "for ((i = 0; i < 100000; i++)); do echo $i; done; exit 6");
	while (type != ATTACH_EXIT) {
		type = dyno_next_frame(&d, &frame);
		if (type != ATTACH_STDOUT)
			continue;
		buf_append(&out, frame.data, frame.len);
		assert_true(out.len <= expected.len);
		/* With frames under way that it has not read, and acknowledgements that never come.
		 */
		if (out.len > expected.len / BREAKS * n_breaks) {
			dyno_attach(&d, true);
			n_breaks++;
		}
	}
	assert_true(n_breaks > BREAKS / 2);
	assert_int_equal(out.len, expected.len);
	assert_memory_equal(out.data, expected.data, expected.len);
	assert_true(str_starts(frame.data, "6 "));
	dyno_end(&d);
}

/* The process writes more than is kept while nobody is there, and ends only when somebody has read
 * it. */
static void test_output_while_away(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_buf_ struct buf out = BUF_INIT, exit = BUF_INIT;
	struct test_dyno d = { .attach = true };
	struct pollfd control = { .events = POLLIN };

	(void)state;
	dyno_begin(&d, "echo ready; read x; head -c 1000000 /dev/zero; exit 7");
	dyno_await(&d, "up", &m);
	control.fd = d.control_fd;
	await_text(&d, &out, "ready");
	dyno_frame(&d, ATTACH_STDIN, "\n", 1);
	d.client_fd = fd_close(d.client_fd);
	/* It waits, and has not ended: nothing is told. */
	assert_int_equal(poll(&control, 1, 1000), 0);
	buf_clear(&out);
	dyno_attach(&d, true);
	dyno_output(&d, &out, &exit);
	assert_int_equal(out.len, 1000000);
	assert_true(str_starts(exit.data, "7 "));
	dyno_await(&d, "exited", &m);
	dyno_end(&d);
}

/* The end came while nobody was there: it is told to who comes. */
static void test_end_while_away(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_buf_ struct buf out = BUF_INIT, exit = BUF_INIT;
	struct test_dyno d = { .attach = true };

	(void)state;
	dyno_begin(&d, "echo ready; read x; echo bye; exit 8");
	await_text(&d, &out, "ready");
	dyno_frame(&d, ATTACH_STDIN, "\n", 1);
	d.client_fd = fd_close(d.client_fd);
	dyno_await(&d, "exited", &m);
	buf_clear(&out);
	dyno_attach(&d, true);
	dyno_output(&d, &out, &exit);
	assert_string_equal(out.data, "bye\n");
	assert_true(str_starts(exit.data, "8 "));
	dyno_end(&d);
}

static void test_takeover(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT, frame = BUF_INIT;
	struct test_dyno d = { .attach = true };
	int64_t serial;
	int old_fd;

	(void)state;
	dyno_begin(&d, "echo ready; read x; echo got $x; read x");
	await_text(&d, &out, "ready");
	serial = d.serial;
	old_fd = dup(d.client_fd);
	dyno_attach(&d, false);
	dyno_frame(&d, ATTACH_STDIN, "new\n", 4);
	await_text(&d, &out, "got new");
	assert_true(d.serial > serial);
	/* The old one was told, and is told again when it comes back. */
	fd_close(d.client_fd);
	d.client_fd = old_fd;
	buf_clear(&d.frames);
	assert_int_equal(dyno_next_frame(&d, &frame), ATTACH_TAKEN);
	assert_int_equal(dyno_next_frame(&d, &frame), 0);
	d.serial = serial;
	dyno_attach(&d, true);
	assert_int_equal(dyno_next_frame(&d, &frame), ATTACH_TAKEN);
	assert_string_equal(frame.data, "Another client has attached");
	kill_dyno(&d);
}

/* Programs are told to draw again, though the size is the same. */
static void test_redraw(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct test_dyno d = { .attach = true, .terminal = true };

	(void)state;
	dyno_begin(
		&d,
		"trap 'echo draw; stty size' WINCH; echo ready; while :; do read -t 0.2 x; done");
	await_text(&d, &out, "ready");
	dyno_attach(&d, false);
	dyno_frame(&d, ATTACH_WINSIZE, "80 24", 5);
	await_text(&d, &out, "draw");
	await_text(&d, &out, "24 80");
	kill_dyno(&d);
}

/* ---- Heroku's client ---- */

/* One read: what haproxy would pass on in one piece. 0 at the end. */
static ssize_t read_raw(struct test_dyno *d, char *to, size_t size)
{
	ssize_t n = fd_read(d->client_fd, to, size - 1);

	assert_true(n >= 0);
	to[n] = '\0';
	return n;
}

static void test_raw_greeting_is_alone(void **state)
{
	struct test_dyno d = { .raw = true };
	char text[4096];

	(void)state;
	dyno_begin(&d, "echo out; echo err >&2; echo out again; cat");
	read_raw(&d, text, sizeof(text));
	assert_string_equal(text, "rendezvous\r\n");
	for (size_t n = 0; n < strlen("out\nerr\nout again\n");)
		n += (size_t)read_raw(&d, text + n, sizeof(text) - n);
	assert_string_equal(text, "out\nerr\nout again\n");
	/* A 0x04 with something after it is a byte; the last one is the end. */
	assert_int_equal(fd_write_all(d.client_fd, "one\x04", 4), 0);
	assert_int_equal(fd_write_all(d.client_fd, "two", 3), 0);
	assert_int_equal(fd_write_all(d.client_fd, "\x04", 1), 0);
	for (size_t n = 0, r = 1; r; n += r)
		r = (size_t)read_raw(&d, text + n, sizeof(text) - n);
	assert_string_equal(text, "one\x04two");
	dyno_end(&d);
}

/* A greeting that haproxy has not read yet is not followed by anything. */
static void test_raw_waits_for_the_greeting(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct test_dyno d = { .raw = true };
	char text[64];

	(void)state;
	dyno_begin(&d, "echo quick");
	dyno_await(&d, "exited", &m);
	read_raw(&d, text, sizeof(text));
	assert_string_equal(text, "rendezvous\r\n");
	read_raw(&d, text, sizeof(text));
	assert_string_equal(text, "quick\n");
	assert_int_equal(read_raw(&d, text, sizeof(text)), 0);
	dyno_end(&d);
}

static void test_raw_exit_status_is_one_piece(void **state)
{
	struct test_dyno d = { .raw = true };
	char text[4096];

	(void)state;
	dyno_begin(&d,
		   "printf 'a\\xef\\xbf'; sleep 0.05; printf '\\xbf heroku-command-'; sleep 0.05; "
		   "echo exit-status: 5; echo more; cat");
	read_raw(&d, text, sizeof(text));
	read_raw(&d, text, sizeof(text));
	assert_string_equal(text, "a");
	read_raw(&d, text, sizeof(text));
	assert_true(str_starts(text, "\xef\xbf\xbf heroku-command-exit-status: 5\n"));
	/* The client goes at once then, and nothing waits for another. */
	d.client_fd = fd_close(d.client_fd);
	dyno_send(&d, DYNO_STOP);
	dyno_end(&d);
}

/* Its client goes, and one of ours goes on. */
static void test_raw_then_ours(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT, frame = BUF_INIT;
	struct test_dyno d = { .raw = true };
	char text[64];

	(void)state;
	dyno_begin(&d, "echo ready; read x; echo got $x; exit 9");
	read_raw(&d, text, sizeof(text));
	read_raw(&d, text, sizeof(text));
	assert_string_equal(text, "ready\n");
	dyno_attach(&d, false);
	dyno_frame(&d, ATTACH_STDIN, "it\n", 3);
	await_text(&d, &out, "got it");
	assert_int_equal(dyno_next_frame(&d, &frame), ATTACH_EXIT);
	assert_true(str_starts(frame.data, "9 "));
	dyno_end(&d);
}

/* Only the first client may be Heroku's: a secret that was used opens nothing. */
static void test_raw_only_first(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct test_dyno d = { .attach = true };
	char text[64];

	(void)state;
	dyno_begin(&d, "echo ready; read x");
	await_text(&d, &out, "ready");
	dyno_attach_raw(&d);
	assert_int_equal(read_raw(&d, text, sizeof(text)), 0);
	kill_dyno(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_streams_are_apart),
		cmocka_unit_test(test_much_through_cat),
		cmocka_unit_test(test_slow_client),
		cmocka_unit_test(test_process_that_does_not_read),
		cmocka_unit_test(test_goodbye),
		cmocka_unit_test(test_nobody_comes_back),
		cmocka_unit_test(test_what_is_no_frame),
		cmocka_unit_test(test_broken_again_and_again),
		cmocka_unit_test(test_output_while_away),
		cmocka_unit_test(test_end_while_away),
		cmocka_unit_test(test_takeover),
		cmocka_unit_test(test_redraw),
		cmocka_unit_test(test_raw_greeting_is_alone),
		cmocka_unit_test(test_raw_waits_for_the_greeting),
		cmocka_unit_test(test_raw_exit_status_is_one_piece),
		cmocka_unit_test(test_raw_then_ours),
		cmocka_unit_test(test_raw_only_first),
	};
	int r = fixture_begin();

	if (r == 0)
		r = cmocka_run_group_tests_name("dyno-session", tests, NULL, NULL);
	fixture_end();
	return r;
}
