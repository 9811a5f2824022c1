/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twelve-init: PID 1 of every sandbox (docs/decisions/0001). Static, without
 * heap after the start.
 *
 *     twelve-init [--guest] COMMAND ARGUMENT...
 *
 * Descriptor 3, if it is open, is a memory file with the environment (NAME=VALUE
 * NUL ...), which is added to what the runtime gave. Descriptor 4 is a pipe's read
 * end or a socket, whose other end only our supervisor holds: when that closes, the
 * supervisor is dead, and we end, and with us the kernel ends everything in this PID
 * namespace. On a socket we send a byte when we take signals (before, the kernel
 * drops a SIGTERM to a PID 1, and nobody would know), and wait for one before the
 * command is run, so that its terminal has its size by then.
 *
 * SIGTERM goes to every process of the dyno. Then the dyno ends when all of
 * them have, so that what a shell or npm started can finish its requests when its
 * parent is gone; without a SIGTERM it ends with its main process.
 *
 * With --guest it is not PID 1 but one more process in a sandbox that has its own (`run:inside`).
 * "Every process" is then what this one started: it is the reaper of all of those (prctl(2),
 * PR_SET_CHILD_SUBREAPER), and what is left when it ends it kills, as the kernel does for a PID 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENV_FD 3
#define ALIVE_FD 4
#define EXIT_NOT_FOUND 127
#define EXIT_ABANDONED 137

static int die(const char *what)
{
	dprintf(STDERR_FILENO, "twelve-init: %s: %s\n", what, strerror(errno));
	return 70; /* EX_SOFTWARE */
}

/* The memory file's offset is shared with later runs of the same dyno, so it is not used. */
static int load_env(void)
{
	struct stat st;
	char *text;

	if (fstat(ENV_FD, &st) < 0)
		return 0;
	text = malloc((size_t)st.st_size + 1);
	if (!text || pread(ENV_FD, text, (size_t)st.st_size, 0) != st.st_size)
		return -1;
	text[st.st_size] = '\0';
	for (char *p = text; p < text + st.st_size; p += strlen(p) + 1)
		if (putenv(p) < 0)
			return -1;
	close(ENV_FD);
	return 0;
}

/* False when the supervisor is dead. With a pipe there is nobody to ask. */
static int may_start(void)
{
	char c;

	if (send(ALIVE_FD, "", 1, MSG_NOSIGNAL) < 0)
		return errno != EPIPE;
	return recv(ALIVE_FD, &c, 1, 0) == 1;
}

static pid_t start(char **argv, const sigset_t *old_mask)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	/* A group of its own, in the foreground of the terminal if there is one: Ctrl-C is for the
	 * command. */
	setpgid(0, 0);
	if (isatty(STDIN_FILENO)) {
		signal(SIGTTOU, SIG_IGN);
		tcsetpgrp(STDIN_FILENO, getpid());
	}
	/* What the runtime's callers ignored is not for the app to ignore. */
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigprocmask(SIG_SETMASK, old_mask, NULL);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(EXIT_NOT_FOUND);
}

static int shell_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The files that tell a process's children and how likely it is killed when memory ends (proc(5)).
 */
#define CHILDREN_PATH "/proc/self/task/%d/children"
#define OOM_PATH "/proc/self/oom_score_adj"
/* As the sandbox's own processes have it (sandbox/config.c); runtimes don't set it for one that
 * enters. */
#define OOM_SCORE "500"

struct init {
	int guest;
	pid_t main_pid;
	int code;	/* of the main process, -1 while it runs */
	int terminated; /* a SIGTERM came */
};

/*
 * Children of ours, orphans of theirs included, but for those of a group (0: none); more of them
 * than fit are for the next time. False when the kernel does not tell.
 */
static int signal_children(int sig, pid_t except_group)
{
	char path[64], text[4096], *p = text, *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), CHILDREN_PATH, getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return 0;
	text[n] = '\0';
	/* A number is only whole with the space behind it. */
	for (long pid; (pid = strtol(p, &end, 10)) > 0 && *end == ' '; p = end)
		if (!except_group || getpgid((pid_t)pid) != except_group)
			kill((pid_t)pid, sig);
	return 1;
}

