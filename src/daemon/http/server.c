/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server over libmicrohttpd; see http/http.h. libmicrohttpd runs without a
 * thread: its epoll descriptor is watched by our loop, and MHD_run() is called
 * when it is readable or when its timeout is over.
 */
#include "daemon/http/http.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/api/api-priv.h"
#include "daemon/api/authz.h"
#include "daemon/edge/door.h"
#include "daemon/api/passwords.h"
#include "daemon/core/disk.h"
#include "daemon/http/http-priv.h"
#include "model/guess.h"

#define IDLE_TIMEOUT_S 600
#define CONNECTION_LIMIT 1024

/* ---- decoding ---- */

char *http_decode(const char *s, size_t n)
{
	char *out = xcalloc(1, n + 1), *to = out;

	for (size_t i = 0; i < n; i++) {
		unsigned byte;

		if (s[i] == '%' && i + 2 < n && isxdigit((unsigned char)s[i + 1]) &&
		    isxdigit((unsigned char)s[i + 2]) && sscanf(s + i + 1, "%2x", &byte) == 1 &&
		    byte) {
			*to++ = (char)byte;
			i += 2;
		} else {
			*to++ = s[i];
		}
	}
	return out;
}

/* Paths are split first and decoded after, so libmicrohttpd must not decode. */
static size_t keep_escaped(void *userdata, struct MHD_Connection *c, char *s)
{
	(void)userdata;
	(void)c;
	return strlen(s);
}

/* ---- a request's life ---- */

static void request_free(struct request *r)
{
	http_tail_done(&r->tail);
	if (r->work)
		r->free_work(r->work);
	http_upgrade_free(r->upgrade);
	free(r->asks_email);
	if (r->asks_password)
		explicit_bzero(r->asks_password, strlen(r->asks_password));
	free(r->asks_password);
	for (size_t i = 0; i < r->n_params; i++)
		free(r->params[i].value);
	free(r->query_value);
	free(r->app_name);
	free(r->note);
	free(r->set_cookie);
	free(r->header_value);
	buf_done(&r->raw);
	json_decref(r->body);
	json_decref(r->shared);
	fd_close(r->upload_fd);
	/* What the handler did not take. */
	if (r->upload_path)
		unlink(r->upload_path);
	free(r->upload_path);
	free(r);
}

/* The client's id, if it has one (the first, as proxies and Heroku's client append theirs), or a
 * new one. */
static void name_request(struct request *r)
{
	const char *given =
		MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Request-Id");

	snprintf(r->id, sizeof(r->id), "%.36s", given ? given : "");
	if (!uuid_is_valid(r->id))
		uuid_make(r->id);
}

static struct request *request_new(struct http *h, struct MHD_Connection *c, const char *method,
				   bool local)
{
	struct request *r = xcalloc(1, sizeof(*r));

	r->http = h;
	r->connection = c;
	r->local = local;
	r->upload_fd = -1;
	r->requests_left = -1;
	r->raw = BUF_INIT;
	snprintf(r->method, sizeof(r->method), "%s", method);
	name_request(r);
	return r;
}

static bool is_head(const struct request *r)
{
	return streq(r->method, MHD_HTTP_METHOD_HEAD);
}

static int match_route(struct request *r, const char *url, struct error *err)
{
	const char *values[HTTP_MAX_PARAMS];
	size_t lengths[HTTP_MAX_PARAMS], n;
	bool path_known;
	const char *name;

	r->route = api_match(is_head(r) ? "GET" : r->method, url, values, lengths, HTTP_MAX_PARAMS,
			     &n, &path_known);
	/* A session has no head. */
	if (r->route && is_head(r) && r->route->answer && streq(r->route->answer, "upgrade"))
		r->route = NULL;
	if (!r->route && path_known && api_elsewhere(url))
		return error_set(err, ERROR_NOT_FOUND, "%s", api_elsewhere(url));
	if (!r->route && path_known)
		return error_set(err, ERROR_NOT_FOUND,
				 "The requested API endpoint was not found: %s can't be done with "
				 "%.200s, other methods can",
				 r->method, url);
	if (!r->route && api_elsewhere(url))
		return error_set(err, ERROR_NOT_FOUND, "%s", api_elsewhere(url));
	if (!r->route)
		return error_set(err, ERROR_NOT_FOUND,
				 "The requested API endpoint was not found: %.200s", url);
	name = r->route->path;
	for (size_t i = 0; i < n; i++) {
		name = strchr(name, ':') + 1;
		r->params[i].name = name;
		r->params[i].value = http_decode(values[i], lengths[i]);
	}
	r->n_params = n;
	return 0;
}

