/* SPDX-License-Identifier: Apache-2.0 */
/* git as a child with two pipes; see git/child.h. */
#include "daemon/git/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/git.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/git/gunzip.h"

#define CHUNK 65536
#define PIPE_BYTES (256 << 10)
/* Of what is gzip'd: a megabyte at most comes of it. */
#define GZIP_SLICE 1024
#define KILL_AFTER_MS 30000
#define AGAIN_MS 1000
#define CHILDREN_MAX 4096
#define LAST_WORDS_MAX 300

struct git_children {
	struct loop *loop;
	struct git_child *first;
	size_t n;
};

struct git_child {
	struct git_children *owner;
	struct git_child *next;
	char *user;
	char *what; /* "git receive-pack of shop for ada", for the log */
	pid_t pid;  /* 0: it has been reaped */
	struct watch *end, *stopping;
	int64_t kill_at_ms;
	int in_fd, out_fd, stderr_fd;
	struct watch *writable, *readable;
	struct gunzip *gzip;
	struct buf pending; /* for its stdin */
	struct buf early;   /* from its stdout */
	bool input_ended, deaf, output_ended, released;
	void (*ready)(void *userdata);
	void *userdata;
};

/* ---- its life ---- */

static void child_free(struct git_child *c)
{
	struct git_child **at = &c->owner->first;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->owner->n--;
	watch_free(c->end);
	watch_free(c->stopping);
	watch_free(c->writable);
	watch_free(c->readable);
	fd_close(c->in_fd);
	fd_close(c->out_fd);
	fd_close(c->stderr_fd);
	gunzip_free(c->gzip);
	buf_done(&c->pending);
	buf_done(&c->early);
	free(c->user);
	free(c->what);
	free(c);
}

/* The last line of what it wrote to stderr, which git's protocol has no place for. */
static char *last_words(struct git_child *c)
{
	char text[LAST_WORDS_MAX + 1] = "", *line;
	off_t size = lseek(c->stderr_fd, 0, SEEK_END);
	off_t from = size > LAST_WORDS_MAX ? size - LAST_WORDS_MAX : 0;

	if (pread(c->stderr_fd, text, LAST_WORDS_MAX, from) < 0)
		return xstrdup(strerror(errno));
	for (size_t n = strlen(text); n && text[n - 1] == '\n';)
		text[--n] = '\0';
	line = strrchr(text, '\n');
	return xstrdup(line ? line + 1 : text);
}

static void on_end(int status, void *userdata)
{
	struct git_child *c = userdata;
	char described[64];

	c->pid = 0;
	c->end = NULL;
	if (status != 0 && !c->stopping) {
		_cleanup_free_ char *words = last_words(c);

		log_warn("%s %s: %s", c->what,
			 proc_describe_status(status, described, sizeof(described)), words);
	}
	watch_free(steal_ptr(c->stopping));
	if (c->released)
		child_free(c);
}

static void close_input(struct git_child *c)
{
	watch_free(steal_ptr(c->writable));
	c->in_fd = fd_close(c->in_fd);
}

static void end_children(pid_t pid)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/task/%d/children", pid, pid);
	_cleanup_buf_ struct buf text = BUF_INIT;
	char *save = NULL;
	int64_t child;

	/* It may have ended just now. */
	if (fs_read_file(path, CHILDREN_MAX, &text) < 0)
		return;
	for (char *s = strtok_r(text.data, " ", &save); s; s = strtok_r(NULL, " ", &save))
		if (str_to_i64(s, 2, INT32_MAX, &child))
			kill((pid_t)child, SIGTERM);
}

static void on_stopping(void *userdata)
{
	struct git_child *c = userdata;

	if (clock_now_ms() > c->kill_at_ms) {
		log_warn("%s does not stop, and is killed", c->what);
		kill(-c->pid, SIGKILL);
		return;
	}
	end_children(c->pid);
	watch_arm(c->stopping, AGAIN_MS);
}

/*
 * git puts in order what it has begun when it ends by itself, and not when a signal ends it. So it
 * is its children that are ended: what unpacks, or the hook, which cancels its build. It sees that
 * they have failed, or that its input has ended.
 */
void git_child_stop(struct git_child *c)
{
	if (!c->pid || c->stopping)
		return;
	c->kill_at_ms = clock_now_ms() + KILL_AFTER_MS;
	c->stopping = watch_timer(c->owner->loop, on_stopping, c);
	buf_clear(&c->pending);
	close_input(c);
	on_stopping(c);
}

