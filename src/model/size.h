/* SPDX-License-Identifier: Apache-2.0 */
/* Dyno sizes: Heroku's names, with the limits that the sandbox keeps. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct dyno_size {
	const char *name; /* "standard-1x" */
	uint64_t memory_bytes;
	uint64_t cpu_shares; /* relative weight, 1024 is one, at the processors and the disks */
	double cpus;	     /* hard cap; 0: none */
	uint64_t pids;
};

extern const struct dyno_size dyno_sizes[];
extern const size_t n_dyno_sizes;
#define DYNO_SIZE_DEFAULT "standard-1x"

/* By name in any case, "Standard-1X" and "1X" too; NULL when there is none. */
const struct dyno_size *dyno_size_find(const char *name);
/* ERROR_INVALID, with the names that there are, for one (or NULL) that is none. */
int dyno_size_refuse(const char *name, struct error *err);

#define DYNO_SIZE_DISPLAY 32

/* "Standard-1X", as people write it. */
void size_display(const char *size, char buf[static DYNO_SIZE_DISPLAY]);
