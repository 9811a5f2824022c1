/* SPDX-License-Identifier: Apache-2.0 */
/* The scratch file system; see scratch.h. */
#include "sandbox/scratch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/overlay.h"
#include "base/str.h"
#include "sandbox/sandbox.h"

#define DEFAULT_BYTES (512ULL << 20)
/* A file takes about a kilobyte of the kernel's memory, which the cgroup counts. So whoever makes very
 * many hears that there is no space left, and is not killed. */
#define BYTES_PER_FILE 2048

#define LAYERS_MAX_BYTES (64 << 10)

static int read_layers(const char *bundle_dir, char ***ret)
{
	_cleanup_free_ char *path = xasprintf("%s/" SANDBOX_LAYERS_FILE, bundle_dir);
	_cleanup_buf_ struct buf names = BUF_INIT;
	int r = fs_read_file(path, LAYERS_MAX_BYTES, &names);

	/* A bundle of before there were layers. */
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t at = 0; at < names.len; at += strlen(names.data + at) + 1)
		strv_push(ret, names.data + at);
	return 0;
}

static int mount_root(const char *scratch_dir, const char *bundle_dir)
{
	_cleanup_free_ char *root = xasprintf("%s/root", scratch_dir);
	_cleanup_strv_ char **layers = NULL;
	int r = read_layers(bundle_dir, &layers);

	return r < 0 || strv_len(layers) < 2
		       ? r
		       : overlay_mount(&(struct overlay){ .lower = layers }, root);
}

int sandbox_mount_scratch(const char *scratch_dir, const char *bundle_dir, uint64_t bytes)
{
	static const struct {
		const char *name;
		mode_t mode;
	} dirs[] = { { "upper", 0755 }, { "work", 0755 }, { "tmp", 01777 }, { "root", 0755 } };
	unsigned long long size = bytes ? bytes : DEFAULT_BYTES;
	char options[96];
	int r = fs_mkdirs(scratch_dir, 0700);

	if (r < 0)
		return r;
	snprintf(options, sizeof(options), "mode=0755,size=%llu,nr_inodes=%llu", size,
		 size / BYTES_PER_FILE);
	if (mount("scratch", scratch_dir, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", scratch_dir, dirs[i].name);

		if (mkdir(path, dirs[i].mode) < 0 || chmod(path, dirs[i].mode) < 0 ||
		    chown(path, SANDBOX_UID, SANDBOX_GID) < 0)
			return -errno;
	}
	return mount_root(scratch_dir, bundle_dir);
}
