/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: JSON with its tag and its page, text, files, what grows, and upgrades. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/core/stream.h"
#include "daemon/http/http-priv.h"
#include "daemon/http/range.h"
#include "daemon/http/wire.h"

#define STREAM_BLOCK 16384

/* ---- headers ---- */

void request_set_header(struct request *r, const char *name, const char *value)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (streq(r->headers[i].name, name)) {
			free(r->headers[i].value);
			r->headers[i].value = xstrdup(value);
			return;
		}
	r->headers = xrealloc(r->headers, (r->n_headers + 1) * sizeof(*r->headers));
	r->headers[r->n_headers++] =
		(struct http_header){ .name = xstrdup(name), .value = xstrdup(value) };
}

/* libmicrohttpd refuses what may not stand in a header, and then it is left out. */
static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	if (value)
		MHD_add_response_header(response, name, value);
}

/* Sends a response with the headers that it has to have; frees it. */
static int give(struct request *r, int status, struct MHD_Response *response,
		const char *content_type)
{
	enum MHD_Result result;

	add_header(response, "Request-Id", r->id);
	add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	for (size_t i = 0; i < r->n_headers; i++)
		add_header(response, r->headers[i].name, r->headers[i].value);
	result = MHD_queue_response(r->connection, (unsigned)status, response);
	MHD_destroy_response(response);
	r->answered = true;
	r->http->app->answered(r, status);
	return result == MHD_YES ? 0 : -1;
}

/* ---- JSON ---- */

/* The body, or 304 without one when the client has it already. Takes the text. */
static struct MHD_Response *make_response(struct request *r, int *status, char *take_text)
{
	struct MHD_Response *response;
	char etag[WIRE_ETAG_SIZE] = "";
	size_t n = strlen(take_text);

	if (request_is_read(r) && (*status == 200 || *status == 206))
		wire_etag(take_text, n, etag);
	if (etag[0] && wire_etag_matches(request_header(r, MHD_HTTP_HEADER_IF_NONE_MATCH), etag)) {
		*status = MHD_HTTP_NOT_MODIFIED;
		n = 0;
	}
	response = MHD_create_response_from_buffer(n, take_text, MHD_RESPMEM_MUST_FREE);
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
	if (page) {
		add_header(response, "Next-Range", page->next);
		add_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, page->content);
		add_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, page->accept);
	}
	return give(r, status, response,
		    status == MHD_HTTP_NOT_MODIFIED ? NULL : "application/json");
}

int request_answer(struct request *r, int status, json_t *take)
{
	/* A list is one wherever it comes from. */
	if (json_is_array(take) && status == 200 && request_is_read(r))
		return request_answer_list(r, take);
	return answer_json(r, status, take, NULL);
}

int request_answer_list(struct request *r, json_t *take)
{
	struct error err = ERROR_INIT;
	struct range_page page = { 0 };
	struct range range;
	int result = 0;

	if (range_parse(request_header(r, MHD_HTTP_HEADER_RANGE), &range, &err) < 0 ||
	    range_page(&range, take, &page, &err) < 0)
		r->http->app->refuse(r, &err);
	else
		result = answer_json(r, page.next ? 206 : 200, json_incref(page.items), &page);
	range_page_done(&page);
	json_decref(take);
	return result;
}

/* ---- text and files ---- */

int request_answer_text(struct request *r, int status, const char *content_type, const char *text)
{
	return give(
		r, status,
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY),
		content_type);
}

int request_answer_file(struct request *r, int take_fd, uint64_t bytes, const char *name)
{
	_cleanup_free_ char *disposition = xasprintf("attachment; filename=\"%s\"", name);
	struct MHD_Response *response = MHD_create_response_from_fd64(bytes, take_fd);

	add_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION, disposition);
	give(r, 200, response, "application/octet-stream");
	return 0;
}

