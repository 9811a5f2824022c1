/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server over libmicrohttpd; see http/http.h. libmicrohttpd runs without a
 * thread: its epoll descriptor is watched by our loop, and MHD_run() is called
 * when it is readable or when its timeout is over.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"
#include "daemon/http/http-priv.h"

#define IDLE_TIMEOUT_S 600
#define CONNECTION_LIMIT 1024

/* Paths are split first and decoded after, so libmicrohttpd must not decode. */
static size_t keep_escaped(void *userdata, struct MHD_Connection *c, char *s)
{
	(void)userdata;
	(void)c;
	return strlen(s);
}

/* ---- a request's way ---- */

/* The answer, or what was left for later. */
static int handle(struct request *r, struct error *err)
{
	request_fn later = steal_ptr(r->later);

	if (!later)
		return r->http->app->answer(r, err);
	http_tail_done(&r->tail);
	return later(r, err);
}

static void dispatch(struct request *r)
{
	struct error err = r->error;

	if (err.kind == ERROR_NONE && handle(r, &err) == 0 && (r->answered || r->later))
		return;
	if (err.kind == ERROR_NONE)
		error_set(&err, ERROR_SYSTEM, "This request was given no answer");
	r->http->app->refuse(r, &err);
}

static void begin(struct request *r, const char *path)
{
	r->path = path;
	/* An answer before the body is read: libmicrohttpd closes the connection after it. */
	if (r->http->app->begin(r, &r->error) < 0 && !http_answers_after_body(r))
		r->http->app->refuse(r, &r->error);
	r->path = NULL;
}

static enum MHD_Result on_request(void *userdata, struct MHD_Connection *c, const char *path,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **slot)
{
	struct http_listener *l = userdata;
	struct request *r = *slot;

	(void)version;
	if (!r && l->http->ending)
		return MHD_NO;
	if (!r) {
		r = *slot = http_request_new(l->http, c, method, l->local);
		begin(r, path);
		return MHD_YES;
	}
	if (r->answered)
		return MHD_YES;
	if (r->ended)
		return MHD_NO;
	if (*size)
		return http_take_body(r, data, size);
	/* Resumed, since nobody is there any more. */
	if (r->later && r->tail.gone)
		return MHD_NO;
	loop_step(l->http->loop, r->step_where, r->step_what);
	dispatch(r);
	loop_step(l->http->loop, NULL, NULL);
	return MHD_YES;
}

static void on_completed(void *userdata, struct MHD_Connection *c, void **slot,
			 enum MHD_RequestTerminationCode why)
{
	(void)userdata;
	(void)c;
	(void)why;
	if (*slot)
		http_request_free(*slot);
	*slot = NULL;
}

/* ---- the loop ---- */

static void run(struct http_listener *l)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	MHD_run(l->mhd);
	watch_arm(l->timer,
		  MHD_get_timeout(l->mhd, &timeout_ms) == MHD_YES ? (int64_t)timeout_ms : -1);
}

static void on_listener(void *userdata)
{
	run(userdata);
}

static void on_kick(void *userdata)
{
	struct http *h = userdata;

	for (size_t i = 0; i < h->n_listeners; i++)
		run(&h->listeners[i]);
}

/* ---- start and stop ---- */

struct http *http_new(struct loop *l, const struct http_app *app, void *userdata)
{
	struct http *h = xcalloc(1, sizeof(*h));

	*h = (struct http){ .loop = l, .app = app, .userdata = userdata };
	h->tails = (struct http_tails){ .loop = l, .kick = watch_timer(l, on_kick, h) };
	return h;
}

int http_listen(struct http *h, int take_fd, bool local, struct error *err)
{
	struct http_listener *l = &h->listeners[h->n_listeners];
	const union MHD_DaemonInfo *info;

	assert(h->n_listeners < ARRAY_SIZE(h->listeners));
	*l = (struct http_listener){ .http = h, .local = local };
	l->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
					  MHD_USE_PEDANTIC_CHECKS,
				  0, NULL, NULL, on_request, l, MHD_OPTION_LISTEN_SOCKET, take_fd,
				  MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
				  MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL,
				  MHD_OPTION_CONNECTION_LIMIT, CONNECTION_LIMIT,
				  MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, MHD_OPTION_END);
	if (!l->mhd) {
		fd_close(take_fd);
		return error_set(err, ERROR_SYSTEM, "starting the HTTP server: %s",
				 strerror(errno));
	}
	info = MHD_get_daemon_info(l->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	l->readable = watch_readable(h->loop, info->epoll_fd, on_listener, l);
	l->timer = watch_timer(h->loop, on_listener, l);
	h->n_listeners++;
	run(l);
	return 0;
}

void http_stop_taking(struct http *h)
{
	if (!h || h->ending)
		return;
	h->ending = true;
	for (size_t i = 0; i < h->n_listeners; i++)
		fd_close(MHD_quiesce_daemon(h->listeners[i].mhd));
	for (struct request *r = h->requests; r; r = r->next)
		http_request_end(r);
	/* libmicrohttpd aborts when it is ended while connections are suspended. */
	http_tails_end(&h->tails);
	on_kick(h);
}

void http_free(struct http *h)
{
	if (!h)
		return;
	http_stop_taking(h);
	for (size_t i = 0; i < h->n_listeners; i++) {
		watch_free(h->listeners[i].readable);
		watch_free(h->listeners[i].timer);
		MHD_stop_daemon(h->listeners[i].mhd);
	}
	watch_free(h->tails.kick);
	free(h);
}
