/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel behaves as we rely on: pidfd, passed descriptors, the pipe of life across PID
 * namespaces, overlay, cgroups. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../skip.h"

#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "ipc/ipc.h"

#define WAIT_MS 20000

static void await(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
}

static void need_root(void)
{
	if (geteuid() != 0)
		SKIP_BECAUSE("namespaces and mounts take root");
}

/* A pidfd is readable from its process's end on, also before it is reaped. */
static void test_pidfd_tells_the_end(void **state)
{
	_cleanup_fd_ int fd = -1;
	struct pollfd p = { .events = POLLIN };
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	p.fd = fd = proc_pidfd_open(pid);
	assert_true(fd >= 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	kill(pid, SIGKILL);
	await(fd);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(poll(&p, 1, 0), 1);
}

/* A descriptor in a message outlives its sender: what twelve-logs is handed, it has. */
static void test_passed_pipe_outlives_its_sender(void **state)
{
	_cleanup_ipc_msg_ struct ipc_msg in = IPC_MSG_INIT;
	_cleanup_fd_ int got = -1;
	char text[8] = "";
	int socks[2];
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks), 0);
	pid = fork();
	if (pid == 0) {
		struct ipc_msg out = IPC_MSG_INIT;
		int fds[2];

		if (pipe2(fds, O_CLOEXEC) < 0 || write(fds[1], "hello", 5) != 5)
			_exit(1);
		ipc_msg_init(&out, 1);
		ipc_put_fd(&out, fds[0]);
		_exit(ipc_send(socks[1], &out) < 0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(ipc_recv(socks[0], &in), 1);
	got = ipc_take_fd(&in, 0);
	assert_int_equal(read(got, text, sizeof(text)), 5);
	assert_string_equal(text, "hello");
	assert_int_equal(read(got, text, sizeof(text)), 0);
	fd_close(socks[0]);
	fd_close(socks[1]);
}

struct family {
	int init_fd, grandchild_fd; /* pidfds */
	pid_t supervisor;
};

/* PID 1 of a namespace, with a child that ignores everything; without a pipe it asks for PDEATHSIG.
 */
static void init_main(int ready_fd, int alive_fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (int sig = 1; sig < NSIG; sig++)
			signal(sig, SIG_IGN);
		for (;;)
			pause();
	}
	if (alive_fd < 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (write(ready_fd, "r", 1) != 1)
		_exit(1);
	if (alive_fd >= 0) {
		struct pollfd p = { .fd = alive_fd };

		/* No events asked for: the end is told all the same. */
		poll(&p, 1, -1);
		_exit(0);
	}
	for (;;)
		pause();
}

/* A supervisor, which makes a PID namespace with an init and a stubborn child in it. */
static void make_family(struct family *f, bool pipe_of_life)
{
	int report[2], ready[2], alive[2];
	char children[64], c;
	pid_t init_pid, in_namespace;

	assert_int_equal(pipe2(report, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	f->supervisor = fork();
	if (f->supervisor == 0) {
		pid_t pid;

		if (pipe2(alive, O_CLOEXEC) < 0 || unshare(CLONE_NEWPID) < 0)
			_exit(1);
		pid = fork();
		if (pid == 0) {
			close(alive[1]);
			init_main(ready[1], pipe_of_life ? alive[0] : -1);
		}
		if (write(report[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(report[0], &init_pid, sizeof(init_pid)), sizeof(init_pid));
	assert_int_equal(read(ready[0], &c, 1), 1);
	snprintf(children, sizeof(children), "/proc/%d/task/%d/children", init_pid, init_pid);
	{
		_cleanup_buf_ struct buf b = BUF_INIT;

		assert_int_equal(fs_read_file(children, 64, &b), 0);
		in_namespace = (pid_t)strtol(b.data, NULL, 10);
	}
	f->init_fd = proc_pidfd_open(init_pid);
	f->grandchild_fd = proc_pidfd_open(in_namespace);
	assert_true(f->init_fd >= 0 && f->grandchild_fd >= 0);
	fd_close(report[0]);
	fd_close(report[1]);
	fd_close(ready[0]);
	fd_close(ready[1]);
}

static void end_family(struct family *f)
{
	kill(f->supervisor, SIGKILL);
	assert_int_equal(waitpid(f->supervisor, NULL, 0), f->supervisor);
	await(f->init_fd);
	await(f->grandchild_fd);
	fd_close(f->init_fd);
	fd_close(f->grandchild_fd);
}

/* kill -9 of the supervisor: the pipe hangs up, PID 1 ends, and the kernel ends all in its
 * namespace. */
static void test_pipe_of_life_ends_a_namespace(void **state)
{
	struct family f;

	(void)state;
	need_root();
	make_family(&f, true);
	end_family(&f);
}

/* The same by PDEATHSIG, which reaches a PID 1 from outside its namespace. We prefer the pipe: it
 * has no race. */
static void test_pdeathsig_reaches_pid_1(void **state)
{
	struct family f;

	(void)state;
	need_root();
	make_family(&f, false);
	end_family(&f);
}

static void write_text(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);

	if (fs_write_atomic(path, 0644, text, strlen(text)) < 0)
		_exit(2);
}

/* In a mount namespace of its own, as the supervisor does it. 0 when all is as we rely on. */
static int overlay_child(const char *dir)
{
	_cleanup_free_ char *lower = xasprintf("%s/lower", dir),
			    *scratch = xasprintf("%s/scratch", dir);
	_cleanup_free_ char *upper = xasprintf("%s/upper", scratch),
			    *work = xasprintf("%s/work", scratch);
	_cleanup_free_ char *merged = xasprintf("%s/merged", dir),
			    *file = xasprintf("%s/file", merged);
	_cleanup_free_ char *options =
		xasprintf("lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work);
	_cleanup_free_ char *big = xasprintf("%s/big", merged);
	_cleanup_free_ char *chunk = xcalloc(1, 2 << 20);
	_cleanup_fd_ int fd = -1;
	struct stat st;

	fs_mkdirs(lower, 0755);
	fs_mkdirs(scratch, 0755);
	fs_mkdirs(merged, 0755);
	write_text(lower, "file", "below");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
	    mount("scratch", scratch, "tmpfs", 0, "size=1m") < 0 || mkdir(upper, 0755) < 0 ||
	    mkdir(work, 0755) < 0 || chown(upper, 1234, 1234) < 0 ||
	    mount("overlay", merged, "overlay", 0, options) < 0)
		return 3;
	/* The upper layer's owner is the merged root's. */
	if (stat(merged, &st) < 0 || st.st_uid != 1234)
		return 4;
	write_text(merged, "file", "above");
	if (unlink(file) < 0)
		return 5;
	/* The cap holds for what is written through the overlay. */
	fd = open(big, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	return fd >= 0 && fd_write_all(fd, chunk, 2 << 20) == -ENOSPC ? 0 : 6;
}

static void test_overlay_on_a_capped_tmpfs(void **state)
{
	char dir[] = "/tmp/twelve-overlay-XXXXXX";
	_cleanup_free_ char *below = NULL, *scratch = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_strv_ char **left = NULL;
	int status;
	pid_t pid;

	(void)state;
	need_root();
	assert_non_null(mkdtemp(dir));
	pid = fork();
	if (pid == 0)
		_exit(overlay_child(dir));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* The lower layer is as it was, and of what was mounted nothing is left. */
	below = xasprintf("%s/lower/file", dir);
	assert_int_equal(fs_read_file(below, 64, &text), 0);
	assert_string_equal(text.data, "below");
	scratch = xasprintf("%s/scratch", dir);
	assert_int_equal(fs_list(scratch, &left), 0);
	assert_int_equal(strv_len(left), 0);
	assert_int_equal(fs_remove_tree(dir), 0);
}

/* The directory of the pids controller: version 1's own hierarchy, or version 2's only one. */
static char *pids_cgroup(void)
{
	const char *base =
		fs_exists("/sys/fs/cgroup/pids") ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup";

	return xasprintf("%s/twelve-test-%d", base, getpid());
}

static void test_cgroup_limits_processes(void **state)
{
	_cleanup_free_ char *dir = pids_cgroup(), *max = xasprintf("%s/pids.max", dir);
	_cleanup_free_ char *procs = xasprintf("%s/cgroup.procs", dir);
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0 || mkdir(dir, 0755) < 0)
		SKIP_BECAUSE("no cgroup can be made here");
	if (!fs_exists(max)) {
		rmdir(dir);
		SKIP_BECAUSE("there is no pids controller");
	}
	pid = fork();
	if (pid == 0) {
		_cleanup_fd_ int max_fd = open(max, O_WRONLY | O_CLOEXEC),
				 procs_fd = open(procs, O_WRONLY | O_CLOEXEC);

		if (fd_write_all(max_fd, "1", 1) < 0 || fd_write_all(procs_fd, "0", 1) < 0)
			_exit(2);
		_exit(fork() < 0 && errno == EAGAIN ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(status, 0);
}

/* The environment's memory file is shared between runs: pread leaves its offset alone, and nobody
 * can change it. */
static void test_memory_file_is_sealed_and_read_again(void **state)
{
	_cleanup_fd_ int fd = fd_memfile("env", "A=1", 4);
	char text[8] = "";

	(void)state;
	assert_int_equal(pread(fd, text, sizeof(text), 0), 4);
	assert_int_equal(pread(fd, text, sizeof(text), 0), 4);
	assert_string_equal(text, "A=1");
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pidfd_tells_the_end),
		cmocka_unit_test(test_passed_pipe_outlives_its_sender),
		cmocka_unit_test(test_pipe_of_life_ends_a_namespace),
		cmocka_unit_test(test_pdeathsig_reaches_pid_1),
		cmocka_unit_test(test_overlay_on_a_capped_tmpfs),
		cmocka_unit_test(test_cgroup_limits_processes),
		cmocka_unit_test(test_memory_file_is_sealed_and_read_again),
	};

	return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
