/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer: what a package set adds to the stack below it, written by an overlay. A process of our
 * own does it, with a mount namespace that goes with it: when it or we are killed, all that stays
 * is a directory.
 *
 *     DIR/layer          the upper directory, which is the result
 *     DIR/work           the overlay's own
 *     DIR/root           where it is mounted, for apt and dpkg
 *     DIR/debs           .deb files, at /var/cache/apt/archives of the root
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/overlay.h"
#include "base/str.h"
#include "stack/stack-priv.h"

struct place {
	const char *dir;
	char *layer, *work, *root, *debs;
};

static void place_init(struct place *p, const char *dir)
{
	*p = (struct place){ dir, xasprintf("%s/layer", dir), xasprintf("%s/work", dir),
			     xasprintf("%s/root", dir), xasprintf("%s/debs", dir) };
}

static void place_done(struct place *p)
{
	free(p->layer);
	free(p->work);
	free(p->root);
	free(p->debs);
}
#define _cleanup_place_ __attribute__((cleanup(place_done)))

/* What the process tells. */
struct report {
	int result;
	struct error err;
};

/* ---- mounts ---- */

/* They are in the base as files; where its file system has no devices, these here have. */
static int mount_devices(const char *root)
{
	static const char *const devices[] = { "null", "zero", "full", "random", "urandom", "tty" };

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		_cleanup_free_ char *from = xasprintf("/dev/%s", devices[i]),
				    *to = xasprintf("%s/dev/%s", root, devices[i]);

		if (mount(from, to, NULL, MS_BIND, NULL) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

/* What maintainers' scripts expect, as mmdebstrap gives it; /proc comes with the namespace of the
 * processes. */
static int mount_inside(const struct place *p)
{
	_cleanup_free_ char *tmp = xasprintf("%s/tmp", p->root),
			    *sys = xasprintf("%s/sys", p->root);
	_cleanup_free_ char *archives = xasprintf("%s/var/cache/apt/archives", p->root);
	unsigned long plain = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (mount("tmp", tmp, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0 ||
	    mount("sys", sys, "sysfs", plain | MS_RDONLY, NULL) < 0 ||
	    mount(p->debs, archives, NULL, MS_BIND, NULL) < 0)
		return -errno;
	return mount_devices(p->root);
}

static int mount_overlay(const struct place *p, char *const *below, struct error *err)
{
	const struct overlay o = { .lower = below, .upper = p->layer, .work = p->work };
	int r;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set_errno(err, errno, "making a mount namespace");
	r = overlay_mount(&o, p->root);
	if (r == -EINVAL || r == -ENODEV || r == -EOPNOTSUPP)
		return STACK_NO_LAYERS;
	if (r == 0)
		r = mount_inside(p);
	return r < 0 ? error_set_errno(err, r, "mounting what a stack's layer is made in (%s)",
				       p->root)
		     : 0;
}

/* ---- in the root ---- */

/* No daemon is started by what is installed (Debian's policy-rc.d). */
static int forbid_daemons(const char *path)
{
	static const char script[] = "#!/bin/sh\nexit 101\n";

	return fs_write_atomic(path, 0755, script, sizeof(script) - 1);
}

static int empty(const char *root, const char *dir)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", root, dir);
	_cleanup_strv_ char **names = NULL;
	int r = fs_list(path, &names);

	for (char **n = names; r == 0 && n && *n; n++) {
		_cleanup_free_ char *file = xasprintf("%s/%s", path, *n);

		r = streq(*n, "archives") ? 0 : fs_remove_tree(file);
	}
	return r == -ENOENT ? 0 : r;
}

/* All of these are empty in the base: what is removed leaves no mark in the layer. */
static int strip(const char *root)
{
	static const char *const dirs[] = { "var/log", "var/cache/ldconfig", "var/cache/apt" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++)
		r = empty(root, dirs[i]);
	return r;
}

/* Pages stay out, but packages lay links there when they are configured, and fail without the
 * folders: Java's. */
static int make_man_folders(const char *root)
{
	int r = 0;

	for (int section = 1; r == 0 && section <= 8; section++) {
		_cleanup_free_ char *dir = xasprintf("%s/usr/share/man/man%d", root, section);

		r = fs_mkdirs(dir, 0755);
	}
	return r;
}

static int fill(const struct stack_options *o, const struct stack_plan *plan, const struct place *p,
		struct error *err)
{
	_cleanup_free_ char *policy = xasprintf("%s/usr/sbin/policy-rc.d", p->root);
	int r = forbid_daemons(policy);

	if (r == 0)
		r = make_man_folders(p->root);
	if (r < 0)
		return error_set_errno(err, r, "preparing %s", p->root);
	if (stack_apt_install(o, p->dir, p->root, plan->added, err) < 0)
		return -1;
	r = unlink(policy) < 0 ? -errno : strip(p->root);
	if (r < 0)
		return error_set_errno(err, r, "cleaning %s", p->root);
	return stack_list_packages(p->dir, p->root, err);
}

/* ---- the process ---- */

static int make_in_namespace(const struct stack_options *o, const struct stack_plan *plan,
			     const struct place *p, struct error *err)
{
	int r = mount_overlay(p, plan->below.layers, err);

	if (r != 0)
		return r;
	r = fill(o, plan, p, err);
	/* Before the end of this process is seen: what is written is complete then, and nobody's
	 * upper directory. */
	if (umount2(p->root, MNT_DETACH) < 0 && r == 0)
		r = error_set_errno(err, errno, "unmounting %s", p->root);
	return r;
}

static void process_main(const struct stack_options *o, const struct stack_plan *plan,
			 const struct place *p, int fd, pid_t parent)
{
	struct report r = { .err = ERROR_INIT };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	r.result = make_in_namespace(o, plan, p, &r.err);
	_exit(fd_write_all(fd, &r, sizeof(r)) < 0);
}

static int in_process(const struct stack_options *o, const struct stack_plan *plan,
		      const struct place *p, struct error *err)
{
	_cleanup_fd_ int from = -1, to = -1;
	struct report r = { .err = ERROR_INIT };
	pid_t pid, parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "pipe");
	from = ends[0];
	to = ends[1];
	pid = fork();
	if (pid == 0)
		process_main(o, plan, p, to, parent);
	if (pid < 0)
		return error_set_errno(err, errno, "fork");
	to = fd_close(to);
	if (fd_read(from, &r, sizeof(r)) != sizeof(r))
		r.result = error_set(&r.err, ERROR_SYSTEM,
				     "The process that makes the stack was killed");
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (r.result < 0)
		*err = r.err;
	return r.result;
}

static int make_dirs(const struct place *p)
{
	const char *const dirs[] = { p->layer, p->work, p->root, p->debs };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++)
		r = fs_mkdirs(dirs[i], 0755);
	/* It is the root's mode, whatever our umask. */
	return r == 0 && chmod(p->layer, 0755) < 0 ? -errno : r;
}

int stack_layer(const struct stack_options *o, const struct stack_plan *plan, const char *dir,
		struct error *err)
{
	_cleanup_place_ struct place p;
	int r;

	place_init(&p, dir);
	r = make_dirs(&p);
	if (r < 0)
		return error_set_errno(err, r, "making %s", dir);
	r = in_process(o, plan, &p, err);
	fs_remove_tree(p.work);
	fs_remove_tree(p.root);
	fs_remove_tree(p.debs);
	if (r != 0)
		fs_remove_tree(p.layer);
	return r;
}
