/* SPDX-License-Identifier: Apache-2.0 */
/* See signals.h. */
#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

volatile sig_atomic_t cli_interrupted;
static volatile sig_atomic_t pipe_fd = -1;

static void on_signal(int sig)
{
	int saved = errno;
	unsigned char byte = (unsigned char)sig;

	if (sig != SIGWINCH)
		cli_interrupted = sig;
	/* A full pipe has enough to wake us. */
	if (pipe_fd >= 0 && write(pipe_fd, &byte, 1) < 0)
		errno = saved;
	errno = saved;
}

static void watch(int sig, int flags)
{
	/* No SA_RESTART: what blocks is to be woken. */
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(sig, &act, NULL);
}

static void watch_all(int flags)
{
	watch(SIGINT, flags);
	watch(SIGTERM, flags);
	watch(SIGHUP, flags);
}

void signals_note(void)
{
	watch_all(0);
	signal(SIGPIPE, SIG_IGN);
}

void signals_note_first(void)
{
	watch_all((int)SA_RESETHAND);
}

int signals_pipe(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	pipe_fd = fds[1];
	signals_note();
	watch(SIGWINCH, 0);
	return fds[0];
}
