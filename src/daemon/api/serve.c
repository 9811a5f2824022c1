/* SPDX-License-Identifier: Apache-2.0 */
/* The Platform API as an application of the HTTP server; see api/serve.h. */
#include "daemon/api/serve.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/api/api-state.h"
#include "daemon/api/peers.h"
#include "daemon/api/route.h"
#include "daemon/api/ask-password.h"
#include "daemon/api/audit.h"
#include "daemon/api/authz.h"
#include "daemon/api/call.h"
#include "daemon/api/caller.h"
#include "daemon/api/find.h"
#include "daemon/api/limit.h"
#include "daemon/core/disk.h"
#include "daemon/edge/door.h"

/* ---- the route ---- */

static bool is_head(const struct request *r)
{
	return streq(request_method(r), "HEAD");
}

static int refuse_path(struct request *r, bool path_known, struct error *err)
{
	const char *path = request_path(r);

	if (api_elsewhere(path))
		return error_set(err, ERROR_NOT_FOUND, "%s", api_elsewhere(path));
	if (path_known)
		return error_set(err, ERROR_NOT_FOUND,
				 "The requested API endpoint was not found: %s can't be done with "
				 "%.200s, other methods can",
				 request_method(r), path);
	return error_set(err, ERROR_NOT_FOUND, "The requested API endpoint was not found: %.200s",
			 path);
}

static int find_route(struct request *r, struct call *c, struct error *err)
{
	const char *values[API_MAX_PARAMS];
	size_t lengths[API_MAX_PARAMS], n;
	bool path_known;
	const char *name;

	c->route = api_match(is_head(r) ? "GET" : request_method(r), request_path(r), values,
			     lengths, API_MAX_PARAMS, &n, &path_known);
	/* A session has no head. */
	if (c->route && is_head(r) && c->route->answer && streq(c->route->answer, "upgrade"))
		c->route = NULL;
	if (!c->route)
		return refuse_path(r, path_known, err);
	request_set_step(r, c->route->method, c->route->path);
	name = c->route->path;
	for (size_t i = 0; i < n; i++) {
		name = strchr(name, ':') + 1;
		c->params[i].name = name;
		c->params[i].value = wire_decode(values[i], lengths[i]);
	}
	c->n_params = n;
	return 0;
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
	const char *accept = request_header(r, "Accept");

	if (!answers_json(request_call(r)->route) || wire_accepts_json(accept))
		return 0;
	return error_set(
		err, ERROR_NOT_ACCEPTABLE,
		"There is no answer of the kind that the Accept header asks for (%.100s): set it "
		"to application/vnd.heroku+json; version=3",
		accept);
}

/* ---- before the body ---- */

static int check_room(void *userdata, struct error *err)
{
	struct parts *parts = userdata;

	return disk_check(&parts->platform.settings, 0, err);
}

static int take_upload(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct request_file f = { .max_bytes = parts->platform.settings.max_upload_bytes,
				  .setting = "TWELVE_MAX_UPLOAD",
				  .check = check_room,
				  .userdata = parts };
	char id[UUID_SIZE];

	if (check_room(parts, err) < 0)
		return -1;
	f.take_path =
		xasprintf("%s/sources/%s.part", parts->platform.settings.state_dir, uuid_make(id));
	return request_take_file(r, &f, err);
}

/* Who was told to bring something may send what an upload may have; a stranger may not keep us
 * busy. */
static int prepare_body(struct request *r, struct error *err)
{
	const struct api_route *route = request_call(r)->route;
	int64_t upload = request_parts(r)->platform.settings.max_upload_bytes;

	if (route->flags & API_STREAM)
		return request_limit_body(r, INT64_MAX, upload, err) < 0 ? -1 : route->fn(r, err);
	if (route->flags & API_UPLOAD)
		return request_limit_body(r, upload, upload, err) < 0 ? -1 : take_upload(r, err);
	return request_limit_body(r, HTTP_MAX_BODY, HTTP_MAX_DROPPED, err);
}

/* What the token is for, as Heroku tells. */
static void tell_scopes(struct request *r)
{
	_cleanup_buf_ struct buf names = BUF_INIT;

	if (!request_caller(r)->token_id[0])
		return;
	authz_scopes(request_caller(r)->scopes, ",", &names);
	if (names.len)
		request_set_header(r, "Oauth-Scope", names.data);
}

/* All that can be said before the body is there. */
static int begin(struct request *r, struct error *err)
{
	struct call *c = xcalloc(1, sizeof(*c));

	c->api = request_userdata(r);
	c->found_at = -1;
	request_set_context(r, c);
	if (find_route(r, c, err) < 0)
		return -1;
	if (c->route->need != NEED_NOTHING && caller_admit(r, err) < 0)
		return -1;
	tell_scopes(r);
	if (limit_take(r, err) < 0 || check_accept(r, err) < 0)
		return -1;
	/* A password is looked at when the body is there; its route takes a small one. */
	if (!c->asks_email && find_in_path(r, err) < 0)
		return -1;
	if (c->route->before && c->route->before(r, err) < 0)
		return -1;
	return prepare_body(r, err);
}