static int check_length(struct request *r, struct error *err)
{
	const char *s =
		MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Content-Length");
	int64_t max = r->route->flags & API_STREAM   ? INT64_MAX
		      : r->route->flags & API_UPLOAD ? r->http->d->settings.max_upload_bytes
						     : HTTP_MAX_BODY;
	int64_t length;

	if (!s)
		return 0;
	if (!str_to_i64(s, 0, INT64_MAX, &length))
		return error_set(err, ERROR_BAD_REQUEST, "Content-Length is not a number");
	if (length > max)
		return error_set(err, ERROR_TOO_LARGE,
				 "The request's body of %lld bytes is larger than the %lld that "
				 "are taken here",
				 (long long)length, (long long)max);
	return 0;
}

static int open_upload(struct request *r, struct error *err)
{
	char id[UUID_SIZE];

	if (disk_check(&r->http->d->settings, 0, err) < 0)
		return -1;
	r->upload_path =
		xasprintf("%s/sources/%s.part", r->http->d->settings.state_dir, uuid_make(id));
	r->upload_fd = open(r->upload_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return r->upload_fd < 0 ? error_set_errno(err, errno, "taking the upload") : 0;
}

/* Text, files and sessions are what they are. */
static bool answers_json(const struct api_route *route)
{
	static const char *const others[] = { "text", "file", "upgrade", "git" };

	for (size_t i = 0; route->answer && i < ARRAY_SIZE(others); i++)
		if (streq(route->answer, others[i]))
			return false;
	return true;
}

static int check_accept(struct request *r, struct error *err)
{
	const char *accept = request_header(r, MHD_HTTP_HEADER_ACCEPT);

	if (!answers_json(r->route) || wire_accepts_json(accept))
		return 0;
	return error_set(err, ERROR_NOT_ACCEPTABLE,
			 "There is no answer of the kind that the Accept header asks for (%.100s): "
			 "set it to "
			 "application/vnd.heroku+json; version=3",
			 accept);
}

static const char *limit_key(const struct request *r)
{
	return r->caller.token_id[0] ? r->caller.token_id : r->caller.user_id;
}

int64_t http_requests_left(struct request *r)
{
	return limits_left(r->http->limits, r->local ? "" : limit_key(r), clock_now_ms());
}

/* Over the unix socket there is none. To ask what is left costs nothing. */
static int check_limit(struct request *r, struct error *err)
{
	if (r->local || !limit_key(r)[0] || streq(r->route->path, "/account/rate-limits"))
		return 0;
	if (limits_take(r->http->limits, limit_key(r), clock_now_ms(), &r->requests_left))
		return 0;
	return error_set(err, ERROR_RATE_LIMIT,
			 "This token has made its %lld requests an hour (TWELVE_RATE_LIMIT): wait "
			 "a little, they come back evenly",
			 (long long)r->http->d->settings.rate_limit);
}

/* All that can be said before the body is there. */
static int begin(struct request *r, const char *url, struct error *err)
{
	if (match_route(r, url, err) < 0)
		return -1;
	if (r->route->need != NEED_NOTHING && http_admit(r, err) < 0)
		return -1;
	if (check_limit(r, err) < 0 || check_accept(r, err) < 0)
		return -1;
	/* A password is looked at when the body is there; its route takes a small one. */
	if (!r->asks_email && authz_begin(r, err) < 0)
		return -1;
	if ((r->route->flags & API_UPLOAD) && api_upload_expected(r, err) < 0)
		return -1;
	r->expected = r->route->flags & (API_UPLOAD | API_STREAM);
	if (check_length(r, err) < 0)
		return -1;
	if (r->route->flags & API_STREAM)
		return r->route->fn(r, err);
	return r->route->flags & API_UPLOAD ? open_upload(r, err) : 0;
}

/* OAuth's forms may hold more (RFC 6749, section 3.2), and the body of a DELETE means nothing (RFC
 * 9110, section 9.3.5). */
static bool is_strict(const struct request *r)
{
	return !(r->route->flags & API_FORM) && !streq(r->method, "DELETE");
}

static int call_handler(struct request *r, struct error *err)
{
	if (http_parse_body(r, err) < 0 ||
	    api_check_body(r->route->body, is_strict(r), r->body, err) < 0)
		return -1;
	return r->route->fn(r, err);
}

static int password_looked_at(struct request *r, struct error *err)
{
	if (!r->caller.user_id[0])
		return error_set(err, ERROR_UNAUTHORIZED, "Invalid credentials provided.");
	return check_limit(r, err) < 0 || authz_begin(r, err) < 0 ? -1 : call_handler(r, err);
}

/* Calls the handler, or what it left for later. */
static int handle(struct request *r, struct error *err)
{
	api_fn later = steal_ptr(r->later);

	if (later) {
		http_tail_done(&r->tail);
		return later(r, err);
	}
	if (r->asks_email)
		return http_ask_password(r, r->asks_email, r->asks_password, password_looked_at,
					 err);
	return call_handler(r, err);
}

static void dispatch(struct request *r)
{
	struct error err = r->error;

	if (err.kind == ERROR_NONE && handle(r, &err) == 0 && (r->answered || r->later))
		return;
	if (err.kind == ERROR_NONE)
		error_set(&err, ERROR_SYSTEM, "%s %s gave no answer", r->method, r->route->path);
	if (err.kind == ERROR_SYSTEM)
		log_error("request %s: %s %s: %s", r->id, r->method,
			  r->route ? r->route->path : "?", err.message);
	http_answer_error(r, &err);
}

static enum MHD_Result on_request(void *userdata, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **slot)
{
	struct http_listener *l = userdata;
	struct request *r = *slot;

	(void)version;
	if (!r) {
		r = *slot = request_new(l->http, c, method, l->local);
		/* An answer before the body is read: libmicrohttpd closes the connection after it.
		 */
		if (begin(r, url, &r->error) < 0 && !http_answers_after_body(r))
			http_answer_error(r, &r->error);
		return MHD_YES;
	}
	if (r->answered)
		return MHD_YES;
	if (*size)
		return http_take_body(r, data, size);
	/* Resumed, since nobody is there any more. */
	if (r->later && r->tail.gone)
		return MHD_NO;
	if (r->route)
		loop_step(l->http->d->loop, r->route->method, r->route->path);
	dispatch(r);
	loop_step(l->http->d->loop, NULL, NULL);
	return MHD_YES;
}

static void on_completed(void *userdata, struct MHD_Connection *c, void **slot,
			 enum MHD_RequestTerminationCode why)
{
	(void)userdata;
	(void)c;
	(void)why;
	if (*slot)
		request_free(*slot);
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

void http_kick(struct http *h)
{
	watch_arm(h->kick, 0);
}

static int add_listener(struct http *h, int listen_fd, bool local, struct error *err)
{
	struct http_listener *l = &h->listeners[h->n_listeners];
	const union MHD_DaemonInfo *info;

	l->http = h;
	l->local = local;
	l->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
					  MHD_USE_PEDANTIC_CHECKS,
				  0, NULL, NULL, on_request, l, MHD_OPTION_LISTEN_SOCKET, listen_fd,
				  MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
				  MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL,
				  MHD_OPTION_CONNECTION_LIMIT, CONNECTION_LIMIT,
				  MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, MHD_OPTION_END);
	if (!l->mhd) {
		fd_close(listen_fd);
		return error_set(err, ERROR_SYSTEM, "starting the HTTP server: %s",
				 strerror(errno));
	}
	info = MHD_get_daemon_info(l->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	l->readable = watch_readable(h->d->loop, info->epoll_fd, on_listener, l);
	l->timer = watch_timer(h->d->loop, on_listener, l);
	h->n_listeners++;
	run(l);
	return 0;
}

/* ---- sockets ---- */

static int listen_local(struct http *h, struct error *err)
{
	const struct group *gr = getgrnam(h->d->settings.group);
	int fd = sock_listen_unix(h->d->api_socket, SOCK_STREAM, 0600);

	if (fd < 0)
		return error_set_errno(err, fd, "listening on %s", h->d->api_socket);
	/* Members of the group may connect; api/caller.c looks at who they are all the same. */
	if (gr && (chown(h->d->api_socket, (uid_t)-1, gr->gr_gid) < 0 ||
		   chmod(h->d->api_socket, 0660) < 0)) {
		fd_close(fd);
		return error_set_errno(err, errno, "setting the group of %s", h->d->api_socket);
	}
	return add_listener(h, fd, true, err);
}

int http_new(struct daemon *d, struct http **ret, struct error *err)
{
	struct http *h = xcalloc(1, sizeof(*h));
	struct error mending = ERROR_INIT;
	int fd;

	h->d = d;
	h->limits = limits_new(d->settings.rate_limit);
	h->guesses = guesses_new();
	h->kick = watch_timer(d->loop, on_kick, h);
	*ret = h;
	/* What can't be mended now is no reason not to serve. */
	if (api_mend(d, &mending) < 0)
		log_warn("%s", mending.message);
	if (passwords_new(d->loop, &h->passwords, err) < 0 || listen_local(h, err) < 0)
		return -1;
	/* What came through haproxy: by token, as from anywhere. */
	fd = door_listen(d, "api", err);
	return fd < 0 ? -1 : add_listener(h, fd, false, err);
}

void http_free(struct http *h)
{
	if (!h)
		return;
	/* libmicrohttpd aborts when it is ended while connections are suspended. */
	http_tail_end_all(h);
	for (size_t i = 0; i < h->n_listeners; i++) {
		MHD_run(h->listeners[i].mhd);
		watch_free(h->listeners[i].readable);
		watch_free(h->listeners[i].timer);
		MHD_stop_daemon(h->listeners[i].mhd);
	}
	watch_free(h->kick);
	passwords_free(h->passwords);
	guesses_free(h->guesses);
	limits_free(h->limits);
	free(h);
}
