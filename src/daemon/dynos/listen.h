/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who listens on a port, asked of the kernel by sock_diag(7): one question with one answer,
 * whatever an app holds open (docs/decisions/0022). A socket is a dyno's when it was made in the
 * dyno's cgroup of version 2, which the kernel remembers for each socket.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define LISTEN_MAX_PORTS 16

enum listen_owner {
	LISTEN_NOBODY,
	LISTEN_OURS,
	LISTEN_OTHER,
};

struct listen_where {
	/* Of a process in the dyno's own network namespace, where each socket is the dyno's; -1: it
	 * shares ours. */
	int pid_fd;
	struct in_addr address; /* at which the router connects */
	/* In a shared network: the dyno's cgroup of version 2; 0 where the kernel has none: then a
	 * socket of the user of all dynos counts. */
	uint64_t cgroup_id;
	unsigned uid;
};

/*
 * Whose socket gets a connection to the port at where->address. A negative errno when the kernel
 * could not be asked; -ESRCH: the process has ended.
 */
int listen_owner(const struct listen_where *where, uint16_t port, enum listen_owner *ret);

/*
 * The ports on which the dyno's sockets listen, at whatever address, sorted, one each; returns how
 * many. In a shared network the kernel walks all listening sockets of the machine for it: for a
 * sentence to people, not for each look.
 */
size_t listen_ports(const struct listen_where *where, uint16_t ports[static LISTEN_MAX_PORTS]);
