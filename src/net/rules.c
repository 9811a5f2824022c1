/* SPDX-License-Identifier: Apache-2.0 */
/* The table as text; see rules.h. */
#include "net/rules.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/buf.h"

/* Sandboxes of any platform. */
#define SANDBOXES "\"" NET_NAME_PREFIX "*\""

static void put_address(struct buf *b, int family, const void *address)
{
	char text[INET6_ADDRSTRLEN];

	buf_puts(b, inet_ntop(family, address, text, sizeof(text)));
}

static void put_element(struct buf *b, const struct net_egress *e)
{
	put_address(b, e->family, &e->address);
	buf_printf(b, "/%u", e->bits);
}

/* -- sets: each has its own elements, or none */

static void begin_set(struct buf *b, const char *name, const char *type, bool intervals)
{
	buf_printf(b, "\tset %s {\n\t\ttype %s\n", name, type);
	if (intervals)
		buf_puts(b, "\t\tflags interval\n\t\tauto-merge\n");
}

/* Before the n-th element of a set, from 0. */
static void next_element(struct buf *b, size_t *n)
{
	buf_puts(b, (*n)++ == 0 ? "\t\telements = { " : ", ");
}

static void end_set(struct buf *b, size_t n)
{
	buf_puts(b, n ? " }\n\t}\n" : "\t}\n");
}

static void put_resolvers(struct buf *b, const struct net_rules *r, int family)
{
	size_t n = 0;

	begin_set(b, family == AF_INET ? "resolvers4" : "resolvers6",
		  family == AF_INET ? "ipv4_addr" : "ipv6_addr", false);
	for (size_t i = 0; i < r->n_resolvers; i++) {
		if (r->resolvers[i].family != family)
			continue;
		next_element(b, &n);
		put_address(b, family, &r->resolvers[i].address);
	}
	end_set(b, n);
}

static void put_private(struct buf *b, const char *name, const char *type, const char *const *list)
{
	size_t n = 0;

	buf_printf(b, "\tset %s {\n\t\ttype %s\n\t\tflags interval\n", name, type);
	for (; *list; list++) {
		next_element(b, &n);
		buf_puts(b, *list);
	}
	end_set(b, n);
}

static void put_sets(struct buf *b, const struct net_rules *r)
{
	size_t n = 0;

	put_resolvers(b, r, AF_INET);
	put_resolvers(b, r, AF_INET6);
	begin_set(b, "links", "devgroup . ipv4_addr . inet_service", false);
	for (size_t i = 0; i < r->n_reaches; i++) {
		next_element(b, &n);
		buf_printf(b, "%u . ", r->reaches[i].group);
		put_address(b, AF_INET, &r->reaches[i].address);
		buf_printf(b, " . %u", r->reaches[i].port);
	}
	end_set(b, n);
	n = 0;
	begin_set(b, "friends", "devgroup . devgroup", false);
	for (size_t i = 0; i < r->n_friends; i++) {
		next_element(b, &n);
		buf_printf(b, "%u . %u", r->friends[i].from, r->friends[i].to);
	}
	end_set(b, n);
	n = 0;
	begin_set(b, "closed", "devgroup", false);
	for (size_t i = 0; i < r->n_closed; i++) {
		next_element(b, &n);
		buf_printf(b, "%u", r->closed[i]);
	}
	end_set(b, n);
	put_private(b, "private4", "ipv4_addr", net_private4);
	put_private(b, "private6", "ipv6_addr", net_private6);
}

/* -- chains */

/* Those with a port may lead to the machine itself: who names it without one would open all that
 * it serves. */
static void put_allowed(struct buf *b, const struct net_rules *r, const char *chain, bool with_port)
{
	buf_printf(b, "\tchain %s {\n", chain);
	for (size_t i = 0; i < r->n_egress; i++) {
		const struct net_egress *e = &r->egress[i];

		if (with_port && !e->port)
			continue;
		buf_puts(b, "\t\t");
		if (e->group != NET_GROUP_ALL)
			buf_printf(b, "iifgroup %u ", e->group);
		buf_puts(b, e->family == AF_INET ? "ip daddr " : "ip6 daddr ");
		put_element(b, e);
		if (e->port)
			buf_printf(b, " th dport %u", e->port);
		buf_puts(b, " accept\n");
	}
	buf_puts(b, "\t}\n");
}

static void put_egress(struct buf *b, const struct net_rules *r)
{
	put_allowed(b, r, "allowed", false);
	put_allowed(b, r, "allowed_ports", true);
	buf_puts(b, "\tchain egress {\n"
		    "\t\tjump allowed\n"
		    "\t\tiifgroup @closed goto refuse\n"
		    "\t\tip daddr @private4 goto refuse\n"
		    "\t\tip6 daddr @private6 goto refuse\n"
		    "\t\taccept\n\t}\n");
}

