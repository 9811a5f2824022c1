/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of a machine's sandboxes: pure functions of an index, from 1.
 *
 *   1                   the machine's end of every pair
 *   2 to 4096           servers of add-ons, by number: an address that stays
 *   4097 to the last    everything else, in turn
 */
#pragma once

#include "net/link.h"

#define NET_INDEX_MACHINE 1U
#define NET_INDEX_SERVER(number) ((unsigned)(number) + 1U)
#define NET_INDEX_FIRST 4097U

struct net_range {
	struct in_addr v4;
	unsigned bits; /* of the prefix, 8 to 16 */
	bool ipv6;
	struct in6_addr v6; /* a prefix of 64 bits */
};

/*
 * What the host ends of a range's sandboxes are called, and the table of its rules: two platforms on a
 * machine have two ranges, and let each other alone.
 */
#define NET_PREFIX_MAX 8
void net_range_prefix(const struct net_range *r, char prefix[static NET_PREFIX_MAX]);
/* The last index. */
unsigned net_index_last(const struct net_range *r);
/* The link with this index; its host end is called by it. */
struct net_link net_link_of(const struct net_range *r, unsigned index, uint32_t group);
/* Which index a link has; 0: it is of another range. */
unsigned net_link_index(const struct net_range *r, const struct net_link *l);
/* "10.212.0.0/16"; false for another thing than a network of 8 to 16 bits. */
bool net_range_parse(const char *text, struct net_range *ret);
/* A unique local prefix (RFC 4193) for this machine, from the bytes of a random uuid. */
void net_range_set_local6(struct net_range *r, const char *uuid);
