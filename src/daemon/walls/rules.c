/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading the rules: what is wanted is collected and rendered (net/rules.h), and `nft -f -` replaces
 * the whole table in one transaction. One nft at a time; what changes meanwhile is loaded after it.
 *
 * Somebody else may flush all tables of the machine (`nft flush ruleset`, a reload of
 * nftables.service): the kernel tells, and the table is put back.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/core/child.h"
#include "daemon/walls/walls-priv.h"

#define AGAIN_MS 1000
#define MINUTE_MS 60000
#define LOAD_TIMEOUT_MS 30000
#define OUTPUT_MAX 4096

/* ---- the text ---- */

static uint16_t port_of(const char *address)
{
	const char *colon = strrchr(address, ':');
	int64_t n;

	return colon && str_to_i64(colon + 1, 1, 65535, &n) ? (uint16_t)n : 0;
}

/* TWELVE_PRIVATE_NETWORKS, which was checked when it was read, is for everybody. */
static int allow_all(struct walls *w, const char *networks, struct error *err)
{
	_cleanup_free_ char *words = xstrdup(networks);
	char *save = NULL;

	for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		struct net_egress e = { .group = NET_GROUP_ALL };

		if (net_egress_parse(word, &e, err) < 0)
			return error_prefix(err, "TWELVE_PRIVATE_NETWORKS");
		w->allowed = xrealloc(w->allowed, (w->n_allowed + 1) * sizeof(*w->allowed));
		w->allowed[w->n_allowed++] = e;
	}
	return 0;
}

static char *render(const struct walls *w)
{
	const struct settings *s = &w->platform->settings;
	const uint16_t ports[] = { port_of(s->http_address), port_of(s->https_address) };
	struct net_rules r = { .range = w->range,
			       .was_router = w->was_router,
			       .router_ports = ports,
			       .n_router_ports = ports[1] ? 2 : 1,
			       .resolvers = w->resolvers,
			       .n_resolvers = w->n_resolvers,
			       .reaches = w->reaches,
			       .n_reaches = w->n_reaches,
			       .closed = w->closed,
			       .n_closed = w->n_closed,
			       .egress = w->allowed,
			       .n_egress = w->n_allowed };

	return net_rules_render(&r);
}

/* ---- loading ---- */

static void drain_events(const struct walls *w)
{
	char text[8192];

	while (w->events_fd >= 0 && recv(w->events_fd, text, sizeof(text), MSG_DONTWAIT) > 0)
		;
}

static void on_loaded(const struct child_end *end, void *userdata)
{
	struct walls *w = userdata;
	char described[64];

	w->loading = NULL;
	/* Of its own changes. */
	drain_events(w);
	if (end->status != 0) {
		log_error("loading the network's rules: nft %s: %.500s",
			  proc_describe_status(end->status, described, sizeof(described)),
			  end->output);
		watch_arm(w->timer, AGAIN_MS);
		return;
	}
	w->loaded_change = w->loading_change;
	if (w->loaded_change != w->changes)
		watch_arm(w->timer, 0);
	if (w->follower.collect)
		w->follower.settled(w->follower.userdata);
}

static int load(struct walls *w, struct error *err)
{
	static const char *const argv[] = { "nft", "-f", "-", NULL };
	_cleanup_free_ char *text = NULL;

	w->n_reaches = w->n_closed = w->n_allowed = 0;
	if (allow_all(w, w->platform->settings.private_networks, err) < 0 ||
	    w->follower.collect(w, w->follower.userdata, err) < 0)
		return -1;
	text = render(w);
	w->loading_change = w->changes;
	return child_start(w->platform->loop,
			   &(struct child_options){ .argv = argv,
						    .input = text,
						    .max_output = OUTPUT_MAX,
						    .timeout_ms = LOAD_TIMEOUT_MS,
						    .on_end = on_loaded,
						    .userdata = w },
			   &w->loading, err);
}

static void on_timer(void *userdata)
{
	struct walls *w = userdata;
	struct error err = ERROR_INIT;

	if (w->loading || !w->follower.collect || w->loaded_change == w->changes ||
	    load(w, &err) == 0)
		return;
	log_error("the network's rules: %s", err.message);
	watch_arm(w->timer, AGAIN_MS);
}

uint64_t walls_change(struct walls *w)
{
	if (!is_up(w))
		return 0;
	watch_arm(w->timer, 0);
	return ++w->changes;
}

bool walls_hold(const struct walls *w, uint64_t change)
{
	return !is_up(w) || change <= w->loaded_change;
}

void walls_follow(struct walls *w, const struct walls_follower *f)
{
	w->follower = *f;
	if (f->collect)
		walls_change(w);
}

