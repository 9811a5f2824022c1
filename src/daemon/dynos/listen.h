/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who listens on a port, asked of the kernel by sock_diag(7): one question with one answer,
 * whatever an app holds open (docs/decisions/0022). A socket is a dyno's when it was made in the
 * dyno's cgroup of version 2, which the kernel remembers for each socket.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define LISTEN_MAX_PORTS 16

enum listen_owner {
	LISTEN_NOBODY,
	LISTEN_OURS,
	LISTEN_OTHER,
};

/*
 * Whose socket gets a connection to 127.0.0.1:port. cgroup_id: of the dyno; 0 where the kernel has
 * no cgroup of version 2 for it: then a socket of the user of all dynos (uid) counts. A negative
 * errno when the kernel could not be asked.
 */
int listen_owner(uint16_t port, uint64_t cgroup_id, unsigned uid, enum listen_owner *ret);

/*
 * The ports on which the cgroup's sockets listen, at whatever address, sorted, one each; returns
 * how many. The kernel walks all listening sockets of the machine for it: for a sentence to people,
 * not for each look.
 */
size_t listen_ports(uint64_t cgroup_id, uint16_t ports[static LISTEN_MAX_PORTS]);
