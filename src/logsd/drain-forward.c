/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fluentd's forward protocol: one batch at a time, which may be several chunks (one for
 * each tag); it has arrived when every chunk is acknowledged.
 *
 *     CLOSED ──▶ connecting ──▶ handshake ──▶ READY ──batch──▶ SENDING ──▶ waiting for acks ──▶
 * READY
 *
 * Whatever goes wrong, the connection is closed and the same batch sent on a new one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "logs/forward.h"
#include "logsd/drain-batch.h"
#include "logsd/drain-cursor.h"
#include "logsd/drain-report.h"
#include "logsd/wire.h"

#define HANDSHAKE_MS 10000
/* A server acknowledges when the events are in its buffer. */
#define ACK_MS 30000

struct forward_link {
	struct wire wire; /* first: the loop frees it */
	struct drain *drain;
	struct forward_session *session;
	struct batch batch;
	bool has_batch, is_test, is_sent;
	bool *acked; /* by chunk */
	size_t n_acked;
	struct buf out; /* of the handshake */
	size_t sent;	/* of `out`, and then of the batch's body */
};

static void close_link(struct forward_link *f)
{
	wire_close(&f->wire);
	forward_session_free(f->session);
	f->session = NULL;
	f->is_sent = false;
	f->sent = 0;
	buf_clear(&f->out);
	f->drain->deadline_ms = INT64_MAX;
}

static void fail(struct forward_link *f, const char *why)
{
	close_link(f);
	/* A test is not tried again: it was to tell what happens. */
	if (f->is_test) {
		f->has_batch = f->is_test = false;
		batch_begin(&f->batch, f->drain->at_seq);
	}
	drain_fail(f->drain, 0, "%s", why);
}

/* Gives the bytes to the kernel; true when all are gone. */
static bool push(struct forward_link *f, const struct buf *data)
{
	while (f->sent < data->len) {
		ssize_t n = wire_send(&f->wire, data->data + f->sent, data->len - f->sent);

		if (n == -EAGAIN) {
			wire_watch(&f->wire, true);
			return false;
		}
		if (n < 0) {
			fail(f, "the connection broke");
			return false;
		}
		f->sent += (size_t)n;
	}
	wire_watch(&f->wire, false);
	return true;
}

static void send_batch(struct forward_link *f)
{
	drain_phase(f->drain, DRAIN_SENDING);
	if (!push(f, &f->batch.body))
		return;
	f->is_sent = true;
	f->drain->deadline_ms = clock_now_ms() + ACK_MS;
}

static void take_batch(struct forward_link *f)
{
	struct drain *d = f->drain;

	if (!f->has_batch) {
		f->is_test = drain_batch_test(d, &f->batch);
		f->has_batch = f->is_test ||
			       ((drain_is_due(d) || d->now.lost) && drain_batch_make(d, &f->batch));
		if (!f->has_batch) {
			if (!drain_has_lines(d))
				drain_idle(d);
			return;
		}
	}
	f->acked = xrealloc(f->acked, f->batch.n_groups * sizeof(*f->acked));
	memset(f->acked, 0, f->batch.n_groups * sizeof(*f->acked));
	f->n_acked = 0;
	f->sent = 0;
	d->deadline_ms = clock_now_ms() + ACK_MS;
	send_batch(f);
}

static void on_ack(struct forward_link *f, const char *id)
{
	struct drain *d = f->drain;
	char want[FORWARD_CHUNK_MAX];

	for (size_t i = 0; f->has_batch && i < f->batch.n_groups; i++) {
		forward_chunk_id(&f->batch, i, want);
		if (f->acked[i] || !streq(want, id))
			continue;
		f->acked[i] = true;
		f->n_acked++;
	}
	if (!f->has_batch || f->n_acked < f->batch.n_groups)
		return;
	drain_ok(d);
	d->deadline_ms = INT64_MAX;
	f->has_batch = f->is_sent = false;
	if (f->is_test) {
		f->is_test = false;
		drain_test_result(d, true, "the chunk was acknowledged");
		batch_begin(&f->batch, d->at_seq);
	} else {
		drain_batch_done(d, &f->batch, 0);
	}
	take_batch(f);
}

