/* SPDX-License-Identifier: Apache-2.0 */
/* twelve-dyno and twelve-init with the real OCI runtime: limits, ends, restarts, logs, kill -9. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "../skip.h"

#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "fixture.h"
#include "ipc/logs-proto.h"

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

/* Runs a command in an attached dyno; its output and the exit frame. */
static void run(const char *command, struct buf *out, struct buf *exit)
{
	struct test_dyno d = { .attach = true };

	dyno_begin(&d, command);
	dyno_output(&d, out, exit);
	dyno_end(&d);
}

static void test_what_is_in_a_dyno(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT, exit = BUF_INIT;

	(void)state;
	run("id -u; echo $SECRET $PORT $HOME $PWD; echo to stdout > /dev/stdout; "
	    "{ echo x > /made; } 2>&1; echo x > /app/made && cat /app/made; "
	    "mount -t tmpfs none /tmp 2>&1; unshare -U id 2>&1; head -c 9999999 /dev/zero > "
	    "/tmp/big; exit 7",
	    &out, &exit);
	assert_contains(out.data, "59012\nnot-for-disks 5000 /app /app\nto stdout\n");
	assert_contains(out.data, "/made: Read-only file system");
	assert_contains(out.data, "\nx\n");
	assert_contains(out.data, "mount:");
	assert_contains(out.data, "Operation not permitted");
	assert_contains(out.data, "No space left on device");
	assert_true(str_starts(exit.data, "7 exited with status 7 after "));
}

static void test_profile_and_missing_command(void **state)
{
	_cleanup_free_ char *dir = xasprintf("%s/.profile.d", test_slug);
	_cleanup_free_ char *b = xasprintf("%s/b.sh", dir), *a = xasprintf("%s/a.sh", dir);
	_cleanup_free_ char *profile = xasprintf("%s/.profile", test_slug);
	_cleanup_buf_ struct buf out = BUF_INIT, exit = BUF_INIT;

	(void)state;
	fs_mkdirs(dir, 0755);
	fs_write_atomic(a, 0644, "export P=a\n", 11);
	fs_write_atomic(b, 0644, "export P=$P-b\n", 14);
	fs_write_atomic(profile, 0644, "export P=$P-profile\n", 20);
	run("echo $P && no-such-program", &out, &exit);
	assert_contains(out.data, "a-b-profile\n");
	assert_contains(out.data, "no-such-program: command not found");
	assert_true(str_starts(exit.data, "127 "));
	fs_remove_tree(dir);
	fs_remove_tree(profile);
}

static void test_stop_reaches_every_process(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct test_dyno d = { 0 };
	int fds[8];
	size_t n;

	(void)state;
	/* Shells do not pass signals on; the second one has nobody above it. */
	dyno_begin(&d, "(sleep 1000; :) & sleep 1000; :");
	dyno_await(&d, "up", &m);
	n = dyno_pidfds(&d.sandbox, fds, ARRAY_SIZE(fds));
	dyno_send(&d, DYNO_STOP);
	dyno_await(&d, "stopping", &m);
	dyno_await(&d, "exited", &m);
	assert_string_equal(ipc_get(&m, "reason"), "was stopped");
	assert_int_equal(ipc_get_i64(&m, "exit", 0), 143);
	for (size_t i = 0; i < n && i < ARRAY_SIZE(fds); i++) {
		await_fd(fds[i]);
		fd_close(fds[i]);
	}
	assert_int_equal(ipc_recv(d.control_fd, &m), 0);
	assert_false(fs_exists(d.sandbox.dir));
	dyno_end(&d);
}

static void test_stubborn_process_is_killed(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct test_dyno d = { .attach = true, .stop_ms = 100 };

	(void)state;
	dyno_begin(&d, "trap '' TERM; echo ready; while :; do sleep 1000; done");
	assert_int_equal(dyno_next_frame(&d, &out), ATTACH_STDOUT);
	dyno_send(&d, DYNO_STOP);
	dyno_await(&d, "exited", &m);
	assert_string_equal(ipc_get(&m, "reason"),
			    "was killed: it did not exit in time after SIGTERM");
	assert_int_equal(ipc_get_i64(&m, "exit", 0), 137);
	assert_int_equal(dyno_next_frame(&d, &out), ATTACH_EXIT);
	dyno_end(&d);
}

static void test_time_limit(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct test_dyno d = { .time_limit_ms = 50 };

	(void)state;
	dyno_begin(&d, "sleep 1000");
	dyno_await(&d, "exited", &m);
	assert_string_equal(ipc_get(&m, "reason"), "was stopped: its time limit was over");
	dyno_end(&d);
}

static void test_memory_limit(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct test_dyno d = { 0 };

	(void)state;
	if (test_runtime.cgroup == SANDBOX_CGROUP_NONE)
		SKIP_BECAUSE("no cgroup controllers are mounted, so there are no limits to keep");
	dyno_begin(&d, "x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done");
	dyno_await(&d, "exited", &m);
	assert_string_equal(ipc_get(&m, "oom"), "1");
	assert_contains(ipc_get(&m, "reason"), "it used more than its 64 MB of memory");
	dyno_end(&d);
}

