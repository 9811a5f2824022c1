/* SPDX-License-Identifier: Apache-2.0 */
/* twelve-dyno: the loop and the states; see dyno.h for the drawing. */
#include "dyno/dyno.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"

#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 60000
#define GOOD_RUN_MS 60000
#define ATTACH_WAIT_MS 60000
#define CLIENT_STALL_S 60

void dyno_set_state(struct dyno *d, enum dyno_state state)
{
	if (d->state != state)
		streams_say(d, "State changed from %s to %s", dyno_state_names[d->state], dyno_state_names[state]);
	d->state = state;
	d->since_ms = clock_wall_ms();
	control_report(d);
}

/* ---- the end ---- */

static void finish(struct dyno *d)
{
	session_end(d);
	dyno_set_state(d, DYNO_EXITED);
	{
		_cleanup_free_ char *scratch = xasprintf("%s/scratch", d->dir);

		umount2(scratch, MNT_DETACH);
	}
	if (fs_remove_tree(d->dir) < 0)
		log_warn("%s can't be removed", d->dir);
	exit(0);
}

/* ---- starting ---- */

static void crash_pause(struct dyno *d)
{
	if (!d->restart) {
		d->exit_code = d->exit_code < 0 ? 126 : d->exit_code;
		finish(d);
	}
	d->pause_ms = d->pause_ms ? d->pause_ms * 2 : PAUSE_FIRST_MS;
	if (d->pause_ms > PAUSE_MAX_MS)
		d->pause_ms = PAUSE_MAX_MS;
	d->deadline_ms = clock_now_ms() + d->pause_ms;
	dyno_set_state(d, DYNO_CRASHED);
}

static void start(struct dyno *d)
{
	d->deadline_ms = 0;
	d->killed = false;
	if (d->state != DYNO_STARTING) {
		d->restarts++;
		dyno_set_state(d, DYNO_STARTING);
	}
	streams_say(d, "Starting process with command `%s`", ipc_get(&d->spec, "command"));
	if (dyno_launch(d) < 0) {
		streams_say(d, "%s", d->reason);
		crash_pause(d);
		return;
	}
	d->began_ms = clock_now_ms();
	d->limit_at_ms = d->time_limit_ms ? d->began_ms + d->time_limit_ms : 0;
	d->reason[0] = '\0';
	dyno_set_state(d, DYNO_UP);
}

void dyno_attached(struct dyno *d, int client_fd)
{
	struct timeval stall = { .tv_sec = CLIENT_STALL_S };

	if (!d->attach || d->session.client_fd >= 0 || d->state != DYNO_STARTING) {
		fd_close(client_fd);
		return;
	}
	fd_set_nonblock(client_fd, false);
	/* A client that does not read for so long has gone; not a stream socket: no timeout to be had. */
	setsockopt(client_fd, SOL_SOCKET, SO_SNDTIMEO, &stall, sizeof(stall));
	d->session.client_fd = client_fd;
	start(d);
}

/* ---- stopping ---- */

void dyno_stop(struct dyno *d, int64_t window_ms)
{
	if (d->state == DYNO_UP && window_ms > 0) {
		streams_say(d, "Stopping all processes with SIGTERM");
		dyno_signal(d, SIGTERM);
		d->deadline_ms = clock_now_ms() + window_ms;
		d->limit_at_ms = 0;
		dyno_set_state(d, DYNO_STOPPING);
	} else if (d->state == DYNO_UP || (d->state == DYNO_STOPPING && window_ms == 0)) {
		dyno_signal(d, SIGKILL);
		d->killed = true;
		if (d->state == DYNO_UP)
			dyno_set_state(d, DYNO_STOPPING);
	} else if (d->state == DYNO_CRASHED || d->state == DYNO_STARTING) {
		finish(d);
	}
}

static void window_over(struct dyno *d)
{
	if (!d->killed)
		streams_say(d, "Error R12 (Exit timeout) -> At least one process failed to exit within %lld seconds of SIGTERM",
			    (long long)d->stop_ms / 1000);
	streams_say(d, "Stopping remaining processes with SIGKILL");
	dyno_signal(d, SIGKILL);
	d->killed = true;
	d->deadline_ms = 0;
}

