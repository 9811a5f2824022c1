/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drops the privileges of one of our processes before it handles untrusted data: it gets its own
 * user, its own namespaces, no capabilities, and an empty root that has only the files for host
 * name lookups and certificates. It writes to descriptors that it was given. For tasks that are too
 * small for a sandbox (sandbox/sandbox.h) or run where there is no stack.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* Nobody else's: not SANDBOX_UID, as which dynos run. */
#define CONFINED_UID 59013
#define CONFINED_GID 59013

struct confinement {
	uint64_t file_bytes; /* no file of it gets larger */
	int64_t cpu_seconds;
	const char *tree; /* a directory that it sees read-only as CONFINED_TREE; NULL: none */
};
#define CONFINED_TREE "/tree"

/* Call it in a single-threaded process that has just started. Closes descriptors above `last_fd`.
 * Continues in a child, the first process of its PID namespace. The parent waits and exits as the
 * child does; if the parent is killed, the child dies. */
int confine(const struct confinement *c, int last_fd, struct error *err);
