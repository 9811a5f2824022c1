/* SPDX-License-Identifier: Apache-2.0 */
/* One container, by the OCI runtime's command line; see container.h. */
#include "sandbox/container.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"

#define MESSAGE_MAX 65536
#define ENV_FD 3
#define ALIVE_FD 4

/* Between fork and exec: numbers below 10 are given to the runtime, so ours move out of the way first. */
static void exec_runtime(const char *const *argv, const struct container_stdio *s)
{
	int wanted[5] = { s->fds[0], s->fds[1], s->fds[2], s->env_fd, s->alive_fd };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	for (int i = 0; i < 5; i++) {
		wanted[i] = wanted[i] >= 0 ? fcntl(wanted[i], F_DUPFD_CLOEXEC, 10) : open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (wanted[i] < 0)
			_exit(126);
	}
	for (int i = 0; i < 5; i++)
		if (dup2(wanted[i], i) < 0)
			_exit(126);
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

static int run_create(const char *const *argv, const struct container_stdio *s, struct error *err)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		exec_runtime(argv, s);
	if (pid < 0)
		return error_set_errno(err, errno, "fork");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_set_errno(err, errno, "waiting for the OCI runtime");
	return status == 0 ? 0 : error_set(err, ERROR_SYSTEM, "the OCI runtime gave no reason");
}

/* What the runtime says of itself: logfmt or JSON lines; the last one tells. */
static void add_runtime_message(const char *log, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char *last;

	if (fs_read_file(log, MESSAGE_MAX, &text) < 0 || !text.len)
		return;
	str_trim(text.data);
	last = strrchr(text.data, '\n');
	error_set(err, ERROR_SYSTEM, "%.400s", last ? last + 1 : text.data);
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

	if (fs_read_file(path, 32, &text) < 0 || atoi(text.data) <= 1)
		return error_set(err, ERROR_SYSTEM, "the OCI runtime told no process id");
	*ret = atoi(text.data);
	return 0;
}

int container_create(const struct container *c, const struct container_stdio *s, pid_t *ret_pid,
		     struct error *err)
{
	_cleanup_free_ char *pid_file = xasprintf("%s/pid", c->work_dir);
	_cleanup_free_ char *log = xasprintf("%s/runtime.log", c->work_dir);
	_cleanup_free_ char *console = xasprintf("%s/console", c->work_dir);
	const char *argv[20] = { c->runtime, "--root", c->runtime_root, "--log", log, "create", "--bundle", c->bundle_dir,
				 "--pid-file", pid_file, "--preserve-fds", "2" };
	_cleanup_fd_ int listen_fd = -1;
	size_t n = 12;
	int r;

	if (s->ret_console_fd) {
		listen_fd = sock_listen_unix(console, SOCK_STREAM, 0600);
		if (listen_fd < 0)
			return error_set_errno(err, listen_fd, "console socket");
		fd_set_nonblock(listen_fd, false);
		argv[n++] = "--console-socket";
		argv[n++] = console;
	}
	argv[n++] = c->id;
	unlink(log);
	r = run_create(argv, s, err);
	if (r < 0)
		add_runtime_message(log, err);
	if (r == 0 && s->ret_console_fd)
		r = receive_console(listen_fd, s->ret_console_fd, err);
	if (s->ret_console_fd)
		unlink(console);
	if (r == 0)
		r = read_pid(pid_file, ret_pid, err);
	if (r < 0)
		container_delete(c);
	return r;
}

int container_start(const struct container *c, struct error *err)
{
	const char *const argv[] = { c->runtime, "--root", c->runtime_root, "start", c->id, NULL };

	if (proc_run_simple(argv, err) == 0)
		return 0;
	container_delete(c);
	return -1;
}

/* memory.oom_control (version 1) and memory.events (version 2) both have a line "oom_kill N". */
bool container_was_oom_killed(const char *id)
{
	_cleanup_free_ char *v1 = xasprintf("/sys/fs/cgroup/memory/twelve/%s/memory.oom_control", id);
	_cleanup_free_ char *v2 = xasprintf("/sys/fs/cgroup/twelve/%s/memory.events", id);
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *line;

	if (fs_read_file(v1, 4096, &text) < 0 && fs_read_file(v2, 4096, &text) < 0)
		return false;
	line = strstr(text.data, "oom_kill ");
	return line && atoi(line + 9) > 0;
}

void container_delete(const struct container *c)
{
	const char *const argv[] = { c->runtime, "--root", c->runtime_root, "delete", "--force", c->id, NULL };
	struct error err = ERROR_INIT;

	proc_run_simple(argv, &err);
}
