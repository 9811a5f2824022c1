/* SPDX-License-Identifier: Apache-2.0 */
/* What handlers ask of a request and answer to it; see http/http.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/api/audit.h"
#include "daemon/api/authz.h"
#include "daemon/edge/door.h"
#include "daemon/core/stream.h"
#include "daemon/http/http-priv.h"
#include "daemon/http/range.h"

struct daemon *request_daemon(struct request *r)
{
	return r->http->d;
}

const struct caller *request_caller(struct request *r)
{
	return &r->caller;
}

bool request_is_local(const struct request *r)
{
	return r->local;
}

enum need request_need(const struct request *r)
{
	return r->route->need;
}

const char *request_param(struct request *r, const char *name)
{
	size_t n = strlen(name);

	/* Names point into the pattern, and end at a slash, at what follows them, or at its end. */
	for (size_t i = 0; i < r->n_params; i++)
		if (strncmp(r->params[i].name, name, n) == 0 && strchr("/.", r->params[i].name[n]))
			return r->params[i].value;
	return "";
}

const char *request_query(struct request *r, const char *name)
{
	const char *s = MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);

	free(r->query_value);
	r->query_value = s ? http_decode(s, strlen(s)) : NULL;
	return r->query_value;
}

const char *request_header(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

json_t *request_body(struct request *r)
{
	return r->body;
}

const char *request_upload(struct request *r)
{
	return r->upload_path;
}

int request_string(struct request *r, const char *key, bool required, const char **ret,
		   struct error *err)
{
	json_t *v = json_object_get(r->body, key);

	if (v && !json_is_null(v) && !json_is_string(v))
		return error_set(err, ERROR_INVALID, "\"%s\" must be a string", key);
	*ret = json_string_value(v);
	if (required && !*ret)
		return error_set(err, ERROR_INVALID, "\"%s\" is missing: a string is needed", key);
	return 0;
}

int request_bool(struct request *r, const char *key, bool fallback, bool *ret, struct error *err)
{
	json_t *v = json_object_get(r->body, key);

	if (v && !json_is_null(v) && !json_is_boolean(v))
		return error_set(err, ERROR_INVALID, "\"%s\" must be true or false", key);
	*ret = json_is_boolean(v) ? json_is_true(v) : fallback;
	return 0;
}

int request_int(struct request *r, const char *key, int64_t min, int64_t max, int64_t fallback,
		int64_t *ret, struct error *err)
{
	json_t *v = json_object_get(r->body, key);

	*ret = fallback;
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
		return error_set(err, ERROR_INVALID,
				 "\"%s\" must be a whole number from %lld to %lld", key,
				 (long long)min, (long long)max);
	*ret = json_integer_value(v);
	return 0;
}

int request_ref(struct request *r, const char *key, bool required, const char **ret,
		struct error *err)
{
	json_t *v = json_object_get(r->body, key);

	*ret = json_ref(v);
	if (*ret || (!required && (!v || json_is_null(v))))
		return 0;
	if (!v || json_is_null(v))
		return error_set(err, ERROR_INVALID, "\"%s\" is missing: a name or an id is needed",
				 key);
	return error_set(err, ERROR_INVALID,
			 "\"%s\" must be a string, or an object with an \"id\" or a \"name\"", key);
}

void request_note(struct request *r, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	free(r->note);
	r->note = buf_steal(&text);
}

/* By which name the client calls us; never what could break a URL. */
static const char *host_of(struct request *r)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]";
	const char *host = request_header(r, MHD_HTTP_HEADER_HOST);

	return host && host[0] && !host[strspn(host, allowed)] ? host : "localhost";
}

char *request_tls_url(struct request *r, const char *path)
{
	_cleanup_free_ char *authority = door_authority(r->http->d, host_of(r));

	if (r->local || !r->http->d->settings.api_address[0])
		return request_url(r, "%s", path);
	return xasprintf("https://%s%s", authority, path);
}

char *request_url(struct request *r, const char *fmt, ...)
{
	const char *proto = request_header(r, "X-Forwarded-Proto");
	_cleanup_buf_ struct buf url = BUF_INIT;
	va_list ap;

	buf_printf(&url, "%s://%s", proto && streq(proto, "https") ? "https" : "http", host_of(r));
	va_start(ap, fmt);
	buf_vprintf(&url, fmt, ap);
	va_end(ap);
	return buf_steal(&url);
}

char *request_git_url(struct request *r, const char *app_name)
{
	_cleanup_free_ char *path = xasprintf("/%s.git", app_name);

	return r->local ? NULL : request_tls_url(r, path);
}

/* ---- answers that take long ---- */

