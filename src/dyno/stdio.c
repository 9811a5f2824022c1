/* SPDX-License-Identifier: Apache-2.0 */
/* The process's side of a session: its terminal or pipes, its input, and the output that is kept.
 */
#include <errno.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/fd.h"
#include "dyno/dyno.h"

void stdio_set_size(struct dyno *d, int columns, int rows)
{
	struct session *s = &d->session;
	struct winsize size = { .ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows };
	struct winsize other = { .ws_col = size.ws_col,
				 .ws_row = (unsigned short)(rows > 1 ? rows - 1 : rows + 1) };

	if (!d->terminal || s->out_fd < 0 || columns <= 0 || rows <= 0)
		return;
	/* A change makes the kernel send SIGWINCH, upon which programs draw. */
	if (s->redraw)
		ioctl(s->out_fd, TIOCSWINSZ, &other);
	s->redraw = false;
	ioctl(s->out_fd, TIOCSWINSZ, &size);
}

void stdio_close_input(struct session *s)
{
	buf_done(&s->to_process);
	if (s->in_fd >= 0 && s->in_fd != s->out_fd)
		s->in_fd = fd_close(s->in_fd);
}

void stdio_write(struct dyno *d)
{
	struct session *s = &d->session;
	ssize_t r = 0;

	while (s->in_fd >= 0 && s->to_process.len) {
		r = fd_write(s->in_fd, s->to_process.data, s->to_process.len);
		if (r < 0)
			break;
		buf_consume(&s->to_process, (size_t)r);
	}
	/* A process that has closed its input does not want the rest. */
	if ((r < 0 && r != -EAGAIN) || (s->input_ended && !s->to_process.len))
		stdio_close_input(s);
}

void stdio_take_input(struct dyno *d, const char *data, size_t n)
{
	struct session *s = &d->session;

	/* What is not wanted counts as taken. */
	s->n_input += n;
	if (!s->input_ended && (s->in_fd >= 0 || d->state == DYNO_STARTING))
		buf_append(&s->to_process, data, n);
	stdio_write(d);
}

void stdio_end_input(struct dyno *d)
{
	d->session.input_ended = true;
	stdio_write(d);
}

bool stdio_read(struct dyno *d, int *fd, enum attach_frame frame)
{
	struct session *s = &d->session;
	char chunk[SESSION_CHUNK];
	ssize_t r = fd_read(*fd, chunk, sizeof(chunk));

	if (r == -EAGAIN)
		return false;
	if (r > 0) {
		if (!s->left)
			frame_append(&s->kept, frame, chunk, (size_t)r);
		return true;
	}
	/* The end; a terminal whose other side is closed gives EIO. */
	if (s->in_fd == *fd)
		s->in_fd = -1;
	*fd = fd_close(*fd);
	return false;
}

void session_acknowledge(struct session *s, uint64_t position)
{
	size_t done = 0, payload;

	while (done < s->kept.len) {
		size_t n = frame_length(s->kept.data + done, &payload);

		if (s->kept_at + done + n > position)
			break;
		done += n;
	}
	buf_consume(&s->kept, done);
	s->kept_at += done;
	s->sent = s->sent > done ? s->sent - done : 0;
}

void session_wake_at(struct session *s, int64_t at_ms)
{
	if (!s->wake_ms || at_ms < s->wake_ms)
		s->wake_ms = at_ms;
}
