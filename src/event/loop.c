/* SPDX-License-Identifier: Apache-2.0 */
/* Thin helpers over libevent; see loop.h. */
#include "event/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"

/* What runs now, and how it stood with the thread when that began. */
struct step {
	struct watch_origin does;
	int64_t began_ms, cpu_ms, n_waits;
};

struct loop {
	struct event_base *base;
	int64_t limit_ms;
	loop_hold_fn on_hold; /* NULL: nothing is timed */
	void *userdata;
	struct loop_holds holds;
	struct watch_origin running; /* the callback, by its watch */
	struct step step;
};

struct watch {
	struct loop *loop;
	struct watch_origin from;
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

/* ---- what holds the loop ---- */

void loop_on_hold(struct loop *l, int64_t limit_ms, loop_hold_fn fn, void *userdata)
{
	l->limit_ms = limit_ms;
	l->on_hold = fn;
	l->userdata = userdata;
}

struct loop_holds loop_holds(const struct loop *l)
{
	return l->holds;
}

/* As from the top of the tree: where the compiler ran says nothing. */
static const char *from_top(const char *file)
{
	while (str_starts(file, "../"))
		file += 3;
	return file;
}

static int64_t timeval_ms(struct timeval t)
{
	return (int64_t)t.tv_sec * 1000 + t.tv_usec / 1000;
}

static struct step step_now(struct watch_origin does)
{
	struct rusage used = { 0 };

	getrusage(RUSAGE_THREAD, &used);
	return (struct step){ .does = does,
			      .began_ms = clock_now_ms(),
			      .cpu_ms = timeval_ms(used.ru_utime) + timeval_ms(used.ru_stime),
			      .n_waits = used.ru_nvcsw };
}

static void step_end(struct loop *l)
{
	const struct step *s = &l->step, now = step_now(s->does);
	const struct loop_hold h = { .where = from_top(s->does.file),
				     .what = s->does.fn,
				     .took_ms = now.began_ms - s->began_ms,
				     .cpu_ms = now.cpu_ms - s->cpu_ms,
				     .n_waits = now.n_waits - s->n_waits };

	if (h.took_ms < l->limit_ms)
		return;
	l->holds.n++;
	if (h.took_ms > l->holds.longest.took_ms)
		l->holds.longest = h;
	l->on_hold(&h, l->userdata);
}

void loop_step(struct loop *l, const char *where, const char *what)
{
	if (!l->on_hold || !l->running.file)
		return;
	step_end(l);
	l->step = step_now(where ? (struct watch_origin){ where, what } : l->running);
}

/* ---- watches ---- */

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
	struct loop *l = w->loop;

	(void)fd;
	(void)what;
	if (l->on_hold) {
		l->running = w->from;
		l->step = step_now(w->from);
	}
	if (w->child_fn)
		reap(w);
	else
		w->fn(w->userdata);
	/* The watch may be gone by now. */
	if (l->on_hold && l->running.file)
		step_end(l);
	l->running = (struct watch_origin){ 0 };
}

static struct watch *watch_make(struct loop *l, int fd, short what, watch_fn fn, void *userdata,
				struct watch_origin from)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	*w = (struct watch){
		.loop = l, .from = from, .fn = fn, .userdata = userdata, .pid_fd = -1
	};
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

struct watch *watch_fd(struct loop *l, int fd, bool writable, watch_fn fn, void *userdata,
		       struct watch_origin from)
{
	short what = writable ? EV_WRITE : EV_READ;

	return watch_added(watch_make(l, fd, what | EV_PERSIST, fn, userdata, from));
}

struct watch *watch_signal_from(struct loop *l, int signal, watch_fn fn, void *userdata,
				struct watch_origin from)
{
	return watch_added(watch_make(l, signal, EV_SIGNAL | EV_PERSIST, fn, userdata, from));
}

struct watch *watch_timer_from(struct loop *l, watch_fn fn, void *userdata,
			       struct watch_origin from)
{
	struct watch *w = watch_make(l, -1, 0, fn, userdata, from);

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

int watch_child_from(struct loop *l, pid_t pid, child_fn fn, void *userdata, struct watch **ret,
		     struct watch_origin from)
{
	int pid_fd = proc_pidfd_open(pid);
	struct watch *w;

	if (pid_fd < 0)
		return pid_fd;
	w = watch_make(l, pid_fd, EV_READ | EV_PERSIST, NULL, userdata, from);
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