void git_child_release(struct git_child *c)
{
	if (!c)
		return;
	c->released = true;
	close_input(c);
	if (!c->pid) {
		child_free(c);
		return;
	}
	if (!c->output_ended)
		git_child_stop(c);
	watch_pause(c->readable, c->output_ended);
}

struct git_children *git_children_new(struct loop *l)
{
	struct git_children *g = xcalloc(1, sizeof(*g));

	g->loop = l;
	return g;
}

void git_children_free(struct git_children *g)
{
	while (g && g->first)
		child_free(g->first);
	free(g);
}

/* ---- its input ---- */

/* Writes what it can of n bytes: how many are done with. */
static size_t push(struct git_child *c, const char *data, size_t n)
{
	ssize_t done = c->deaf || c->in_fd < 0 ? (ssize_t)n : fd_write(c->in_fd, data, n);

	if (done >= 0)
		return (size_t)done;
	if (done == -EAGAIN)
		return 0;
	/* EPIPE: it has what it wants, or has failed. Its answer says which. */
	c->deaf = true;
	return n;
}

static void on_writable(void *userdata)
{
	struct git_child *c = userdata;

	buf_consume(&c->pending, push(c, c->pending.data, c->pending.len));
	if (c->pending.len)
		return;
	watch_pause(c->writable, true);
	if (c->input_ended)
		close_input(c);
	c->ready(c->userdata);
}

static ssize_t write_gzip(struct git_child *c, const char *data, size_t n, struct error *err)
{
	size_t done = 0;

	while (done < n && !c->pending.len) {
		size_t slice = n - done < GZIP_SLICE ? n - done : GZIP_SLICE;

		if (gunzip_feed(c->gzip, data + done, slice, &c->pending) < 0)
			return error_set(
				err, ERROR_BAD_REQUEST,
				"The request's body is not gzip, as Content-Encoding says");
		done += slice;
		buf_consume(&c->pending, push(c, c->pending.data, c->pending.len));
	}
	return (ssize_t)done;
}

ssize_t git_child_write(struct git_child *c, const char *data, size_t n, struct error *err)
{
	ssize_t done = 0;

	if (!c->pending.len)
		done = c->gzip ? write_gzip(c, data, n, err) : (ssize_t)push(c, data, n);
	if (done >= 0 && (size_t)done < n && c->writable)
		watch_pause(c->writable, false);
	return done;
}

int git_child_end_input(struct git_child *c, struct error *err)
{
	c->input_ended = true;
	if (c->gzip && !gunzip_is_whole(c->gzip))
		return error_set(err, ERROR_BAD_REQUEST,
				 "The request's gzip'd body ends before its end");
	if (c->pending.len && c->writable)
		watch_pause(c->writable, false);
	else
		close_input(c);
	return 0;
}

/* ---- its output ---- */

/* Reads some into `early`: bytes, 0 at the end, or a negative errno. */
static ssize_t fill(struct git_child *c)
{
	ssize_t n = fd_read(c->out_fd, buf_reserve(&c->early, CHUNK), CHUNK);

	if (n > 0)
		buf_added(&c->early, (size_t)n);
	if (n == 0)
		c->output_ended = true;
	return n;
}

/* Nobody is there any more, and SIGPIPE would end it as any signal does. */
static void drain(struct git_child *c)
{
	buf_clear(&c->early);
	if (fill(c) == 0)
		watch_pause(c->readable, true);
}

/* While its input comes, what it says is kept: a pipe that nobody reads would stop it, and with it
 * the input. */
static void on_readable(void *userdata)
{
	struct git_child *c = userdata;

	if (c->released) {
		drain(c);
	} else if (c->input_ended) {
		watch_pause(c->readable, true);
		c->ready(c->userdata);
	} else if (c->early.len > GIT_CHILD_EARLY_MAX) {
		log_warn("%s sends more than was requested, and is stopped", c->what);
		watch_pause(c->readable, true);
		git_child_stop(c);
	} else if (fill(c) == 0) {
		watch_pause(c->readable, true);
	}
}

int git_child_peek(struct git_child *c)
{
	ssize_t n = c->early.len ? 1 : c->output_ended ? 0 : fill(c);

	if (n == -EAGAIN)
		watch_pause(c->readable, false);
	return n > 0 ? 1 : (int)n;
}

ssize_t git_child_read(struct git_child *c, char *data, size_t n)
{
	ssize_t got = 0;

	if (c->early.len) {
		got = (ssize_t)(n < c->early.len ? n : c->early.len);
		memcpy(data, c->early.data, (size_t)got);
		buf_consume(&c->early, (size_t)got);
		return got;
	}
	if (!c->output_ended)
		got = fd_read(c->out_fd, data, n);
	if (got == 0)
		c->output_ended = true;
	if (got == -EAGAIN)
		watch_pause(c->readable, false);
	return got;
}

