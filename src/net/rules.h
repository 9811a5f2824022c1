/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may pass between sandboxes, the machine and the outside, as one table of nftables
 * (nft(8)). Rendering is a pure function of desired state; `nft -f -` replaces the whole
 * table in one transaction, so a kill leaves the old rules or the new ones.
 *
 * A sandbox is known by its host end's group (net/link.h), which is the number of the app
 * or add-on that it belongs to. So a dyno that starts or ends changes no rule: only an
 * attachment, an app's egress or a friendship does.
 *
 * From a sandbox, in this order:
 *   - a packet whose source is not the sandbox's own address: dropped
 *   - answers: passed
 *   - to another sandbox: only add-ons (`links`) and apps (`friends`) that are named
 *   - to the machine, at addresses that are not the loopback: the router's ports, and what `egress`
 *     names with a port
 *   - to a resolver, port 53
 *   - to what the app's egress names; else nothing for an app whose egress is closed
 *   - to the public internet: passed, with the machine's address; all else: refused
 *
 * To a sandbox: from the machine itself, and answers.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/egress.h"
#include "net/plan.h"

/* Sandboxes of `group` reach this address of another sandbox at this TCP port: an add-on's server. */
struct net_reach {
	uint32_t group;
	struct in_addr address;
	uint16_t port;
};

/* Sandboxes of `from` reach those of `to` at any TCP port. */
struct net_friend {
	uint32_t from, to;
};

struct net_rules {
	struct net_range range; /* of all sandboxes */
	bool was_router; /* the machine forwarded packets before twelve did: what is not ours is let alone */
	const uint16_t *router_ports;
	size_t n_router_ports;
	const struct net_egress *resolvers; /* group and port do not count */
	size_t n_resolvers;
	const struct net_reach *reaches;
	size_t n_reaches;
	const struct net_friend *friends;
	size_t n_friends;
	const uint32_t *closed; /* groups */
	size_t n_closed;
	const struct net_egress *egress;
	size_t n_egress;
};

/* The table's name, of family inet. */
#define NET_TABLE_MAX 16
void net_rules_table(const struct net_range *range, char name[static NET_TABLE_MAX]);
/* For `nft -f -`; the caller frees it. The same rules give the same text. */
char *net_rules_render(const struct net_rules *r);