static void test_restart_with_a_fresh_scratch(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct test_dyno d = { .restart = true };
	int64_t crashed_ms;

	(void)state;
	/* Status 5 the second time would mean that the first one's file is still there. */
	dyno_begin(&d, "[ -e /app/made ] && exit 5; echo x > /app/made; exit 4");
	dyno_await(&d, "crashed", &m);
	crashed_ms = ipc_get_i64(&m, "since_ms", 0);
	assert_true(str_starts(ipc_get(&m, "reason"), "exited with status 4 after "));
	dyno_await(&d, "starting", &m);
	assert_int_equal(ipc_get_i64(&m, "restarts", 0), 1);
	assert_true(ipc_get_i64(&m, "since_ms", 0) - crashed_ms >= 990);
	dyno_await(&d, "crashed", &m);
	assert_int_equal(ipc_get_i64(&m, "exit", 0), 4);
	dyno_send(&d, DYNO_STOP);
	dyno_await(&d, "exited", &m);
	dyno_end(&d);
}

static void test_cannot_be_started(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_free_ char *init = xstrdup(getenv("TWELVE_INIT"));
	struct test_dyno d = { 0 };

	(void)state;
	setenv("TWELVE_INIT", "/nowhere/at/all", 1);
	dyno_begin(&d, "true");
	dyno_await(&d, "exited", &m);
	assert_int_equal(ipc_get_i64(&m, "exit", 0), 126);
	assert_true(str_starts(ipc_get(&m, "reason"), "could not be started: "));
	assert_contains(ipc_get(&m, "reason"), "/nowhere/at/all");
	dyno_end(&d);
	setenv("TWELVE_INIT", init, 1);
}

static void assert_nothing_left(const struct test_sandbox *t)
{
	_cleanup_free_ char *cgroup = xasprintf("/sys/fs/cgroup/memory%s", t->cgroup);
	_cleanup_free_ char *unified = xasprintf("/sys/fs/cgroup%s", t->cgroup);
	_cleanup_free_ char *records = xasprintf("%s/%s", test_runtime_root, t->id);
	_cleanup_buf_ struct buf mounts = BUF_INIT;

	assert_false(fs_exists(cgroup));
	assert_false(fs_exists(unified));
	assert_false(fs_exists(records));
	assert_int_equal(fs_read_file("/proc/self/mountinfo", 4 << 20, &mounts), 0);
	assert_null(strstr(mounts.data, t->id));
}

static void test_supervisor_is_killed(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct test_dyno d = { .attach = true };
	struct error err = ERROR_INIT;
	int fds[8];
	size_t n;

	(void)state;
	dyno_begin(&d, "trap '' TERM HUP; sleep 1000 & echo ready; wait");
	assert_int_equal(dyno_next_frame(&d, &out), ATTACH_STDOUT);
	n = dyno_pidfds(&d.sandbox, fds, ARRAY_SIZE(fds));
	assert_int_equal(n, 3);
	kill(d.pid, SIGKILL);
	for (size_t i = 0; i < n; i++) {
		await_fd(fds[i]);
		fd_close(fds[i]);
	}
	/* The end of the connection is how twelved knows; then it cleans up. */
	dyno_await(&d, "up", &m);
	assert_int_equal(ipc_recv(d.control_fd, &m), 0);
	assert_int_equal(sandbox_delete(&test_runtime, test_runtime_root, d.sandbox.id, &err), 0);
	assert_nothing_left(&d.sandbox);
	assert_int_equal(sandbox_delete(&test_runtime, test_runtime_root, d.sandbox.id, &err), 0);
	dyno_end(&d);
}

