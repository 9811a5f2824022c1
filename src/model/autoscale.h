/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many web dynos there should be, as a decision: from what was asked for and what was measured
 * to a quantity and a reason. It is taken once a period (a minute, as Heroku has it), one dyno at a
 * time.
 *
 *   up       in the last period p95 was at or above the target: at once, since people wait.
 *   down     only when all of this is so:
 *            - five periods in a row, all with this many dynos, kept three quarters of the target;
 *            - the busiest of them, spread over one dyno less, would be at most four fifths of the
 *              least load of a dyno under which the target was missed. Where no such load is known,
 *              a try shows it.
 *   idle     without any request in three periods: one less each period.
 *
 * Why it does not flap: a load that has been too much for n dynos is remembered (`periods`, as far
 * back as they go) and the quantity is not lowered to n again until the load is a fifth below that.
 * So a constant load brings one try at most within what is remembered. A memory can be wrong, as
 * when a database was slow for a while: it is forgotten as soon as a later period had as much load
 * on each dyno and kept the target, and at the end of what is remembered. The first period after a
 * step up is not remembered as too much: what had piled up before is served in it.
 *
 * What few requests say is chance: a period with less than five is not slow. When a fifth of them
 * or more were answered with an error (5xx), more dynos are not what is missing: there is no step
 * up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is worth remembering: four hours of minutes. */
#define AUTOSCALE_PERIODS 240

struct autoscale_period {
	int64_t requests; /* that were answered */
	int64_t failed;	  /* of these, with a 5xx of the app's own */
	int64_t p95_ms;	  /* of all; nothing without requests */
	int64_t quantity; /* the dynos that there should be, then */
};

struct autoscale_facts {
	int64_t min, max, target_ms;		/* 1 <= min <= max */
	int64_t quantity;			/* now */
	const struct autoscale_period *periods; /* the newest first */
	size_t n_periods;
	int64_t period_ms, now_ms,
		changed_ms; /* `changed`: when the quantity was set last, by anybody */
	bool busy; /* maintenance, a rollout, or a dyno that is only starting: what is measured now
		      says nothing */
};

enum autoscale_reason {
	AUTOSCALE_OFF, /* there are to be no dynos, which is a person's word */
	AUTOSCALE_BUSY,
	AUTOSCALE_OUTSIDE, /* the quantity was not within the bounds */
	AUTOSCALE_SOON,	   /* the last change is less than a period ago */
	AUTOSCALE_ENOUGH,  /* all is well, or nothing is known */
	AUTOSCALE_SLOW,	   /* one more */
	AUTOSCALE_AT_MAX,  /* one more would be needed, and may not be */
	AUTOSCALE_FAILING, /* it is slow, and requests fail */
	AUTOSCALE_QUIET,   /* one less would do */
	AUTOSCALE_IDLE,	   /* one less: nobody asks for anything */
	_AUTOSCALE_REASON_MAX,
};

struct autoscale_decision {
	int64_t quantity; /* within [min, max], or 0 when it was 0; the same as it is when busy */
	enum autoscale_reason reason;
};

struct autoscale_decision autoscale_decide(const struct autoscale_facts *f);
