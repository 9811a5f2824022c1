/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up what a process has; see confine.h. */
#include "build/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"

/* Where the new root is mounted: a directory that every machine has, and nobody else sees what is
 * done to it. */
#define ROOT "/tmp"
#define ROOT_OPTIONS "mode=0755,size=16m"
#define FILE_MAX_BYTES (4 << 20)
#define MEMORY_BYTES (1 << 30)
#define MAX_FILES 64
#define MAX_PROCESSES 64

/* What the resolver and TLS read. One that is not there is not there in the new root. */
static const char *const files[] = {
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/nsswitch.conf",
	"/etc/gai.conf",
	"/etc/ssl/certs/ca-certificates.crt",
};

struct contents {
	struct buf of[ARRAY_SIZE(files)];
};

static void contents_done(struct contents *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		buf_done(&c->of[i]);
}

/* Before the old root is out of sight: some are links to where nobody would look for them. */
static int read_files(struct contents *ret)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		ret->of[i] = BUF_INIT;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++) {
		r = fs_read_file(files[i], FILE_MAX_BYTES, &ret->of[i]);
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

static int write_files(const struct contents *c)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = xasprintf(ROOT "%s", files[i]), *dir = xstrdup(path);

		*strrchr(dir, '/') = '\0';
		r = fs_mkdirs(dir, 0755);
		if (r == 0)
			r = fs_write_atomic(path, 0644, c->of[i].data, c->of[i].len);
	}
	return r;
}

/* Whatever is mounted within it stays behind. It may stand in what the new root covers, so that it
 * was opened before. */
static int bind_tree(int tree_fd)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;
	_cleanup_free_ char *tree = xasprintf("/proc/self/fd/%d", tree_fd);

	if (mkdir(ROOT CONFINED_TREE, 0755) < 0 ||
	    mount(tree, ROOT CONFINED_TREE, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, ROOT CONFINED_TREE, NULL, MS_REMOUNT | MS_BIND | flags, NULL) < 0)
		return -errno;
	return 0;
}

static int change_root(const struct confinement *o, struct error *err)
{
	__attribute__((cleanup(contents_done))) struct contents c;
	_cleanup_fd_ int tree_fd = o->tree ? open(o->tree, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	int r = read_files(&c);

	if (o->tree && tree_fd < 0)
		return error_set_errno(err, errno, "opening %s", o->tree);
	if (r < 0)
		return error_set_errno(err, r,
				       "reading what names and certificates are looked up in");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("confined", ROOT, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, ROOT_OPTIONS) < 0)
		return error_set_errno(err, errno, "mounting an empty root");
	r = write_files(&c);
	if (r < 0)
		return error_set_errno(err, r, "filling an empty root");
	r = o->tree ? bind_tree(tree_fd) : 0;
	if (r < 0)
		return error_set_errno(err, r, "binding %s", o->tree);
	/* The old root comes to lie on the new one, and is taken off it (pivot_root(2)). */
	if (chdir(ROOT) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0 ||
	    mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  ROOT_OPTIONS) < 0)
		return error_set_errno(err, errno, "changing to an empty root");
	return 0;
}

static int limit(const struct confinement *c)
{
	const struct {
		__rlimit_resource_t what;
		rlim_t most;
	} limits[] = {
		{ RLIMIT_FSIZE, c->file_bytes },
		{ RLIMIT_CPU, (rlim_t)c->cpu_seconds },
		{ RLIMIT_NOFILE, MAX_FILES },
		{ RLIMIT_NPROC, MAX_PROCESSES },
		{ RLIMIT_CORE, 0 },
#ifndef __SANITIZE_ADDRESS__ /* which takes address space by the terabyte */
		{ RLIMIT_AS, MEMORY_BYTES },
#endif
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit l;

		if (getrlimit(limits[i].what, &l) < 0)
			return -errno;
		/* What we have less of already stays so. */
		l.rlim_max = l.rlim_max < limits[i].most ? l.rlim_max : limits[i].most;
		l.rlim_cur = l.rlim_max;
		if (setrlimit(limits[i].what, &l) < 0)
			return -errno;
	}
	/* A file that is too large is an error of write(2). */
	signal(SIGXFSZ, SIG_IGN);
	return 0;
}

/* The signal of a parent's death is forgotten with the old user, so it is asked for last; the
 * parent may be gone by then. */
static int drop(int parent_fd)
{
	struct pollfd parent = { .fd = parent_fd };

	if (setgroups(0, NULL) < 0 || setresgid(CONFINED_GID, CONFINED_GID, CONFINED_GID) < 0 ||
	    setresuid(CONFINED_UID, CONFINED_UID, CONFINED_UID) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	return poll(&parent, 1, 0) ? -ESRCH : 0;
}

static void wait_and_end(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128);
}

int confine(const struct confinement *c, int last_fd, struct error *err)
{
	int r, alive[2];
	pid_t child;

	if (close_range((unsigned)last_fd + 1, ~0U, 0) < 0)
		return error_set_errno(err, errno, "closing descriptors");
	if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS) < 0 ||
	    pipe2(alive, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "making namespaces");
	child = fork();
	if (child > 0)
		wait_and_end(child);
	if (child < 0)
		return error_set_errno(err, errno, "fork");
	fd_close(alive[1]);
	if (change_root(c, err) < 0)
		return -1;
	r = limit(c);
	if (r == 0)
		r = drop(alive[0]);
	return r < 0 ? error_set_errno(err, r, "giving up privileges") : 0;
}