/* A runtime that was killed halfway: a process in the cgroup, and no records. */
static void test_sweep_without_records(void **state)
{
	_cleanup_free_ char *dir = NULL, *procs = NULL;
	struct test_sandbox t;
	struct error err = ERROR_INIT;
	int status;
	pid_t pid;

	(void)state;
	if (test_runtime.cgroup == SANDBOX_CGROUP_NONE)
		SKIP_BECAUSE("no cgroup controllers are mounted, so there are no limits to keep");
	test_sandbox_init(&t, "true");
	dir = xasprintf("/sys/fs/cgroup%s%s",
			test_runtime.cgroup == SANDBOX_CGROUP_V2 ? "" : "/memory", t.cgroup);
	procs = xasprintf("%s/cgroup.procs", dir);
	assert_int_equal(fs_mkdirs(dir, 0755), 0);
	pid = fork();
	if (pid == 0) {
		FILE *f = fopen(procs, "we");

		if (!f || fprintf(f, "0") < 0 || fclose(f) != 0)
			_exit(3);
		raise(SIGSTOP);
		_exit(4);
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(sandbox_delete(&test_runtime, test_runtime_root, t.id, &err), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	/* A zombie of ours held the directory until now. */
	assert_int_equal(sandbox_delete(&test_runtime, test_runtime_root, t.id, &err), 0);
	assert_nothing_left(&t);
	test_sandbox_done(&t);
}

static void assert_not_in_file(const char *dir, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	_cleanup_buf_ struct buf text = BUF_INIT;

	assert_int_equal(fs_read_file(path, 1 << 20, &text), 0);
	assert_true(text.len > 0);
	assert_null(memmem(text.data, text.len, "not-for-disks", strlen("not-for-disks")));
}

static void test_config_vars_are_nowhere_in_clear(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_free_ char *proc = NULL;
	struct test_dyno d = { 0 };

	(void)state;
	dyno_begin(&d, "sleep 1000");
	dyno_await(&d, "up", &m);
	proc = xasprintf("/proc/%d", d.pid);
	assert_not_in_file(d.sandbox.dir, "spec");
	assert_not_in_file(d.sandbox.bundle, "config.json");
	assert_not_in_file(proc, "environ");
	assert_not_in_file(proc, "cmdline");
	dyno_send(&d, DYNO_KILL);
	dyno_await(&d, "exited", &m);
	assert_string_equal(ipc_get(&m, "reason"), "was killed");
	dyno_end(&d);
}

/* ---- twelve-logs, played by the test ---- */

static int accept_logs(int listen_fd)
{
	struct timeval limit = { .tv_sec = WAIT_MS / 1000 };
	int fd;

	await_fd(listen_fd);
	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

static int take_source(int fd)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	assert_int_equal(ipc_recv(fd, &m), 1);
	assert_int_equal(m.type, LOGS_SOURCE);
	assert_string_equal(ipc_get(&m, "dyno"), "web.1");
	assert_int_equal(m.n_fds, 2);
	return ipc_take_fd(&m, 0);
}

static void expect_line(int fd, const char *text)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	assert_int_equal(ipc_recv(fd, &m), 1);
	assert_int_equal(m.type, LOGS_APPEND);
	assert_string_equal(ipc_get(&m, "source"), "heroku");
	assert_string_equal(ipc_get(&m, "text"), text);
}

static void expect_output(int fd, const char *text)
{
	char got[64] = "";

	await_fd(fd);
	assert_true(fd_read(fd, got, sizeof(got) - 1) > 0);
	assert_string_equal(got, text);
}

static void test_logs_go_away_and_come_back(void **state)
{
	_cleanup_free_ char *path = xasprintf("%s/logs.sock", test_dir);
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct test_dyno d = { .logs_sock = path };
	int listen_fd = sock_listen_unix(path, SOCK_SEQPACKET, 0600), fd, out_fd;

	(void)state;
	assert_true(listen_fd >= 0);
	dyno_begin(&d, "echo one; trap 'echo two; exit 0' TERM; echo ready; while :; do sleep 1000 "
		       "& wait; done");
	fd = accept_logs(listen_fd);
	out_fd = take_source(fd);
	expect_line(fd, "Starting process with command `echo one; trap 'echo two; exit 0' TERM; "
			"echo ready; "
			"while :; do sleep 1000 & wait; done`");
	expect_line(fd, "State changed from starting to up");
	for (size_t got = 0; got < strlen("one\nready\n");) {
		char text[64];
		ssize_t r;

		await_fd(out_fd);
		r = fd_read(out_fd, text, sizeof(text));
		assert_true(r > 0);
		got += (size_t)r;
	}
	/* It is killed, and while it is away the dyno is stopped: nothing of that may be lost. */
	fd_close(listen_fd);
	fd_close(fd);
	fd_close(out_fd);
	dyno_await(&d, "up", &m);
	dyno_send(&d, DYNO_STOP);
	dyno_await(&d, "exited", &m);
	listen_fd = sock_listen_unix(path, SOCK_SEQPACKET, 0600);
	fd = accept_logs(listen_fd);
	out_fd = take_source(fd);
	expect_line(fd, "State changed from up to down");
	expect_line(fd, "Stopping all processes with SIGTERM");
	expect_line(fd, "Process exited with status 0");
	expect_output(out_fd, "two\n");
	fd_close(out_fd);
	fd_close(fd);
	fd_close(listen_fd);
	dyno_end(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_in_a_dyno),
		cmocka_unit_test(test_profile_and_missing_command),
		cmocka_unit_test(test_stop_reaches_every_process),
		cmocka_unit_test(test_stubborn_process_is_killed),
		cmocka_unit_test(test_time_limit),
		cmocka_unit_test(test_memory_limit),
		cmocka_unit_test(test_restart_with_a_fresh_scratch),
		cmocka_unit_test(test_cannot_be_started),
		cmocka_unit_test(test_supervisor_is_killed),
		cmocka_unit_test(test_sweep_without_records),
		cmocka_unit_test(test_config_vars_are_nowhere_in_clear),
		cmocka_unit_test(test_logs_go_away_and_come_back),
	};
	int r = fixture_begin();

	if (r == 0)
		r = cmocka_run_group_tests_name("dyno", tests, NULL, NULL);
	fixture_end();
	return r;
}
