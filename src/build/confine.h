/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process of ours that speaks to strangers gives up what it has before it does: it gets a user of
 * its own, an empty root with nothing in it but what names of hosts and certificates are looked up
 * in, namespaces of its own, and no capability. What it writes goes to descriptors that it was
 * given. For what is too small for a sandbox (sandbox/sandbox.h) and has to run where no stack is.
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
	const char *tree; /* a directory that it sees, and can't write to, as CONFINED_TREE; NULL:
			     none */
};
#define CONFINED_TREE "/tree"

/*
 * For a process that has one thread and has just begun. Descriptors above `last_fd` are closed.
 * Goes on in a child, which is the first process of its namespace; its parent, which waits for it,
 * ends as it does and takes it along when it is killed.
 */
int confine(const struct confinement *c, int last_fd, struct error *err);
