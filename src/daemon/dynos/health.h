/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a dyno answers: one HTTP request, and what came of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/loop.h"
#include "route/route.h"

#define HEALTH_EXCERPT_SIZE 33

struct health_question {
	struct route_place place;
	const char *host; /* the app's own name, so that an app that looks at it takes it for one of
			     its visitors' */
	const char *path;
	int64_t timeout_ms;
};

/*
 * One GET of PATH at the place, as the router would pass one on that came by https. fn
 * gets the status (100 to 599); or 0 when there was no HTTP answer within the time, and `instead`
 * says what was ("is not answered"). One call, then the probe is freed. health_probe_cancel() frees
 * it without a call.
 */
struct health_probe;
typedef void (*health_probe_fn)(int status, const char *instead, void *userdata);
struct health_probe *health_probe_start(struct loop *l, const struct health_question *q,
					health_probe_fn fn, void *userdata);
void health_probe_cancel(struct health_probe *p);
/* Pure part: the status in "HTTP/1.1 200 OK", 0 when this is none. */
int health_parse_status(const char *line);
/* Pure part: what came that is not HTTP, as text for people in `to`: the first bytes, unprintable
 * ones as dots. */
const char *health_excerpt(const char *data, size_t n, char to[static HEALTH_EXCERPT_SIZE]);
