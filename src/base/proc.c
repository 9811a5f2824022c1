/* SPDX-License-Identifier: Apache-2.0 */
/* Child processes; see proc.h. */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"

static void reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void keep_open(const struct proc_options *o)
{
	for (size_t i = 0; i < o->n_keep; i++)
		fd_set_cloexec(o->keep_fds[i], false);
}

/* Puts fd at number `to`; dup2 drops CLOEXEC, but not when both are the same. */
static void place(int fd, int to)
{
	if (fd == to)
		fd_set_cloexec(fd, false);
	else if (dup2(fd, to) < 0)
		_exit(127);
}

int proc_limit(const struct proc_limits *l)
{
	const struct rlimit data = { l->data_bytes, l->data_bytes },
			    cpu = { l->cpu_seconds, l->cpu_seconds };

	if ((l->data_bytes && setrlimit(RLIMIT_DATA, &data) < 0) ||
	    (l->cpu_seconds && setrlimit(RLIMIT_CPU, &cpu) < 0))
		return -errno;
	return 0;
}

/*
 * Everything between fork and exec, in order: nothing here allocates. A
 * failure is written as an errno into the CLOEXEC pipe, which the parent reads.
 */
static void child(const struct proc_options *o, const char *path, pid_t parent, int report_fd)
{
	int null_fd = -1;
	int e;

	/* The report's end must not be in the way of descriptor 3. */
	report_fd = fcntl(report_fd, F_DUPFD_CLOEXEC, 10);

	reset_signals();
	if (o->new_session)
		setsid();
	if (o->die_with_us) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* The parent may have died before the line above. */
		if (getppid() != parent)
			_exit(127);
	}
	if (!o->stdin_fd)
		null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	place(o->stdin_fd ? o->stdin_fd : null_fd, STDIN_FILENO);
	if (o->stdout_fd)
		place(o->stdout_fd, STDOUT_FILENO);
	if (o->stderr_fd)
		place(o->stderr_fd, STDERR_FILENO);
	if (o->fd3)
		place(o->fd3, 3);
	keep_open(o);
	if (proc_limit(&o->limits) == 0 && (!o->dir || chdir(o->dir) == 0))
		execve(path, (char *const *)o->argv, o->env ? (char *const *)o->env : environ);
	e = errno;
	if (write(report_fd, &e, sizeof(e)) < 0)
		_exit(126);
	_exit(127);
}

int proc_spawn(const struct proc_options *o, pid_t *ret_pid, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	int report[2], e = 0;
	pid_t pid, parent = getpid();
	ssize_t n;

	if (!fs_find_program(o->argv[0], &path))
		return error_set(err, ERROR_UNAVAILABLE,
				 "%s is not installed: run \"twelve doctor\"", o->argv[0]);
	if (pipe2(report, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "starting %s: pipe", o->argv[0]);
	pid = fork();
	if (pid == 0)
		child(o, path, parent, report[1]);
	e = pid < 0 ? errno : 0;
	fd_close(report[1]);
	n = pid < 0 ? 0 : fd_read(report[0], &e, sizeof(e));
	fd_close(report[0]);
	if (pid > 0 && n > 0)
		waitpid(pid, NULL, 0);
	if (e)
		return error_set_errno(err, e, "starting %s", path);
	*ret_pid = pid;
	return 0;
}

/* Reads until the end or the deadline, keeping the last max bytes. False at the deadline. */
static bool collect(int fd, struct buf *out, size_t max, int64_t deadline_ms)
{
	char chunk[16384];

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = deadline_ms ? deadline_ms - clock_now_ms() : -1;
		ssize_t n;

		if (deadline_ms && left <= 0)
			return false;
		if (poll(&p, 1, left > 60000 ? 60000 : (int)left) <= 0)
			continue;
		n = fd_read(fd, chunk, sizeof(chunk));
		if (n <= 0)
			return true;
		if (!out)
			continue;
		buf_append(out, chunk, (size_t)n);
		if (out->len > 2 * max)
			buf_consume(out, out->len - max);
	}
}

int proc_run(const struct proc_options *o, struct buf *out, int *ret_status, struct error *err)
{
	int64_t deadline_ms = o->timeout_ms ? clock_now_ms() + o->timeout_ms : 0;
	_cleanup_fd_ int read_fd = -1, write_fd = -1;
	struct proc_options with = *o;
	bool in_time;
	int fds[2], status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "running %s: pipe", o->argv[0]);
	read_fd = fds[0];
	write_fd = fds[1];
	with.stdout_fd = o->stdout_fd ? o->stdout_fd : write_fd;
	with.stderr_fd = o->stderr_fd ? o->stderr_fd : write_fd;
	with.new_session = true;
	if (proc_spawn(&with, &pid, err) < 0)
		return -1;
	write_fd = fd_close(write_fd);
	in_time = collect(read_fd, out, o->max_output ? o->max_output : 65536, deadline_ms);
	if (!in_time)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_set_errno(err, errno, "waiting for %s", o->argv[0]);
	if (!in_time)
		return error_set(err, ERROR_UNAVAILABLE, "%s did not end within %lld s", o->argv[0],
				 (long long)o->timeout_ms / 1000);
	*ret_status = status;
	return 0;
}

int proc_no_cores(void)
{
	struct rlimit limit = { 1, 1 };

	if (setrlimit(RLIMIT_CORE, &limit) < 0) {
		/* It was 0 when we started. */
		limit = (struct rlimit){ 0, 0 };
		if (setrlimit(RLIMIT_CORE, &limit) < 0)
			return -errno;
	}
	return prctl(PR_SET_DUMPABLE, 0) < 0 ? -errno : 0;
}

char *proc_exe_dir(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
	char *slash = n > 0 && (size_t)n < sizeof(path) ? memrchr(path, '/', (size_t)n) : NULL;

	return slash ? xstrndup(path, (size_t)(slash - path)) : NULL;
}

int proc_run_simple(const char *const *argv, struct error *err)
{
	struct proc_options o = { .argv = argv };
	_cleanup_buf_ struct buf out = BUF_INIT;
	char described[64];
	char *last;
	int status;

	if (proc_run(&o, &out, &status, err) < 0)
		return -1;
	if (status == 0)
		return 0;
	while (out.len && out.data[out.len - 1] == '\n')
		out.data[--out.len] = '\0';
	last = strrchr(out.data, '\n');
	return error_set(err, ERROR_SYSTEM, "%s %s: %s", argv[0],
			 proc_describe_status(status, described, sizeof(described)),
			 last ? last + 1 : out.data);
}

char *proc_describe_status(int status, char *buf, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(buf, size, "was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(buf, size, "exited with status %d", WEXITSTATUS(status));
	return buf;
}

int proc_exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int proc_pidfd_open(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}
