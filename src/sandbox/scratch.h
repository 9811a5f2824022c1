/* SPDX-License-Identifier: Apache-2.0 */
/* The scratch file system of a sandbox (docs/decisions/0007), apart from the rest because twelve-dyno needs only this. */
#pragma once

#include <stdint.h>

/*
 * Mounts a tmpfs of `bytes` (0: 512 MiB) at scratch_dir, which is made, with the
 * directories upper, work and tmp in it. The caller has a mount namespace of
 * its own, so the mount goes with the process. 0 or a negative errno.
 */
int sandbox_mount_scratch(const char *scratch_dir, uint64_t bytes);
