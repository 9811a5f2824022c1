/* SPDX-License-Identifier: Apache-2.0 */
/* Destinations outside that sandboxes reach besides, or instead of, the public internet: their text, and
 * what of it is public. Pure functions. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* In place of a group: every sandbox. */
#define NET_GROUP_ALL UINT32_MAX

struct net_egress {
	uint32_t group;
	int family; /* AF_INET or AF_INET6 */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} address;
	unsigned bits; /* of the prefix */
	uint16_t port; /* 0: all */
};

/*
 * "198.51.100.7", "198.51.100.0/24", "198.51.100.7:443", "2001:db8::/32", "[2001:db8::7]:443",
 * "[2001:db8::]/32:443". The group is left alone. ERROR_INVALID with a sentence.
 */
int net_egress_parse(const char *text, struct net_egress *ret, struct error *err);
#define NET_EGRESS_TEXT_MAX 64
/* The same thing always has the same text, which net_egress_parse() takes. */
void net_egress_print(const struct net_egress *e, char text[static NET_EGRESS_TEXT_MAX]);
/* Whether all of its addresses are public ones. */
bool net_egress_is_public(const struct net_egress *e);

/* Networks that are not public, by IANA's special-purpose registries (RFC 6890), as "10.0.0.0/8";
 * NULL-terminated. The metadata services of clouds are among the link-local ones. */
extern const char *const net_private4[];
/* 2000::/3 is what is handed out; in it, 2001::/23 and 6to4, which hold IPv4 addresses. */
extern const char *const net_private6[];
