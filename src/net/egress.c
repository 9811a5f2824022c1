/* SPDX-License-Identifier: Apache-2.0 */
/* Destinations as text; see egress.h. */
#include "net/egress.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

const char *const net_private4[] = { "0.0.0.0/8",     "10.0.0.0/8",	"100.64.0.0/10",
				     "127.0.0.0/8",   "169.254.0.0/16", "172.16.0.0/12",
				     "192.0.0.0/24",  "192.88.99.0/24", "192.168.0.0/16",
				     "198.18.0.0/15", "224.0.0.0/3",	NULL };
const char *const net_private6[] = {
	"::/3", "4000::/2", "8000::/1", "2001::/23", "2002::/16", NULL
};

/* The n-th bit of an address, from the first. */
static bool bit(const unsigned char *bytes, unsigned n)
{
	return bytes[n / 8] >> (7 - n % 8) & 1;
}

static const unsigned char *bytes_of(const struct net_egress *e)
{
	return (const unsigned char *)&e->address;
}

static unsigned bits_of(int family)
{
	return family == AF_INET ? 32 : 128;
}

static bool has_rest(const struct net_egress *e)
{
	for (unsigned i = e->bits; i < bits_of(e->family); i++)
		if (bit(bytes_of(e), i))
			return true;
	return false;
}

/* "198.51.100.0/24:443" in its parts; the port and the prefix may be missing (NULL). */
static void split(char *text, char **ret_address, char **ret_bits, char **ret_port)
{
	char *end, *colon;

	*ret_bits = *ret_port = NULL;
	*ret_address = text;
	if (*text == '[' && (end = strchr(text, ']'))) {
		*ret_address = text + 1;
		*end++ = '\0';
		colon = strchr(end, ':');
	} else {
		end = text;
		colon = strchr(text, ':');
		/* Of IPv6 without brackets: no port. */
		if (colon && strchr(colon + 1, ':'))
			colon = NULL;
	}
	if (colon) {
		*colon = '\0';
		*ret_port = colon + 1;
	}
	end = strchr(end, '/');
	if (end) {
		*end = '\0';
		*ret_bits = end + 1;
	}
}

int net_egress_parse(const char *text, struct net_egress *ret, struct error *err)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *address, *bits, *port;
	int64_t n_bits, n_port = 0;
	struct net_egress e = { .group = ret->group };

	split(copy, &address, &bits, &port);
	e.family = strchr(address, ':') ? AF_INET6 : AF_INET;
	n_bits = bits_of(e.family);
	if (inet_pton(e.family, address, &e.address) != 1 ||
	    (bits && !str_to_i64(bits, 0, bits_of(e.family), &n_bits)) ||
	    (port && !str_to_i64(port, 1, 65535, &n_port)))
		return error_set(err, ERROR_INVALID,
				 "\"%.80s\" is no destination: write an address or a network, and "
				 "a port if it is for one: 198.51.100.7:443, 198.51.100.0/24, "
				 "[2001:db8::7]:443",
				 text);
	e.bits = (unsigned)n_bits;
	e.port = (uint16_t)n_port;
	if (has_rest(&e))
		return error_set(err, ERROR_INVALID,
				 "%.80s is an address in a network of %u bits: write the network, "
				 "or the address alone",
				 text, e.bits);
	*ret = e;
	return 0;
}

void net_egress_print(const struct net_egress *e, char text[static NET_EGRESS_TEXT_MAX])
{
	char address[INET6_ADDRSTRLEN], prefix[8] = "", port[8] = "";
	bool in_brackets = e->family == AF_INET6 && e->port;

	inet_ntop(e->family, &e->address, address, sizeof(address));
	if (e->bits != bits_of(e->family))
		snprintf(prefix, sizeof(prefix), "/%u", e->bits);
	if (e->port)
		snprintf(port, sizeof(port), ":%u", e->port);
	snprintf(text, NET_EGRESS_TEXT_MAX, "%s%s%s%s%s", in_brackets ? "[" : "", address,
		 in_brackets ? "]" : "", prefix, port);
}

static bool overlap(const struct net_egress *a, const struct net_egress *b)
{
	unsigned n = a->bits < b->bits ? a->bits : b->bits;

	for (unsigned i = 0; i < n; i++)
		if (bit(bytes_of(a), i) != bit(bytes_of(b), i))
			return false;
	return true;
}

bool net_egress_is_public(const struct net_egress *e)
{
	const char *const *list = e->family == AF_INET ? net_private4 : net_private6;
	struct error ignored = ERROR_INIT;

	for (; *list; list++) {
		struct net_egress one = { 0 };

		if (net_egress_parse(*list, &one, &ignored) < 0 || overlap(e, &one))
			return false;
	}
	return true;
}
