/* SPDX-License-Identifier: Apache-2.0 */
/* twelve-dyno: setting up, and the loop; state.c has the states. */
#include "dyno/dyno.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "net/link.h"

#define POLL_MAX_MS 60000

static void on_signal(struct dyno *d)
{
	struct signalfd_siginfo si;
	int status;
	pid_t pid;

	if (read(d->child_fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo != SIGCHLD) {
		dyno_stop(d, d->stop_ms, "was stopped");
		return;
	}
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == d->pid)
			dyno_process_ended(d, status);
}

static void on_order(struct dyno *d, size_t client)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	if (!control_read(d, client, &m))
		return;
	if (m.type == DYNO_STOP)
		dyno_stop(d, ipc_get_i64(&m, "stop_ms", d->stop_ms), "was stopped");
	else if (m.type == DYNO_KILL)
		dyno_stop(d, 0, "was killed");
	else if (m.type == DYNO_ATTACH)
		dyno_attached(d, &m, ipc_take_fd(&m, 0));
}

/* ---- the loop ---- */

enum slot {
	SLOT_SIGNAL,
	SLOT_LISTEN,
	SLOT_LOGS,
	SLOT_SESSION,
	SLOT_CLIENTS = SLOT_SESSION + N_SESSION_SLOTS,
	N_SLOTS = SLOT_CLIENTS + DYNO_MAX_CLIENTS,
};

static int next_timeout_ms(const struct dyno *d)
{
	const int64_t times[] = { d->deadline_ms, d->limit_at_ms, session_next_ms(d),
				  streams_want_retry(d) ? d->logs_retry_ms : 0 };
	int64_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		if (times[i] && (!at || times[i] < at))
			at = times[i];
	if (!at)
		return -1;
	at -= clock_now_ms();
	return at < 0 ? 0 : at > POLL_MAX_MS ? POLL_MAX_MS : (int)at;
}

static void fill(const struct dyno *d, struct pollfd *p)
{
	p[SLOT_SIGNAL] = (struct pollfd){ .fd = d->child_fd, .events = POLLIN };
	p[SLOT_LISTEN] = (struct pollfd){ .fd = d->listen_fd, .events = POLLIN };
	/* twelve-logs says nothing; only its end matters. */
	p[SLOT_LOGS] = (struct pollfd){ .fd = d->logs_fd };
	session_poll(d, p + SLOT_SESSION);
	for (size_t i = 0; i < DYNO_MAX_CLIENTS; i++)
		p[SLOT_CLIENTS + i] = (struct pollfd){ .fd = d->clients[i], .events = POLLIN };
}

static void dispatch(struct dyno *d, const struct pollfd *p)
{
	session_dispatch(d, p + SLOT_SESSION);
	if (p[SLOT_LOGS].revents && d->logs_fd == p[SLOT_LOGS].fd)
		streams_lost(d);
	for (size_t i = 0; i < DYNO_MAX_CLIENTS; i++)
		if (p[SLOT_CLIENTS + i].revents && d->clients[i] == p[SLOT_CLIENTS + i].fd)
			on_order(d, i);
	if (p[SLOT_LISTEN].revents)
		control_accept(d);
	if (p[SLOT_SIGNAL].revents)
		on_signal(d);
}

static void on_time(struct dyno *d)
{
	int64_t now_ms = clock_now_ms();

	session_on_time(d);
	if (streams_want_retry(d) && now_ms >= d->logs_retry_ms)
		streams_retry(d);
	if (d->limit_at_ms && now_ms >= d->limit_at_ms) {
		streams_say(d, "The time limit of %lld s is over",
			    (long long)d->time_limit_ms / 1000);
		dyno_stop(d, d->stop_ms, "was stopped: its time limit was over");
	}
	if (d->deadline_ms && now_ms >= d->deadline_ms)
		dyno_on_deadline(d);
}

