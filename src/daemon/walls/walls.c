/* SPDX-License-Identifier: Apache-2.0 */
/* Whether there are walls, and the links of sandboxes; see walls.h. */
#include <net/if.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/str.h"
#include "daemon/walls/walls-priv.h"

/* Indexes go round and round, and there are 61,000 of them: one that a process was given a moment
 * ago, and has not made yet, is not given again. After a start they begin somewhere. */
static void begin_somewhere(struct walls *w)
{
	unsigned n = net_index_last(&w->range) - NET_INDEX_FIRST + 1, random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (unsigned)w->platform->started_ms;
	w->last_index = NET_INDEX_FIRST + random % n;
}

/* The next whose link the kernel does not have. */
static int next_link(struct walls *w, uint32_t group, struct net_link *ret, struct error *err)
{
	unsigned last = net_index_last(&w->range);

	for (unsigned i = NET_INDEX_FIRST; i <= last; i++) {
		w->last_index = w->last_index >= last ? NET_INDEX_FIRST : w->last_index + 1;
		*ret = net_link_of(&w->range, w->last_index, group);
		if (!if_nametoindex(ret->host_name))
			return 0;
	}
	return error_set(err, ERROR_UNAVAILABLE, "All addresses of TWELVE_NETWORK are in use");
}

static int come_up(struct walls *w, struct error *err)
{
	struct error cannot = ERROR_INIT;
	struct net_link link;

	if (machine_look(w, err) < 0)
		return -1;
	begin_somewhere(w);
	resolvers_read(w);
	if (next_link(w, 0, &link, &cannot) < 0 || machine_try(&link, &cannot) < 0 ||
	    machine_forward(w, &cannot) < 0 || rules_start(w, &cannot) < 0)
		w->why_not = xasprintf("Sandboxes share the machine's network, since it permits "
				       "no other: %s",
				       cannot.message);
	else if (!w->n_resolvers)
		log_warn("sandboxes have no resolver, since those of this machine are on its "
			 "loopback: set TWELVE_RESOLVERS");
	return 0;
}

int walls_new(const struct platform *p, struct walls **ret, struct error *err)
{
	struct walls *w = xcalloc(1, sizeof(*w));

	*w = (struct walls){ .platform = p, .events_fd = -1 };
	w->resolv_path = xasprintf("%s/resolv.conf", p->settings.run_dir);
	if (p->settings.shared_network)
		w->why_not = xstrdup("Sandboxes share the machine's network: "
				     "TWELVE_SHARED_NETWORK is set");
	else if (come_up(w, err) < 0) {
		walls_free(w);
		return -1;
	}
	if (w->why_not)
		log_warn("%s", w->why_not);
	*ret = w;
	return 0;
}

void walls_free(struct walls *w)
{
	if (!w)
		return;
	rules_stop(w);
	free(w->resolv_path);
	free(w->resolv_text);
	free(w->reaches);
	free(w->closed);
	free(w->allowed);
	free(w->why_not);
	free(w);
}

bool walls_are_up(const struct walls *w)
{
	return is_up(w);
}

const char *walls_why_not(const struct walls *w)
{
	return w->why_not ? w->why_not : "";
}

const char *walls_resolv_conf(const struct walls *w)
{
	return is_up(w) ? w->resolv_path : "/etc/resolv.conf";
}

int walls_take(struct walls *w, const char *owner_id, struct net_link *ret, struct error *err)
{
	uint32_t group;

	*ret = (struct net_link){ 0 };
	if (!is_up(w))
		return 0;
	/* Another platform of the machine may have ended, and turned it off. */
	if (machine_forward(w, err) < 0 || numbers_of(w, owner_id, &group, err) < 0)
		return -1;
	return next_link(w, group, ret, err);
}

int walls_take_server(struct walls *w, const char *addon_id, struct net_link *ret,
		      struct error *err)
{
	uint32_t group;

	*ret = (struct net_link){ 0 };
	if (!is_up(w))
		return 0;
	if (numbers_of(w, addon_id, &group, err) < 0)
		return -1;
	*ret = net_link_of(&w->range, NET_INDEX_SERVER(group), group);
	return 0;
}

int walls_server_address(struct walls *w, const char *addon_id, struct in_addr *ret,
			 struct error *err)
{
	struct net_link link;

	if (walls_take_server(w, addon_id, &link, err) < 0)
		return -1;
	*ret = link.host_name[0] ? link.address : (struct in_addr){ htonl(INADDR_LOOPBACK) };
	return 0;
}

int walls_reach(struct walls *w, const char *from_id, const char *addon_id, uint16_t port,
		struct error *err)
{
	struct net_reach r = { .port = port };

	if (numbers_of(w, from_id, &r.group, err) < 0 ||
	    walls_server_address(w, addon_id, &r.address, err) < 0)
		return -1;
	w->reaches = xrealloc(w->reaches, (w->n_reaches + 1) * sizeof(*w->reaches));
	w->reaches[w->n_reaches++] = r;
	return 0;
}

int walls_close(struct walls *w, const char *app_id, struct error *err)
{
	uint32_t group;

	if (numbers_of(w, app_id, &group, err) < 0)
		return -1;
	w->closed = xrealloc(w->closed, (w->n_closed + 1) * sizeof(*w->closed));
	w->closed[w->n_closed++] = group;
	return 0;
}

int walls_allow(struct walls *w, const char *app_id, const struct net_egress *to, struct error *err)
{
	struct net_egress e = *to;

	if (numbers_of(w, app_id, &e.group, err) < 0)
		return -1;
	w->allowed = xrealloc(w->allowed, (w->n_allowed + 1) * sizeof(*w->allowed));
	w->allowed[w->n_allowed++] = e;
	return 0;
}
