/* SPDX-License-Identifier: Apache-2.0 */
/* What handlers ask of a request and answer to it; see http.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "daemon/streams.h"
#include "daemon/http-priv.h"

#define PAGE_MAX 1000

struct daemon *request_daemon(struct request *r)
{
	return r->http->d;
}

const struct caller *request_caller(struct request *r)
{
	return &r->caller;
}

const char *request_param(struct request *r, const char *name)
{
	size_t n = strlen(name);

	/* Names point into the pattern, and end at a slash or its end. */
	for (size_t i = 0; i < r->n_params; i++)
		if (strncmp(r->params[i].name, name, n) == 0 && (!r->params[i].name[n] || r->params[i].name[n] == '/'))
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

int request_string(struct request *r, const char *key, bool required, const char **ret, struct error *err)
{
	json_t *v = json_object_get(r->body, key);

	if (v && !json_is_null(v) && !json_is_string(v))
		return error_set(err, ERROR_INVALID, "\"%s\" has to be a string", key);
	*ret = json_string_value(v);
	if (required && !*ret)
		return error_set(err, ERROR_INVALID, "\"%s\" is missing: a string is needed", key);
	return 0;
}

int request_bool(struct request *r, const char *key, bool fallback, bool *ret, struct error *err)
{
	json_t *v = json_object_get(r->body, key);

	if (v && !json_is_null(v) && !json_is_boolean(v))
		return error_set(err, ERROR_INVALID, "\"%s\" has to be true or false", key);
	*ret = json_is_boolean(v) ? json_is_true(v) : fallback;
	return 0;
}

/* ---- answers ---- */

enum MHD_Result http_queue(struct request *r, int status, struct MHD_Response *response, const char *content_type)
{
	enum MHD_Result result;

	MHD_add_response_header(response, "Request-Id", r->id);
	if (content_type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	result = MHD_queue_response(r->connection, (unsigned)status, response);
	MHD_destroy_response(response);
	r->answered = true;
	return result;
}

static int answer_json(struct request *r, int status, json_t *take, const char *next_range)
{
	char *text = json_dumps(take, JSON_INDENT(2));
	struct MHD_Response *response;

	json_decref(take);
	if (!text)
		text = xstrdup("{}");
	response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	MHD_add_response_header(response, "RateLimit-Remaining", "4500");
	if (next_range)
		MHD_add_response_header(response, "Next-Range", next_range);
	return http_queue(r, status, response, "application/json") == MHD_YES ? 0 : -1;
}

int request_answer(struct request *r, int status, json_t *take)
{
	return answer_json(r, status, take, NULL);
}

void http_answer_error(struct request *r, const struct error *err)
{
	json_t *body = json_pack("{s:s, s:s}", "id", error_id(err->kind), "message", err->message);

	if (!body)
		body = json_pack("{s:s, s:s}", "id", error_id(err->kind), "message", "The message holds bytes that are not UTF-8");
	answer_json(r, error_http_status(err->kind), body, NULL);
}

/* "version ..; max=15, order=desc" */
static void parse_range(const char *header, bool *descending, size_t *max)
{
	const char *at = header ? strstr(header, "max=") : NULL;
	unsigned long n;

	*descending = header && strstr(header, "order=desc");
	*max = PAGE_MAX;
	if (at && (n = strtoul(at + 4, NULL, 10)) > 0 && n < PAGE_MAX)
		*max = n;
}

int request_answer_list(struct request *r, json_t *take)
{
	size_t n = json_array_size(take), max;
	json_t *page = json_array();
	bool descending;

	/* Handlers give lists in ascending order. */
	parse_range(request_header(r, "Range"), &descending, &max);
	for (size_t i = 0; i < n && i < max; i++)
		json_array_append(page, json_array_get(take, descending ? n - 1 - i : i));
	json_decref(take);
	return answer_json(r, n > max ? 206 : 200, page, NULL);
}

/* ---- growing text ---- */

struct growing {
	struct http *http;
	struct MHD_Connection *connection;
	struct stream_reader *reader;
	bool suspended;
};

static void on_more(void *userdata)
{
	struct growing *g = userdata;

	if (!g->suspended)
		return;
	g->suspended = false;
	MHD_resume_connection(g->connection);
	http_kick(g->http);
}

static ssize_t read_growing(void *userdata, uint64_t pos, char *buf, size_t max)
{
	struct growing *g = userdata;
	ssize_t n = stream_reader_read(g->reader, buf, max);

	(void)pos;
	if (n > 0)
		return n;
	if (n < 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	g->suspended = true;
	MHD_suspend_connection(g->connection);
	return 0;
}

static void free_growing(void *userdata)
{
	struct growing *g = userdata;

	stream_reader_close(g->reader);
	free(g);
}

int request_answer_stream(struct request *r, const char *stream_id, struct error *err)
{
	struct growing *g = xcalloc(1, sizeof(*g));
	struct MHD_Response *response;

	g->http = r->http;
	g->connection = r->connection;
	if (stream_reader_open(r->http->d->streams, stream_id, on_more, g, &g->reader, err) < 0) {
		free(g);
		return -1;
	}
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, read_growing, g, free_growing);
	return http_queue(r, 200, response, "text/plain; charset=utf-8") == MHD_YES ? 0 : -1;
}

/* ---- upgrades ---- */

struct upgrade {
	struct daemon *d;
	request_upgraded_fn fn;
	void *userdata;
};

static void on_upgraded(void *userdata, struct MHD_Connection *c, void *slot, const char *extra, size_t extra_size,
			MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
	struct upgrade *u = userdata;

	(void)c;
	(void)slot;
	(void)extra;
	/* Clients wait for the 101; one that did not has lost what it sent, so it is let go. */
	if (!extra_size) {
		fd_set_nonblock(fd, false);
		u->fn(u->d, fd, u->userdata);
	}
	MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
	free(u->userdata);
	free(u);
}

int request_answer_upgrade(struct request *r, const char *protocol, request_upgraded_fn fn, void *userdata)
{
	struct upgrade *u = xcalloc(1, sizeof(*u));
	struct MHD_Response *response;

	*u = (struct upgrade){ .d = r->http->d, .fn = fn, .userdata = userdata };
	response = MHD_create_response_for_upgrade(on_upgraded, u);
	MHD_add_response_header(response, MHD_HTTP_HEADER_UPGRADE, protocol);
	return http_queue(r, MHD_HTTP_SWITCHING_PROTOCOLS, response, NULL) == MHD_YES ? 0 : -1;
}
