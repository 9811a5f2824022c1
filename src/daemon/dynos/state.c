/* SPDX-License-Identifier: Apache-2.0 */
/* How a dyno is: alive, ready, unwell, and the word for it. ready.c looks whether it is ready. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/dynos/dyno-priv.h"

/* A type without a port has nothing to show; one that has run this long has found its code and its
 * config. */
#define WORKER_SETTLE_MS 1000
/* As long as a run has to be for the supervisor to begin its pauses anew. */
#define WELL_MS 60000

static void set_health(struct dyno *dyno, char *take)
{
	free(dyno->health);
	dyno->health = take;
}

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
	set_health(dyno, xstrdup(""));
	dyno_changed(dyno);
}

static void on_ready(bool ready, const char *sentence, void *userdata)
{
	struct dyno *dyno = userdata;

	if (ready) {
		ready_free(steal_ptr(dyno->priv->ready));
		set_ready(dyno);
	} else {
		set_health(dyno, xstrdup(sentence));
	}
}

struct route_place dyno_place(const struct dyno *dyno)
{
	return (struct route_place){ dyno->link.host_name[0]
					     ? dyno->link.address
					     : (struct in_addr){ htonl(INADDR_LOOPBACK) },
				     dyno->port };
}

static struct listen_where where_of(const struct dyno *dyno)
{
	_cleanup_free_ char *cgroup = xasprintf("/twelve/%s", dyno->id);

	return (struct listen_where){
		.pid_fd = dyno->link.host_name[0] ? dyno->priv->pid_fd : -1,
		.address = dyno_place(dyno).address,
		.cgroup_id = sandbox_cgroup_id(&dyno->priv->owner->platform->runtime, cgroup),
		.uid = SANDBOX_UID,
	};
}

void dyno_watch_ready(struct dyno *dyno)
{
	struct dyno_private *p = dyno->priv;
	const struct platform *platform = p->owner->platform;
	int64_t ran_ms = clock_wall_ms() - dyno->since_ms;
	_cleanup_free_ char *host = NULL;

	if (dyno->ready || dyno->one_off)
		return;
	/* One that was found at start, and has run for long enough. */
	if (!dyno->port && ran_ms >= WORKER_SETTLE_MS) {
		dyno->ready = dyno->ever_ready = true;
		dyno->ready_ms = dyno->since_ms + WORKER_SETTLE_MS;
		return;
	}
	host = xasprintf("%s.%s", p->app_name ? p->app_name : "", platform->settings.apps_domain);
	ready_free(p->ready);
	p->ready = ready_new(platform->loop,
			     &(struct ready_options){
				     .where = where_of(dyno),
				     .port = dyno->port,
				     .host = host,
				     .check_path = p->check_path,
				     .port_only = p->check_port_only,
				     .until_ms = dyno->starting_since_ms + p->start_ms,
				     .settle_ms = WORKER_SETTLE_MS - ran_ms,
				     .said = dyno->health[0] != '\0',
			     },
			     on_ready, dyno);
}

void dyno_unwatch_ready(struct dyno *dyno)
{
	ready_free(steal_ptr(dyno->priv->ready));
	dyno->ready = false;
}

/* A state that it was not in before, or that we did not know. */
void dyno_entered(struct dyno *dyno)
{
	struct dyno_private *p = dyno->priv;

	if (dyno->state == DYNO_STARTING) {
		dyno->starting_since_ms = dyno->since_ms;
	} else if (dyno->state == DYNO_CRASHED) {
		dyno->unwell = !dyno->ready ||
			       (!dyno->port && dyno->since_ms - dyno->starting_since_ms < WELL_MS);
		/* What has ended serves nobody. */
		dyno->draining = false;
	} else if (dyno->state == DYNO_UP) {
		if (!dyno->starting_since_ms)
			dyno->starting_since_ms = dyno->since_ms;
		fd_close(p->pid_fd);
		p->pid_fd = dyno->pid > 0 ? proc_pidfd_open(dyno->pid) : -1;
		dyno_watch_ready(dyno);
	}
}

bool dyno_look_again(struct dyno *dyno)
{
	struct listen_where where;

	/* Of an end its supervisor is about to tell, and then it counts as one that was ready. */
	if (!dyno->ready || !dyno_is_alive(dyno))
		return false;
	where = where_of(dyno);
	if (!dyno->port || ready_is_bound(&where, dyno->port))
		return true;
	dyno->ready = false;
	dyno_watch_ready(dyno);
	return false;
}

bool dyno_is_unwell(const struct dyno *dyno)
{
	return dyno->unwell && (dyno->port || dyno->state != DYNO_UP ||
				clock_wall_ms() - dyno->starting_since_ms < WELL_MS);
}

const char *dyno_state_word(const struct dyno *dyno)
{
	switch (dyno->state) {
	case DYNO_UP:
		if (dyno->ready || dyno->one_off)
			return "up";
		break;
	case DYNO_CRASHED:
		return "crashed";
	case DYNO_STOPPING:
	case DYNO_EXITED:
		return "down";
	case DYNO_STARTING:
	case _DYNO_STATE_MAX:
		break;
	}
	return dyno->unwell ? "crashed" : "starting";
}
