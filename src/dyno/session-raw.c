/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heroku's client, by rendezvous: plain bytes both ways, and these rules, measured on
 * heroku 11.10:
 *
 * - It throws the first chunk that it gets away, whole. So the greeting goes alone, and
 *   output follows when haproxy has taken it and had time to pass it on.
 * - `run -x` looks for "U+FFFF heroku-command-exit-status: N" within one chunk. So what
 *   begins with U+FFFF waits for its end of line, then for what is before it to be
 *   through, and goes in one piece.
 * - A 0x04 after all else is the end of a stdin that is no terminal's. It is told from a
 *   byte of the data by the silence after it. With a terminal it is a key like others.
 *
 * There are no acknowledgements: what was written to the socket counts as received.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "dyno/dyno.h"

static const char eot = '\x04';

#define GREETING "rendezvous\r\n"
#define MARK "\xef\xbf\xbf" /* U+FFFF */
#define MARK_BYTES 3
/* For haproxy, between taking bytes from our socket and sending them off. */
#define PASS_ON_MS 30
#define LOOK_AGAIN_MS 5
#define HELD_MAX 4096
#define HOLD_MS 500
#define EOT_SILENCE_MS 250
#define CLOSE_MS 5000

static void begin(struct dyno *d)
{
	buf_puts(&d->session.to_client, GREETING);
}

/* ---- to the client ---- */

/* True when all that was written has left the socket, and a moment has passed since. */
static bool is_through(struct session *s)
{
	int64_t now_ms = clock_now_ms();
	int unread = 0;

	if (s->to_client.len || (ioctl(s->client_fd, SIOCOUTQ, &unread) == 0 && unread > 0))
		s->raw.empty_since_ms = 0;
	else if (!s->raw.empty_since_ms)
		s->raw.empty_since_ms = now_ms;
	if (s->raw.empty_since_ms && now_ms - s->raw.empty_since_ms >= PASS_ON_MS)
		return true;
	session_wake_at(s, now_ms + LOOK_AGAIN_MS);
	return false;
}

/* Takes the next frame of output; false when there is none. */
static bool take_kept(struct session *s)
{
	size_t payload, n;

	if (!s->kept.len)
		return false;
	n = frame_length(s->kept.data, &payload);
	if (s->kept.data[0] == ATTACH_EXIT)
		return false;
	buf_append(&s->raw.held, s->kept.data + ATTACH_HEADER_BYTES, payload);
	buf_consume(&s->kept, n);
	s->kept_at += n;
	return true;
}

static void move(struct buf *to, struct buf *from, size_t n)
{
	buf_append(to, from->data, n);
	buf_consume(from, n);
}

/* How many bytes come before the mark, or before what may be the first bytes of one at the end. */
static size_t before_mark(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		size_t n = b->len - i < MARK_BYTES ? b->len - i : MARK_BYTES;

		if (memcmp(b->data + i, MARK, n) == 0)
			return i;
	}
	return b->len;
}

/* What begins with a mark: its line goes in one piece; without an end it goes after a while. */
static void move_marked(struct session *s)
{
	struct buf *held = &s->raw.held;
	const char *end = memchr(held->data, '\n', held->len);
	int64_t now_ms = clock_now_ms();

	if (end && is_through(s)) {
		s->raw.hold_until_ms = 0;
		move(&s->to_client, held, (size_t)(end - held->data) + 1);
	}
	if (end)
		return;
	if (!s->raw.hold_until_ms)
		s->raw.hold_until_ms = now_ms + HOLD_MS;
	if (!s->ended && held->len <= HELD_MAX && now_ms < s->raw.hold_until_ms) {
		session_wake_at(s, s->raw.hold_until_ms);
		return;
	}
	s->raw.hold_until_ms = 0;
	move(&s->to_client, held, held->len);
}

/* True when there may be more of a line that is held. */
static bool has_more(struct session *s)
{
	const struct buf *held = &s->raw.held;

	return held->len <= HELD_MAX && !memchr(held->data, '\n', held->len) && take_kept(s);
}

/* All is sent: our end is closed, and the client's is awaited, since closing with something unread
 * would break the rest off. */
static void finish(struct session *s)
{
	if (!s->ended || s->closing || !is_through(s))
		return;
	s->closing = s->left = true;
	shutdown(s->client_fd, SHUT_WR);
	session_wake_at(s, clock_now_ms() + CLOSE_MS);
}

static void fill(struct dyno *d)
{
	struct session *s = &d->session;
	struct buf *held = &s->raw.held;
	size_t n;

	if (!s->raw.greeted && !(s->raw.greeted = is_through(s)))
		return;
	while (!s->to_client.len) {
		if (!held->len && !take_kept(s)) {
			finish(s);
			return;
		}
		n = before_mark(held);
		if (n) {
			move(&s->to_client, held, n);
		} else if (!has_more(s)) {
			move_marked(s);
			return;
		}
	}
}

/* ---- from the client ---- */

static enum session_taken take(struct dyno *d)
{
	struct session *s = &d->session;
	struct buf *b = &s->from_client;

	if (s->raw.eot_at_ms)
		stdio_take_input(d, &eot, 1);
	s->raw.eot_at_ms = 0;
	if (!d->terminal && b->len && b->data[b->len - 1] == eot) {
		b->data[--b->len] = '\0';
		s->raw.eot_at_ms = clock_now_ms() + EOT_SILENCE_MS;
		session_wake_at(s, s->raw.eot_at_ms);
	}
	stdio_take_input(d, b->data, b->len);
	buf_clear(b);
	return SESSION_GOES_ON;
}

static void on_time(struct dyno *d)
{
	struct session *s = &d->session;
	int64_t now_ms = clock_now_ms();

	if (s->closing) {
		s->client_fd = fd_close(s->client_fd);
		return;
	}
	if (s->raw.eot_at_ms && now_ms >= s->raw.eot_at_ms) {
		s->raw.eot_at_ms = 0;
		stdio_end_input(d);
	}
	if (s->raw.eot_at_ms)
		session_wake_at(s, s->raw.eot_at_ms);
}

/* One frame again of what was taken from the front of kept; so its place is before the rest. */
static void broken(struct dyno *d)
{
	struct session *s = &d->session;
	_cleanup_buf_ struct buf back = BUF_INIT, front = BUF_INIT;

	if (s->raw.greeted)
		buf_append(&back, s->to_client.data, s->to_client.len);
	buf_append(&back, s->raw.held.data, s->raw.held.len);
	buf_done(&s->raw.held);
	if (s->raw.eot_at_ms)
		s->input_ended = true;
	s->raw = (struct session_raw){ .held = BUF_INIT };
	if (!back.len)
		return;
	frame_append(&front, ATTACH_STDOUT, back.data, back.len);
	buf_append(&front, s->kept.data, s->kept.len);
	buf_clear(&s->kept);
	buf_append(&s->kept, front.data, front.len);
}

const struct session_wire session_raw = {
	.begin = begin,
	.take = take,
	.fill = fill,
	.broken = broken,
	.on_time = on_time,
};
