/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readiness of one dyno, polled while it starts: is the socket on $PORT its own, and does a request
 * to it get an HTTP answer? What is missing is kept as a sentence, for `ps` and for the report of a
 * rollout that was undone. Each look is a question to the kernel of constant cost: nothing that an
 * app holds open can make one slow (docs/decisions/0022).
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/dynos/dyno-priv.h"
#include "daemon/dynos/listen.h"

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
/* A type without a port has nothing to show; one that has run this long has found its code and its
 * config. */
#define WORKER_SETTLE_MS 1000

bool dyno_is_alive(const struct dyno *dyno)
{
	struct pollfd p = { .fd = dyno->priv->pid_fd, .events = POLLIN };

	return p.fd < 0 || poll(&p, 1, 0) == 0;
}

/* What has ended is not ready: its supervisor is about to say so. */
static void set_ready(struct dyno *dyno)
{
	if (!dyno_is_alive(dyno))
		return;
	dyno->ready = dyno->ever_ready = true;
	dyno->unwell = dyno->unwell && !dyno->port;
	dyno->ready_ms = clock_wall_ms();
	dyno_set_health(dyno, xstrdup(""));
	dyno_changed(dyno);
}

static uint64_t cgroup_id(const struct dyno *dyno)
{
	_cleanup_free_ char *cgroup = xasprintf("/twelve/%s", dyno->id);

	return sandbox_cgroup_id(&dyno->priv->owner->d->runtime, cgroup);
}

static enum listen_owner port_owner(const struct dyno *dyno)
{
	enum listen_owner owner;
	int r = listen_owner(dyno->port, cgroup_id(dyno), SANDBOX_UID, &owner);

	if (r == 0)
		return owner;
	log_warn("looking up who listens on port %u: errno %d", dyno->port, -r);
	return LISTEN_NOBODY;
}

/* "its processes listen on 8000 and 9000" */
static char *describe_ports(const struct dyno *dyno)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	uint16_t ports[LISTEN_MAX_PORTS];
	size_t n = listen_ports(cgroup_id(dyno), ports);

	for (size_t i = 0; i < n; i++)
		if (ports[i] == dyno->port)
			return xasprintf("it listens on $PORT (%u) at an address that the router "
					 "can't reach: "
					 "bind 0.0.0.0",
					 dyno->port);
	buf_printf(&text, "nothing listens on $PORT (%u)", dyno->port);
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s%u", i ? ", " : "; its processes listen on ", ports[i]);
	return buf_steal(&text);
}

static void describe_missing(struct dyno *dyno, enum listen_owner owner)
{
	struct dyno_private *p = dyno->priv;
	int64_t now_ms = clock_now_ms();

	if (owner == LISTEN_OTHER) {
		dyno_set_health(
			dyno, xasprintf("another process on this machine listens on its $PORT (%u)",
					dyno->port));
		return;
	}
	if (!dyno->health[0])
		dyno_set_health(dyno, xasprintf("nothing listens on $PORT (%u)", dyno->port));
	if (now_ms < p->describe_at_ms)
		return;
	p->describe_at_ms = now_ms + DESCRIBE_AGAIN_MS;
	dyno_set_health(dyno, describe_ports(dyno));
}

static const char *path_of(const struct dyno *dyno)
{
	return dyno->priv->check_path ? dyno->priv->check_path : "/";
}

static void on_probe(int status, const char *instead, void *userdata)
{
	struct dyno *dyno = userdata;
	struct dyno_private *p = dyno->priv;

	p->probe = NULL;
	/* Without a path of its own any answer says that the app is there. */
	if (status && (!p->check_path || status < 400)) {
		p->answered = true;
		watch_arm(p->ready_timer, ANSWER_SETTLE_MS);
		return;
	}
	if (status)
		dyno_set_health(dyno, xasprintf("GET %s answers %d", p->check_path, status));
	else
		dyno_set_health(
			dyno,
			xasprintf("GET %s on $PORT %s (TWELVE_CHECK=port: listening is enough)",
				  path_of(dyno), instead));
	watch_arm(p->ready_timer, PROBE_PAUSE_MS);
}

static void ask(struct dyno *dyno)
{
	struct dyno_private *p = dyno->priv;
	_cleanup_free_ char *host =
		xasprintf("%s.%s", p->app_name, p->owner->d->settings.apps_domain);
	int64_t left_ms = dyno->starting_since_ms + p->start_ms - clock_wall_ms();
	const struct health_question q = { .port = dyno->port,
					   .host = host,
					   .path = path_of(dyno),
					   .timeout_ms = left_ms > PROBE_MIN_MS ? left_ms
										: PROBE_MIN_MS };

	dyno_set_health(dyno, xasprintf("it listens on $PORT, and has not answered GET %s there "
					"yet (TWELVE_CHECK=port: listening is enough)",
					q.path));
	p->probe = health_probe_start(p->owner->d->loop, &q, on_probe, dyno);
}

static void on_timer(void *userdata)
{
	struct dyno *dyno = userdata;
	struct dyno_private *p = dyno->priv;
	bool answered = p->answered;
	enum listen_owner owner;

	p->answered = false;
	if (dyno->state != DYNO_UP || dyno->ready)
		return;
	if (!dyno->port) {
		set_ready(dyno);
		return;
	}
	owner = port_owner(dyno);
	if (owner != LISTEN_OURS) {
		describe_missing(dyno, owner);
		watch_arm(p->ready_timer, POLL_MS);
	} else if (p->check_port_only || answered) {
		set_ready(dyno);
	} else {
		ask(dyno);
	}
}

bool dyno_look_again(struct dyno *dyno)
{
	/* Of an end its supervisor is about to tell, and then it counts as one that was ready. */
	if (!dyno->ready || !dyno_is_alive(dyno))
		return false;
	if (!dyno->port || port_owner(dyno) == LISTEN_OURS)
		return true;
	dyno->ready = false;
	dyno_watch_ready(dyno);
	return false;
}

void dyno_watch_ready(struct dyno *dyno)
{
	struct dyno_private *p = dyno->priv;
	int64_t ran_ms = clock_wall_ms() - dyno->since_ms;

	if (dyno->ready || dyno->one_off)
		return;
	/* One that was found at start, and has run for long enough. */
	if (!dyno->port && ran_ms >= WORKER_SETTLE_MS) {
		dyno->ready = dyno->ever_ready = true;
		dyno->ready_ms = dyno->since_ms + WORKER_SETTLE_MS;
		return;
	}
	if (!p->ready_timer)
		p->ready_timer = watch_timer(p->owner->d->loop, on_timer, dyno);
	p->describe_at_ms = clock_now_ms() + DESCRIBE_MS;
	if (dyno->port)
		watch_arm(p->ready_timer, 0);
	else
		watch_arm(p->ready_timer, WORKER_SETTLE_MS - ran_ms);
}

void dyno_unwatch_ready(struct dyno *dyno)
{
	struct dyno_private *p = dyno->priv;

	health_probe_cancel(steal_ptr(p->probe));
	watch_free(steal_ptr(p->ready_timer));
	p->answered = false;
	dyno->ready = false;
}
