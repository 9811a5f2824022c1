/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twelved's parts and how they hang together. One thread, one event loop; what
 * blocks (builds, stacks) runs in child processes.
 *
 *     http ─▶ api ─▶ releases ─▶ store ◀─ reconcile ─▶ dynos ─▶ twelve-dyno
 *                  └▶ builds ─▶ child ─▶ releases     └▶ router ─▶ haproxy
 *                  └▶ streams, logs-client ─▶ twelve-logs
 */
#pragma once

#include "daemon/core/caller.h"
#include "daemon/core/platform.h"

struct daemon {
	struct platform; /* its members are this one's, too; daemon_platform() */
	struct http *http;
	struct api *api;
	struct logins *logins;
	struct streams *streams;
	struct wanted *wanted;
	struct builds *builds;
	struct branches *branches;
	struct dynos *dynos;
	struct reconciler *reconciler;
	struct services *services;
	struct certs *certs;
	struct acme *acme;
	struct apps *apps;
	struct webhooks *webhooks;
	struct setups *setups;
	struct autoscaler *autoscaler;
	struct stale *stale;
	struct retention *retention;
	struct stack_updates *stack_updates;
	struct router *router;
	struct logs_client *logs;
	struct slug_sizes *slug_sizes;
	struct git_children *git_children;
	struct packings *packings;
	struct stacks *stacks;
	struct rendezvous *rendezvous; /* NULL without a door */
};

static inline struct platform *daemon_platform(struct daemon *d)
{
	return (struct platform *)d;
}
