/* SPDX-License-Identifier: Apache-2.0 */
/* How many web dynos there should be, as a decision; see autoscale.h. */
#include "model/autoscale.h"

#define REQUESTS_MIN 5
#define QUIET_PERIODS 5
#define IDLE_PERIODS 3
/* The requests of a period on each dyno, in thousandths. */
#define LOAD_NONE INT64_MAX

static bool is_telling(const struct autoscale_period *p)
{
	return p->requests >= REQUESTS_MIN && p->quantity > 0;
}

static bool is_failing(const struct autoscale_period *p)
{
	return p->failed * 5 >= p->requests;
}

static bool is_slow(const struct autoscale_facts *f, const struct autoscale_period *p)
{
	return is_telling(p) && p->p95_ms >= f->target_ms;
}

static int64_t load_of(const struct autoscale_period *p, int64_t quantity)
{
	return p->requests * 1000 / quantity;
}

/* It was slow for what it had to do, and not for what had piled up before a step up. */
static bool is_overload(const struct autoscale_facts *f, size_t i)
{
	const struct autoscale_period *p = &f->periods[i],
				      *before = i + 1 < f->n_periods ? p + 1 : NULL;

	return !before || before->quantity >= p->quantity || !is_slow(f, before);
}

/* The least load of a dyno under which the target was missed, unless a later period bore as much.
 */
static int64_t too_much(const struct autoscale_facts *f)
{
	int64_t borne = -1, least = LOAD_NONE;

	for (size_t i = 0; i < f->n_periods; i++) {
		const struct autoscale_period *p = &f->periods[i];
		int64_t load;

		if (!is_telling(p) || is_failing(p))
			continue;
		load = load_of(p, p->quantity);
		if (!is_slow(f, p))
			borne = load > borne ? load : borne;
		else if (load > borne && load < least && is_overload(f, i))
			least = load;
	}
	return least;
}

static bool is_quiet(const struct autoscale_facts *f)
{
	int64_t limit = too_much(f), busiest = 0, slowest = 0;

	if (f->n_periods < QUIET_PERIODS)
		return false;
	for (size_t i = 0; i < QUIET_PERIODS; i++) {
		const struct autoscale_period *p = &f->periods[i];
		int64_t load = load_of(p, f->quantity - 1);

		if (p->quantity != f->quantity)
			return false;
		busiest = load > busiest ? load : busiest;
		if (is_telling(p) && p->p95_ms > slowest)
			slowest = p->p95_ms;
	}
	return slowest * 4 <= f->target_ms * 3 && (limit == LOAD_NONE || busiest * 5 <= limit * 4);
}

static bool is_idle(const struct autoscale_facts *f)
{
	if (f->n_periods < IDLE_PERIODS)
		return false;
	for (size_t i = 0; i < IDLE_PERIODS; i++)
		if (f->periods[i].requests)
			return false;
	return true;
}

/* A clock that was set back must not stop it; timers that come a little early neither. */
static bool is_soon(const struct autoscale_facts *f)
{
	int64_t since_ms = f->now_ms - f->changed_ms;

	return since_ms >= 0 && since_ms * 10 < f->period_ms * 9;
}

static enum autoscale_reason why(const struct autoscale_facts *f)
{
	if (f->quantity == 0)
		return AUTOSCALE_OFF;
	if (f->busy)
		return AUTOSCALE_BUSY;
	if (f->quantity < f->min || f->quantity > f->max)
		return AUTOSCALE_OUTSIDE;
	if (is_soon(f))
		return AUTOSCALE_SOON;
	if (f->n_periods && is_slow(f, &f->periods[0])) {
		if (is_failing(&f->periods[0]))
			return AUTOSCALE_FAILING;
		return f->quantity == f->max ? AUTOSCALE_AT_MAX : AUTOSCALE_SLOW;
	}
	if (f->quantity == f->min)
		return AUTOSCALE_ENOUGH;
	if (is_idle(f))
		return AUTOSCALE_IDLE;
	return is_quiet(f) ? AUTOSCALE_QUIET : AUTOSCALE_ENOUGH;
}

struct autoscale_decision autoscale_decide(const struct autoscale_facts *f)
{
	struct autoscale_decision d = { .quantity = f->quantity, .reason = why(f) };

	if (d.reason == AUTOSCALE_OUTSIDE)
		d.quantity = f->quantity < f->min ? f->min : f->max;
	else if (d.reason == AUTOSCALE_SLOW)
		d.quantity++;
	else if (d.reason == AUTOSCALE_QUIET || d.reason == AUTOSCALE_IDLE)
		d.quantity--;
	return d;
}
