/* SPDX-License-Identifier: Apache-2.0 */
/* A drain's place in its app's ring, what it has lost, and how that is written down; see drains.h.
 */
#include "base/clock.h"
#include "logsd/commit.h"
#include "logsd/drain-cursor.h"

bool drain_has_lines(const struct drain *d)
{
	return d->at < ring_tail(d->app->ring);
}

static int64_t time_at(const struct drain *d, uint64_t at)
{
	struct log_record r;

	if (at >= ring_tail(d->app->ring))
		return 0;
	ring_read(d->app->ring, at, &r);
	return r.time_ns;
}

bool drain_is_due(struct drain *d)
{
	uint64_t waiting = ring_tail(d->app->ring) - d->at;
	int64_t now_ms = clock_now_ms();

	if (!waiting)
		return false;
	if (waiting >= d->mover->gather_bytes)
		return true;
	if (d->deadline_ms == INT64_MAX) {
		/* The first of them gives the rest its time. */
		d->deadline_ms = now_ms + d->mover->gather_ms;
		return false;
	}
	return d->deadline_ms <= now_ms;
}

bool drain_take(struct drain *d, struct log_record *ret, const char **ret_commit)
{
	if (!drain_has_lines(d))
		return false;
	d->at = ring_read(d->app->ring, d->at, ret);
	d->at_seq = d->taken_seq = ret->seq + 1;
	*ret_commit = app_commit(d->app, ret->release);
	return true;
}

void drain_lose(struct drain *d, uint64_t n, int64_t since_ns)
{
	if (!n)
		return;
	if (!d->now.lost)
		d->lost_seq = d->at_seq;
	if (!d->now.lost || (since_ns && since_ns < d->now.lost_since_ns))
		d->now.lost_since_ns = since_ns ? since_ns : clock_wall_ns();
	d->now.lost += n;
	d->now.dropped += n;
	d->app->logsd->dropped += n;
	d->dirty = true;
}

void drain_uncount(struct drain *d, uint64_t n)
{
	d->now.dropped -= n;
	d->app->logsd->dropped -= n;
	d->dirty = true;
}

void drains_evict(struct app *a, uint64_t head)
{
	struct log_record first;

	for (struct drain *d = a->drains; d; d = d->next) {
		uint64_t seq = ring_next_seq(a->ring);

		if (d->at >= head)
			continue;
		if (head < ring_tail(a->ring)) {
			ring_read(a->ring, head, &first);
			seq = first.seq;
		}
		drain_lose(d, seq - d->at_seq, time_at(d, d->at));
		d->at = head;
		d->at_seq = seq;
	}
}

/* To the first line of at least this number that there is. */
void drain_seek(struct drain *d, uint64_t seq)
{
	struct ring *ring = d->app->ring;
	uint64_t tail = ring_tail(ring), next;
	struct log_record r;

	d->at = ring_head(ring);
	d->at_seq = ring_first_seq(ring);
	while (d->at < tail) {
		next = ring_read(ring, d->at, &r);
		if (r.seq >= seq)
			return;
		d->at = next;
		d->at_seq = r.seq + 1;
	}
}

void drain_rewind(struct drain *d, uint64_t seq)
{
	uint64_t first = ring_first_seq(d->app->ring);

	d->at_seq = seq;
	if (seq < first)
		drain_lose(d, first - seq, time_at(d, ring_head(d->app->ring)));
	drain_seek(d, seq);
	d->taken_seq = d->now.next_seq = d->at_seq;
	d->dirty = true;
}

bool drains_block(const struct app *a, uint64_t head)
{
	for (const struct drain *d = a->drains; d; d = d->next)
		if (d->block && d->at < head)
			return true;
	return false;
}

/* ---- where it begins ---- */

/* The first line that came after the drain was added. */
void drain_start_at(struct drain *d, int64_t created_ns)
{
	struct ring *ring = d->app->ring;
	struct log_record r;

	drain_seek(d, ring_first_seq(ring));
	while (d->at < ring_tail(ring)) {
		uint64_t next = ring_read(ring, d->at, &r);

		if (r.time_ns >= created_ns)
			break;
		d->at = next;
		d->at_seq = r.seq + 1;
	}
	d->now.next_seq = d->taken_seq = d->at_seq;
}

void drain_void_batch(struct drain *d)
{
	if (d->now.batch_lost && !d->now.lost)
		d->now.lost_since_ns = d->now.batch_since_ns;
	d->now.lost += d->now.batch_lost;
	d->now.batch_first = d->now.batch_end = d->now.batch_lost = 0;
	d->dirty = true;
}

static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * Where an earlier process was. What it had taken and the ring has lost since is lost; what it had
 * counted as lost is not counted again. A number that is yet to come is of a ring that is no more.
 */
void drain_go_on(struct drain *d)
{
	uint64_t first = ring_first_seq(d->app->ring),
		 from = d->now.batch_end ? d->now.batch_first : d->now.next_seq;
	uint64_t taken = d->now.taken_seq < from ? from : d->now.taken_seq;
	uint64_t at = d->now.at_seq < taken ? taken : d->now.at_seq, n = 0;

	if (at > ring_next_seq(d->app->ring)) {
		drain_void_batch(d);
		from = taken = at = first;
	}
	if (from < first) {
		n = at_most(taken, first) - from;
		drain_void_batch(d);
	}
	if (at < first)
		n += first - at;
	d->at_seq = from;
	drain_lose(d, n, 0);
	drain_seek(d, from);
	d->taken_seq = d->at_seq;
	if (!d->now.batch_end)
		d->now.next_seq = d->at_seq;
}

/* ---- what is written down ---- */

void drain_save(struct drain *d)
{
	d->now.tail_seq = ring_next_seq(d->app->ring);
	d->now.taken_seq = d->taken_seq;
	d->now.at_seq = d->at_seq;
	d->now.oldest_ns = time_at(d, d->at);
	drain_status_write(d->map, &d->now);
	d->dirty = false;
}

void drain_phase(struct drain *d, enum drain_phase phase)
{
	if (d->now.phase == phase)
		return;
	d->now.phase = phase;
	d->now.phase_since_ms = clock_wall_ms();
	d->dirty = true;
}

/* Who is busy again and again is so within a second. */
#define REST_MS 1000

void drain_idle(struct drain *d)
{
	if (d->now.phase == DRAIN_IDLE)
		return;
	drain_phase(d, DRAIN_IDLE);
	d->rest_ms = clock_now_ms() + REST_MS;
}

void drain_sent(struct drain *d, uint64_t n, uint64_t bytes)
{
	d->now.sent += n;
	d->now.sent_bytes += bytes;
	d->dirty = true;
}