/* Who is killed leaves its children to us, before we can reap it. */
static void end_all(const struct init *in)
{
	kill(-in->main_pid, SIGKILL);
	while (signal_children(SIGKILL, 0) && (waitpid(-1, NULL, 0) > 0 || errno == EINTR))
		;
}

static int become_guest(void)
{
	int fd = open(OOM_PATH, O_WRONLY | O_CLOEXEC);

	/* A machine that does not let us has its reasons. */
	if (fd >= 0 && write(fd, OOM_SCORE, strlen(OOM_SCORE)) < 0)
		errno = 0;
	close(fd);
	return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* True when it is time to end. */
static int reap(struct init *in)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == in->main_pid)
			in->code = shell_code(status);
	if (in->code < 0)
		return 0;
	return !in->terminated || (pid < 0 && errno == ECHILD);
}

static void pass_on(struct init *in, int sig)
{
	if (sig == SIGTERM) {
		in->terminated = 1;
		/* Not twice to anybody: many take the second one for "at once". */
		kill(in->guest ? -in->main_pid : -1, SIGTERM);
		if (in->guest)
			signal_children(SIGTERM, in->main_pid);
	} else if (in->code < 0) {
		kill(-in->main_pid, sig);
	}
}

static int supervise(struct init *in, int signal_fd)
{
	struct pollfd fds[] = {
		{ .fd = signal_fd, .events = POLLIN },
		{ .fd = ALIVE_FD, .events = 0 },
	};
	struct signalfd_siginfo si;

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return die("poll");
		if (fds[1].revents & (POLLHUP | POLLERR))
			return EXIT_ABANDONED;
		if (fds[1].revents & POLLNVAL)
			fds[1].fd = -1;
		if (!(fds[0].revents & POLLIN) || read(signal_fd, &si, sizeof(si)) != sizeof(si))
			continue;
		if (si.ssi_signo != SIGCHLD)
			pass_on(in, (int)si.ssi_signo);
		if (reap(in))
			return in->code;
	}
}

int main(int argc, char **argv)
{
	static const int passed[] = { SIGCHLD, SIGTERM, SIGINT,	 SIGHUP,
				      SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH };
	struct init in = { .code = -1 };
	sigset_t mask, old_mask;
	int signal_fd, code;

	if (argc > 1 && strcmp(argv[1], "--guest") == 0) {
		in.guest = 1;
		argv++;
		argc--;
	}
	if (argc < 2) {
		fputs("usage: twelve-init [--guest] COMMAND ARGUMENT...\n", stderr);
		return 64;
	}
	/* SIGTERM goes to every process that we can see: outside of a PID namespace that is the
	 * machine. */
	if (!in.guest && getpid() != 1) {
		fputs("twelve-init: only for PID 1 of a sandbox\n", stderr);
		return 64;
	}
	sigemptyset(&mask);
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		sigaddset(&mask, passed[i]);
	if (sigprocmask(SIG_BLOCK, &mask, &old_mask) < 0)
		return die("sigprocmask");
	signal_fd = signalfd(-1, &mask, SFD_CLOEXEC);
	if (signal_fd < 0)
		return die("signalfd");
	if (load_env() < 0)
		return die("reading the environment");
	fcntl(ALIVE_FD, F_SETFD, FD_CLOEXEC);
	if (in.guest && become_guest() < 0)
		return die("becoming a reaper");
	/* The app has our user: without this it could stop us with ptrace(2), and outlive the
	 * supervisor. */
	prctl(PR_SET_DUMPABLE, 0);
	if (!may_start())
		return EXIT_ABANDONED;
	in.main_pid = start(argv + 1, &old_mask);
	if (in.main_pid < 0)
		return die("fork");
	setpgid(in.main_pid, in.main_pid);
	code = supervise(&in, signal_fd);
	if (in.guest)
		end_all(&in);
	return code;
}
