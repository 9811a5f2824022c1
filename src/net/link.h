/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network namespace for one sandbox, joined to the machine by a pair of virtual
 * interfaces (veth(4)); docs/decisions/0043. Needs libc and libmnl only, as there
 * are many supervisors.
 *
 *   the sandbox's namespace                          the machine's
 *   lo
 *   eth0, address/32, the route to all ──────────── host_name, group,
 *         by way of gateway                          the route to address/32
 *
 * There is no bridge: each pair is a network of two, whose neighbours are entries
 * that never expire, so no ARP or neighbour discovery is sent or believed. All host
 * ends have the gateway's address.
 *
 * Nothing has to be removed: the kernel destroys the namespace with its last
 * process, and with it both interfaces and their routes.
 *
 * What may pass is said by the rules (net/rules.h), which know a host end by its
 * name and its group.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* All host ends of all platforms are called this and more (net/plan.h). */
#define NET_NAME_PREFIX "tw"
#define NET_NAME_MAX 16 /* IFNAMSIZ */

struct net_link {
	char host_name[NET_NAME_MAX];
	uint32_t group; /* of the host end (ip-link(8), "group"): whose sandbox it is */
	struct in_addr address, gateway;
	bool ipv6; /* the next two count */
	struct in6_addr address6, gateway6;
};

/*
 * Moves the calling process, which has one thread, into a new namespace with this
 * link. It takes CAP_SYS_ADMIN and CAP_NET_ADMIN. Unix sockets that have a path go
 * on as before. Abstract ones of the machine are out of reach.
 *
 * In the namespace ports below 1024 may be bound without privilege.
 *
 * A namespace with the same link that has just lost its last process may take the
 * kernel a moment to end: this waits for it, 10 s at most.
 *
 * On failure the process may be in the new namespace, without a network: end it.
 */
int net_enter(const struct net_link *l, struct error *err);
/*
 * The same, and the process stays where it is: *ret_fd, which is close-on-exec, keeps
 * the namespace for as long as it is open, and is what setns(2) takes.
 */
int net_make(const struct net_link *l, int *ret_fd, struct error *err);

/* The link as text, for an order to another process, and back. */
#define NET_LINK_TEXT_MAX 192
void net_link_print(const struct net_link *l, char text[static NET_LINK_TEXT_MAX]);
/* False for a text that net_link_print() does not write. */
bool net_link_parse(const char *text, struct net_link *ret);