void request_defer(struct request *r, api_fn later, void *take_work, void (*free_work)(void *work))
{
	r->later = later;
	r->work = take_work;
	r->free_work = free_work;
	http_tail_init(&r->tail, r->http, r->connection);
	http_tail_wait(&r->tail);
}

void request_stream(struct request *r, request_take_fn take, api_fn later, void *take_work,
		    void (*free_work)(void *work))
{
	r->take = take;
	r->later = later;
	r->work = take_work;
	r->free_work = free_work;
	http_tail_init(&r->tail, r->http, r->connection);
}

void request_resume(struct request *r)
{
	http_tail_wake(&r->tail);
}

void *request_work(struct request *r)
{
	return r->work;
}

bool http_is_collecting(const struct http *h)
{
	return h->collecting;
}

void http_set_collecting(struct http *h, bool collecting)
{
	h->collecting = collecting;
}

/* ---- answers ---- */

enum MHD_Result http_queue(struct request *r, int status, struct MHD_Response *response,
			   const char *content_type)
{
	enum MHD_Result result;

	MHD_add_response_header(response, "Request-Id", r->id);
	if (content_type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	result = MHD_queue_response(r->connection, (unsigned)status, response);
	MHD_destroy_response(response);
	r->answered = true;
	audit_request(r, status);
	return result;
}

static bool is_read(const struct request *r)
{
	return streq(r->method, "GET") || streq(r->method, "HEAD");
}

/* libmicrohttpd refuses what may not stand in a header, and then it is left out. */
static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	if (value)
		MHD_add_response_header(response, name, value);
}

/* What the token is for, as Heroku tells. */
static void add_scopes(struct request *r, struct MHD_Response *response)
{
	_cleanup_buf_ struct buf names = BUF_INIT;

	if (!r->caller.token_id[0])
		return;
	authz_scopes(r->caller.scopes, ",", &names);
	add_header(response, "Oauth-Scope", names.data);
}

static void add_limit(struct request *r, struct MHD_Response *response, int status)
{
	char left[24];

	snprintf(left, sizeof(left), "%lld", (long long)r->requests_left);
	if (r->requests_left >= 0)
		add_header(response, "RateLimit-Remaining", left);
	if (status == MHD_HTTP_TOO_MANY_REQUESTS)
		add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
}

/* The body, or 304 without one when the client has it already. Takes the text. */
static struct MHD_Response *make_response(struct request *r, int *status, char *text)
{
	struct MHD_Response *response;
	char etag[WIRE_ETAG_SIZE] = "";
	size_t n = strlen(text);

	if (is_read(r) && (*status == 200 || *status == 206))
		wire_etag(text, n, etag);
	if (etag[0] && wire_etag_matches(request_header(r, MHD_HTTP_HEADER_IF_NONE_MATCH), etag)) {
		*status = MHD_HTTP_NOT_MODIFIED;
		n = 0;
	}
	response = MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE);
	if (etag[0]) {
		add_header(response, MHD_HTTP_HEADER_ETAG, etag);
		add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "private, no-cache");
	}
	return response;
}

static int answer_json(struct request *r, int status, json_t *take, const struct range_page *page)
{
	char *text = json_dumps(take, JSON_INDENT(2));
	struct MHD_Response *response;

	json_decref(take);
	response = make_response(r, &status, text ? text : xstrdup("{}"));
	add_limit(r, response, status);
	add_scopes(r, response);
	add_header(response, r->header_name, r->header_value);
	if (status == MHD_HTTP_UNAUTHORIZED)
		add_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic realm=\"twelve\"");
	if (page) {
		add_header(response, "Next-Range", page->next);
		add_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, page->content);
		add_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, page->accept);
	}
	return http_queue(r, status, response,
			  status == MHD_HTTP_NOT_MODIFIED ? NULL : "application/json") == MHD_YES
		       ? 0
		       : -1;
}

void request_set_header(struct request *r, const char *name, const char *value)
{
	free(r->header_value);
	r->header_name = name;
	r->header_value = xstrdup(value);
}

int request_answer(struct request *r, int status, json_t *take)
{
	/* A list is one wherever it comes from. */
	if (json_is_array(take) && status == 200 && is_read(r))
		return request_answer_list(r, take);
	return answer_json(r, status, take, NULL);
}

static char *text_for_git(struct request *r, const struct error *err)
{
	if (err->kind != ERROR_NOT_FOUND)
		return xasprintf("%s\n", err->message);
	return xasprintf("There is no app \"%.100s\" here. If it was renamed, say where it is now: "
			 "git remote "
			 "set-url REMOTE ADDRESS\n(twelve info shows the address)\n",
			 request_param(r, "app"));
}

