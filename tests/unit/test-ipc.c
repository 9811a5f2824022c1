/* SPDX-License-Identifier: Apache-2.0 */
/* ipc: fields, descriptors, refusals. Also what the kernel does with them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "ipc/ipc.h"

static int pair(void **state)
{
	static int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	*state = fds;
	return 0;
}

static int unpair(void **state)
{
	int *fds = *state;

	fd_close(fds[0]);
	fd_close(fds[1]);
	return 0;
}

static void test_fields_and_descriptors(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg out = IPC_MSG_INIT, in = IPC_MSG_INIT;
	_cleanup_fd_ int got = -1;
	int *fds = *state, pipe_fds[2];
	char c = 0;

	assert_int_equal(pipe(pipe_fds), 0);
	ipc_msg_init(&out, 7);
	ipc_put(&out, "name", "web.1");
	ipc_put(&out, "empty", "");
	ipc_put_i64(&out, "port", 20001);
	ipc_put_fd(&out, pipe_fds[0]);
	assert_int_equal(ipc_send(fds[0], &out), 0);
	fd_close(pipe_fds[0]);

	assert_int_equal(ipc_recv(fds[1], &in), 1);
	assert_int_equal(in.type, 7);
	assert_string_equal(ipc_get(&in, "name"), "web.1");
	assert_string_equal(ipc_get(&in, "empty"), "");
	assert_null(ipc_get(&in, "web.1"));
	assert_int_equal(ipc_get_i64(&in, "port", 0), 20001);
	assert_int_equal(ipc_get_i64(&in, "name", -1), -1);
	got = ipc_take_fd(&in, 0);
	assert_int_equal(ipc_take_fd(&in, 0), -1);
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	assert_int_equal(read(got, &c, 1), 1);
	assert_int_equal(c, 'x');
	fd_close(pipe_fds[1]);
}

static void test_refuses_what_it_cannot_read(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
		{ "X\1\0\0", 4 },    /* no magic */
		{ "T\2\0\0", 4 },    /* another version */
		{ "T\1", 2 },	     /* short */
		{ "T\1\0\0key", 7 }, /* no NUL at the end */
	};
	int *fds = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ipc_msg in = IPC_MSG_INIT;

		assert_int_equal(write(fds[0], bad[i].bytes, bad[i].n), bad[i].n);
		assert_int_equal(ipc_recv(fds[1], &in), -EPROTO);
	}
}

static void test_a_key_without_value_is_not_found(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg in = IPC_MSG_INIT;
	int *fds = *state;

	assert_int_equal(write(fds[0], "T\1\0\0key", 8), 8);
	assert_int_equal(ipc_recv(fds[1], &in), 1);
	assert_null(ipc_get(&in, "key"));
}

static void test_end(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	int *fds = *state;

	fds[0] = fd_close(fds[0]);
	assert_int_equal(ipc_recv(fds[1], &m), 0);
	assert_int_equal(ipc_send(fds[1], &m), -EPIPE);
}

static void test_too_large(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	int *fds = *state;

	for (int i = 0; i < 7000; i++)
		ipc_put(&m, "k23456", "12345678");
	assert_int_equal(ipc_send(fds[0], &m), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fields_and_descriptors, pair, unpair),
		cmocka_unit_test_setup_teardown(test_refuses_what_it_cannot_read, pair, unpair),
		cmocka_unit_test_setup_teardown(test_a_key_without_value_is_not_found, pair,
						unpair),
		cmocka_unit_test_setup_teardown(test_end, pair, unpair),
		cmocka_unit_test_setup_teardown(test_too_large, pair, unpair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
