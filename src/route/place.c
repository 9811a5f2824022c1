/* SPDX-License-Identifier: Apache-2.0 */
/* Where a dyno listens, and its text in HAProxy's words. */
#include <arpa/inet.h>
#include <stdio.h>

#include "base/str.h"
#include "route/route.h"

/* No server listens there, and none may: it is what a free slot has. */
#define NOWHERE "127.0.0.1"
#define NOWHERE_PORT 1U

bool route_place_same(const struct route_place *a, const struct route_place *b)
{
	return a->port == b->port && (!a->port || a->address.s_addr == b->address.s_addr);
}

void route_place_print(const struct route_place *p, char text[static ROUTE_PLACE_TEXT_MAX])
{
	char address[INET_ADDRSTRLEN] = NOWHERE;

	if (p->port)
		inet_ntop(AF_INET, &p->address, address, sizeof(address));
	snprintf(text, ROUTE_PLACE_TEXT_MAX, "%s:%u", address, p->port ? p->port : NOWHERE_PORT);
}

bool route_place_parse(const char *address, const char *port, struct route_place *ret)
{
	int64_t n;

	if (!str_to_i64(port, 0, UINT16_MAX, &n) || inet_pton(AF_INET, address, &ret->address) != 1)
		return false;
	ret->port = (uint64_t)n == NOWHERE_PORT ? 0 : (uint16_t)n;
	return true;
}