static void run(struct dyno *d)
{
	struct pollfd p[N_SLOTS];

	while (!dyno_is_done(d)) {
		fill(d, p);
		if (poll(p, N_SLOTS, next_timeout_ms(d)) > 0)
			dispatch(d, p);
		on_time(d);
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
		{ &d->id, "id" },
		{ &d->app, "app" },
		{ &d->name, "name" },
		{ &d->release, "release" },
		{ &d->command, "command" },
		{ &d->log_source, "log_source" },
		{ &d->runtime, "runtime" },
		{ &d->runtime_root, "runtime_root" },
		{ &d->logs_path, "logs_sock" },
	};
	int r = fs_read_file(path, IPC_MAX_BYTES, &d->spec.fields);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		*strings[i].to = ipc_get(&d->spec, strings[i].key);
		if (!*strings[i].to) {
			log_error("%s: the field \"%s\" is missing", path, strings[i].key);
			return -EINVAL;
		}
	}
	d->inside = ipc_get(&d->spec, "inside");
	if (!d->inside)
		d->inside = "";
	d->restart = ipc_get_i64(&d->spec, "restart", 0) == 1;
	d->terminal = ipc_get_i64(&d->spec, "terminal", 0) == 1;
	d->attach = ipc_get_i64(&d->spec, "attach", 0) == 1;
	d->stop_ms = ipc_get_i64(&d->spec, "stop_ms", 30000);
	d->time_limit_ms = ipc_get_i64(&d->spec, "time_limit_ms", 0);
	d->detach_ms = ipc_get_i64(&d->spec, "detach_ms", 3600000);
	d->scratch_bytes = ipc_get_i64(&d->spec, "scratch_bytes", 512 << 20);
	d->memory_bytes = ipc_get_i64(&d->spec, "memory_bytes", 0);
	return 0;
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

/* A mount namespace of our own, so that what we mount ends with us; and orphans of the runtime
 * become our children. */
static int isolate(void)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	return 0;
}

/* Its own network, or that of the process in whose sandbox it goes. Whatever we start has it. */
static int enter_network(const struct dyno *d)
{
	const char *text = ipc_get(&d->spec, "net");
	int64_t other = ipc_get_i64(&d->spec, "net_of", 0);
	_cleanup_free_ char *path = xasprintf("/proc/%lld/ns/net", (long long)other);
	struct error err = ERROR_INIT;
	struct net_link link;
	_cleanup_fd_ int fd = -1;

	if (!text)
		return 0;
	if (other) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		return fd < 0 || setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
	}
	if (!net_link_parse(text, &link))
		return -EINVAL;
	if (net_enter(&link, &err) == 0)
		return 0;
	log_error("%s", err.message);
	return -EIO;
}

static int set_up(struct dyno *d)
{
	_cleanup_free_ char *sock = xasprintf("%s/sock", d->dir);
	int r = read_spec(d);

	if (r == 0)
		r = enter_network(d);
	if (r < 0)
		return r;
	if ((r = isolate()) < 0 || (r = open_signals(d)) < 0 || (r = streams_open(d)) < 0)
		return r;
	r = fd_set_cloexec(DYNO_ENV_FD, true);
	if (r < 0)
		return r;
	d->listen_fd = sock_listen_unix(sock, SOCK_SEQPACKET, 0600);
	return d->listen_fd < 0 ? d->listen_fd : 0;
}

static void clean_up(struct dyno *d)
{
	/* Who connected in the last moment must not take our end for a crash. */
	while (control_accept(d))
		;
	dyno_unmount_scratch(d);
	/* twelved removes a directory that is still there, and what the runtime left, too. */
	if (!d->leftover && fs_remove_tree(d->dir) < 0)
		log_warn("%s can't be removed", d->dir);
}

static void forget(struct dyno *d)
{
	ipc_msg_done(&d->spec);
	buf_done(&d->lines);
	buf_done(&d->session.from_client);
	buf_done(&d->session.to_process);
	buf_done(&d->session.to_client);
	buf_done(&d->session.kept);
	buf_done(&d->session.raw.held);
}

int main(int argc, char **argv)
{
	struct dyno d = {
		.spec = IPC_MSG_INIT,
		.exit_code = -1,
		.logs_fd = -1,
		.alive_fd = -1,
		.lines = BUF_INIT,
		.session = { .signal = dyno_signal,
			     .stop = dyno_stop,
			     .client_fd = -1,
			     .in_fd = -1,
			     .out_fd = -1,
			     .err_fd = -1,
			     .from_client = BUF_INIT,
			     .to_process = BUF_INIT,
			     .to_client = BUF_INIT,
			     .kept = BUF_INIT,
			     .raw = { .held = BUF_INIT } },
	};
	int r;

	log_init("twelve-dyno");
	if (argc != 3 || !streq(argv[1], "--dir")) {
		fputs("usage: twelve-dyno --dir DIR (started by twelved: see twelve-dyno(8))\n",
		      stderr);
		return 2;
	}
	d.dir = argv[2];
	for (size_t i = 0; i < DYNO_MAX_CLIENTS; i++)
		d.clients[i] = -1;
	d.since_ms = clock_wall_ms();
	r = set_up(&d);
	if (r < 0) {
		log_error("%s: %s", d.dir, strerror(-r));
		forget(&d);
		return 1;
	}
	streams_retry(&d);
	if (d.attach)
		d.deadline_ms = clock_now_ms() + DYNO_ATTACH_WAIT_S * 1000;
	else
		dyno_start(&d);
	run(&d);
	clean_up(&d);
	forget(&d);
	return 0;
}