static void on_deadline(struct dyno *d)
{
	d->deadline_ms = 0;
	switch (d->state) {
	case DYNO_STARTING:
		snprintf(d->reason, sizeof(d->reason), "nobody attached within %d s", ATTACH_WAIT_MS / 1000);
		d->exit_code = 126;
		finish(d);
		break;
	case DYNO_CRASHED:
		start(d);
		break;
	case DYNO_STOPPING:
		window_over(d);
		break;
	case DYNO_UP:
	case DYNO_EXITED:
	case _DYNO_STATE_MAX:
		break;
	}
}

/* ---- the process ended ---- */

static void describe_end(struct dyno *d, int status)
{
	double ran_s = (double)(clock_now_ms() - d->began_ms) / 1000;
	int code = d->exit_code = proc_exit_code(status);

	if (d->oom)
		snprintf(d->reason, sizeof(d->reason), "was killed: it used more than its %lld MB of memory",
			 (long long)d->memory_bytes >> 20);
	else if (code > 128 && code < 128 + NSIG)
		snprintf(d->reason, sizeof(d->reason), "was killed by signal %d (%s) after %.1f s", code - 128,
			 strsignal(code - 128), ran_s);
	else
		snprintf(d->reason, sizeof(d->reason), "exited with status %d after %.1f s", code, ran_s);
}

static void process_ended(struct dyno *d, int status)
{
	bool stopping = d->state == DYNO_STOPPING;

	dyno_delete(d);
	describe_end(d, status);
	if (d->oom)
		streams_say(d, "Error R15 (Memory quota vastly exceeded)");
	streams_say(d, "Process exited with status %d", d->exit_code);
	d->deadline_ms = d->limit_at_ms = 0;
	if (stopping || !d->restart)
		finish(d);
	if (clock_now_ms() - d->began_ms > GOOD_RUN_MS)
		d->pause_ms = 0;
	crash_pause(d);
}

static void on_signal(struct dyno *d)
{
	struct signalfd_siginfo si;
	int status;
	pid_t pid;

	if (read(d->child_fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT) {
		dyno_stop(d, d->stop_ms);
		return;
	}
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == d->pid)
			process_ended(d, status);
}

/* ---- the loop ---- */

enum slot {
	SLOT_SIGNAL,
	SLOT_LISTEN,
	SLOT_LOGS,
	SLOT_SESSION,
	SLOT_OUT,
	SLOT_ERR,
	SLOT_CLIENTS,
	N_SLOTS = SLOT_CLIENTS + DYNO_MAX_CLIENTS,
};

static int next_timeout_ms(const struct dyno *d)
{
	int64_t at = d->deadline_ms;

	if (d->limit_at_ms && (!at || d->limit_at_ms < at))
		at = d->limit_at_ms;
	if (d->logs_fd < 0 && (!at || d->logs_retry_ms < at))
		at = d->logs_retry_ms;
	if (!at)
		return -1;
	at -= clock_now_ms();
	return at < 0 ? 0 : at > 60000 ? 60000 : (int)at;
}