int request_answer_json_file(struct request *r, int take_fd, uint64_t bytes)
{
	give(r, 200, MHD_create_response_from_fd64(bytes, take_fd), "application/json");
	return 0;
}

/* ---- what grows ---- */

struct http_growing {
	struct http_tail tail;
	ssize_t (*read)(void *userdata, char *buf, size_t max);
	void *userdata;
	void (*free)(void *userdata);
};

static ssize_t read_growing(void *userdata, uint64_t pos, char *buf, size_t max)
{
	struct http_growing *g = userdata;
	ssize_t n = g->read(g->userdata, buf, max);

	(void)pos;
	if (n == HTTP_GROWN)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	return n ? n : http_tail_nothing(&g->tail);
}

static void free_growing(void *userdata)
{
	struct http_growing *g = userdata;

	http_tail_done(&g->tail);
	g->free(g->userdata);
	free(g);
}

int request_answer_growing(struct request *r, const struct http_growing_options *o,
			   struct http_growing **ret)
{
	struct http_growing *g = *ret = xcalloc(1, sizeof(*g));

	*g = (struct http_growing){ .read = o->read,
				    .userdata = o->take_userdata,
				    .free = o->free };
	http_tail_init(&g->tail, &r->http->tails, r->connection);
	return give(r, 200,
		    MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, o->block, read_growing, g,
						      free_growing),
		    o->content_type);
}

void http_growing_wake(struct http_growing *g)
{
	http_tail_wake(&g->tail);
}

/* ---- a stream ---- */

struct streaming {
	struct http_growing *growing;
	struct stream_reader *reader;
};

static void on_more(void *userdata)
{
	struct streaming *s = userdata;

	http_growing_wake(s->growing);
}

static ssize_t read_stream(void *userdata, char *buf, size_t max)
{
	struct streaming *s = userdata;
	ssize_t n = stream_reader_read(s->reader, buf, max);

	return n < 0 ? HTTP_GROWN : n;
}

static void free_stream(void *userdata)
{
	struct streaming *s = userdata;

	stream_reader_close(s->reader);
	free(s);
}

int request_answer_stream(struct request *r, struct streams *streams, const char *id,
			  struct error *err)
{
	struct streaming *s = xcalloc(1, sizeof(*s));

	if (stream_reader_open(streams, id, on_more, s, &s->reader, err) < 0) {
		free(s);
		return -1;
	}
	return request_answer_growing(
		r,
		&(struct http_growing_options){ .content_type = "text/plain; charset=utf-8",
						.block = STREAM_BLOCK,
						.read = read_stream,
						.take_userdata = s,
						.free = free_stream },
		&s->growing);
}

/* ---- upgrades ---- */

static void on_upgraded(void *userdata, struct MHD_Connection *c, void *slot, const char *extra,
			size_t extra_size, MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
	struct upgrade *u = userdata;
	struct http *h = u->http;

	(void)c;
	(void)slot;
	(void)extra;
	/* Clients wait for the 101. What one that did not has sent can't be put back, so it is let
	 * go. */
	if (extra_size) {
		log_warn("a client sent %zu bytes before it was told to go on: its connection is "
			 "closed",
			 extra_size);
	} else if (!h->ending) {
		fd_set_nonblock(fd, false);
		u->fn(fd, u->userdata);
	}
	MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
	http_tails_kick(&h->tails);
}

int request_answer_upgrade(struct request *r, const char *protocol, request_upgraded_fn fn,
			   void *take_userdata)
{
	struct upgrade *u = r->upgrade = xcalloc(1, sizeof(*u));
	struct MHD_Response *response;

	*u = (struct upgrade){ .http = r->http, .fn = fn, .userdata = take_userdata };
	response = MHD_create_response_for_upgrade(on_upgraded, u);
	add_header(response, MHD_HTTP_HEADER_UPGRADE, protocol);
	return give(r, MHD_HTTP_SWITCHING_PROTOCOLS, response, NULL);
}
