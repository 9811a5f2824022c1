/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses by index; see plan.h. */
#include "net/plan.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

void net_range_prefix(const struct net_range *r, char prefix[static NET_PREFIX_MAX])
{
	snprintf(prefix, NET_PREFIX_MAX, NET_NAME_PREFIX "%04x-", ntohl(r->v4.s_addr) >> 16);
}

unsigned net_index_last(const struct net_range *r)
{
	/* Host ends have four hexadecimal digits; the highest address is the network's broadcast. */
	unsigned last = (1U << (32 - r->bits)) - 2;

	return last > 0xffff ? 0xffff : last;
}

static struct in_addr address4(const struct net_range *r, unsigned index)
{
	return (struct in_addr){ htonl(ntohl(r->v4.s_addr) + index) };
}

static struct in6_addr address6(const struct net_range *r, unsigned index)
{
	struct in6_addr a = r->v6;

	a.s6_addr[14] = (uint8_t)(index >> 8);
	a.s6_addr[15] = (uint8_t)index;
	return a;
}

struct net_link net_link_of(const struct net_range *r, unsigned index, uint32_t group)
{
	struct net_link l = { .group = group,
			      .address = address4(r, index),
			      .gateway = address4(r, NET_INDEX_MACHINE),
			      .ipv6 = r->ipv6 };
	char prefix[NET_PREFIX_MAX];

	net_range_prefix(r, prefix);
	snprintf(l.host_name, sizeof(l.host_name), "%s%04x", prefix, index & 0xffff);
	if (r->ipv6) {
		l.address6 = address6(r, index);
		l.gateway6 = address6(r, NET_INDEX_MACHINE);
	}
	return l;
}

unsigned net_link_index(const struct net_range *r, const struct net_link *l)
{
	uint32_t index = ntohl(l->address.s_addr) - ntohl(r->v4.s_addr);

	return index <= net_index_last(r) ? index : 0;
}

bool net_range_parse(const char *text, struct net_range *ret)
{
	_cleanup_free_ char *address = xstrndup(text, strcspn(text, "/"));
	const char *bits = text + strlen(address);
	int64_t n;

	if (*bits != '/' || !str_to_i64(bits + 1, 8, 16, &n) ||
	    inet_pton(AF_INET, address, &ret->v4) != 1 || ntohl(ret->v4.s_addr) << n != 0)
		return false;
	ret->bits = (unsigned)n;
	return true;
}

void net_range_set_local6(struct net_range *r, const char *uuid)
{
	size_t n = 1;

	r->ipv6 = true;
	memset(&r->v6, 0, sizeof(r->v6));
	r->v6.s6_addr[0] = 0xfd;
	for (const char *p = uuid; n < 6 && p[0] && p[1]; p++) {
		const char hex[3] = { p[0], p[1], '\0' };

		if (p[0] == '-')
			continue;
		r->v6.s6_addr[n++] = (uint8_t)strtoul(hex, NULL, 16);
		p++;
	}
}
