/* SPDX-License-Identifier: Apache-2.0 */
/* Thin helpers over libevent; see loop.h. */
#include "event/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"

struct loop {
	struct event_base *base;
};

struct watch {
	struct event *event;
	watch_fn fn;
	child_fn child_fn;
	void *userdata;
	pid_t pid;
	int pid_fd; /* -1 but for children */
	bool timer;
	bool paused;
};

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	l->base = event_base_new();
	if (!l->base)
		abort();
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	event_base_free(l->base);
	free(l);
}

void loop_run(struct loop *l)
{
	event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void loop_stop(struct loop *l)
{
	event_base_loopbreak(l->base);
}

struct event_base *loop_base(struct loop *l)
{
	return l->base;
}

static void reap(struct watch *w)
{
	int status;
	pid_t r;

	do
		r = waitpid(w->pid, &status, WNOHANG);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return;
	event_del(w->event);
	w->child_fn(r < 0 ? -1 : status, w->userdata);
	watch_free(w);
}

static void on_event(evutil_socket_t fd, short what, void *userdata)
{
	struct watch *w = userdata;

	(void)fd;
	(void)what;
	if (w->child_fn)
		reap(w);
	else
		w->fn(w->userdata);
}

static struct watch *watch_make(struct loop *l, int fd, short what, watch_fn fn, void *userdata)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	*w = (struct watch){ .fn = fn, .userdata = userdata, .pid_fd = -1 };
	w->event = event_new(l->base, fd, what, on_event, w);
	if (!w->event)
		abort();
	return w;
}

static struct watch *watch_added(struct watch *w)
{
	/* Adding fails only for a bad descriptor or for want of memory. */
	if (event_add(w->event, NULL) < 0)
		abort();
	return w;
}

struct watch *watch_readable(struct loop *l, int fd, watch_fn fn, void *userdata)
{
	return watch_added(watch_make(l, fd, EV_READ | EV_PERSIST, fn, userdata));
}

struct watch *watch_writable(struct loop *l, int fd, watch_fn fn, void *userdata)
{
	return watch_added(watch_make(l, fd, EV_WRITE | EV_PERSIST, fn, userdata));
}

struct watch *watch_signal(struct loop *l, int signal, watch_fn fn, void *userdata)
{
	return watch_added(watch_make(l, signal, EV_SIGNAL | EV_PERSIST, fn, userdata));
}

struct watch *watch_timer(struct loop *l, watch_fn fn, void *userdata)
{
	struct watch *w = watch_make(l, -1, 0, fn, userdata);

	w->timer = true;
	return w;
}

void watch_arm(struct watch *w, int64_t delay_ms)
{
	struct timeval tv = { .tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000 };

	if (delay_ms < 0)
		event_del(w->event);
	else
		event_add(w->event, &tv);
}

int watch_child(struct loop *l, pid_t pid, child_fn fn, void *userdata, struct watch **ret)
{
	int pid_fd = proc_pidfd_open(pid);
	struct watch *w;

	if (pid_fd < 0)
		return pid_fd;
	w = watch_make(l, pid_fd, EV_READ | EV_PERSIST, NULL, userdata);
	w->pid = pid;
	w->pid_fd = pid_fd;
	w->child_fn = fn;
	watch_added(w);
	if (ret)
		*ret = w;
	return 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	event_free(w->event);
	fd_close(w->pid_fd);
	free(w);
}

void watch_pause(struct watch *w, bool paused)
{
	if (w->paused == paused)
		return;
	w->paused = paused;
	if (paused)
		event_del(w->event);
	else
		event_add(w->event, NULL);
}
