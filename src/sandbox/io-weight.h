/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sandbox's share of the disks' time, when they are busy: as its share of the processors, by a weight in its
 * cgroup. The kernel has one where BFQ or io.cost schedules (cgroup-v2.rst, "IO"; bfq-iosched.rst), and
 * elsewhere it has none; so it is written after the start, where there is a file for it, and not asked of
 * the runtime, which ends a start that it can't give a weight.
 *
 * The bundle tells its runner, as with the layers (scratch.h).
 */
#pragma once

#include <stdint.h>

/* cpu_shares: 1024 is one; 0: one. As io.weight has it: 100 is one, from 1 to 10,000. */
unsigned io_weight_of(uint64_t cpu_shares);

/* Leaves the weight in a bundle. 0 or a negative errno. */
int io_weight_write(const char *bundle_dir, uint64_t cpu_shares);

/*
 * Gives the cgroup of this sandbox the weight that the bundle has. root: "" on a machine, a directory in
 * tests. How many files took it: 0 where the kernel has none, or a negative errno.
 */
int io_weight_apply(const char *root, const char *bundle_dir, const char *id);
