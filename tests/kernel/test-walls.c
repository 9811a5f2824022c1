/* SPDX-License-Identifier: Apache-2.0 */
/* What a process in a sandbox has nothing of, with the real OCI runtime: setuid programs, capabilities of
 * files, files without end, core files, keyrings (docs/sandbox.md). */
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "../skip.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "fixture.h"

/* What a command of bash prints, and its exit code: with /app from the slug, as in a dyno. */
static int inside(const char *command, struct buf *ret)
{
	struct test_sandbox t;
	struct sandbox_result result = { 0 };
	struct error err = ERROR_INIT;
	int pipe_fds[2], r;

	test_sandbox_init(&t, command);
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	struct sandbox_run_options o = { .runtime = &test_runtime,
					 .runtime_root = test_runtime_root,
					 .bundle_dir = t.bundle,
					 .output_fd = pipe_fds[1],
					 .env_fd = -1,
					 .timeout_ms = WAIT_MS };
	r = sandbox_write_bundle(t.bundle, &t.spec, &err);
	if (r == 0)
		r = sandbox_run(&t.spec, &o, &result, &err);
	if (r < 0)
		fail_msg("%s", err.message);
	assert_int_equal(result.end, SANDBOX_ENDED);
	close(pipe_fds[1]);
	for (char block[4096];;) {
		ssize_t n = read(pipe_fds[0], block, sizeof(block));

		if (n <= 0)
			break;
		buf_append(ret, block, (size_t)n);
	}
	buf_append(ret, "", 1);
	close(pipe_fds[0]);
	test_sandbox_done(&t);
	return result.exit_code;
}

static void copy_to(const char *from, const char *to)
{
	const char *const cp[] = { "cp", "-L", from, to, NULL };
	struct error err = ERROR_INIT;

	assert_int_equal(proc_run_simple(cp, &err), 0);
}

/* Root outside makes bash root's, and gives cat each capability: in a directory of the stack, and in the
 * slug. */
static void arm(const char *dir)
{
	_cleanup_free_ char *bash = xasprintf("%s/setuid-bash", dir),
			    *cat = xasprintf("%s/cat+", dir);
	struct vfs_cap_data all = { .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE };

	for (size_t i = 0; i < ARRAY_SIZE(all.data); i++)
		all.data[i].permitted = UINT32_MAX;
	copy_to("/bin/bash", bash);
	assert_int_equal(chown(bash, 0, 0), 0);
	assert_int_equal(chmod(bash, 06755), 0);
	copy_to("/bin/cat", cat);
	assert_int_equal(setxattr(cat, "security.capability", &all, sizeof(all), 0), 0);
}

static void test_setuid_and_capabilities_of_files(void **state)
{
	static const char *const where[] = { "/bin", "/app" };
	_cleanup_free_ char *bin = xasprintf("%s/bin", test_rootfs);

	(void)state;
	arm(bin);
	arm(test_slug);
	for (size_t i = 0; i < ARRAY_SIZE(where); i++) {
		_cleanup_free_ char *command = xasprintf("%s/setuid-bash -p -c 'echo $UID $EUID'; "
							 "%s/cat+ /proc/self/status",
							 where[i], where[i]);
		_cleanup_buf_ struct buf out = BUF_INIT;

		inside(command, &out);
		if (!str_starts(out.data, "59012 59012\n"))
			fail_msg("in %s: %s", where[i], out.data);
		/* Below the root the kernel refuses to execute it; elsewhere it doesn't look (nosuid). */
		if (strstr(out.data, "cat+: Operation not permitted"))
			continue;
		assert_non_null(strstr(out.data, "CapEff:\t0000000000000000\n"));
		assert_non_null(strstr(out.data, "CapPrm:\t0000000000000000\n"));
		assert_non_null(strstr(out.data, "CapBnd:\t0000000000000000\n"));
	}
}

static bool has_option(const char *options, const char *option)
{
	return memmem(options, strcspn(options, " "), option, strlen(option));
}

