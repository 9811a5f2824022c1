/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles on disk, and running one to its end, for builds; see sandbox.h.
 *
 * A helper process does the work: a mount namespace, the scratch, the
 * container, and it tells the result by a pipe. The container's life hangs on a
 * pipe whose write end the caller holds, so closing it (time is up, the disk is full)
 * or dying ends the container; the helper dies with the caller.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "sandbox/container.h"
#include "sandbox/io-weight.h"
#include "sandbox/sandbox.h"

#define POLL_MS 500
#define HOSTS "/etc/hosts"
#define HOSTS_MAX_BYTES (4 << 20)

static int write_json(const char *dir, const char *name, json_t *take, const char *id,
		      struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	char *text;
	int r;

	if (!take)
		return error_set(err, ERROR_SYSTEM, "the bundle of %s holds text that is not UTF-8",
				 id);
	text = json_dumps(take, JSON_INDENT(1));
	json_decref(take);
	r = fs_mkdirs(dir, 0700);
	if (r == 0)
		r = fs_write_fleeting(path, 0600, text, strlen(text));
	free(text);
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

static int write_hosts(const char *path, const char *hostname, struct error *err)
{
	_cleanup_buf_ struct buf machine = BUF_INIT;
	_cleanup_free_ char *text = NULL;
	int r = fs_read_file(HOSTS, HOSTS_MAX_BYTES, &machine);

	if (r < 0 && r != -ENOENT)
		return error_set_errno(err, r, "reading " HOSTS);
	text = sandbox_hosts(hostname, r == 0 ? machine.data : NULL);
	r = fs_write_fleeting(path, 0644, text, strlen(text));
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

/* Always written: the bundle before it in the same directory may have had others. */
static int write_layers(const char *bundle_dir, char *const *layers, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" SANDBOX_LAYERS_FILE, bundle_dir);
	_cleanup_buf_ struct buf names = BUF_INIT;
	int r;

	for (; layers && *layers; layers++)
		buf_append(&names, *layers, strlen(*layers) + 1);
	r = fs_mkdirs(bundle_dir, 0700);
	if (r == 0)
		r = fs_write_fleeting(path, 0600, names.data, names.len);
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

/*
 * Where the runtime finds the root: runtimes refuse a path through a symbolic link. The directory
 * is there outside of the mounts, too: one more process for the sandbox (container_enter()) is
 * started from others, and runc goes to the root first.
 */
static char *root_path(const struct sandbox_spec *s)
{
	_cleanup_free_ char *root = NULL;
	int r;

	if (strv_len(s->layers) < 2)
		return xstrdup(s->layers ? s->layers[0] : s->rootfs);
	root = xasprintf("%s/root", s->scratch_dir);
	r = fs_mkdirs(s->scratch_dir, 0700);
	if (r == 0)
		r = fs_mkdirs(root, 0700);
	errno = -r;
	return r == 0 ? realpath(root, NULL) : NULL;
}

int sandbox_write_bundle(const char *bundle_dir, const struct sandbox_spec *s, struct error *err)
{
	_cleanup_free_ char *hosts = xasprintf("%s/hosts", bundle_dir), *root = root_path(s);
	struct sandbox_spec whole = *s;
	int r;

	if (!root)
		return error_set_errno(err, errno, "making %s", s->scratch_dir);
	whole.hosts_path = hosts;
	whole.rootfs = root;
	if (write_layers(bundle_dir, s->layers, err) < 0 ||
	    write_json(bundle_dir, "config.json", sandbox_config(&whole), s->id, err) < 0)
		return -1;
	r = io_weight_write(bundle_dir, s->limits.cpu_shares);
	if (r < 0)
		return error_set_errno(err, r, "writing %s", bundle_dir);
	return write_hosts(hosts, s->hostname, err);
}

int sandbox_write_process(const char *bundle_dir, const struct sandbox_spec *s, struct error *err)
{
	return write_json(bundle_dir, "process.json", sandbox_process(s), s->id, err);
}

/* What the helper sends. */
struct report {
	int status; /* of the container's init, as of waitpid(2) */
	bool oom;
	struct error err;
};

struct helper {
	const struct sandbox_spec *spec;
	const struct sandbox_run_options *o;
	int report_fd;
	int alive_fd;
	pid_t parent;
};

static int run_container(const struct helper *h, struct report *r)
{
	const struct container c = { .runtime = h->o->runtime->path,
				     .runtime_root = h->o->runtime_root,
				     .id = h->spec->id,
				     .bundle_dir = h->o->bundle_dir,
				     .work_dir = h->o->bundle_dir };
	const struct container_stdio s = { .fds = { -1, h->o->output_fd, h->o->output_fd },
					   .env_fd = h->o->env_fd,
					   .alive_fd = h->alive_fd };
	pid_t pid;
	int e;

	if (h->spec->net_fd > 0 && setns(h->spec->net_fd, CLONE_NEWNET) < 0)
		return error_set_errno(&r->err, errno, "entering its network");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return error_set_errno(&r->err, errno, "making a mount namespace");
	e = sandbox_mount_scratch(h->spec->scratch_dir, h->o->bundle_dir,
				  h->spec->limits.scratch_bytes);
	if (e < 0)
		return error_set_errno(&r->err, e,
				       "mounting the scratch file system and the stack's layers");
	if (container_start(&c, &s, &pid, &r->err) < 0)
		return error_prefix(&r->err, "the sandbox could not be made");
	/* crun leaves a process of its own, and the sandbox's init is that one's child until it ends. */
	for (pid_t ended = 0; ended != pid;) {
		ended = waitpid(-1, &r->status, 0);
		if (ended < 0 && errno != EINTR)
			return error_set_errno(&r->err, errno, "waiting for the sandbox");
	}
	r->oom = container_was_oom_killed(h->spec->id);
	container_delete(&c);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/*
 * The caller may hold other sandboxes' pipes of life, which must not live on in
 * here: all descriptors but stdio and our own are closed.
 */
static void close_others(const struct helper *h)
{
	int keep[] = { h->report_fd, h->alive_fd, h->o->output_fd, h->o->env_fd, h->spec->net_fd };
	int from = STDERR_FILENO + 1;

	qsort(keep, ARRAY_SIZE(keep), sizeof(keep[0]), by_number);
	for (size_t i = 0; i < ARRAY_SIZE(keep); i++) {
		if (keep[i] < from)
			continue;
		if (keep[i] > from)
			close_range((unsigned)from, (unsigned)keep[i] - 1, 0);
		from = keep[i] + 1;
	}
	close_range((unsigned)from, ~0U, 0);
}

static void helper_main(const struct helper *h)
{
	struct report r = { .err = ERROR_INIT };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != h->parent)
		_exit(1);
	close_others(h);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	run_container(h, &r);
	_exit(fd_write_all(h->report_fd, &r, sizeof(r)) < 0);
}

/* Waits for the helper's report; closes *alive_fd when time is up or the caller wants to stop. */
static enum sandbox_end wait_for_end(const struct sandbox_run_options *o, int report_fd,
				     int *alive_fd)
{
	int64_t deadline_ms = o->timeout_ms ? clock_now_ms() + o->timeout_ms : INT64_MAX;
	enum sandbox_end end = SANDBOX_ENDED;

	for (;;) {
		struct pollfd p = { .fd = report_fd, .events = POLLIN };

		if (poll(&p, 1, POLL_MS) > 0)
			return end;
		if (*alive_fd < 0)
			continue;
		if (o->should_stop && o->should_stop(o->userdata))
			end = SANDBOX_STOPPED;
		else if (clock_now_ms() > deadline_ms)
			end = SANDBOX_TIMEOUT;
		else
			continue;
		*alive_fd = fd_close(*alive_fd);
	}
}

int sandbox_run(const struct sandbox_spec *s, const struct sandbox_run_options *o,
		struct sandbox_result *ret, struct error *err)
{
	_cleanup_fd_ int report_read = -1, report_write = -1, alive_read = -1, alive_write = -1;
	struct helper h = { .spec = s, .o = o, .parent = getpid() };
	struct report r = { 0 };
	int report[2], alive[2];
	enum sandbox_end end;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "pipe");
	report_read = report[0];
	report_write = report[1];
	if (pipe2(alive, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "pipe");
	alive_read = alive[0];
	alive_write = alive[1];
	h.report_fd = report_write;
	h.alive_fd = alive_read;
	pid = fork();
	if (pid == 0)
		helper_main(&h);
	if (pid < 0)
		return error_set_errno(err, errno, "fork");
	report_write = fd_close(report_write);
	alive_read = fd_close(alive_read);
	end = wait_for_end(o, report_read, &alive_write);
	if (fd_read(report_read, &r, sizeof(r)) != sizeof(r)) {
		error_set(&r.err, ERROR_SYSTEM, "the sandbox's helper was killed");
		sandbox_delete(o->runtime, o->runtime_root, s->id, &r.err);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (r.err.kind != ERROR_NONE) {
		*err = r.err;
		return -1;
	}
	ret->exit_code = proc_exit_code(r.status);
	/* A build that went on without what was killed, and ended well, is a good build. */
	ret->end = end == SANDBOX_ENDED && r.oom && ret->exit_code ? SANDBOX_OOM : end;
	return 0;
}
