/* SPDX-License-Identifier: Apache-2.0 */
/* A request: its life, what is asked of it, and how it waits; see http/http.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "daemon/http/http-priv.h"
#include "daemon/http/wire.h"

/* ---- its life ---- */

/* The client's id, if it has one (the first, as proxies and Heroku's client append theirs), or a
 * new one. */
static void name_request(struct request *r)
{
	const char *given = request_header(r, "Request-Id");

	snprintf(r->id, sizeof(r->id), "%.36s", given ? given : "");
	if (!uuid_is_valid(r->id))
		uuid_make(r->id);
}

struct request *http_request_new(struct http *h, struct MHD_Connection *c, const char *method,
				 bool local)
{
	struct request *r = xcalloc(1, sizeof(*r));

	*r = (struct request){ .http = h,
			       .next = h->requests,
			       .at = &h->requests,
			       .connection = c,
			       .local = local,
			       .file_fd = -1,
			       .max_dropped = HTTP_MAX_DROPPED,
			       .raw = BUF_INIT };
	if (r->next)
		r->next->at = &r->next;
	h->requests = r;
	snprintf(r->method, sizeof(r->method), "%s", method);
	name_request(r);
	return r;
}

static void drop_work(struct request *r)
{
	if (r->work)
		r->free_work(steal_ptr(r->work));
}

static void free_headers(struct request *r)
{
	for (size_t i = 0; i < r->n_headers; i++) {
		free(r->headers[i].name);
		free(r->headers[i].value);
	}
	free(r->headers);
}

void http_request_free(struct request *r)
{
	*r->at = r->next;
	if (r->next)
		r->next->at = r->at;
	http_tail_done(&r->tail);
	drop_work(r);
	r->http->app->forget(r->context);
	if (r->upgrade)
		free(r->upgrade->userdata);
	free(r->upgrade);
	free(r->query_value);
	free_headers(r);
	buf_done(&r->raw);
	json_decref(r->body);
	fd_close(r->file_fd);
	/* What the handler did not take. */
	if (r->file.take_path)
		unlink(r->file.take_path);
	free(r->file.take_path);
	free(r);
}

void http_request_end(struct request *r)
{
	if (r->answered)
		return;
	r->ended = true;
	r->take = NULL;
	r->later = NULL;
	drop_work(r);
}

/* ---- what is asked of it ---- */

void *request_userdata(const struct request *r)
{
	return r->http->userdata;
}

void *request_context(const struct request *r)
{
	return r->context;
}

void request_set_context(struct request *r, void *take_context)
{
	r->context = take_context;
}

void request_set_step(struct request *r, const char *where, const char *what)
{
	r->step_where = where;
	r->step_what = what;
}

const char *request_id(const struct request *r)
{
	return r->id;
}

const char *request_method(const struct request *r)
{
	return r->method;
}

bool request_is_read(const struct request *r)
{
	return streq(r->method, "GET") || streq(r->method, "HEAD");
}

const char *request_path(const struct request *r)
{
	return r->path;
}

bool request_is_local(const struct request *r)
{
	return r->local;
}

int request_peer(const struct request *r, struct ucred *ret)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	socklen_t size = sizeof(*ret);

	return getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, ret, &size) < 0 ? -errno : 0;
}

const char *request_query(struct request *r, const char *name)
{
	const char *s = MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);

	free(r->query_value);
	r->query_value = s ? wire_decode(s, strlen(s)) : NULL;
	return r->query_value;
}

const char *request_header(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

const char *request_cookie(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND, name);
}

json_t *request_body(struct request *r)
{
	return r->body;
}

const char *request_upload(struct request *r)
{
	return r->file.take_path;
}

int64_t request_taken(const struct request *r)
{
	return r->taken;
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

/* ---- how it waits ---- */

void request_defer(struct request *r, request_fn later, void *take_work,
		   void (*free_work)(void *work))
{
	r->later = later;
	r->work = take_work;
	r->free_work = free_work;
	http_tail_init(&r->tail, &r->http->tails, r->connection);
	http_tail_wait(&r->tail);
}

void request_stream(struct request *r, request_take_fn take, request_fn later, void *take_work,
		    void (*free_work)(void *work))
{
	r->take = take;
	r->later = later;
	r->work = take_work;
	r->free_work = free_work;
	http_tail_init(&r->tail, &r->http->tails, r->connection);
}

void request_resume(struct request *r)
{
	http_tail_wake(&r->tail);
}

void *request_work(struct request *r)
{
	return r->work;
}

void *request_steal_work(struct request *r)
{
	return steal_ptr(r->work);
}
