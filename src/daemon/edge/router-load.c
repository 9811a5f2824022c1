/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what haproxy runs to what is desired.
 *
 *              runtime commands suffice
 *            IDLE ──────────────────────▶ TELLING
 *             ▲ │ ◀──────────────────────────┘ │ no answer, or another than expected
 *             │ │                              ▼      refused: told, and tried again later
 *             │ └──────── else ─────────▶ CHECKING ────────────────────────────────▶ IDLE
 *             │                              │ haproxy -c is content
 *             │                              ▼
 *             │                           LOOKING: the last counters of the worker that goes
 *             │                              │ "reload"
 *             │   answers                    ▼
 *             └────────────────────────── RELOADING
 *             ▲   answers
 *             └───────────── STARTING ◀── haproxy died, from any phase
 *
 * What is set meanwhile waits in `desired` and is applied together at the end. Nothing here waits
 * for haproxy but the start. Commands come before the files, and the files say what haproxy has.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/edge/router-priv.h"

#define LOAD_MS 10000
#define TELL_MS 2000
#define BOOT_POLL_MS 10
#define RETRY_MS 10000
#define RESTART_FIRST_MS 50
#define RESTART_MAX_MS 5000

static void ask_procs(struct router *r);
static void restart(struct router *r);

static void replace(struct route_config *to, const struct route_config *with)
{
	route_config_done(to);
	route_config_copy(to, with);
}

static void end_answer(struct router *r)
{
	watch_free(steal_ptr(r->answer));
	r->answer_fd = fd_close(r->answer_fd);
	buf_clear(&r->answer_text);
}

/* A load has ended, well or not: joins what came meanwhile. */
static void ended(struct router *r)
{
	struct error err = ERROR_INIT;

	if (router_apply(r, &err) < 0)
		log_error("the router: %s", err.message);
	if (r->phase == ROUTER_IDLE && r->settled)
		r->settled(r->userdata);
}

static void give_up(struct router *r, const char *why)
{
	struct error err = ERROR_INIT;

	log_error("haproxy keeps its configuration: %s", why);
	r->phase = ROUTER_IDLE;
	if (haproxy_write_files(&r->h, &r->running, r->h.cfg, &err) < 0)
		log_error("the router: %s", err.message);
	watch_arm(r->timer, RETRY_MS);
	if (r->settled)
		r->settled(r->userdata);
}

/* ---- a reload ---- */

static void on_reload_answer(const struct buf *answer, const struct error *err, void *userdata)
{
	struct router *r = userdata;

	(void)answer;
	r->question = NULL;
	/* It may say nothing more, since it starts itself anew: what has become of it is asked
	 * next. */
	if (err)
		log_warn("%s", err->message);
	ask_procs(r);
}

static int begin_reload(struct router *r, int64_t worker, struct error *err)
{
	if (rename(r->h.cfg_next, r->h.cfg) < 0)
		return error_set_errno(err, errno, "renaming %s", r->h.cfg_next);
	/* HAProxy appends to it for as long as it lives; what matters is the newest load. */
	if (truncate(r->h.output, 0) < 0)
		return error_set_errno(err, errno, "emptying %s", r->h.output);
	r->worker_before = worker;
	fd_close(r->hold_fd);
	r->hold_fd = sock_connect_unix(r->h.admin_sock, SOCK_STREAM | SOCK_NONBLOCK);
	r->phase = ROUTER_RELOADING;
	r->deadline_ms = clock_now_ms() + LOAD_MS;
	r->question = question_new(r->platform->loop, r->h.master_sock, "reload", LOAD_MS,
				   on_reload_answer, r);
	return 0;
}

/* The counters that a reload would lose were read, or could not be (procs NULL): goes on with it.
 */
static void on_looked(struct router *r, const struct route_procs *procs)
{
	struct error err = ERROR_INIT;

	if (!procs)
		give_up(r, "it does not answer");
	else if (begin_reload(r, procs->worker, &err) < 0)
		give_up(r, err.message);
}

