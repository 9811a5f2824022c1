/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Syslog over TCP: nobody answers, so what is known is what the peer's kernel has
 * acknowledged (TCP_INFO). When a connection breaks, lines go again
 *
 * - from the first byte that was not acknowledged, when the peer closed in order (FIN):
 *   its process has read what came before;
 * - from MARGIN_BYTES before it, of what was sent within MARGIN_MS, when it did not (RST, silence):
 *   its process may have died with bytes that its kernel had taken.
 *
 * A mark stands for what was given to the kernel at once: where it ends in the TCP stream, and
 * which line follows. For plain TCP the lines behind a mark are measured again, so
 * that a resend begins at the very line.
 *
 * After a kill of ours the kernel goes on to send what it was given; so the status notes
 * what was given, and only a chunk given in that very instant may come twice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "logsd/drain-cursor.h"
#include "logsd/drain-report.h"
#include "logsd/wire.h"

/* Frames that are made at once; TLS takes one of its records, 16 KiB (RFC 8446 section 5.1). */
#define CHUNK_PLAIN 65536
#define CHUNK_TLS 16384
#define CHUNK_LINES 1024
/* Chunks before the pipes have their turn. */
#define FAIR_CHUNKS 8
#define MARGIN_BYTES (256 * 1024)
#define MARGIN_MS 5000
#define MARKS_MAX 256
/* While something is in doubt, its acknowledgement is looked at every so often; sooner when
 * somebody waits for it. */
#define LOOK_MS 1000
#define LOOK_SOON_MS 20

struct mark {
	uint64_t end;		 /* in the TCP stream */
	uint64_t next_seq;	 /* the line behind it */
	uint64_t lost, lost_seq; /* told by its notice: how many, from which on */
	int64_t lost_since_ns, sent_ms;
	bool is_test;
};

struct syslog_link {
	struct wire wire; /* first: the loop frees it */
	struct drain *drain;
	struct batch frames;		 /* for the encoder */
	struct buf out;			 /* frames that are not all given to the kernel yet, */
	size_t out_at;			 /* how far they are, */
	uint64_t out_first;		 /* the first one's number, */
	uint32_t ends[CHUNK_LINES];	 /* where each ends, */
	size_t n_ends, n_given;		 /* how many there are, and are given whole */
	uint64_t out_lost, out_lost_seq; /* and the notice that they begin with */
	int64_t out_lost_since_ns;
	bool out_is_test;
	char test_id[UUID_SIZE];      /* of the test that was sent last */
	struct mark marks[MARKS_MAX]; /* a ring: what is in doubt, the oldest first */
	size_t first_mark, n_marks;
	uint64_t base_end,
		base_seq; /* what is not in doubt any more; base_seq 0: no line was sent */
};

static struct mark *mark_at(struct syslog_link *s, size_t i)
{
	return &s->marks[(s->first_mark + i) % MARKS_MAX];
}

static size_t frame_size(struct syslog_link *s, const struct log_record *r, const char *commit)
{
	_cleanup_buf_ struct buf frame = BUF_INIT;

	syslog_put_frame(&s->frames, &(struct batch_line){ .record = r, .commit = commit }, &frame);
	return frame.len;
}

/* ---- what has arrived ---- */

static void retire(struct syslog_link *s, const struct mark *m)
{
	s->base_end = m->end;
	if (s->base_seq)
		s->base_seq = m->next_seq;
	if (m->is_test)
		drain_test_result(s->drain, true,
				  "the peer's system has acknowledged it; syslog has no answers");
	s->first_mark = (s->first_mark + 1) % MARKS_MAX;
	s->n_marks--;
}

static void look_later(struct syslog_link *s)
{
	struct drain *d = s->drain;
	bool soon = d->now.failures || drain_test_runs(d);

	d->also_ms = s->n_marks ? clock_now_ms() + (soon ? LOOK_SOON_MS : LOOK_MS) : INT64_MAX;
}

