/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the dyno's container, with its stdio to the logs or to a session, and removing it. */
#include <errno.h>
#include <signal.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/str.h"
#include "dyno/dyno.h"
#include "sandbox/container.h"
#include "sandbox/scratch.h"

/* Much more than it takes on a machine under load. */
#define INIT_WAIT_MS 30000

void dyno_unmount_scratch(const struct dyno *d)
{
	_cleanup_free_ char *path = xasprintf("%s/scratch", d->dir);

	/* The first time there is none. */
	umount2(path, MNT_DETACH);
}

/* A fresh one each time: what the last process wrote is gone. */
static int mount_scratch(const struct dyno *d)
{
	_cleanup_free_ char *path = xasprintf("%s/scratch", d->dir),
			    *bundle = xasprintf("%s/bundle", d->dir);

	dyno_unmount_scratch(d);
	return sandbox_mount_scratch(path, bundle, (uint64_t)d->scratch_bytes);
}

/* Until the init takes signals, a SIGTERM would be lost; and until the terminal is ready, it waits
 * for us. */
static int wait_for_init(const struct dyno *d, struct error *err)
{
	struct pollfd p = { .fd = d->alive_fd, .events = POLLIN };
	char c;

	if (poll(&p, 1, INIT_WAIT_MS) == 1 && fd_read(d->alive_fd, &c, 1) == 1 &&
	    fd_write_all(d->alive_fd, &c, 1) == 0)
		return 0;
	return error_set(err, ERROR_SYSTEM, "its init ended before it ran anything");
}

static bool is_guest(const struct dyno *d)
{
	return d->inside[0];
}

static int create_and_start(struct dyno *d, const struct container *c, struct error *err)
{
	struct container_stdio s = { .fds = { -1, d->out[1], d->err[1] }, .env_fd = DYNO_ENV_FD };
	int console_fd = -1, alive[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, alive) < 0)
		return error_set_errno(err, errno, "socketpair");
	d->alive_fd = alive[0];
	s.alive_fd = alive[1];
	if (d->terminal)
		s.ret_console_fd = &console_fd;
	else if (d->attach && (r = session_prepare(d, s.fds)) < 0)
		return error_set_errno(err, r, "pipes");
	r = is_guest(d) ? container_enter(c, &s, &d->pid, err)
			: container_start(c, &s, &d->pid, err);
	fd_close(s.alive_fd);
	if (d->attach && !d->terminal)
		for (int i = 0; i < 3; i++)
			fd_close(s.fds[i]);
	if (r < 0)
		return -1;
	if (d->terminal)
		session_take_terminal(d, console_fd);
	return wait_for_init(d, err);
}

int dyno_launch(struct dyno *d)
{
	_cleanup_free_ char *bundle = xasprintf("%s/bundle", d->dir);
	const struct container c = { .runtime = d->runtime,
				     .runtime_root = d->runtime_root,
				     .id = is_guest(d) ? d->inside : d->id,
				     .bundle_dir = bundle,
				     .work_dir = d->dir };
	struct error err = ERROR_INIT;
	int r = is_guest(d) ? 0 : mount_scratch(d);

	streams_reset(d);
	if (r < 0)
		error_set_errno(&err, r, "mounting its scratch file system and its stack's layers");
	else
		r = create_and_start(d, &c, &err);
	if (r < 0) {
		snprintf(d->reason, sizeof(d->reason), "could not be started: %.200s", err.message);
		dyno_delete(d);
	}
	return r < 0 ? -1 : 0;
}

void dyno_signal(const struct dyno *d, int sig)
{
	if (d->pid > 0)
		kill(d->pid, sig);
}

bool dyno_kill(struct dyno *d)
{
	/* A guest's init is not the first of its PID namespace: what it started would outlive it.
	 * It ends that when we let go. */
	if (is_guest(d) && d->alive_fd >= 0) {
		d->alive_fd = fd_close(d->alive_fd);
		return true;
	}
	dyno_signal(d, SIGKILL);
	return false;
}

void dyno_delete(struct dyno *d)
{
	_cleanup_free_ char *bundle = xasprintf("%s/bundle", d->dir);
	const struct container c = { .runtime = d->runtime,
				     .runtime_root = d->runtime_root,
				     .id = d->id,
				     .bundle_dir = bundle,
				     .work_dir = d->dir };

	if (!is_guest(d)) {
		d->oom = container_was_oom_killed(d->id);
		d->leftover = container_delete(&c) < 0;
	}
	d->alive_fd = fd_close(d->alive_fd);
	d->pid = 0;
}
