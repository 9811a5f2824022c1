/* SPDX-License-Identifier: Apache-2.0 */
/* Why an app has no dyno with traffic, as a pure function of what is wanted and what runs. */
#pragma once

#include <stddef.h>

#include "route/route.h"

/* A dyno with a port. */
struct down_dyno {
	bool routed;
	bool ending;  /* it ends, has ended, or drains: it is no reason any more */
	bool crashed; /* once at least */
};

struct down_facts {
	bool released, candidate; /* there is a release that runs; one that is to */
	bool slug_gone;		  /* of the release that runs */
	bool wants_web;		  /* a quantity of web above 0, in one of the two */
	const struct down_dyno *dynos;
	size_t n_dynos;
};

enum route_down route_why_down(const struct down_facts *f);
