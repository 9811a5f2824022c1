/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#pragma once

#include "daemon/walls/walls.h"
#include "net/rules.h"
#include "store/number.h"

#define WALLS_MAX_RESOLVERS 8

struct walls {
	const struct platform *platform;
	char *why_not; /* NULL: they are up */
	struct net_range range;
	bool was_router; /* the machine forwarded packets before twelve did */
	unsigned last_index;
	char *resolv_path; /* RUN/resolv.conf */
	char *resolv_text; /* what is in it */
	struct net_egress resolvers[WALLS_MAX_RESOLVERS];
	size_t n_resolvers;
	/* By number: clock_now_ms() when it was asked for last. */
	int64_t given_ms[STORE_NUMBER_MAX + 1];
	/* Rules (rules.c). */
	struct walls_follower follower;
	struct net_reach *reaches; /* while they are collected; as the next four */
	size_t n_reaches;
	uint32_t *closed;
	size_t n_closed;
	struct net_egress *allowed;
	size_t n_allowed;
	struct child *loading;			/* nft, under way */
	uint64_t changes;			/* so far */
	uint64_t loading_change, loaded_change; /* the last that these rules know */
	struct watch *timer;
	int events_fd; /* what nftables tells of its tables; -1: nothing */
	struct watch *events, *minute;
};

static inline bool is_up(const struct walls *w)
{
	return !w->why_not;
}

/* ---- machine.c: the machine's own settings ---- */

/* Makes a network with this link, which goes away again; *err says why it can't. */
int machine_try(const struct net_link *l, struct error *err);
/* Whether the range is free, and whether there is IPv6: sets w->range. */
int machine_look(struct walls *w, struct error *err);
/* Has it forward packets; notes what was before. */
int machine_forward(struct walls *w, struct error *err);
/* As it was. */
void machine_restore(const struct walls *w);

/* Pure parts. The first network in the text of /proc/net/route that lies in the range, by its
 * interface; false: none. Links of sandboxes do not count. */
bool machine_overlap(const char *routes, const struct net_range *range, char iface[static 16]);
/* Whether the text of /proc/net/ipv6_route has a way to everywhere. */
bool machine_has_ipv6(const char *routes);

/* ---- resolvers.c ---- */

/* Reads the machine's resolvers, and writes RUN/resolv.conf where it differs. True: they changed. */
bool resolvers_read(struct walls *w);
/*
 * Pure part: from the text of a resolv.conf(5), what sandboxes get: its resolvers, but those on the
 * loopback, which are out of reach for them, and its other lines. Heap.
 */
char *resolvers_text(const char *conf, const char *instead, struct net_egress *ret, size_t *ret_n);

/* ---- numbers.c ---- */

/* The number of an app or add-on; 0 for "". */
int numbers_of(struct walls *w, const char *id, uint32_t *ret, struct error *err);

/* ---- rules.c ---- */

int rules_start(struct walls *w, struct error *err);
void rules_stop(struct walls *w);