/* Forgets marks that are beyond doubt. */
static void look(struct syslog_link *s)
{
	int64_t now_ms = clock_now_ms();
	uint64_t acked, given;

	if (!s->wire.open || !s->n_marks)
		return;
	wire_progress(&s->wire, &acked, &given);
	if (acked >= mark_at(s, 0)->end)
		drain_ok(s->drain);
	while (s->n_marks) {
		const struct mark *m = mark_at(s, 0);

		if (m->end > acked || (m->end + MARGIN_BYTES > acked &&
				       now_ms - m->sent_ms < MARGIN_MS && !m->is_test))
			break;
		retire(s, m);
	}
	look_later(s);
}

/*
 * The line to go on with. For plain TCP, lines after the last safe mark that are safe, too, are
 * measured; a notice among them has an unknown length.
 */
static uint64_t measure(struct syslog_link *s, uint64_t safe)
{
	struct drain *d = s->drain;
	uint64_t seq = s->base_seq, end = s->base_end;
	const char *commit;
	struct log_record r;

	drain_seek(d, seq);
	if (d->target.tls || !s->n_marks || mark_at(s, 0)->lost || mark_at(s, 0)->is_test)
		return seq;
	while (d->at_seq == seq && seq < mark_at(s, 0)->next_seq && drain_take(d, &r, &commit) &&
	       r.seq == seq) {
		end += frame_size(s, &r, commit);
		if (end > safe)
			break;
		seq++;
	}
	return seq;
}

/* A notice that is in doubt. Lines behind the place where sending goes on are counted anew. */
static void take_back(struct syslog_link *s, uint64_t lost, uint64_t lost_seq, int64_t since_ns,
		      uint64_t resume)
{
	struct drain *d = s->drain;

	if (!lost)
		return;
	if (resume && lost_seq >= resume) {
		drain_uncount(d, lost);
		return;
	}
	if (!d->now.lost || since_ns < d->now.lost_since_ns)
		d->now.lost_since_ns = since_ns;
	if (!d->now.lost || lost_seq < d->lost_seq)
		d->lost_seq = lost_seq;
	d->now.lost += lost;
}

static void take_back_all(struct syslog_link *s, uint64_t resume)
{
	struct drain *d = s->drain;
	uint64_t lost = d->now.lost;

	d->now.lost = 0;
	take_back(s, lost, d->lost_seq, d->now.lost_since_ns, resume);
	take_back(s, s->out_lost, s->out_lost_seq, s->out_lost_since_ns, resume);
	for (size_t i = 0; i < s->n_marks; i++) {
		const struct mark *m = mark_at(s, i);

		take_back(s, m->lost, m->lost_seq, m->lost_since_ns, resume);
	}
	s->out_lost = 0;
}

/* The connection is over: the cursor goes back to what is in doubt. */
static void rewind_to_doubt(struct syslog_link *s, bool in_order)
{
	struct drain *d = s->drain;
	uint64_t acked, given, safe, resume, gone = d->now.next_seq;

	wire_progress(&s->wire, &acked, &given);
	look(s);
	safe = in_order ? acked : acked > MARGIN_BYTES ? acked - MARGIN_BYTES : 0;
	while (s->n_marks && mark_at(s, 0)->end <= safe)
		retire(s, mark_at(s, 0));
	/* Without a line there is nothing to go back to but notices. */
	resume = s->base_seq ? measure(s, safe) : 0;
	take_back_all(s, resume);
	if (!resume)
		return;
	if (gone > resume)
		d->now.sent -= gone - resume < d->now.sent ? gone - resume : d->now.sent;
	drain_rewind(d, resume);
}

static void hang_up(struct syslog_link *s, bool in_order)
{
	if (s->wire.open)
		rewind_to_doubt(s, in_order);
	wire_close(&s->wire);
	s->first_mark = s->n_marks = 0;
	s->out_at = s->n_ends = s->n_given = 0;
	s->out_is_test = false;
	buf_done(&s->out);
	s->out = BUF_INIT;
	s->drain->also_ms = INT64_MAX;
	drain_save(s->drain);
}

/* ---- sending ---- */

static void put(struct syslog_link *s, const struct log_record *r, const char *commit)
{
	syslog_put_frame(&s->frames, &(struct batch_line){ .record = r, .commit = commit },
			 &s->out);
}

