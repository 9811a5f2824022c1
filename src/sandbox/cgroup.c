/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked of a sandbox's cgroup from outside, and the cleaning after a
 * supervisor that was killed; see sandbox.h. On version 1 there is a directory
 * below each controller, on version 2 there is one.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "sandbox/sandbox.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define PROCS_MAX (1 << 20)
/* The kernel ends a killed process at once, unless it waits for a disk. */
#define KILL_WAIT_MS 5000

static int read_pids(const char *dir, pid_t **ret, size_t *ret_n)
{
	_cleanup_free_ char *path = xasprintf("%s/cgroup.procs", dir);
	_cleanup_buf_ struct buf text = BUF_INIT;
	pid_t *pids = NULL;
	size_t n = 0;
	char *save = NULL;
	int r = fs_read_file(path, PROCS_MAX, &text);

	if (r < 0)
		return r;
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		pids = xrealloc(pids, (n + 1) * sizeof(*pids));
		pids[n++] = atoi(line);
	}
	*ret = pids;
	*ret_n = n;
	return 0;
}

/* The directory with the memory controller. */
static char *memory_dir(const struct sandbox_runtime *r, const char *cgroup_path)
{
	return xasprintf(CGROUP_ROOT "%s%s", r->cgroup == SANDBOX_CGROUP_V2 ? "" : "/memory",
			 cgroup_path);
}

int sandbox_pids(const struct sandbox_runtime *r, const char *cgroup_path, pid_t **ret,
		 size_t *ret_n)
{
	_cleanup_free_ char *dir = memory_dir(r, cgroup_path);

	return read_pids(dir, ret, ret_n);
}

uint64_t sandbox_cgroup_id(const struct sandbox_runtime *r, const char *cgroup_path)
{
	const char *v2 = r->cgroup == SANDBOX_CGROUP_V2 ? "" : "/unified";
	_cleanup_free_ char *dir = xasprintf(CGROUP_ROOT "%s%s", v2, cgroup_path);
	struct stat st;

	/* Its number in kernfs is its inode's. */
	return stat(dir, &st) == 0 ? st.st_ino : 0;
}

int sandbox_memory(const struct sandbox_runtime *r, const char *cgroup_path, uint64_t *ret_bytes)
{
	_cleanup_free_ char *dir = memory_dir(r, cgroup_path);
	_cleanup_free_ char *path = xasprintf(
		"%s/%s", dir,
		r->cgroup == SANDBOX_CGROUP_V2 ? "memory.current" : "memory.usage_in_bytes");
	_cleanup_buf_ struct buf text = BUF_INIT;
	int64_t v;
	int e = fs_read_file(path, 64, &text);

	if (e < 0)
		return e;
	if (!str_to_i64(str_trim(text.data), 0, INT64_MAX, &v))
		return -EINVAL;
	*ret_bytes = (uint64_t)v;
	return 0;
}

static void kill_and_wait(pid_t pid)
{
	_cleanup_fd_ int fd = proc_pidfd_open(pid);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd >= 0 && kill(pid, SIGKILL) == 0)
		poll(&p, 1, KILL_WAIT_MS);
}

static void sweep(const char *dir)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;

	if (read_pids(dir, &pids, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		kill_and_wait(pids[i]);
	rmdir(dir);
}

/*
 * A runtime that was killed between making the container and writing its
 * records leaves processes that `delete` does not know.
 */
static void sweep_cgroups(const char *id)
{
	_cleanup_free_ char *v2 = xasprintf(CGROUP_ROOT "/twelve/%s", id);
	_cleanup_strv_ char **names = NULL;

	sweep(v2);
	if (fs_list(CGROUP_ROOT, &names) < 0)
		return;
	for (size_t i = 0; i < strv_len(names); i++) {
		_cleanup_free_ char *v1 = xasprintf(CGROUP_ROOT "/%s/twelve/%s", names[i], id);

		sweep(v1);
	}
}

int sandbox_delete(const struct sandbox_runtime *r, const char *runtime_root, const char *id,
		   struct error *err)
{
	_cleanup_free_ char *state = xasprintf("%s/%s", runtime_root, id);
	const char *const argv[] = {
		r->path, "--root", runtime_root, "delete", "--force", id, NULL
	};
	int result = fs_exists(state) ? proc_run_simple(argv, err) : 0;

	sweep_cgroups(id);
	return result;
}
