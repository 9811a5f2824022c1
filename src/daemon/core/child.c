/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children; see child.h.
 *
 *     child_start ──▶ runs ──▶ ended: the pidfd is readable ──▶ group killed, reaped
 *                      │                                             │
 *                      └── pipes at their end ───────────────────────┴──▶ on_end, freed
 *
 * What left the group may hold a pipe open for longer than the child lives: after a moment nobody
 * waits for its end.
 */
#include "daemon/core/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"

#define CHUNK 16384
#define DRAIN_MS 2000

struct pipe_end {
	int fd;
	struct watch *readable;
	struct buf text;
};

struct child {
	struct loop *loop;
	pid_t pid; /* 0: reaped */
	int pid_fd;
	struct watch *ended;
	struct watch *timer; /* the end of its time, of its grace, or of its pipes */
	struct pipe_end output, result;
	size_t max_output, max_result;
	void (*on_output)(const char *data, size_t n, void *userdata);
	void (*on_end)(const struct child_end *end, void *userdata);
	void *userdata;
	bool abandoned, cancelled;
	struct child_end end;
};

static void pipe_close(struct pipe_end *p)
{
	watch_free(steal_ptr(p->readable));
	p->fd = fd_close(p->fd);
}

static void child_free(struct child *c)
{
	pipe_close(&c->output);
	pipe_close(&c->result);
	buf_done(&c->output.text);
	if (c->result.text.data)
		explicit_bzero(c->result.text.data, c->result.text.len);
	buf_done(&c->result.text);
	watch_free(c->ended);
	watch_free(c->timer);
	fd_close(c->pid_fd);
	free(c);
}

static void kill_group(const struct child *c)
{
	if (c->pid)
		kill(-c->pid, SIGKILL);
}

/* ---- the end ---- */

static void maybe_ended(struct child *c)
{
	if (c->pid || c->output.readable || c->result.readable)
		return;
	if (c->on_end && !c->abandoned) {
		buf_puts(&c->output.text, "");
		buf_puts(&c->result.text, "");
		c->end.output = c->output.text.data;
		c->end.n_output = c->output.text.len;
		c->end.result = c->result.text.data;
		c->end.n_result = c->result.text.len;
		c->on_end(&c->end, c->userdata);
	}
	child_free(c);
}

/* While it is a zombie its number is nobody else's: what is left of its group is ended first. */
static void on_ended(void *userdata)
{
	struct child *c = userdata;
	pid_t r;

	kill_group(c);
	do
		r = waitpid(c->pid, &c->end.status, WNOHANG);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return;
	if (r < 0)
		c->end.status = -1;
	c->pid = 0;
	watch_free(steal_ptr(c->ended));
	watch_arm(c->timer, DRAIN_MS);
	maybe_ended(c);
}

static void on_timer(void *userdata)
{
	struct child *c = userdata;

	if (c->pid) {
		c->end.timed_out = !c->cancelled;
		kill_group(c);
		return;
	}
	pipe_close(&c->output);
	pipe_close(&c->result);
	maybe_ended(c);
}

/* ---- what it writes ---- */

static void keep_last(struct buf *text, size_t max)
{
	if (text->len > max)
		buf_consume(text, text->len - max);
}

static void on_output(void *userdata)
{
	struct child *c = userdata;
	char chunk[CHUNK];
	ssize_t n = fd_read(c->output.fd, chunk, sizeof(chunk));

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		pipe_close(&c->output);
		maybe_ended(c);
	} else if (c->on_output) {
		c->on_output(chunk, (size_t)n, c->userdata);
	} else {
		buf_append(&c->output.text, chunk, (size_t)n);
		keep_last(&c->output.text, c->max_output);
	}
}

static void on_result(void *userdata)
{
	struct child *c = userdata;
	char chunk[CHUNK];
	ssize_t n = fd_read(c->result.fd, chunk, sizeof(chunk));

	if (n == -EAGAIN)
		return;
	if (n > 0 && c->result.text.len + (size_t)n <= c->max_result) {
		buf_append(&c->result.text, chunk, (size_t)n);
		explicit_bzero(chunk, (size_t)n);
		return;
	}
	if (n > 0) {
		c->end.too_much = true;
		buf_clear(&c->result.text);
		kill_group(c);
	}
	pipe_close(&c->result);
	maybe_ended(c);
}

/* ---- the start ---- */

/* Their other ends, and what it reads; closed when it has them, or when it could not be started. */
struct given {
	int input, output, result, null;
};

static void given_done(struct given *g)
{
	fd_close(g->input);
	fd_close(g->output);
	fd_close(g->result);
	fd_close(g->null);
}

