/* SPDX-License-Identifier: Apache-2.0 */
/* core/child.h with real children: what comes of them, and that nothing of them stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/core/child.h"

static struct loop *loop;

struct seen {
	int n_ends, status;
	bool too_much, timed_out;
	struct buf result, output;
	size_t n_streamed;
	bool stop_at_output; /* the loop ends with the first text */
};

static void on_end(const struct child_end *end, void *userdata)
{
	struct seen *s = userdata;

	s->n_ends++;
	s->status = end->status;
	s->too_much = end->too_much;
	s->timed_out = end->timed_out;
	buf_append(&s->result, end->result, end->n_result);
	buf_append(&s->output, end->output, end->n_output);
	assert_int_equal(end->result[end->n_result], '\0');
	assert_int_equal(end->output[end->n_output], '\0');
	loop_stop(loop);
}

static void on_text(const char *data, size_t n, void *userdata)
{
	struct seen *s = userdata;

	s->n_streamed += n;
	buf_append(&s->output, data, n);
	if (s->stop_at_output)
		loop_stop(loop);
}

static struct seen seen;

static int setup(void **state)
{
	(void)state;
	loop = loop_new();
	seen = (struct seen){ .result = BUF_INIT, .output = BUF_INIT };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	/* Whoever was started has been reaped. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	buf_done(&seen.result);
	buf_done(&seen.output);
	loop_free(loop);
	return 0;
}

static struct child *start(const char *script, struct child_options o)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct error err = ERROR_INIT;
	struct child *c = NULL;

	o.argv = argv;
	o.on_end = on_end;
	o.userdata = &seen;
	if (child_start(loop, &o, &c, &err) < 0)
		fail_msg("%s", err.message);
	return c;
}

static size_t n_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void test_order_result_and_output(void **state)
{
	json_t *order = json_pack("{s:s}", "secret", "it's");

	(void)state;
	start("cat >&3; echo out; echo err >&2; exit 3",
	      (struct child_options){ .order = order, .max_result = 100, .max_output = 100 });
	loop_run(loop);
	json_decref(order);
	assert_int_equal(seen.n_ends, 1);
	assert_int_equal(proc_exit_code(seen.status), 3);
	assert_string_equal(seen.result.data, "{\"secret\":\"it's\"}");
	assert_string_equal(seen.output.data, "out\nerr\n");
}

static void test_a_result_on_stdout(void **state)
{
	(void)state;
	start("cat; : >&3 || exit 4", (struct child_options){ .input = "text",
							      .max_result = 100,
							      .result_on_stdout = true,
							      .quiet = true });
	loop_run(loop);
	assert_string_equal(seen.result.data, "text");
	/* There is no descriptor 3. */
	assert_int_not_equal(seen.status, 0);
}

static void test_the_last_of_much_output(void **state)
{
	(void)state;
	start("i=0; while [ $i -lt 20000 ]; do echo 'a line of some length, of which there are "
	      "many'; i=$((i+1)); done; echo END",
	      (struct child_options){ .max_output = 1000 });
	loop_run(loop);
	assert_int_equal(seen.output.len, 1000);
	assert_string_equal(seen.output.data + 996, "END\n");
}

static void test_output_as_it_comes(void **state)
{
	(void)state;
	start("head -c 3000000 /dev/zero", (struct child_options){ .on_output = on_text });
	loop_run(loop);
	assert_int_equal(seen.n_streamed, 3000000);
}

static void test_a_result_over_the_limit(void **state)
{
	(void)state;
	start("head -c 5000 /dev/zero >&3; sleep 1000",
	      (struct child_options){ .max_result = 4999 });
	loop_run(loop);
	assert_true(seen.too_much);
	assert_int_equal(seen.result.len, 0);
	assert_int_equal(WTERMSIG(seen.status), SIGKILL);
}

static void test_a_result_at_the_limit(void **state)
{
	(void)state;
	start("head -c 5000 /dev/zero >&3", (struct child_options){ .max_result = 5000 });
	loop_run(loop);
	assert_false(seen.too_much);
	assert_int_equal(seen.result.len, 5000);
	assert_int_equal(seen.status, 0);
}

static void test_one_that_is_killed(void **state)
{
	(void)state;
	start("echo before; kill -9 $$", (struct child_options){ .max_output = 100 });
	loop_run(loop);
	assert_int_equal(WTERMSIG(seen.status), SIGKILL);
	assert_false(seen.timed_out);
	assert_string_equal(seen.output.data, "before\n");
}

static void test_its_time_is_over(void **state)
{
	(void)state;
	start("sleep 1000", (struct child_options){ .timeout_ms = 20 });
	loop_run(loop);
	assert_true(seen.timed_out);
	assert_int_equal(WTERMSIG(seen.status), SIGKILL);
}

/* Runs until it has said something. */
static void until_it_speaks(void)
{
	seen.stop_at_output = true;
	loop_run(loop);
	seen.stop_at_output = false;
}