/* But for the root, which runtimes mount anew and forget it, and what is laid over what is masked. */
static void test_mounts_without_setuid(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	char *save = NULL;
	int n = 0;

	(void)state;
	assert_int_equal(inside("cat /proc/self/mountinfo", &out), 0);
	for (char *line = strtok_r(out.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *target = line, *options;
		bool masked;

		for (int i = 0; i < 4; i++)
			target = strchr(target, ' ') + 1;
		options = strchr(target, ' ') + 1;
		masked = str_starts(target, "/proc/");
		n++;
		if (!has_option(options, "nosuid") &&
		    !((str_starts(target, "/ ") || masked) && has_option(options, "ro")))
			fail_msg("%s", line);
	}
	assert_true(n > 10);
}

static const char make_files[] =
	"n=0; while [ $n -lt 100000 ] && { : >%s/$n; } 2>/dev/null; do n=$((n + 1)); done; echo $n";

static void test_files_without_end(void **state)
{
	static const struct {
		const char *where;
		int at_most;
	} rows[] = { { "/tmp", 4096 }, { "/app", 4096 }, { "/dev/shm", 16384 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *command = xasprintf(make_files, rows[i].where);
		_cleanup_buf_ struct buf out = BUF_INIT;

		/* It is told, and lives. */
		assert_int_equal(inside(command, &out), 0);
		assert_in_range(atoi(out.data), rows[i].at_most / 2, rows[i].at_most);
	}
}

/* The number in a line of /proc/PID/limits. */
static unsigned long long limit_in(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	if (!line)
		fail_msg("no \"%s\" in %s", name, text);
	return strtoull(line + strlen(name), NULL, 10);
}

static void test_limits_are_stated(void **state)
{
	static const struct {
		const char *name;
		int resource;
		rlim_t value;
	} rows[] = {
		{ "Max core file size", RLIMIT_CORE, 1 },
		{ "Max processes", RLIMIT_NPROC, INT32_MAX },
		{ "Max pending signals", RLIMIT_SIGPENDING, INT32_MAX },
		{ "Max msgqueue size", RLIMIT_MSGQUEUE, INT32_MAX },
		{ "Max open files", RLIMIT_NOFILE, 65536 },
		{ "Max locked memory", RLIMIT_MEMLOCK, 8 << 20 },
		{ "Max realtime priority", RLIMIT_RTPRIO, 0 },
	};
	_cleanup_buf_ struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(inside("cat /proc/self/limits", &out), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned long long found = limit_in(out.data, rows[i].name);
		struct rlimit own;

		/* Ours, where we may not give more than we have. */
		assert_int_equal(getrlimit(rows[i].resource, &own), 0);
		if (found != rows[i].value &&
		    (own.rlim_max > rows[i].value || found != own.rlim_max))
			fail_msg("%s: %llu", rows[i].name, found);
	}
}

/* Who wants no core says so, and goes on; other limits can be lowered, and not raised again. */
static void test_core_limit_stays(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(inside("ulimit -c 0 || exit 9; ulimit -n 100 || exit 10; "
				"ulimit -n 200 2>/dev/null && exit 11; cat /proc/self/limits",
				&out),
			 0);
	assert_int_equal(limit_in(out.data, "Max core file size"), 1);
	assert_int_equal(limit_in(out.data, "Max open files"), 100);
}

static void test_masked(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	(void)state;
	inside("for f in kcore keys key-users interrupts kmsg timer_list sched_debug; do "
	       "[ ! -e /proc/$f ] || cat /proc/$f; done 2>&1; (echo 1 "
	       ">/proc/sys/kernel/domainname) 2>&1; echo end",
	       &out);
	assert_true(strstr(out.data, "Read-only") || strstr(out.data, "denied"));
	assert_true(strlen(out.data) < 300);
}

/* It is written when the process may run already. */
static void test_weight_at_the_disks(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	(void)state;
	inside("for f in blkio/blkio.bfq.weight io.bfq.weight; do f=/sys/fs/cgroup/$f; "
	       "[ -e $f ] || continue; until read w <$f && [ \"${w#default }\" = 10 ]; do sleep "
	       "0.01; done; "
	       "echo weighs $w; done; echo end",
	       &out);
	if (streq(out.data, "end\n"))
		SKIP_BECAUSE("the kernel has no weights of BFQ");
	assert_true(str_starts(out.data, "weighs "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_setuid_and_capabilities_of_files),
		cmocka_unit_test(test_mounts_without_setuid),
		cmocka_unit_test(test_files_without_end),
		cmocka_unit_test(test_limits_are_stated),
		cmocka_unit_test(test_core_limit_stays),
		cmocka_unit_test(test_masked),
		cmocka_unit_test(test_weight_at_the_disks),
	};
	int r = fixture_begin();

	if (r == 0)
		r = cmocka_run_group_tests_name("walls", tests, NULL, NULL);
	fixture_end();
	return r;
}