/* ---- when the body is there ---- */

/* OAuth's forms may hold more (RFC 6749, section 3.2), and the body of a DELETE means nothing (RFC
 * 9110, section 9.3.5). */
static bool is_strict(const struct request *r)
{
	return !(request_call(r)->route->flags & API_FORM) && !streq(request_method(r), "DELETE");
}

static int call_handler(struct request *r, struct error *err)
{
	const struct api_route *route = request_call(r)->route;

	if (find_in_path(r, err) < 0 || request_read_body(r, route->flags & API_FORM, err) < 0 ||
	    api_check_body(route->body, is_strict(r), request_body(r), err) < 0)
		return -1;
	return route->fn(r, err);
}

static int password_looked_at(struct request *r, struct error *err)
{
	if (!request_caller(r)->user_id[0])
		return error_set(err, ERROR_UNAUTHORIZED, "Invalid credentials provided.");
	return limit_take(r, err) < 0 ? -1 : call_handler(r, err);
}

static int answer(struct request *r, struct error *err)
{
	struct call *c = request_call(r);

	if (c->asks_email)
		return password_ask(r, c->asks_email, c->asks_password, password_looked_at, err);
	return call_handler(r, err);
}

/* ---- errors ---- */

/* git shows its user an answer that is plain text. */
static void refuse_git(struct request *r, const struct error *err)
{
	_cleanup_free_ char *text =
		err->kind == ERROR_NOT_FOUND
			? xasprintf("There is no app \"%.100s\" here. If it was renamed, say where "
				    "it is now: git remote set-url REMOTE ADDRESS\n(twelve info "
				    "shows the address)\n",
				    request_param(r, "app"))
			: xasprintf("%s\n", err->message);

	request_answer_text(r, error_http_status(err->kind), "text/plain; charset=utf-8", text);
}

static void refuse(struct request *r, const struct error *err)
{
	const struct api_route *route = request_call(r)->route;
	struct error shown = *err;

	if (err->kind == ERROR_SYSTEM)
		log_error("request %s: %s %s: %s", request_id(r), request_method(r),
			  route ? route->path : "?", err->message);
	if (err->kind == ERROR_UNAUTHORIZED)
		request_set_header(r, "WWW-Authenticate", "Basic realm=\"twelve\"");
	if (err->kind == ERROR_RATE_LIMIT)
		request_set_header(r, "Retry-After", "1");
	if (route && (route->flags & API_GIT)) {
		refuse_git(r, err);
		return;
	}
	/* It may quote anything that came in. */
	wire_one_line(shown.message);
	request_answer(r, error_http_status(err->kind),
		       json_pack("{s:s, s:o}", "id", error_id(err->kind), "message",
				 json_text(shown.message)));
}

/* ---- start and stop ---- */

static const struct http_app application = {
	.begin = begin,
	.answer = answer,
	.refuse = refuse,
	.answered = audit_request,
	.forget = call_free,
};

static int listen_local(struct parts *parts, struct error *err)
{
	const struct group *gr = getgrnam(parts->platform.settings.group);
	_cleanup_fd_ int fd = sock_listen_unix(parts->platform.api_socket, SOCK_STREAM, 0600);

	if (fd < 0)
		return error_set_errno(err, fd, "listening on %s", parts->platform.api_socket);
	/* Members of the group may connect; caller.c looks at who they are all the same. */
	if (gr && (chown(parts->platform.api_socket, (uid_t)-1, gr->gr_gid) < 0 ||
		   chmod(parts->platform.api_socket, 0660) < 0))
		return error_set_errno(err, errno, "setting the group of %s",
				       parts->platform.api_socket);
	return http_listen(parts->http, fd_steal(&fd), true, err);
}

int api_new(struct parts *parts, struct api **ret, struct error *err)
{
	struct api *a = *ret = xcalloc(1, sizeof(*a));

	a->parts = parts;
	a->limits = limits_new(parts->platform.settings.rate_limit);
	a->guesses = guesses_new();
	parts->http = http_new(parts->platform.loop, &application, a);
	if (peers_new(parts->platform.settings.group, &a->peers, err) < 0)
		return -1;
	return passwords_new(parts->platform.loop, &a->passwords, err);
}

int api_listen(struct api *a, struct error *err)
{
	int fd;

	if (listen_local(a->parts, err) < 0)
		return -1;
	/* What came through haproxy: by token, as from anywhere. */
	fd = door_listen(&a->parts->platform, "api", err);
	return fd < 0 ? -1 : http_listen(a->parts->http, fd, false, err);
}

void api_free(struct api *a)
{
	if (!a)
		return;
	passwords_free(a->passwords);
	peers_free(a->peers);
	guesses_free(a->guesses);
	limits_free(a->limits);
	free(a);
}