static void test_cancel_with_grace(void **state)
{
	struct child *c =
		start("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done",
		      (struct child_options){ .on_output = on_text });

	(void)state;
	until_it_speaks();
	child_cancel(c, 60000);
	loop_run(loop);
	assert_int_equal(proc_exit_code(seen.status), 7);
	assert_string_equal(seen.output.data, "up\nbye\n");
	assert_false(seen.timed_out);
}

static void test_cancel_of_one_that_does_not_listen(void **state)
{
	struct child *c = start("trap '' TERM; echo up; while :; do sleep 0.01; done",
				(struct child_options){ .on_output = on_text });

	(void)state;
	until_it_speaks();
	child_cancel(c, 20);
	loop_run(loop);
	assert_int_equal(WTERMSIG(seen.status), SIGKILL);
	assert_false(seen.timed_out);
}

/* Killed, or on its way: init, or whoever stands for it, reaps it. */
static bool is_gone(pid_t pid)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/stat", pid);
	FILE *f = fopen(path, "re");
	char line[512] = "", *state;

	if (!f)
		return true;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	state = strrchr(line, ')');
	return !state || state[2] == 'Z' || state[2] == 'X';
}

static void test_its_group_ends_with_it(void **state)
{
	pid_t grandchild;

	(void)state;
	start("sleep 1000 & echo $! >&3", (struct child_options){ .max_result = 100 });
	loop_run(loop);
	assert_int_equal(seen.status, 0);
	grandchild = (pid_t)strtol(seen.result.data, NULL, 10);
	for (int i = 0; i < 500 && !is_gone(grandchild); i++)
		usleep(10000);
	assert_true(is_gone(grandchild));
}

static void test_a_pipe_that_somebody_keeps(void **state)
{
	pid_t escaped;

	(void)state;
	start("setsid sh -c 'echo $$ >&3; exec sleep 1000' & "
	      "until [ \"$(cat /proc/$!/comm)\" = sleep ]; do sleep 0.01; done",
	      (struct child_options){ .max_result = 100 });
	loop_run(loop);
	assert_int_equal(seen.n_ends, 1);
	escaped = (pid_t)strtol(seen.result.data, NULL, 10);
	assert_true(escaped > 1);
	kill(escaped, SIGKILL);
}

static void on_time(void *userdata)
{
	(void)userdata;
	loop_stop(loop);
}

static void test_abandon_calls_nobody(void **state)
{
	struct child *c =
		start("echo up; sleep 1000", (struct child_options){ .on_output = on_text });
	struct watch *timer = watch_timer(loop, on_time, NULL);

	(void)state;
	until_it_speaks();
	child_abandon(c);
	/* Until it has been reaped, by nobody but the module. */
	for (int i = 0; i < 500; i++) {
		siginfo_t info = { 0 };

		watch_arm(timer, 10);
		loop_run(loop);
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
			break;
	}
	watch_free(timer);
	assert_int_equal(seen.n_ends, 0);
	child_abandon(NULL);
}

static void test_a_program_that_is_not_there(void **state)
{
	const char *const argv[] = { "/no/such/program", NULL };
	const struct child_options o = {
		.argv = argv, .input = "x", .max_output = 1, .max_result = 1, .on_end = on_end
	};
	struct error err = ERROR_INIT;
	size_t before = n_open();

	(void)state;
	assert_int_equal(child_start(loop, &o, NULL, &err), -1);
	assert_true(err.message[0]);
	assert_int_equal(n_open(), before);
}

/* With room for 0, 1, 2 ... descriptors each step of the start fails once; nothing stays of any. */
static void test_a_start_that_fails_at_each_step(void **state)
{
	const char *const argv[] = { "true", NULL };
	const struct child_options o = { .argv = argv,
					 .input = "x",
					 .max_output = 10,
					 .max_result = 10,
					 .quiet = true,
					 .on_end = on_end,
					 .userdata = &seen };
	struct rlimit all, few;
	size_t before = n_open(), failures = 0;
	/* The lowest that is free. */
	int first = dup(0);

	(void)state;
	close(first);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	for (few = all, few.rlim_cur = (rlim_t)first;; few.rlim_cur++) {
		struct error err = ERROR_INIT;
		int r;

		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		r = child_start(loop, &o, NULL, &err);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
		if (r == 0)
			break;
		failures++;
		assert_int_equal(err.kind, ERROR_SYSTEM);
		assert_int_equal(n_open(), before);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	}
	/* A memory file, two pipes, /dev/null, the pipe of the start. */
	assert_true(failures >= 8);
	loop_run(loop);
	assert_int_equal(seen.n_ends, 1);
	assert_int_equal(n_open(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order_result_and_output, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_result_on_stdout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_last_of_much_output, setup, teardown),
		cmocka_unit_test_setup_teardown(test_output_as_it_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_result_over_the_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_result_at_the_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_that_is_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_its_time_is_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel_with_grace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel_of_one_that_does_not_listen, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_its_group_ends_with_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_pipe_that_somebody_keeps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_abandon_calls_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_program_that_is_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_start_that_fails_at_each_step, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
