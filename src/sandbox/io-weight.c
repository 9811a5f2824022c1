/* SPDX-License-Identifier: Apache-2.0 */
/* The weight of a sandbox at the disks; see io-weight.h. */
#include "sandbox/io-weight.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"

#define ONE 100
#define MAX_WEIGHT 10000
#define FILE_NAME "io-weight"

/* What there may be: of version 1, and of version 2 by either scheduler. BFQ's weights go to 1,000. */
static const struct {
	const char *below, *file;
	unsigned divisor;
} files[] = {
	{ "/blkio", "blkio.bfq.weight", 10 },
	{ "", "io.bfq.weight", 10 },
	{ "", "io.weight", 1 },
};

unsigned io_weight_of(uint64_t cpu_shares)
{
	uint64_t shares = cpu_shares ? cpu_shares : 1024;

	if (shares >= (uint64_t)MAX_WEIGHT * 1024 / ONE)
		return MAX_WEIGHT;
	return shares < 1024 / ONE + 1 ? 1 : (unsigned)(shares * ONE / 1024);
}

int io_weight_write(const char *bundle_dir, uint64_t cpu_shares)
{
	_cleanup_free_ char *path = xasprintf("%s/" FILE_NAME, bundle_dir);
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", io_weight_of(cpu_shares));

	return fs_write_fleeting(path, 0600, text, (size_t)n);
}

/* 1, 0 where there is no such file, or a negative errno. */
static int put(const char *path, unsigned weight)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	char text[16];
	int r, n = snprintf(text, sizeof(text), "%u", weight);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = fd_write_all(fd, text, (size_t)n);
	return r < 0 ? r : 1;
}

int io_weight_apply(const char *root, const char *bundle_dir, const char *id)
{
	_cleanup_free_ char *path = xasprintf("%s/" FILE_NAME, bundle_dir);
	_cleanup_buf_ struct buf text = BUF_INIT;
	int64_t weight;
	int r = fs_read_file(path, 32, &text), n = 0;

	/* A bundle of before there were weights. */
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!str_to_i64(str_trim(text.data), 1, MAX_WEIGHT, &weight))
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *file = xasprintf("%s/sys/fs/cgroup%s/twelve/%s/%s", root,
						      files[i].below, id, files[i].file);
		unsigned share = (unsigned)weight / files[i].divisor;

		r = put(file, share ? share : 1);
		if (r < 0)
			return r;
		n += r;
	}
	return n;
}
