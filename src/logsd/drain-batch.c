/* SPDX-License-Identifier: Apache-2.0 */
/* Batches out of the ring, for the drains that get an answer for each; see drain-batch.h. */
#include "logsd/drain-batch.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "logsd/drain-cursor.h"
#include "logsd/drain-report.h"

static void note(struct drain *d, const struct batch *b)
{
	d->now.batch_first = b->first;
	d->now.batch_end = b->end;
	d->now.batch_lost = b->lost;
	d->now.batch_since_ns = b->lost_since_ns;
	d->now.batch_notice_ns = b->notice_ns;
	drain_save(d);
}

bool drain_batch_make(struct drain *d, struct batch *b)
{
	const char *commit;
	struct log_record r;

	batch_begin(b, d->at_seq);
	if (d->now.lost) {
		batch_put_notice(b, d->now.lost, d->now.lost_since_ns, clock_wall_ns());
		d->now.lost = 0;
		d->now.lost_since_ns = 0;
	}
	while (!batch_is_full(b) && drain_take(d, &r, &commit))
		batch_put(b, &r, commit);
	note(d, b);
	if (batch_end(b) == 0)
		return true;
	drain_rewind(d, b->first);
	drain_void_batch(d);
	drain_fail(d, 0, "out of memory for a batch");
	return false;
}

bool drain_batch_again(struct drain *d, struct batch *b)
{
	const char *commit;
	struct log_record r;

	if (!d->now.batch_end)
		return false;
	batch_begin(b, d->now.batch_first);
	if (d->now.batch_lost)
		batch_put_notice(b, d->now.batch_lost, d->now.batch_since_ns,
				 d->now.batch_notice_ns);
	while (d->at_seq < d->now.batch_end && drain_take(d, &r, &commit))
		batch_put(b, &r, commit);
	/* go_on() has seen that the ring has all of it. */
	if (batch_end(b) == 0)
		return true;
	drain_rewind(d, b->first);
	drain_void_batch(d);
	return false;
}

bool drain_batch_test(struct drain *d, struct batch *b)
{
	char text[DRAIN_TEXT_MAX];
	struct log_record r;

	if (!drain_take_test(d, &r, text))
		return false;
	batch_begin(b, d->at_seq);
	b->target->driver->put(b, &(struct batch_line){ .record = &r, .commit = "" });
	return batch_end(b) == 0;
}

void drain_batch_done(struct drain *d, struct batch *b, uint64_t n_refused)
{
	uint64_t n_lost = n_refused < b->n_lines ? n_refused : b->n_lines;

	drain_sent(d, b->n_lines - n_lost, b->body.len);
	d->now.batch_first = d->now.batch_end = d->now.batch_lost = 0;
	d->now.next_seq = d->at_seq;
	drain_lose(d, n_lost, 0);
	drain_save(d);
	batch_begin(b, d->at_seq);
}

void drain_batch_refused(struct drain *d, struct batch *b, uint64_t n_refused)
{
	/* Of a batch with items, those that are left; others were taken, or refused before. */
	uint64_t n_lost = (b->n_items ? b->n_items : b->n_lines) + n_refused;

	n_lost = n_lost < b->n_lines ? n_lost : b->n_lines;
	drain_sent(d, b->n_lines - n_lost, b->body.len);
	drain_void_batch(d);
	d->now.next_seq = d->at_seq;
	drain_lose(d, n_lost, 0);
	drain_save(d);
	batch_begin(b, d->at_seq);
}