/* What the session makes of what came. */
static void go_on(struct forward_link *f)
{
	struct error err = ERROR_INIT;
	char id[FORWARD_CHUNK_MAX];

	while (f->session) {
		switch (forward_session_next(f->session, &f->out, id, &err)) {
		case FORWARD_SEND:
			f->sent = 0;
			if (!push(f, &f->out))
				return;
			break;
		case FORWARD_READY:
			/* What waits has waited enough. */
			f->drain->deadline_ms = 0;
			take_batch(f);
			break;
		case FORWARD_ACK:
			on_ack(f, id);
			break;
		case FORWARD_BAD:
			fail(f, err.message);
			return;
		case FORWARD_MORE:
			return;
		}
	}
}

static void on_open(struct wire *w)
{
	struct forward_link *f = (struct forward_link *)(void *)w;

	f->session = forward_session_new(&f->drain->target, f->drain->names.host);
	f->drain->deadline_ms = clock_now_ms() + HANDSHAKE_MS;
	wire_watch(w, false);
	go_on(f);
}

static void on_end(struct forward_link *f)
{
	/* Between batches an end is no failure: the next one opens another connection. */
	if (f->has_batch || !forward_session_is_ready(f->session)) {
		fail(f, "the receiver closed the connection");
		return;
	}
	close_link(f);
	drain_idle(f->drain);
	f->drain->mover->pump(f->drain);
}

static void on_events(struct wire *w, uint32_t events)
{
	struct forward_link *f = (struct forward_link *)(void *)w;
	char data[4096];
	ssize_t n;

	if (!w->open)
		return;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		while ((n = wire_recv(w, data, sizeof(data))) > 0) {
			forward_session_feed(f->session, data, (size_t)n);
			go_on(f);
			if (!w->open)
				return;
		}
		if (n == 0 || n != -EAGAIN) {
			on_end(f);
			return;
		}
	}
	if (!(events & EPOLLOUT))
		return;
	if (!forward_session_is_ready(f->session)) {
		if (push(f, &f->out))
			go_on(f);
	} else if (f->has_batch && !f->is_sent) {
		send_batch(f);
	}
}

static void forward_pump(struct drain *d)
{
	struct forward_link *f = d->link;
	int64_t now_ms = clock_now_ms();

	if (d->now.phase == DRAIN_WAITING && d->deadline_ms > now_ms)
		return;
	if (f->wire.open && (!forward_session_is_ready(f->session) || f->has_batch)) {
		if (d->deadline_ms > now_ms)
			return;
		fail(f, f->has_batch ? "no acknowledgement came in time"
				     : "the handshake did not end in time");
		return;
	}
	if (f->wire.open)
		take_batch(f);
	else if (!wire_is_used(&f->wire) &&
		 (f->has_batch || drain_is_due(d) || d->now.lost || drain_test_runs(d)))
		wire_open(&f->wire, d);
}

static void forward_rest(struct drain *d)
{
	struct forward_link *f = d->link;

	if (!f->has_batch)
		batch_rest(&f->batch);
}

static void forward_start(struct drain *d)
{
	struct forward_link *f = xcalloc(1, sizeof(*f));

	f->drain = d;
	f->wire = (struct wire){ .handler = { .fd = -1 },
				 .on_open = on_open,
				 .on_events = on_events };
	f->out = BUF_INIT;
	batch_init(&f->batch, &d->target, &d->names, d->records);
	d->link = f;
	f->has_batch = drain_batch_again(d, &f->batch);
}

static void forward_stop(struct drain *d)
{
	struct forward_link *f = d->link;

	if (f->wire.drain)
		close_link(f);
	batch_done(&f->batch);
	buf_done(&f->out);
	free(f->acked);
	d->link = NULL;
	/* Events of this round may still name it. */
	logsd_let_go_unowned(d->app->logsd, &f->wire.handler);
}

const struct drain_mover mover_forward = {
	.start = forward_start,
	.stop = forward_stop,
	.pump = forward_pump,
	.rest = forward_rest,
	.gather_ms = 100,
	.gather_bytes = 128 * 1024,
};