static void put_ports(struct buf *b, const struct net_rules *r)
{
	if (!r->n_router_ports)
		return;
	buf_puts(b, "\t\tfib daddr type local tcp dport { ");
	for (size_t i = 0; i < r->n_router_ports; i++)
		buf_printf(b, "%s%u", i ? ", " : "", r->router_ports[i]);
	buf_puts(b, " } ip daddr != 127.0.0.0/8 accept\n");
}

static void put_from_sandboxes(struct buf *b, const struct net_rules *r, const char *prefix)
{
	buf_puts(b, "\tchain refuse {\n"
		    "\t\tmeta l4proto tcp reject with tcp reset\n"
		    "\t\treject with icmpx admin-prohibited\n"
		    "\t}\n"
		    "\tchain resolve {\n"
		    "\t\tip daddr @resolvers4 meta l4proto { tcp, udp } th dport 53 accept\n"
		    "\t\tip6 daddr @resolvers6 meta l4proto { tcp, udp } th dport 53 accept\n"
		    "\t}\n");
	put_egress(b, r);
	buf_printf(b,
		   "\tchain between {\n"
		   "\t\tiifgroup . ip daddr . tcp dport @links accept\n"
		   "\t\tmeta l4proto tcp iifgroup . oifgroup @friends accept\n"
		   "\t\tgoto refuse\n"
		   "\t}\n"
		   "\tchain from_sandbox {\n"
		   "\t\tfib saddr . iif oif missing counter drop\n"
		   "\t\tct state established,related accept\n"
		   "\t\toifname \"%s*\" goto between\n"
		   "\t\tjump resolve\n"
		   "\t\tgoto egress\n"
		   "\t}\n"
		   "\tchain to_machine {\n"
		   "\t\tfib saddr . iif oif missing drop\n"
		   "\t\tct state established,related accept\n"
		   "\t\tjump resolve\n",
		   prefix);
	put_ports(b, r);
	buf_puts(b, "\t\tip daddr != 127.0.0.0/8 jump allowed_ports\n"
		    "\t\tgoto refuse\n\t}\n");
}

static void put_leave(struct buf *b, const struct net_rules *r, const char *prefix)
{
	buf_printf(b,
		   "\tchain leave {\n"
		   "\t\ttype nat hook postrouting priority srcnat; policy accept;\n"
		   "\t\toifname \"%s*\" accept\n"
		   "\t\tip saddr ",
		   prefix);
	put_address(b, AF_INET, &r->range.v4);
	buf_printf(b, "/%u masquerade\n", r->range.bits);
	if (r->range.ipv6) {
		buf_puts(b, "\t\tip6 saddr ");
		put_address(b, AF_INET6, &r->range.v6);
		buf_puts(b, "/64 masquerade\n");
	}
	buf_puts(b, "\t}\n");
}

static void put_hooks(struct buf *b, const struct net_rules *r, const char *prefix)
{
	buf_printf(b,
		   "\tchain forward {\n"
		   "\t\ttype filter hook forward priority filter; policy accept;\n"
		   "\t\tiifname \"%s*\" goto from_sandbox\n"
		   "\t\toifname \"%s*\" ct state established,related accept\n"
		   "\t\toifname \"%s*\" drop\n",
		   prefix, prefix, prefix);
	if (!r->was_router)
		buf_puts(b, "\t\tiifname != " SANDBOXES " oifname != " SANDBOXES " drop\n");
	buf_printf(b,
		   "\t}\n"
		   "\tchain input {\n"
		   "\t\ttype filter hook input priority filter; policy accept;\n"
		   "\t\tiifname \"%s*\" goto to_machine\n"
		   "\t}\n",
		   prefix);
	put_leave(b, r, prefix);
}

void net_rules_table(const struct net_range *range, char name[static NET_TABLE_MAX])
{
	snprintf(name, NET_TABLE_MAX, "twelve_%04x", ntohl(range->v4.s_addr) >> 16);
}

char *net_rules_render(const struct net_rules *r)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char table[NET_TABLE_MAX], prefix[NET_PREFIX_MAX];

	net_rules_table(&r->range, table);
	net_range_prefix(&r->range, prefix);
	/* One that is not there can't be deleted. */
	buf_printf(&b, "table inet %s\ndelete table inet %s\ntable inet %s {\n", table, table,
		   table);
	put_sets(&b, r);
	put_from_sandboxes(&b, r, prefix);
	put_hooks(&b, r, prefix);
	buf_puts(&b, "}\n");
	return buf_steal(&b);
}