/* ---- who takes them away ---- */

static int on_attribute(const struct nlattr *a, void *userdata)
{
	const char **name = userdata;

	if (mnl_attr_get_type(a) == NFTA_TABLE_NAME &&
	    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0)
		*name = mnl_attr_get_str(a);
	return MNL_CB_OK;
}

/* Whether one of the messages says that our table was deleted. */
static bool tells_end(const struct walls *w, const void *text, size_t size)
{
	const struct nlmsghdr *h = text;
	char own[NET_TABLE_MAX];
	int left = (int)size;
	bool ends = false;

	net_rules_table(&w->range, own);
	for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		const char *name = NULL;

		if (h->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE))
			continue;
		mnl_attr_parse(h, sizeof(struct nfgenmsg), on_attribute, &name);
		ends = ends || (name && streq(name, own));
	}
	return ends;
}

static void on_events(void *userdata)
{
	struct walls *w = userdata;
	char text[8192];
	ssize_t n = recv(w->events_fd, text, sizeof(text), MSG_DONTWAIT);

	/* What was lost (ENOBUFS) may have been this. */
	if (w->loading || (n < 0 ? errno != ENOBUFS : !tells_end(w, text, (size_t)n)))
		return;
	log_warn("somebody removed the network's rules: they are loaded again");
	walls_change(w);
}

static void watch_tables(struct walls *w)
{
	struct sockaddr_nl own = { .nl_family = AF_NETLINK };
	int group = NFNLGRP_NFTABLES;

	w->events_fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (w->events_fd >= 0 &&
	    bind(w->events_fd, (const struct sockaddr *)&own, sizeof(own)) == 0 &&
	    setsockopt(w->events_fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) ==
		    0)
		w->events = watch_readable(w->platform->loop, w->events_fd, on_events, w);
	else
		log_warn("nobody tells if the network's rules are removed: %s", strerror(errno));
}

/* The machine may get other resolvers while it runs, and somebody may turn forwarding off (sysctl(8)). */
static void on_minute(void *userdata)
{
	struct walls *w = userdata;
	struct error err = ERROR_INIT;

	if (resolvers_read(w))
		walls_change(w);
	if (machine_forward(w, &err) < 0)
		log_warn("%s", err.message);
	watch_arm(w->minute, MINUTE_MS);
}

/* ---- start and end ---- */

static bool are_loaded(const struct walls *w)
{
	char table[NET_TABLE_MAX];
	const char *const argv[] = { "nft", "list", "table", "inet", table, NULL };
	struct error err = ERROR_INIT;

	net_rules_table(&w->range, table);
	return proc_run_simple(argv, &err) == 0;
}

static int load_first(struct walls *w, struct error *err)
{
	static const char *const argv[] = { "nft", "-f", "-", NULL };
	_cleanup_free_ char *text = render(w);
	_cleanup_fd_ int fd = fd_memfile("rules", text, strlen(text));
	_cleanup_buf_ struct buf said = BUF_INIT;
	struct proc_options o = { .argv = argv, .stdin_fd = fd, .timeout_ms = LOAD_TIMEOUT_MS };
	int status;

	if (fd < 0)
		return error_set_errno(err, fd, "memory file");
	if (proc_run(&o, &said, &status, err) < 0)
		return -1;
	return status == 0 ? 0
			   : error_set(err, ERROR_UNAVAILABLE,
				       "loading the network's rules: %.500s", said.data);
}

int rules_start(struct walls *w, struct error *err)
{
	if (allow_all(w, w->platform->settings.private_networks, err) < 0 ||
	    (!are_loaded(w) && load_first(w, err) < 0))
		return -1;
	w->timer = watch_timer(w->platform->loop, on_timer, w);
	w->minute = watch_timer(w->platform->loop, on_minute, w);
	watch_arm(w->minute, MINUTE_MS);
	watch_tables(w);
	return 0;
}

void rules_stop(struct walls *w)
{
	child_abandon(steal_ptr(w->loading));
	watch_free(steal_ptr(w->timer));
	watch_free(steal_ptr(w->minute));
	watch_free(steal_ptr(w->events));
	w->events_fd = fd_close(w->events_fd);
}

void walls_shutdown(struct walls *w)
{
	char table[NET_TABLE_MAX];
	const char *const argv[] = { "nft", "delete", "table", "inet", table, NULL };
	struct error err = ERROR_INIT;

	if (!is_up(w))
		return;
	rules_stop(w);
	net_rules_table(&w->range, table);
	if (proc_run_simple(argv, &err) < 0)
		log_warn("%s", err.message);
	machine_restore(w);
}