static void on_checked(const struct child_end *end, void *userdata)
{
	struct router *r = userdata;
	_cleanup_free_ char *complaint = NULL, *why = NULL;

	r->check = NULL;
	if (end->status == 0) {
		/* Before the hold on the worker that was replaced last is let go. */
		r->phase = ROUTER_LOOKING;
		router_look_done(r);
		router_look(r);
		r->look.then = on_looked;
		return;
	}
	if (end->timed_out) {
		give_up(r, "its check of the new configuration does not end");
		return;
	}
	complaint = haproxy_complaint(end->output);
	why = xasprintf("its check refuses the new configuration: %s", complaint);
	give_up(r, why);
}

static int begin_load(struct router *r, struct error *err)
{
	watch_arm(r->timer, -1);
	replace(&r->next, &r->desired);
	if (haproxy_write_files(&r->h, &r->next, r->h.cfg_next, err) < 0 ||
	    haproxy_check_start(&r->h, r->platform->loop, on_checked, r, &r->check, err) < 0)
		return -1;
	r->phase = ROUTER_CHECKING;
	return 0;
}

static void loaded(struct router *r)
{
	if (r->phase == ROUTER_RELOADING) {
		replace(&r->running, &r->next);
		r->stale = false;
	}
	r->phase = ROUTER_IDLE;
	r->pause_ms = 0;
	watch_arm(r->timer, -1);
	router_stat_watch(r);
	ended(r);
}

static void judge(struct router *r, const struct route_procs *procs)
{
	if (procs->failed) {
		_cleanup_free_ char *words = haproxy_last_words(&r->h);
		_cleanup_free_ char *why =
			xasprintf("it could not load the new configuration: %s", words);

		give_up(r, why);
	} else if (procs->worker &&
		   (r->phase == ROUTER_STARTING || procs->worker != r->worker_before)) {
		loaded(r);
	} else {
		watch_arm(r->timer, BOOT_POLL_MS);
	}
}

static void on_answer(void *userdata)
{
	struct router *r = userdata;
	struct route_procs procs;
	struct error err = ERROR_INIT;
	ssize_t n = fd_read(r->answer_fd, buf_reserve(&r->answer_text, 4096), 4096);
	int parsed;

	if (n == -EAGAIN)
		return;
	if (n > 0) {
		buf_added(&r->answer_text, (size_t)n);
		return;
	}
	parsed = route_parse_procs(r->answer_text.data, &procs, &err);
	end_answer(r);
	if (parsed == 0)
		judge(r, &procs);
	else
		watch_arm(r->timer, BOOT_POLL_MS);
}

/* Does not wait: the answer comes when the master is through with its load. */
static void ask_procs(struct router *r)
{
	end_answer(r);
	r->answer_fd = haproxy_procs_begin(&r->h);
	if (r->answer_fd >= 0)
		r->answer = watch_readable(r->platform->loop, r->answer_fd, on_answer, r);
	watch_arm(r->timer, r->answer_fd >= 0 ? LOAD_MS : BOOT_POLL_MS);
}

static void on_timer(void *userdata)
{
	struct router *r = userdata;
	_cleanup_free_ char *words = NULL;

	if (r->phase == ROUTER_IDLE) {
		ended(r);
	} else if (r->phase == ROUTER_STARTING && !r->process) {
		restart(r);
	} else if (clock_now_ms() < r->deadline_ms) {
		ask_procs(r);
	} else {
		end_answer(r);
		words = haproxy_last_words(&r->h);
		log_error("haproxy did not come up within %d s: %s", LOAD_MS / 1000, words);
		/* Its end is noticed, and another is started. */
		kill(r->master, SIGKILL);
	}
}

/* ---- its death ---- */

static void restart_later(struct router *r)
{
	r->pause_ms = r->pause_ms ? 2 * r->pause_ms : RESTART_FIRST_MS;
	if (r->pause_ms > RESTART_MAX_MS)
		r->pause_ms = RESTART_MAX_MS;
	watch_arm(r->timer, r->pause_ms);
}

static void on_died(int status, void *userdata)
{
	struct router *r = userdata;
	_cleanup_free_ char *words = haproxy_last_words(&r->h);
	char how[64] = "ended";

	if (status >= 0)
		proc_describe_status(status, how, sizeof(how));
	log_error("haproxy %s, and is started again (%s)", how, words);
	r->process = NULL;
	r->master = 0;
	end_answer(r);
	child_abandon(steal_ptr(r->check));
	question_free(steal_ptr(r->question));
	router_look_done(r);
	router_fold_all(r);
	r->phase = ROUTER_STARTING;
	if (r->pause_ms)
		restart_later(r);
	else
		restart(r);
}