static void put_notice(struct syslog_link *s)
{
	struct drain *d = s->drain;
	char text[DRAIN_NOTICE_MAX];
	struct log_record r;

	drain_notice(d->now.lost, d->now.lost_since_ns, text);
	r = log_record_logplex(d->at_seq, clock_wall_ns(), text);
	put(s, &r, "");
	s->out_lost = d->now.lost;
	s->out_lost_seq = d->lost_seq;
	s->out_lost_since_ns = d->now.lost_since_ns;
	d->now.lost = 0;
	d->now.lost_since_ns = 0;
}

static bool wants_test(const struct syslog_link *s)
{
	return drain_test_runs(s->drain) && !streq(s->test_id, s->drain->now.test_id);
}

/* A notice and a test go alone, so that the places of lines in the stream are known. */
static bool fill(struct syslog_link *s)
{
	struct drain *d = s->drain;
	size_t most = d->target.tls ? CHUNK_TLS : CHUNK_PLAIN;
	char text[DRAIN_TEXT_MAX];
	const char *commit;
	struct log_record r;

	buf_clear(&s->out);
	s->out_at = s->n_ends = s->n_given = 0;
	s->out_lost = 0;
	s->out_first = d->at_seq;
	if (d->now.lost) {
		put_notice(s);
		return true;
	}
	s->out_is_test = wants_test(s) && drain_take_test(d, &r, text);
	if (s->out_is_test) {
		memcpy(s->test_id, d->now.test_id, UUID_SIZE);
		put(s, &r, "");
		return true;
	}
	if (!s->base_seq)
		s->base_seq = d->at_seq;
	while (s->out.len < most && s->n_ends < CHUNK_LINES && drain_take(d, &r, &commit)) {
		put(s, &r, commit);
		s->ends[s->n_ends++] = (uint32_t)s->out.len;
	}
	return s->out.len > 0;
}

static void set_mark(struct syslog_link *s)
{
	struct mark m = { .next_seq = s->drain->now.next_seq,
			  .lost = s->out_at == s->out.len ? s->out_lost : 0,
			  .lost_seq = s->out_lost_seq,
			  .lost_since_ns = s->out_lost_since_ns,
			  .sent_ms = clock_now_ms(),
			  .is_test = s->out_is_test };
	uint64_t acked;

	wire_progress(&s->wire, &acked, &m.end);
	/* Too many: the newest stands for this one, too. */
	if (s->n_marks == MARKS_MAX) {
		struct mark *last = mark_at(s, s->n_marks - 1);

		if (last->lost) {
			m.lost_seq = last->lost_seq;
			m.lost_since_ns = last->lost_since_ns;
		}
		m.lost += last->lost;
		m.is_test |= last->is_test;
		*last = m;
		return;
	}
	*mark_at(s, s->n_marks++) = m;
}

/* n more bytes of the buffer are given. */
static void given(struct syslog_link *s, size_t n)
{
	struct drain *d = s->drain;
	size_t before = s->n_given;

	s->out_at += n;
	while (s->n_given < s->n_ends && s->ends[s->n_given] <= s->out_at)
		s->n_given++;
	/* Behind the last line of the buffer, the next one is where the cursor is: others were
	 * lost. */
	d->now.next_seq = s->n_given == s->n_ends ? d->at_seq : s->out_first + s->n_given;
	drain_sent(d, s->n_given - before, n);
	set_mark(s);
	if (d->also_ms == INT64_MAX)
		look_later(s);
	if (s->out_at == s->out.len)
		s->out_lost = 0;
	drain_save(d);
}

/* False when it has to wait, or the connection is over. */
static bool send_chunk(struct syslog_link *s)
{
	ssize_t n = wire_send(&s->wire, s->out.data + s->out_at, s->out.len - s->out_at);

	if (n == -EAGAIN) {
		wire_watch(&s->wire, true);
		return false;
	}
	if (n < 0) {
		/* A reset that came after its FIN is EPIPE: the peer had read all that it
		 * acknowledged. */
		hang_up(s, n == -EPIPE);
		drain_fail(s->drain, 0, "the connection broke: %s", strerror((int)-n));
		return false;
	}
	given(s, (size_t)n);
	return true;
}

