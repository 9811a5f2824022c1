/* SPDX-License-Identifier: Apache-2.0 */
/* The scratch file system; see scratch.h. */
#include "sandbox/scratch.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "sandbox/sandbox.h"

#define DEFAULT_BYTES (512ULL << 20)

int sandbox_mount_scratch(const char *scratch_dir, uint64_t bytes)
{
	static const struct {
		const char *name;
		mode_t mode;
	} dirs[] = { { "upper", 0755 }, { "work", 0755 }, { "tmp", 01777 } };
	char options[64];
	int r = fs_mkdirs(scratch_dir, 0700);

	if (r < 0)
		return r;
	snprintf(options, sizeof(options), "mode=0755,size=%llu",
		 bytes ? (unsigned long long)bytes : DEFAULT_BYTES);
	if (mount("scratch", scratch_dir, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", scratch_dir, dirs[i].name);

		if (mkdir(path, dirs[i].mode) < 0 || chmod(path, dirs[i].mode) < 0 ||
		    chown(path, SANDBOX_UID, SANDBOX_GID) < 0)
			return -errno;
	}
	return 0;
}