static int open_input(const struct child_options *o, struct given *g)
{
	_cleanup_free_ char *dumped = o->order ? json_dumps(o->order, JSON_COMPACT) : NULL;
	const char *text = o->order ? dumped : o->input;

	if (o->order && !dumped)
		return -EINVAL;
	if (!text)
		return 0;
	g->input = fd_memfile("order", text, strlen(text));
	if (dumped)
		explicit_bzero(dumped, strlen(dumped));
	return g->input < 0 ? g->input : 0;
}

static int open_pipe(struct pipe_end *p, int *ret_other)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	p->fd = fds[0];
	*ret_other = fds[1];
	return fd_set_nonblock(p->fd, true);
}

static int open_all(struct child *c, const struct child_options *o, struct given *g)
{
	int r = open_input(o, g);

	if (r == 0 && (o->max_output || o->on_output))
		r = open_pipe(&c->output, &g->output);
	if (r == 0 && o->max_result)
		r = open_pipe(&c->result, &g->result);
	if (r == 0 && o->quiet)
		g->null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return r == 0 && o->quiet && g->null < 0 ? -errno : r;
}

/* 0: not given, as proc_spawn() has it. */
static int given_fd(int fd)
{
	return fd < 0 ? 0 : fd;
}

static int spawn(struct child *c, const struct child_options *o, const struct given *g,
		 struct error *err)
{
	struct proc_options p = {
		.argv = o->argv,
		.env = o->env,
		.dir = o->dir ? o->dir : "/",
		.stdin_fd = given_fd(g->input),
		.stdout_fd = given_fd(g->output),
		.stderr_fd = given_fd(g->output),
		.new_session = true,
		.die_with_us = !o->outlives_us,
	};
	int e;

	if (o->stdout_fd)
		p.stdout_fd = o->stdout_fd;
	else if (o->result_on_stdout)
		p.stdout_fd = given_fd(g->result);
	if (!o->result_on_stdout)
		p.fd3 = given_fd(g->result);
	if (o->quiet)
		p.stderr_fd = g->null;
	if (proc_spawn(&p, &c->pid, err) < 0)
		return -1;
	c->pid_fd = proc_pidfd_open(c->pid);
	if (c->pid_fd >= 0)
		return 0;
	e = c->pid_fd;
	/* Without a way to learn of its end it can't be left alone; it ends at once. */
	kill_group(c);
	waitpid(c->pid, NULL, 0);
	return error_set_errno(err, e, "watching %s", o->argv[0]);
}

static void watch_all(struct child *c, const struct child_options *o)
{
	c->ended = watch_readable(c->loop, c->pid_fd, on_ended, c);
	c->timer = watch_timer(c->loop, on_timer, c);
	if (o->timeout_ms)
		watch_arm(c->timer, o->timeout_ms);
	if (c->output.fd >= 0)
		c->output.readable = watch_readable(c->loop, c->output.fd, on_output, c);
	if (c->result.fd >= 0)
		c->result.readable = watch_readable(c->loop, c->result.fd, on_result, c);
}

int child_start(struct loop *l, const struct child_options *o, struct child **ret,
		struct error *err)
{
	_cleanup_(given_done) struct given g = { -1, -1, -1, -1 };
	struct child *c = xcalloc(1, sizeof(*c));
	int r;

	*c = (struct child){ .loop = l,
			     .pid_fd = -1,
			     .output = { .fd = -1, .text = BUF_INIT },
			     .result = { .fd = -1, .text = BUF_INIT },
			     .max_output = o->max_output,
			     .max_result = o->max_result,
			     .on_output = o->on_output,
			     .on_end = o->on_end,
			     .userdata = o->userdata };
	r = open_all(c, o, &g);
	if (r < 0)
		r = error_set_errno(err, r, "starting %s", o->argv[0]);
	else
		r = spawn(c, o, &g, err);
	if (r < 0) {
		child_free(c);
		return -1;
	}
	watch_all(c, o);
	if (ret)
		*ret = c;
	return 0;
}

/* ---- its end before its time ---- */

void child_cancel(struct child *c, int64_t grace_ms)
{
	bool again = c->cancelled;

	c->cancelled = true;
	if (!c->pid)
		return;
	if (grace_ms <= 0) {
		kill_group(c);
		return;
	}
	if (again)
		return;
	kill(c->pid, SIGTERM);
	watch_arm(c->timer, grace_ms);
}

void child_abandon(struct child *c)
{
	if (!c)
		return;
	c->abandoned = true;
	kill_group(c);
	pipe_close(&c->output);
	pipe_close(&c->result);
	/* Reaped already, and only its pipes were waited for. */
	if (!c->pid)
		child_free(c);
}

void child_release(struct child *c)
{
	if (c)
		child_free(c);
}
