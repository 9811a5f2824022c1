/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds of git; see git.h. */
#include "base/git.h"

#include <unistd.h>

/* A part of the machine, between what a repository of a million objects takes and what nobody's
 * does. */
#define MEMORY_PART 32
#define MEMORY_MIN (192ULL << 20)
#define MEMORY_MAX (1ULL << 30)
#define CPU_SECONDS 900

struct proc_limits git_limits(void)
{
	uint64_t all = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE),
		 part = all / MEMORY_PART;

	return (struct proc_limits){ .data_bytes = part < MEMORY_MIN   ? MEMORY_MIN
						   : part > MEMORY_MAX ? MEMORY_MAX
								       : part,
				     .cpu_seconds = CPU_SECONDS };
}