static void fill(const struct dyno *d, struct pollfd *p)
{
	const int fds[] = { d->child_fd, d->listen_fd, d->logs_fd, d->session.client_fd, d->session.out_fd, d->session.err_fd };

	for (size_t i = 0; i < SLOT_CLIENTS; i++)
		p[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	/* twelve-logs says nothing; only its end matters. */
	p[SLOT_LOGS].events = 0;
	for (size_t i = 0; i < DYNO_MAX_CLIENTS; i++)
		p[SLOT_CLIENTS + i] = (struct pollfd){ .fd = d->clients[i], .events = POLLIN };
}

static void dispatch(struct dyno *d, const struct pollfd *p)
{
	if (p[SLOT_OUT].revents && d->session.out_fd == p[SLOT_OUT].fd)
		session_output(d, d->session.out_fd, ATTACH_STDOUT);
	if (p[SLOT_ERR].revents && d->session.err_fd == p[SLOT_ERR].fd)
		session_output(d, d->session.err_fd, ATTACH_STDERR);
	if (p[SLOT_SESSION].revents && d->session.client_fd == p[SLOT_SESSION].fd)
		session_client(d);
	if (p[SLOT_LOGS].revents && d->logs_fd == p[SLOT_LOGS].fd)
		streams_lost(d);
	for (size_t i = 0; i < DYNO_MAX_CLIENTS; i++)
		if (p[SLOT_CLIENTS + i].revents && d->clients[i] == p[SLOT_CLIENTS + i].fd)
			control_read(d, i);
	if (p[SLOT_LISTEN].revents)
		control_accept(d);
	if (p[SLOT_SIGNAL].revents)
		on_signal(d);
}

static void run(struct dyno *d)
{
	struct pollfd p[N_SLOTS];

	for (;;) {
		fill(d, p);
		if (poll(p, N_SLOTS, next_timeout_ms(d)) > 0)
			dispatch(d, p);
		if (d->logs_fd < 0 && clock_now_ms() >= d->logs_retry_ms)
			streams_connect(d);
		if (d->limit_at_ms && clock_now_ms() >= d->limit_at_ms) {
			streams_say(d, "The time limit of %lld s is over", (long long)d->time_limit_ms / 1000);
			dyno_stop(d, d->stop_ms);
		}
		if (d->deadline_ms && clock_now_ms() >= d->deadline_ms)
			on_deadline(d);
	}
}

/* ---- setting up ---- */

static int read_spec(struct dyno *d)
{
	_cleanup_free_ char *path = xasprintf("%s/spec", d->dir);
	const struct {
		const char **to;
		const char *key;
	} strings[] = {
		{ &d->id, "id" }, { &d->name, "name" }, { &d->runtime, "runtime" },
		{ &d->runtime_root, "runtime_root" }, { &d->logs_path, "logs_sock" },
	};
	int r = fs_read_file(path, IPC_MAX_BYTES, &d->spec.fields);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		*strings[i].to = ipc_get(&d->spec, strings[i].key);
		if (!*strings[i].to)
			return -EINVAL;
	}
	d->restart = ipc_get_i64(&d->spec, "restart", 0) == 1;
	d->terminal = ipc_get_i64(&d->spec, "terminal", 0) == 1;
	d->attach = ipc_get_i64(&d->spec, "attach", 0) == 1;
	d->stop_ms = ipc_get_i64(&d->spec, "stop_ms", 30000);
	d->time_limit_ms = ipc_get_i64(&d->spec, "time_limit_ms", 0);
	d->scratch_bytes = ipc_get_i64(&d->spec, "scratch_bytes", 512 << 20);
	d->memory_bytes = ipc_get_i64(&d->spec, "memory_bytes", 0);
	return ipc_get(&d->spec, "command") && ipc_get(&d->spec, "app") ? 0 : -EINVAL;
}

static int open_signals(struct dyno *d)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	d->child_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return d->child_fd < 0 ? -errno : 0;
}

/* A mount namespace of our own, so that what we mount ends with us; and orphans of the runtime become our children. */
static int isolate(void)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	return 0;
}

static int set_up(struct dyno *d)
{
	_cleanup_free_ char *sock = xasprintf("%s/sock", d->dir);
	int r = read_spec(d);

	if (r < 0)
		return r;
	if ((r = isolate()) < 0 || (r = open_signals(d)) < 0 || (r = streams_open(d)) < 0)
		return r;
	if (fd_set_cloexec(DYNO_ENV_FD, true) < 0 || pipe2(d->alive, O_CLOEXEC) < 0)
		return -errno;
	d->listen_fd = sock_listen_unix(sock, SOCK_SEQPACKET, 0600);
	return d->listen_fd < 0 ? d->listen_fd : 0;
}

int main(int argc, char **argv)
{
	struct dyno d = {
		.spec = IPC_MSG_INIT,
		.exit_code = -1,
		.logs_fd = -1,
		.session = { .client_fd = -1, .in_fd = -1, .out_fd = -1, .err_fd = -1, .from_client = BUF_INIT },
	};
	int r;

	log_init("twelve-dyno");
	if (argc != 3 || !streq(argv[1], "--dir")) {
		fputs("usage: twelve-dyno --dir DIR (started by twelved: see twelve-dyno(8))\n", stderr);
		return 2;
	}
	d.dir = argv[2];
	for (size_t i = 0; i < DYNO_MAX_CLIENTS; i++)
		d.clients[i] = -1;
	d.since_ms = clock_wall_ms();
	r = set_up(&d);
	if (r < 0) {
		log_error("%s: %s", d.dir, strerror(-r));
		return 1;
	}
	streams_connect(&d);
	if (d.attach)
		d.deadline_ms = clock_now_ms() + ATTACH_WAIT_MS;
	else
		start(&d);
	run(&d);
}
