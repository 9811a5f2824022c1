/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readiness of one dyno, polled while it starts; see ready.h. Each look is a question to the kernel
 * of constant cost: nothing that an app holds open can make one slow (docs/decisions/0022).
 */
#include "daemon/dynos/ready.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/dynos/health.h"

#define POLL_MS 20
/* The list of its ports costs the kernel more, and is for people. */
#define DESCRIBE_MS 500
#define DESCRIBE_AGAIN_MS 5000
#define PROBE_PAUSE_MS 200
/* An app that ends by its first request has ended by then, and its listening socket with it. */
#define ANSWER_SETTLE_MS 200
/* One request may take what is left of the time to start; an app that is late gets this at least.
 */
#define PROBE_MIN_MS 5000

struct ready {
	struct loop *loop;
	struct listen_where where;
	char *host, *check_path;
	uint16_t port;
	bool port_only;
	bool said;
	bool refused; /* a request got no answer, or not the right one, and what came of it was said */
	bool answered; /* the request got its answer a moment ago */
	int64_t until_ms;
	int64_t describe_at_ms; /* clock_now_ms(): what it listens on instead is to be said then */
	struct watch *timer;
	struct health_probe *probe;
	ready_fn fn;
	void *userdata;
};

/* The last thing that a function does: the caller may free `r` in it. */
static void say(struct ready *r, const char *sentence)
{
	r->said = true;
	r->fn(false, sentence, r->userdata);
}

static enum listen_owner owner_of(const struct listen_where *where, uint16_t port)
{
	enum listen_owner owner;
	int e = listen_owner(where, port, &owner);

	if (e == 0)
		return owner;
	/* The end of a process is told by its supervisor. */
	if (e != -ESRCH)
		log_warn("looking up who listens on port %u: errno %d", port, -e);
	return LISTEN_NOBODY;
}

bool ready_is_bound(const struct listen_where *where, uint16_t port)
{
	return owner_of(where, port) == LISTEN_OURS;
}

/* "its processes listen on 8000 and 9000" */
static char *describe_ports(const struct ready *r)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	uint16_t ports[LISTEN_MAX_PORTS];
	size_t n = listen_ports(&r->where, ports);

	for (size_t i = 0; i < n; i++)
		if (ports[i] == r->port)
			return xasprintf("it listens on $PORT (%u) at an address that the router "
					 "can't reach: bind 0.0.0.0",
					 r->port);
	buf_printf(&text, "nothing listens on $PORT (%u)", r->port);
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s%u", i ? ", " : "; its processes listen on ", ports[i]);
	return buf_steal(&text);
}

static void say_missing(struct ready *r, enum listen_owner owner)
{
	_cleanup_free_ char *text = NULL;
	int64_t now_ms = clock_now_ms();

	if (owner == LISTEN_OTHER) {
		text = xasprintf("another process on this machine listens on its $PORT (%u)",
				 r->port);
	} else if (now_ms >= r->describe_at_ms) {
		r->describe_at_ms = now_ms + DESCRIBE_AGAIN_MS;
		text = describe_ports(r);
	} else if (!r->said) {
		text = xasprintf("nothing listens on $PORT (%u)", r->port);
	}
	if (text)
		say(r, text);
}

static const char *path_of(const struct ready *r)
{
	return r->check_path ? r->check_path : "/";
}

static void on_probe(int status, const char *instead, void *userdata)
{
	struct ready *r = userdata;
	_cleanup_free_ char *text = NULL;

	r->probe = NULL;
	/* Without a path of its own any answer says that the app is there. */
	if (status && (!r->check_path || status < 400)) {
		r->answered = true;
		watch_arm(r->timer, ANSWER_SETTLE_MS);
		return;
	}
	if (status)
		text = xasprintf("GET %s answers %d", r->check_path, status);
	else
		text = xasprintf("GET %s on $PORT %s (TWELVE_CHECK=port: listening is enough)",
				 path_of(r), instead);
	r->refused = true;
	watch_arm(r->timer, PROBE_PAUSE_MS);
	say(r, text);
}

static void ask(struct ready *r)
{
	int64_t left_ms = r->until_ms - clock_wall_ms();
	const struct health_question q = { .place = { r->where.address, r->port },
					   .host = r->host,
					   .path = path_of(r),
					   .timeout_ms = left_ms > PROBE_MIN_MS ? left_ms
										: PROBE_MIN_MS };
	_cleanup_free_ char *text = NULL;

	r->probe = health_probe_start(r->loop, &q, on_probe, r);
	/* What came of the last request says more. */
	if (r->refused)
		return;
	text = xasprintf("it listens on $PORT, and has not answered GET %s there yet "
			 "(TWELVE_CHECK=port: listening is enough)",
			 q.path);
	say(r, text);
}

static void on_timer(void *userdata)
{
	struct ready *r = userdata;
	bool answered = r->answered;
	enum listen_owner owner;

	r->answered = false;
	if (!r->port) {
		r->fn(true, "", r->userdata);
		return;
	}
	owner = owner_of(&r->where, r->port);
	if (owner != LISTEN_OURS) {
		r->refused = false;
		watch_arm(r->timer, POLL_MS);
		say_missing(r, owner);
	} else if (r->port_only || answered) {
		r->fn(true, "", r->userdata);
	} else {
		ask(r);
	}
}

struct ready *ready_new(struct loop *l, const struct ready_options *o, ready_fn fn, void *userdata)
{
	struct ready *r = xcalloc(1, sizeof(*r));

	*r = (struct ready){ .loop = l,
			     .where = o->where,
			     .host = xstrdup(o->host ? o->host : ""),
			     .check_path = o->check_path ? xstrdup(o->check_path) : NULL,
			     .port = o->port,
			     .port_only = o->port_only,
			     .said = o->said,
			     .until_ms = o->until_ms,
			     .describe_at_ms = clock_now_ms() + DESCRIBE_MS,
			     .fn = fn,
			     .userdata = userdata };
	r->timer = watch_timer(l, on_timer, r);
	watch_arm(r->timer, r->port ? 0 : o->settle_ms);
	return r;
}

void ready_free(struct ready *r)
{
	if (!r)
		return;
	health_probe_cancel(r->probe);
	watch_free(r->timer);
	free(r->host);
	free(r->check_path);
	free(r);
}
