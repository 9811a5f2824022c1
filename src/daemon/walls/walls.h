/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network for each sandbox (docs/decisions/0043): whether this machine can have them, the link
 * that each sandbox gets, and the rules that say what passes between them.
 *
 * Nothing of a single sandbox's network is remembered here: the kernel knows which links there
 * are, and the store which number each app and add-on has.
 *
 * Where the walls are not up, sandboxes share the machine's network: because the operator wants it
 * (TWELVE_SHARED_NETWORK=1), or because the machine does not permit more, as in a container without
 * privileges. Then walls_why_not() says so, and walls_take() gives nothing.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/core/platform.h"
#include "net/egress.h"
#include "net/link.h"

struct walls;

/*
 * Tries whether the machine can, prepares it (forwarding, the resolvers' file), and loads rules by
 * which no sandbox reaches another, unless those of an earlier twelved are there. It waits for
 * programs: for the start alone. An error is a setting that can't be: TWELVE_NETWORK is in use.
 */
int walls_new(const struct platform *p, struct walls **ret, struct error *err);
/* The rules stay, for what runs. */
void walls_free(struct walls *w);
/* Takes the rules away, and forwarding where it was off before: nothing runs any more. */
void walls_shutdown(struct walls *w);

bool walls_are_up(const struct walls *w);
/* One sentence for people; "" when they are up. */
const char *walls_why_not(const struct walls *w);
/* What a sandbox's /etc/resolv.conf is. */
const char *walls_resolv_conf(const struct walls *w);

/*
 * A link for a sandbox of this app or add-on; "" stands for none of them: such a sandbox reaches
 * the public internet alone. ret->host_name is "" when the walls are not up. The link of an add-on's
 * server has the add-on's own address, and there may be one of it at a time.
 */
int walls_take(struct walls *w, const char *owner_id, struct net_link *ret, struct error *err);
int walls_take_server(struct walls *w, const char *addon_id, struct net_link *ret,
		      struct error *err);
/* Where the server of an add-on is reached: its own address, or the loopback's without walls. */
int walls_server_address(struct walls *w, const char *addon_id, struct in_addr *ret,
			 struct error *err);

/* ---- rules ---- */

/*
 * Whoever knows what reaches what is asked for it by `collect`, which calls walls_reach(),
 * walls_close() and walls_allow(). `settled` is called when rules of now have been loaded.
 * Without a follower (all NULL) the rules stay as they are.
 */
struct walls_follower {
	int (*collect)(struct walls *w, void *userdata, struct error *err);
	void (*settled)(void *userdata);
	void *userdata;
};
void walls_follow(struct walls *w, const struct walls_follower *f);
/* Sandboxes of this app, or of the add-on itself, reach the server of the add-on at this TCP port. */
int walls_reach(struct walls *w, const char *from_id, const char *addon_id, uint16_t port,
		struct error *err);
/* Sandboxes of this app reach nothing outside but what walls_allow() names. */
int walls_close(struct walls *w, const char *app_id, struct error *err);
/* They reach this though it is not public, or though their app is closed. The group is filled in. */
int walls_allow(struct walls *w, const char *app_id, const struct net_egress *to,
		struct error *err);
/*
 * What rules are made from has changed: they are loaded anew, soon. Returns the number of this
 * change. walls_hold() says whether rules that know it are loaded; without walls, always. Whoever
 * gives an app the address of a server waits for that first.
 */
uint64_t walls_change(struct walls *w);
bool walls_hold(const struct walls *w, uint64_t change);
