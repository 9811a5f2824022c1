/* SPDX-License-Identifier: Apache-2.0 */
/* The scratch file system of a sandbox (docs/decisions/0007), apart from the rest because
 * twelve-dyno needs only this. */
#pragma once

#include <stdint.h>

/*
 * Mounts a tmpfs of `bytes` (0: 512 MiB), with a file for each 2 KiB, at scratch_dir, which is made, with the
 * directories upper, work, tmp and root in it; and at root, read-only, the bundle's layers, if
 * it has several. The caller has a mount namespace of its own, so the mounts go with
 * the process. 0 or a negative errno.
 */
int sandbox_mount_scratch(const char *scratch_dir, const char *bundle_dir, uint64_t bytes);

/* The file of a bundle that names the directories of its root, top first, each with its NUL: the
 * bundle tells all that its runner needs. */
#define SANDBOX_LAYERS_FILE "layers"
