/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of twelved, one of each. wiring.c creates them. Only wiring.c, main.c and the API see
 * this struct; the rooms below the API are passed the parts that they use.
 */
#pragma once

#include "daemon/core/caller.h"
#include "daemon/core/platform.h"

struct parts {
	struct platform platform;
	struct http *http;
	struct api *api;
	struct logins *logins;
	struct streams *streams;
	struct wanted *wanted;
	struct builds *builds;
	struct collect *collect;
	struct branches *branches;
	struct walls *walls;
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
	struct rendezvous *rendezvous; /* NULL if there is no door */
};