static void restart(struct router *r)
{
	struct error err = ERROR_INIT;
	pid_t pid;

	if (haproxy_write_files(&r->h, &r->running, r->h.cfg, &err) < 0 ||
	    haproxy_start(&r->h, &pid, &err) < 0) {
		log_error("starting haproxy again: %s", err.message);
		restart_later(r);
		return;
	}
	r->pause_ms = RESTART_FIRST_MS;
	r->deadline_ms = clock_now_ms() + LOAD_MS;
	router_watch(r, pid);
	ask_procs(r);
}

void router_watch(struct router *r, pid_t master)
{
	r->master = master;
	/* Fails when it is gone already: then the next look finds out. */
	if (watch_child(r->platform->loop, master, on_died, r, &r->process) < 0) {
		r->process = NULL;
		r->phase = ROUTER_STARTING;
		watch_arm(r->timer, RESTART_FIRST_MS);
	}
}

/* ---- applying, booting ---- */

static void load_anew(struct router *r, const char *why)
{
	struct error err = ERROR_INIT;

	log_warn("%s; haproxy's configuration is loaded again", why);
	r->stale = true;
	if (begin_load(r, &err) == 0)
		return;
	log_error("the router: %s", err.message);
	watch_arm(r->timer, RETRY_MS);
}

static void on_told(const struct buf *answer, const struct error *err, void *userdata)
{
	struct router *r = userdata;
	_cleanup_free_ char *complaint = NULL, *why = NULL;
	struct error unwritten = ERROR_INIT;

	r->question = NULL;
	r->phase = ROUTER_IDLE;
	if (err) {
		load_anew(r, err->message);
		return;
	}
	if (!route_commands_done(answer->data, &complaint)) {
		why = xasprintf("haproxy answered \"%s\"", complaint);
		load_anew(r, why);
		return;
	}
	replace(&r->running, &r->next);
	if (haproxy_write_files(&r->h, &r->running, r->h.cfg, &unwritten) < 0)
		log_error("the router: %s", unwritten.message);
	ended(r);
}

int router_apply(struct router *r, struct error *err)
{
	_cleanup_buf_ struct buf commands = BUF_INIT;

	if (r->phase != ROUTER_IDLE)
		return 0;
	if (r->stale || !route_commands(&r->running, &r->desired, &commands))
		return begin_load(r, err);
	if (!commands.len)
		return 0;
	replace(&r->next, &r->desired);
	r->phase = ROUTER_TELLING;
	r->question = question_new(r->platform->loop, r->h.admin_sock, commands.data, TELL_MS,
				   on_told, r);
	return 0;
}

/* At start there is nothing else to do than to wait for it. */
static int await_boot(struct router *r, pid_t pid, struct error *err)
{
	int64_t deadline_ms = clock_now_ms() + LOAD_MS;
	_cleanup_free_ char *words = NULL;
	struct route_procs procs;
	char how[64];
	int status;

	while (haproxy_procs(&r->h, &procs, NULL) < 0 || procs.master != pid || !procs.worker) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			words = haproxy_last_words(&r->h);
			return error_set(err, ERROR_UNAVAILABLE, "haproxy %s: %s",
					 proc_describe_status(status, how, sizeof(how)), words);
		}
		if (clock_now_ms() > deadline_ms) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return error_set(err, ERROR_UNAVAILABLE, "haproxy does not answer at %s",
					 r->h.master_sock);
		}
		usleep(BOOT_POLL_MS * 1000);
	}
	return 0;
}

int router_boot(struct router *r, struct error *err)
{
	pid_t pid;

	if (haproxy_write_files(&r->h, &r->running, r->h.cfg, err) < 0 ||
	    haproxy_start(&r->h, &pid, err) < 0 || await_boot(r, pid, err) < 0)
		return -1;
	router_watch(r, pid);
	return 0;
}

void router_load_init(struct router *r)
{
	r->timer = watch_timer(r->platform->loop, on_timer, r);
}

void router_load_done(struct router *r)
{
	question_free(steal_ptr(r->question));
	end_answer(r);
	buf_done(&r->answer_text);
	r->answer_text = BUF_INIT;
	watch_free(steal_ptr(r->timer));
	watch_free(steal_ptr(r->process));
	child_abandon(steal_ptr(r->check));
}
