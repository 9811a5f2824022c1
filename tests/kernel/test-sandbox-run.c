/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox_run() with the real OCI runtime: ends of all kinds, and kill -9 of the caller. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "../skip.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "fixture.h"

struct one_run {
	struct test_sandbox sandbox;
	struct sandbox_run_options o;
	struct sandbox_result result;
	struct error err;
	int output[2];
	int r;
};

static void prepare(struct one_run *t, const char *command)
{
	test_sandbox_init(&t->sandbox, command);
	assert_int_equal(pipe2(t->output, O_CLOEXEC), 0);
	t->err = ERROR_INIT;
	t->o = (struct sandbox_run_options){ .runtime = &test_runtime,
					     .runtime_root = test_runtime_root,
					     .bundle_dir = t->sandbox.bundle,
					     .output_fd = t->output[1],
					     .env_fd = -1,
					     .timeout_ms = WAIT_MS };
}

static void perform(struct one_run *t)
{
	t->r = sandbox_write_bundle(t->sandbox.bundle, &t->sandbox.spec, &t->err);
	if (t->r == 0)
		t->r = sandbox_run(&t->sandbox.spec, &t->o, &t->result, &t->err);
}

static void done(struct one_run *t)
{
	fd_close(t->output[0]);
	fd_close(t->output[1]);
	test_sandbox_done(&t->sandbox);
}

static void test_output_and_exit_code(void **state)
{
	struct one_run t;
	char text[64] = "";

	(void)state;
	prepare(&t, "echo to stdout; echo to stderr >&2; exit 7");
	perform(&t);
	if (t.r < 0)
		fail_msg("%s", t.err.message);
	assert_int_equal(t.result.end, SANDBOX_ENDED);
	assert_int_equal(t.result.exit_code, 7);
	assert_true(read(t.output[0], text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "to stdout\nto stderr\n");
	done(&t);
}

static void test_directory_is_written(void **state)
{
	_cleanup_free_ char *made = NULL, *app = NULL;
	struct one_run t;
	struct stat st;

	(void)state;
	prepare(&t, "echo x > /app/made");
	app = xasprintf("%s/app", t.sandbox.dir);
	made = xasprintf("%s/made", app);
	assert_int_equal(fs_mkdirs(app, 0755), 0);
	assert_int_equal(chown(app, SANDBOX_UID, SANDBOX_GID), 0);
	t.sandbox.spec.app_dir = app;
	perform(&t);
	assert_int_equal(t.r, 0);
	assert_int_equal(t.result.exit_code, 0);
	assert_int_equal(stat(made, &st), 0);
	assert_int_equal(st.st_uid, SANDBOX_UID);
	done(&t);
}

static void test_timeout(void **state)
{
	struct one_run t;

	(void)state;
	prepare(&t, "trap '' TERM; sleep 1000; :");
	t.o.timeout_ms = 50;
	perform(&t);
	assert_int_equal(t.r, 0);
	assert_int_equal(t.result.end, SANDBOX_TIMEOUT);
	done(&t);
}

static void test_memory(void **state)
{
	struct one_run t;

	(void)state;
	if (test_runtime.cgroup == SANDBOX_CGROUP_NONE)
		SKIP_BECAUSE("no cgroup controllers are mounted, so there are no limits to keep");
	prepare(&t, "x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done");
	perform(&t);
	assert_int_equal(t.r, 0);
	assert_int_equal(t.result.end, SANDBOX_OOM);
	done(&t);
}

static void test_what_cannot_run(void **state)
{
	struct one_run t;

	(void)state;
	prepare(&t, "true");
	t.sandbox.spec.rootfs = "/nowhere/at/all";
	perform(&t);
	assert_int_equal(t.r, -1);
	assert_non_null(strstr(t.err.message, "the sandbox could not be made: "));
	assert_non_null(strstr(t.err.message, "/nowhere/at/all"));
	done(&t);
}

/* ---- two at once ---- */

static atomic_bool stop_second;

static bool second_should_stop(void *userdata)
{
	(void)userdata;
	return stop_second;
}

static void *run_second(void *userdata)
{
	perform(userdata);
	return NULL;
}

struct pair {
	struct one_run second;
	pthread_t thread;
	bool started;
};

/* The first is asked to stop when the second, whose helper was forked meanwhile, runs. */
static bool first_should_stop(void *userdata)
{
	struct pair *p = userdata;
	struct pollfd ready = { .fd = p->second.output[0], .events = POLLIN };

	if (!p->started)
		p->started = pthread_create(&p->thread, NULL, run_second, &p->second) == 0;
	return poll(&ready, 1, WAIT_MS) == 1;
}

static void test_stop_one_of_two(void **state)
{
	struct one_run first;
	struct pair p = { 0 };
	int64_t began_ms;

	(void)state;
	prepare(&first, "sleep 1000");
	prepare(&p.second, "echo ready; sleep 1000");
	first.o.should_stop = first_should_stop;
	first.o.userdata = &p;
	first.o.timeout_ms = 0;
	p.second.o.should_stop = second_should_stop;
	began_ms = clock_now_ms();
	perform(&first);
	assert_true(clock_now_ms() - began_ms < WAIT_MS / 2);
	stop_second = true;
	assert_int_equal(pthread_join(p.thread, NULL), 0);
	assert_int_equal(first.r, 0);
	assert_int_equal(first.result.end, SANDBOX_STOPPED);
	assert_int_equal(p.second.r, 0);
	assert_int_equal(p.second.result.end, SANDBOX_STOPPED);
	done(&first);
	done(&p.second);
}

/* ---- kill -9 ---- */

static void test_caller_is_killed(void **state)
{
	struct error err = ERROR_INIT;
	struct one_run t;
	int fds[8];
	char c;
	size_t n;
	pid_t pid;

	(void)state;
	prepare(&t, "trap '' TERM HUP; sleep 1000 & echo ready; wait");
	pid = fork();
	if (pid == 0) {
		perform(&t);
		_exit(1);
	}
	await_fd(t.output[0]);
	assert_int_equal(read(t.output[0], &c, 1), 1);
	n = dyno_pidfds(&t.sandbox, fds, ARRAY_SIZE(fds));
	assert_int_equal(n, 3);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (size_t i = 0; i < n; i++) {
		await_fd(fds[i]);
		fd_close(fds[i]);
	}
	assert_int_equal(sandbox_delete(&test_runtime, test_runtime_root, t.sandbox.id, &err), 0);
	done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_and_exit_code),
		cmocka_unit_test(test_directory_is_written),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_what_cannot_run),
		cmocka_unit_test(test_stop_one_of_two),
		cmocka_unit_test(test_caller_is_killed),
	};
	int r = fixture_begin();

	if (r == 0)
		r = cmocka_run_group_tests_name("sandbox-run", tests, NULL, NULL);
	fixture_end();
	return r;
}
