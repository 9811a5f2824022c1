/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the dyno's container, with its stdio to the logs or to a session, and removing it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "base/fd.h"
#include "base/str.h"
#include "dyno/dyno.h"
#include "sandbox/container.h"
#include "sandbox/scratch.h"

void dyno_unmount_scratch(const struct dyno *d)
{
	_cleanup_free_ char *path = xasprintf("%s/scratch", d->dir);

	/* The first time there is none. */
	umount2(path, MNT_DETACH);
}

/* A fresh one each time: what the last process wrote is gone. */
static int mount_scratch(const struct dyno *d)
{
	_cleanup_free_ char *path = xasprintf("%s/scratch", d->dir);

	dyno_unmount_scratch(d);
	return sandbox_mount_scratch(path, (uint64_t)d->scratch_bytes);
}

static int create_and_start(struct dyno *d, const struct container *c, struct error *err)
{
	struct container_stdio s = { .fds = { -1, d->out[1], d->err[1] }, .env_fd = DYNO_ENV_FD, .alive_fd = d->alive[0] };
	int console_fd = -1, r;

	if (d->terminal)
		s.ret_console_fd = &console_fd;
	else if (d->attach && (r = session_prepare(d, s.fds)) < 0)
		return error_set_errno(err, r, "pipes");
	r = container_start(c, &s, &d->pid, err);
	if (d->attach && !d->terminal)
		for (int i = 0; i < 3; i++)
			fd_close(s.fds[i]);
	if (r < 0)
		return -1;
	if (d->terminal)
		session_take_terminal(d, console_fd);
	return 0;
}

int dyno_launch(struct dyno *d)
{
	_cleanup_free_ char *bundle = xasprintf("%s/bundle", d->dir);
	const struct container c = { .runtime = d->runtime,
				     .runtime_root = d->runtime_root,
				     .id = d->id,
				     .bundle_dir = bundle,
				     .work_dir = d->dir };
	struct error err = ERROR_INIT;
	int r = mount_scratch(d);

	streams_reset(d);
	if (r < 0)
		error_set_errno(&err, r, "mounting its scratch file system");
	else
		r = create_and_start(d, &c, &err);
	if (r < 0) {
		snprintf(d->reason, sizeof(d->reason), "could not be started: %.200s", err.message);
		d->pid = 0;
	}
	return r < 0 ? -1 : 0;
}

void dyno_signal(const struct dyno *d, int sig)
{
	if (d->pid > 0)
		kill(d->pid, sig);
}

void dyno_delete(struct dyno *d)
{
	_cleanup_free_ char *bundle = xasprintf("%s/bundle", d->dir);
	const struct container c = { .runtime = d->runtime,
				     .runtime_root = d->runtime_root,
				     .id = d->id,
				     .bundle_dir = bundle,
				     .work_dir = d->dir };

	d->oom = container_was_oom_killed(d->id);
	d->leftover = container_delete(&c) < 0;
	d->pid = 0;
}
