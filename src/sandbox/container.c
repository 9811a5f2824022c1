/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One container; see container.h. `run --detach` is create and start in one
 * process, which saves the start of another: it returns when the init has been
 * exec'ed, as `exec --detach` does.
 */
#include "sandbox/container.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "sandbox/io-weight.h"

#define MESSAGE_MAX 65536
#define EXIT_NO_EXEC 127
#define N_GIVEN 5 /* stdio, the environment, the pipe of life */

/* Between fork and exec. The numbers below 10 are given to the runtime, so ours move out of the way
 * first. */
static void exec_runtime(const char *const *argv, const struct container_stdio *s, pid_t parent)
{
	int wanted[N_GIVEN] = { s->fds[0], s->fds[1], s->fds[2], s->env_fd, s->alive_fd };
	sigset_t none;

	/* A runtime that went on after our death would make a container that nobody looks after. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < N_GIVEN; i++) {
		wanted[i] = wanted[i] >= 0 ? fcntl(wanted[i], F_DUPFD_CLOEXEC, 10)
					   : open("/dev/null", O_RDWR | O_CLOEXEC);
		if (wanted[i] < 0)
			_exit(126);
	}
	for (int i = 0; i < N_GIVEN; i++)
		if (wanted[i] == i ? fd_set_cloexec(i, false) < 0 : dup2(wanted[i], i) < 0)
			_exit(126);
	execv(argv[0], (char *const *)argv);
	_exit(EXIT_NO_EXEC);
}

static int run_runtime(const char *const *argv, const struct container_stdio *s, struct error *err)
{
	char described[64];
	int status;
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		exec_runtime(argv, s, parent);
	if (pid < 0)
		return error_set_errno(err, errno, "fork");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_set_errno(err, errno, "waiting for the OCI runtime");
	if (status == 0)
		return 0;
	if (proc_exit_code(status) == EXIT_NO_EXEC)
		return error_set(err, ERROR_SYSTEM, "the OCI runtime %s can't be executed",
				 argv[0]);
	return error_set(err, ERROR_SYSTEM, "%s %s", argv[0],
			 proc_describe_status(status, described, sizeof(described)));
}

/* The text of msg="..." (runc), with its escapes undone, in place; the whole line for a log of
 * another form. */
static char *message_of(char *line)
{
	char *from = strstr(line, "msg=\""), *to;

	if (!from)
		return line;
	from += strlen("msg=\"");
	to = line;
	for (; *from && *from != '"'; from++) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*to = '\0';
	return line;
}

/* What the runtime says of itself: the last line of its log tells. */
static void add_runtime_message(const char *log, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char *line, *last;

	if (fs_read_file(log, MESSAGE_MAX, &text) < 0 || !text.len)
		return;
	line = str_trim(text.data);
	last = strrchr(line, '\n');
	error_set(err, ERROR_SYSTEM, "%.400s", message_of(last ? last + 1 : line));
}

static int receive_console(int listen_fd, int *ret_fd, struct error *err)
{
	_cleanup_fd_ int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char name[256];
	struct iovec iov = { .iov_base = name, .iov_len = sizeof(name) };
	struct msghdr mh = { .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.space,
			     .msg_controllen = sizeof(control.space) };
	struct cmsghdr *c = NULL;

	/* The runtime has ended by now, so what it sent is there and nothing blocks. */
	if (fd >= 0 && recvmsg(fd, &mh, MSG_CMSG_CLOEXEC) >= 0)
		c = CMSG_FIRSTHDR(&mh);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return error_set(err, ERROR_SYSTEM, "the OCI runtime gave no terminal");
	memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	return 0;
}

static int read_pid(const char *path, pid_t *ret, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int64_t pid;

	if (fs_read_file(path, 32, &text) < 0 ||
	    !str_to_i64(str_trim(text.data), 2, INT32_MAX, &pid))
		return error_set(err, ERROR_SYSTEM, "the OCI runtime told no process id");
	*ret = (pid_t)pid;
	return 0;
}

/* verb: "run" or "exec", whose process is described by `file` after `option`. */
static int start(const struct container *c, const char *verb, const char *option, const char *file,
		 const struct container_stdio *s, pid_t *ret_pid, struct error *err)
{
	_cleanup_free_ char *pid_file = xasprintf("%s/pid", c->work_dir);
	_cleanup_free_ char *log = xasprintf("%s/runtime.log", c->work_dir);
	_cleanup_free_ char *console = xasprintf("%s/console", c->work_dir);
	const char *argv[] = { c->runtime,   "--root", c->runtime_root,
			       "--log",	     log,      verb,
			       "--detach",   option,   file,
			       "--pid-file", pid_file, "--preserve-fds",
			       "2",	     c->id,    NULL,
			       NULL,	     NULL };
	_cleanup_fd_ int listen_fd = -1;
	int r;

	if (s->ret_console_fd) {
		listen_fd = sock_listen_unix(console, SOCK_STREAM, 0600);
		if (listen_fd < 0)
			return error_set_errno(err, listen_fd, "%s", console);
		argv[13] = "--console-socket";
		argv[14] = console;
		argv[15] = c->id;
	}
	unlink(log);
	r = run_runtime(argv, s, err);
	if (r < 0)
		add_runtime_message(log, err);
	if (r == 0 && s->ret_console_fd)
		r = receive_console(listen_fd, s->ret_console_fd, err);
	if (s->ret_console_fd)
		unlink(console);
	if (r == 0)
		r = read_pid(pid_file, ret_pid, err);
	return r;
}

int container_start(const struct container *c, const struct container_stdio *s, pid_t *ret_pid,
		    struct error *err)
{
	int r = start(c, "run", "--bundle", c->bundle_dir, s, ret_pid, err);

	if (r < 0)
		container_delete(c);
	else
		/* A share of the disk is no reason not to start. */
		(void)io_weight_apply("", c->bundle_dir, c->id);
	return r;
}

int container_enter(const struct container *c, const struct container_stdio *s, pid_t *ret_pid,
		    struct error *err)
{
	_cleanup_free_ char *process = xasprintf("%s/process.json", c->bundle_dir);

	return start(c, "exec", "--process", process, s, ret_pid, err);
}

/* memory.oom_control (version 1) and memory.events (version 2) both have a line "oom_kill N". */
bool container_was_oom_killed(const char *id)
{
	_cleanup_free_ char *v1 =
		xasprintf("/sys/fs/cgroup/memory/twelve/%s/memory.oom_control", id);
	_cleanup_free_ char *v2 = xasprintf("/sys/fs/cgroup/twelve/%s/memory.events", id);
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *line;

	if (fs_read_file(v1, 4096, &text) < 0 && fs_read_file(v2, 4096, &text) < 0)
		return false;
	line = strstr(text.data, "oom_kill ");
	return line && atoi(line + strlen("oom_kill ")) > 0;
}

int container_delete(const struct container *c)
{
	const char *const argv[] = { c->runtime, "--root", c->runtime_root, "delete", "--force",
				     c->id,	 NULL };
	struct error err = ERROR_INIT;

	return proc_run_simple(argv, &err);
}
