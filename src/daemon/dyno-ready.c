/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readiness of one dyno, polled while it starts: does one of its own processes
 * listen on $PORT, does the check path answer? What is missing is kept as a
 * sentence, for `ps` and for the report of a rollout that was undone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "daemon/dyno-priv.h"

#define POLL_MS 20
#define PROBE_PAUSE_MS 200
#define PROBE_TIMEOUT_MS 5000
/* A type without a port has nothing to show; one that has run this long has found its code and its config. */
#define WORKER_SETTLE_MS 1000

static void set_ready(struct dyno *dyno)
{
	dyno->ready = dyno->ever_ready = true;
	dyno->ready_ms = clock_wall_ms();
	dyno_set_health(dyno, xstrdup(""));
	dyno_changed(dyno);
}

/* "its processes listen on 8000 and 9000" */
static void describe_ports(struct dyno *dyno, const struct health_socket *found, size_t n)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		if (found[i].port == dyno->port) {
			dyno_set_health(dyno, xasprintf("it listens on $PORT (%u) at an address that the router can't reach: "
							"bind 0.0.0.0", dyno->port));
			return;
		}
	buf_printf(&text, "nothing listens on $PORT (%u)", dyno->port);
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s%u", i ? ", " : "; its processes listen on ", found[i].port);
	dyno_set_health(dyno, buf_steal(&text));
}

static bool port_is_bound(struct dyno *dyno)
{
	struct daemon *d = dyno->priv->owner->d;
	struct health_socket found[HEALTH_MAX_PORTS];
	_cleanup_free_ char *cgroup = xasprintf("/twelve/%s", dyno->id);
	_cleanup_free_ pid_t *pids = NULL;
	size_t n_pids = 0, n;

	if (sandbox_pids(&d->runtime, cgroup, &pids, &n_pids) < 0)
		return false;
	n = health_ports(pids, n_pids, found);
	for (size_t i = 0; i < n; i++)
		if (found[i].port == dyno->port && found[i].reachable)
			return true;
	describe_ports(dyno, found, n);
	return false;
}

static void on_probe(int status, void *userdata)
{
	struct dyno *dyno = userdata;

	dyno->priv->probe = NULL;
	if (status >= 100 && status < 400) {
		set_ready(dyno);
		return;
	}
	if (status)
		dyno_set_health(dyno, xasprintf("GET %s answers %d", dyno->priv->check_path, status));
	else
		dyno_set_health(dyno, xasprintf("GET %s does not answer", dyno->priv->check_path));
	watch_arm(dyno->priv->ready_timer, PROBE_PAUSE_MS);
}

static void on_timer(void *userdata)
{
	struct dyno *dyno = userdata;
	struct dyno_private *p = dyno->priv;
	_cleanup_free_ char *host = NULL;

	if (dyno->state != DYNO_UP || dyno->ready)
		return;
	if (!dyno->port) {
		set_ready(dyno);
		return;
	}
	if (!port_is_bound(dyno)) {
		watch_arm(p->ready_timer, POLL_MS);
		return;
	}
	if (!p->check_path) {
		set_ready(dyno);
		return;
	}
	host = xasprintf("%s", p->owner->d->settings.apps_domain);
	p->probe = health_probe_start(p->owner->d->loop, dyno->port, host, p->check_path,
				      PROBE_TIMEOUT_MS, on_probe, dyno);
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
	dyno->ready = false;
}