/* ---- its start ---- */

/* Little of ours, and nothing of git's: twelved's environment is not what a pusher's git is to
 * heed. */
static char **make_env(const struct git_child_options *o)
{
	static const char *const kept[] = { "PATH", "HOME", "TMPDIR" };
	char **env = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (getenv(kept[i]))
			strv_push_take(&env, xasprintf("%s=%s", kept[i], getenv(kept[i])));
	strv_push_take(&env, xasprintf("TWELVE_USER=%s", o->user));
	if (o->protocol)
		strv_push_take(&env, xasprintf("GIT_PROTOCOL=%s", o->protocol));
	return env;
}

/* Ours do not block. Larger pipes save turns of the loop; a limit on them does no harm. */
static int make_pipes(int in[static 2], int out[static 2])
{
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	(void)fcntl(in[1], F_SETPIPE_SZ, PIPE_BYTES);
	(void)fcntl(out[0], F_SETPIPE_SZ, PIPE_BYTES);
	if (fd_set_nonblock(in[1], true) < 0 || fd_set_nonblock(out[0], true) < 0)
		return -EIO;
	return 0;
}

static int spawn(struct git_child *c, const struct git_child_options *o, struct error *err)
{
	_cleanup_strv_ char **env = make_env(o);
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	struct proc_options p = { .argv = o->argv,
				  .env = (const char *const *)env,
				  .dir = "/",
				  .new_session = true,
				  .limits = git_limits() };
	int r = make_pipes(in, out);

	if (r < 0)
		error_set_errno(err, r, "starting git: pipe");
	p.stdin_fd = in[0];
	p.stdout_fd = out[1];
	p.stderr_fd = c->stderr_fd;
	if (r == 0)
		r = proc_spawn(&p, &c->pid, err);
	fd_close(in[0]);
	fd_close(out[1]);
	c->in_fd = in[1];
	c->out_fd = out[0];
	return r < 0 ? -1 : 0;
}

static struct git_child *child_new(struct git_children *g, const struct git_child_options *o)
{
	struct git_child *c = xcalloc(1, sizeof(*c));

	*c = (struct git_child){ .owner = g,
				 .next = g->first,
				 .in_fd = -1,
				 .out_fd = -1,
				 .pending = BUF_INIT,
				 .early = BUF_INIT,
				 .ready = o->ready,
				 .userdata = o->userdata };
	c->user = xstrdup(o->user);
	c->what = xasprintf("git for %s of %s", o->user, o->app);
	c->gzip = o->gzip ? gunzip_new() : NULL;
	c->stderr_fd = memfd_create("git-stderr", MFD_CLOEXEC);
	g->first = c;
	g->n++;
	return c;
}

static int watch_all(struct git_child *c, struct error *err)
{
	struct loop *l = c->owner->loop;
	int r = watch_child(l, c->pid, on_end, c, &c->end);

	if (r < 0)
		return error_set_errno(err, r, "watching git");
	c->writable = watch_writable(l, c->in_fd, on_writable, c);
	watch_pause(c->writable, true);
	c->readable = watch_readable(l, c->out_fd, on_readable, c);
	return 0;
}

static size_t count_of(const struct git_children *g, const char *user)
{
	size_t n = 0;

	for (const struct git_child *c = g->first; c; c = c->next)
		n += streq(c->user, user);
	return n;
}

int git_child_start(struct git_children *g, const struct git_child_options *o,
		    struct git_child **ret, struct error *err)
{
	struct git_child *c;

	if (g->n >= GIT_CHILDREN_MAX)
		return error_set(err, ERROR_UNAVAILABLE,
				 "%d pushes and fetches are already running: try again in a moment",
				 GIT_CHILDREN_MAX);
	if (count_of(g, o->user) >= GIT_CHILDREN_MAX_USER)
		return error_set(err, ERROR_UNAVAILABLE,
				 "%d pushes and fetches of yours are already running: try again "
				 "when one has finished",
				 GIT_CHILDREN_MAX_USER);
	c = child_new(g, o);
	if (c->stderr_fd < 0)
		error_set_errno(err, errno, "starting git");
	else if (spawn(c, o, err) == 0 && watch_all(c, err) == 0) {
		*ret = c;
		return 0;
	}
	/* One that nobody would reap. */
	if (c->pid) {
		kill(-c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
	child_free(c);
	return -1;
}