/* git shows its user an answer that is plain text. */
static void answer_text(struct request *r, const struct error *err)
{
	char *text = text_for_git(r, err);
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);

	if (err->kind == ERROR_UNAUTHORIZED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
					"Basic realm=\"twelve\"");
	http_queue(r, error_http_status(err->kind), response, "text/plain; charset=utf-8");
}

static void answer_object(struct request *r, const struct error *err)
{
	struct error shown = *err;

	/* It may quote anything that came in. */
	wire_one_line(shown.message);
	answer_json(r, error_http_status(err->kind),
		    json_pack("{s:s, s:o}", "id", error_id(err->kind), "message",
			      json_text(shown.message)),
		    NULL);
}

void http_answer_error(struct request *r, const struct error *err)
{
	if (r->route && (r->route->flags & API_GIT))
		answer_text(r, err);
	else
		answer_object(r, err);
}

int request_answer_list(struct request *r, json_t *take)
{
	struct error err = ERROR_INIT;
	struct range_page page = { 0 };
	struct range range;
	int result = 0;

	if (range_parse(request_header(r, MHD_HTTP_HEADER_RANGE), &range, &err) < 0 ||
	    range_page(&range, take, &page, &err) < 0)
		http_answer_error(r, &err);
	else
		result = answer_json(r, page.next ? 206 : 200, json_incref(page.items), &page);
	range_page_done(&page);
	json_decref(take);
	return result;
}

/* ---- growing text ---- */

struct growing {
	struct http_tail tail;
	struct stream_reader *reader;
};

static void on_more(void *userdata)
{
	struct growing *g = userdata;

	http_tail_wake(&g->tail);
}

static ssize_t read_growing(void *userdata, uint64_t pos, char *buf, size_t max)
{
	struct growing *g = userdata;
	ssize_t n = stream_reader_read(g->reader, buf, max);

	(void)pos;
	if (n > 0)
		return n;
	return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : http_tail_nothing(&g->tail);
}

static void free_growing(void *userdata)
{
	struct growing *g = userdata;

	http_tail_done(&g->tail);
	stream_reader_close(g->reader);
	free(g);
}

int request_answer_stream(struct request *r, const char *stream_id, struct error *err)
{
	struct growing *g = xcalloc(1, sizeof(*g));
	struct MHD_Response *response;

	if (stream_reader_open(r->http->d->streams, stream_id, on_more, g, &g->reader, err) < 0) {
		free(g);
		return -1;
	}
	http_tail_init(&g->tail, r->http, r->connection);
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, read_growing, g,
						     free_growing);
	return http_queue(r, 200, response, "text/plain; charset=utf-8") == MHD_YES ? 0 : -1;
}

/* ---- upgrades ---- */

struct upgrade {
	struct daemon *d;
	request_upgraded_fn fn;
	void *userdata;
};

void http_upgrade_free(struct upgrade *u)
{
	if (!u)
		return;
	free(u->userdata);
	free(u);
}

static void on_upgraded(void *userdata, struct MHD_Connection *c, void *slot, const char *extra,
			size_t extra_size, MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
	struct upgrade *u = userdata;
	struct http *h = u->d->http;

	(void)c;
	(void)slot;
	(void)extra;
	/* Clients wait for the 101. What one that did not has sent can't be put back, so it is let
	 * go. */
	if (extra_size) {
		log_warn("a client sent %zu bytes before it was told to go on: its connection is "
			 "closed",
			 extra_size);
	} else {
		fd_set_nonblock(fd, false);
		u->fn(u->d, fd, u->userdata);
	}
	MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
	http_kick(h);
}

int request_answer_upgrade(struct request *r, const char *protocol, request_upgraded_fn fn,
			   void *take_userdata)
{
	struct upgrade *u = r->upgrade = xcalloc(1, sizeof(*u));
	struct MHD_Response *response;

	*u = (struct upgrade){ .d = r->http->d, .fn = fn, .userdata = take_userdata };
	response = MHD_create_response_for_upgrade(on_upgraded, u);
	MHD_add_response_header(response, MHD_HTTP_HEADER_UPGRADE, protocol);
	return http_queue(r, MHD_HTTP_SWITCHING_PROTOCOLS, response, NULL) == MHD_YES ? 0 : -1;
}

int request_answer_file(struct request *r, int take_fd, uint64_t bytes, const char *name)
{
	_cleanup_free_ char *disposition = xasprintf("attachment; filename=\"%s\"", name);
	struct MHD_Response *response = MHD_create_response_from_fd64(bytes, take_fd);

	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION, disposition);
	http_queue(r, 200, response, "application/octet-stream");
	return 0;
}

int request_answer_json_file(struct request *r, int take_fd, uint64_t bytes)
{
	struct MHD_Response *response = MHD_create_response_from_fd64(bytes, take_fd);

	http_queue(r, 200, response, "application/json");
	return 0;
}
