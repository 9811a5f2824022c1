/* SPDX-License-Identifier: Apache-2.0 */
/* Our own client: attach frames (ipc/dyno-proto.h), which carry all that a session has. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "dyno/dyno.h"

static void begin(struct dyno *d)
{
	struct session *s = &d->session;
	char text[80];

	snprintf(text, sizeof(text), "%" PRId64 " %" PRIu64 " %" PRIu64, s->serial, s->n_input,
		 s->kept_at);
	frame_append(&s->to_client, ATTACH_HELLO, text, strlen(text));
}

/* Tells from time to time how much the process has, so that the client forgets it. */
static void acknowledge_input(struct session *s)
{
	uint64_t n = s->n_input - s->to_process.len;
	char text[24];

	if (s->client_fd < 0 || n < s->n_input_acked + ATTACH_ACK_BYTES)
		return;
	s->n_input_acked = n;
	snprintf(text, sizeof(text), "%" PRIu64, n);
	frame_append(&s->to_client, ATTACH_ACK, text, strlen(text));
}

static void fill(struct dyno *d)
{
	struct session *s = &d->session;
	size_t n, payload;

	acknowledge_input(s);
	while (s->sent < s->kept.len && s->to_client.len < ATTACH_MAX_PAYLOAD) {
		n = frame_length(s->kept.data + s->sent, &payload);
		buf_append(&s->to_client, s->kept.data + s->sent, n);
		s->sent += n;
	}
}

static void pass_signal(const struct dyno *d, int64_t number)
{
	/* What the init passes on; SIGSTOP would stop it from seeing that we died. */
	static const int passed[] = { SIGINT,  SIGTERM, SIGHUP,	  SIGQUIT,
				      SIGUSR1, SIGUSR2, SIGWINCH, SIGKILL };

	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		if (passed[i] == number)
			d->session.signal(d, passed[i]);
}

static void on_frame(struct dyno *d, char type, const char *data, size_t n)
{
	int64_t number;
	char text[32];
	int columns, rows;

	snprintf(text, sizeof(text), "%.*s", (int)(n < 31 ? n : 31), data);
	switch (type) {
	case ATTACH_STDIN:
		if (n)
			stdio_take_input(d, data, n);
		else
			stdio_end_input(d);
		break;
	case ATTACH_WINSIZE:
		if (sscanf(text, "%d %d", &columns, &rows) == 2)
			stdio_set_size(d, columns, rows);
		break;
	case ATTACH_SIGNAL:
		if (str_to_i64(text, 1, NSIG, &number))
			pass_signal(d, number);
		break;
	case ATTACH_ACK:
		if (str_to_i64(text, 0, INT64_MAX, &number))
			session_acknowledge(&d->session, (uint64_t)number);
		break;
	}
}

/* Takes the frames that are there whole, up to a goodbye. */
static enum session_taken take(struct dyno *d)
{
	struct buf *b = &d->session.from_client;
	size_t n, payload;

	while (b->len >= ATTACH_HEADER_BYTES) {
		n = frame_length(b->data, &payload);
		if (payload > ATTACH_MAX_PAYLOAD)
			return SESSION_BROKEN;
		if (b->len < n)
			return SESSION_GOES_ON;
		if (b->data[0] == ATTACH_GOODBYE)
			return SESSION_GOODBYE;
		on_frame(d, b->data[0], b->data + ATTACH_HEADER_BYTES, payload);
		buf_consume(b, n);
	}
	return SESSION_GOES_ON;
}

static void on_time(struct dyno *d)
{
	(void)d;
}

const struct session_wire session_frames = {
	.begin = begin,
	.take = take,
	.fill = fill,
	.on_time = on_time,
};