static void send_lines(struct syslog_link *s)
{
	struct drain *d = s->drain;

	for (int i = 0; i < FAIR_CHUNKS; i++) {
		if (s->n_marks > MARKS_MAX / 2)
			look(s);
		if (s->out_at == s->out.len && !fill(s)) {
			buf_done(&s->out);
			s->out = BUF_INIT;
			s->out_at = 0;
			drain_phase(d, DRAIN_IDLE);
			wire_watch(&s->wire, false);
			return;
		}
		drain_phase(d, DRAIN_SENDING);
		if (!send_chunk(s))
			return;
	}
	d->again = true;
}

static void on_open(struct wire *w)
{
	struct syslog_link *s = (struct syslog_link *)(void *)w;

	s->base_end = s->base_seq = 0;
	s->drain->deadline_ms = INT64_MAX;
	wire_watch(w, false);
	send_lines(s);
}

/* What a syslog server says, if it does, means nothing; its end does. */
static bool read_end(struct syslog_link *s, bool *ret_in_order)
{
	char data[1024];
	ssize_t n;

	do
		n = wire_recv(&s->wire, data, sizeof(data));
	while (n > 0);
	*ret_in_order = n == 0;
	return n != -EAGAIN;
}

static void on_events(struct wire *w, uint32_t events)
{
	struct syslog_link *s = (struct syslog_link *)(void *)w;
	struct drain *d = s->drain;
	bool in_order, is_idle;

	if (!w->open)
		return;
	if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) && read_end(s, &in_order)) {
		look(s);
		is_idle = s->out_at == s->out.len && !drain_has_lines(d);
		hang_up(s, in_order);
		if (is_idle && in_order && !drain_has_lines(d)) {
			drain_phase(d, DRAIN_IDLE);
			return;
		}
		drain_fail(d, 0,
			   in_order ? "the receiver closed the connection"
				    : "the connection was reset");
		return;
	}
	if (events & EPOLLOUT) {
		wire_watch(w, false);
		send_lines(s);
	}
}

static void syslog_pump(struct drain *d)
{
	struct syslog_link *s = d->link;

	look(s);
	if (d->now.phase == DRAIN_WAITING && d->deadline_ms > clock_now_ms())
		return;
	if (s->wire.open) {
		/* What the kernel did not take comes when there is room. */
		if (!(s->wire.events & EPOLLOUT) &&
		    (s->out_at < s->out.len || drain_is_due(d) || d->now.lost || wants_test(s)))
			send_lines(s);
		return;
	}
	if (!wire_is_used(&s->wire) && (drain_is_due(d) || d->now.lost || drain_test_runs(d))) {
		d->deadline_ms = INT64_MAX;
		wire_open(&s->wire, d);
	}
}

static void syslog_start(struct drain *d)
{
	struct syslog_link *s = xcalloc(1, sizeof(*s));

	s->drain = d;
	s->wire = (struct wire){ .handler = { .fd = -1 },
				 .on_open = on_open,
				 .on_events = on_events };
	s->out = BUF_INIT;
	batch_init(&s->frames, &d->target, &d->names, d->records);
	d->link = s;
	d->now.next_seq = d->at_seq;
}

static void syslog_stop(struct drain *d)
{
	struct syslog_link *s = d->link;

	/*
	 * What the kernel was given it goes on to send, as after a kill: so that is not taken back.
	 * The rest of the buffer is where the status says.
	 */
	take_back(s, s->out_lost, s->out_lost_seq, s->out_lost_since_ns, 0);
	if (s->wire.drain)
		wire_close(&s->wire);
	batch_done(&s->frames);
	buf_done(&s->out);
	d->link = NULL;
	/* Events of this round may still name it. */
	logsd_let_go_unowned(d->app->logsd, &s->wire.handler);
}

const struct drain_mover mover_syslog = {
	.start = syslog_start,
	.stop = syslog_stop,
	.pump = syslog_pump,
	.gather_ms = 10,
	.gather_bytes = 16384,
};
