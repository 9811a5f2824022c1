/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server: libmicrohttpd without a thread of its own, its epoll descriptor in our event
 * loop. It knows connections, methods, headers, bodies and responses, and nothing of what is
 * served: that is an application, a table of functions, given at the start.
 *
 *     begin ──▶ (the body is read) ──▶ answer ──▶ answered ──▶ forget
 *       └─ -1 ─▶ (it is dropped) ──▶ refuse ──────┘
 *
 * A handler gets a request and gives exactly one answer by one of the request_answer functions,
 * or returns -1 with *err, which goes to refuse(). Handlers do not block: what takes long is
 * deferred with request_defer().
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/digest.h"
#include "base/error.h"
#include "event/loop.h"

struct http;
struct request;
struct streams;

typedef int (*request_fn)(struct request *r, struct error *err);

/* What is served. Every function is needed. */
struct http_app {
	/* The headers were read: sets the request's context, and says how the body is received if
	 * it is not kept in memory (request_take_file(), request_stream()). -1: the body is
	 * dropped. */
	int (*begin)(struct request *r, struct error *err);
	/* The body is there. */
	request_fn answer;
	/* Answers with an error, whoever found it. */
	void (*refuse)(struct request *r, const struct error *err);
	/* Called once per response, when it is passed to the connection. */
	void (*answered)(struct request *r, int status);
	/* Called at the end of the request: frees its context, which may be NULL. */
	void (*forget)(void *context);
};

/* The maximum size of a body in memory, and how much of a refused body is read and dropped. */
#define HTTP_MAX_BODY (1 << 20)
#define HTTP_MAX_DROPPED (8 << 20)

/* The application is borrowed, as is its userdata. */
struct http *http_new(struct loop *l, const struct http_app *app, void *userdata);
/* Serves what connects to a listening socket; `local`: request_is_local() of these is true. */
int http_listen(struct http *h, int take_fd, bool local, struct error *err);
/* Stops accepting requests, on new and on open connections. Requests without a response yet end
 * without one, and their work is freed before this returns. Responses that are being sent continue
 * until http_free(), but growing ones end. */
void http_stop_taking(struct http *h);
/* Closes all connections. */
void http_free(struct http *h);

/* ---- what there is to know of a request ---- */

/* What http_new() was given. */
void *request_userdata(const struct request *r);
/* What begin() gave it, or NULL; forget() gets it. */
void *request_context(const struct request *r);
void request_set_context(struct request *r, void *take_context);
/* Names its handler for reports on what held up the loop (loop_step()). */
void request_set_step(struct request *r, const char *where, const char *what);
/* The client's Request-Id, or a new one; used in responses and logs. */
const char *request_id(const struct request *r);
const char *request_method(const struct request *r);
/* GET or HEAD. */
bool request_is_read(const struct request *r);
/* Undecoded, without the query. Valid in begin() only. */
const char *request_path(const struct request *r);
/* By a socket that was said to be local. */
bool request_is_local(const struct request *r);
/* The peer of a unix socket (unix(7), SO_PEERCRED). 0 or a negative errno. */
int request_peer(const struct request *r, struct ucred *ret);
/* A decoded query argument, or NULL; valid until the next call. */
const char *request_query(struct request *r, const char *name);
/* A header, a cookie, or NULL. */
const char *request_header(struct request *r, const char *name);
const char *request_cookie(struct request *r, const char *name);

/* ---- the body ---- */

/* In begin(): limits the body to max_bytes; ERROR_TOO_LARGE if the request announces more.
 * drop_bytes of a refused body are read, so that the client can read the response. The defaults are
 * HTTP_MAX_BODY and HTTP_MAX_DROPPED. */
int request_limit_body(struct request *r, int64_t max_bytes, int64_t drop_bytes, struct error *err);
struct request_file {
	char *take_path; /* created, must not exist; removed unless the handler renames it */
	int64_t max_bytes;
	const char *setting; /* that decides max_bytes, for the message */
	/* Asked every 16 MB whether there is room for more. */
	int (*check)(void *userdata, struct error *err);
	void *userdata;
};
/* In begin(): the body becomes a file. */
int request_take_file(struct request *r, const struct request_file *f, struct error *err);
const char *request_upload(struct request *r);
/* In begin(): take() gets the body in chunks and returns how many of the n bytes it took; the rest
 * comes again after request_resume(). At the end of the body `later` responds. If take() returns
 * -1, *err is the response instead. `work` as in request_defer(). */
typedef ssize_t (*request_take_fn)(struct request *r, const char *data, size_t n,
				   struct error *err);
void request_stream(struct request *r, request_take_fn take, request_fn later, void *take_work,
		    void (*free_work)(void *work));
/* Bytes that were taken so far. */
int64_t request_taken(const struct request *r);

/* In answer(): parses the body that was kept: a JSON object, empty if there was no body; with
 * `form` also application/x-www-form-urlencoded, as an object of strings. ERROR_BAD_REQUEST. */
int request_read_body(struct request *r, bool form, struct error *err);
/* What was read. Borrowed. */
json_t *request_body(struct request *r);

/* A string member. If absent or null, *ret is NULL, an error only if `required`. Another type is
 * ERROR_INVALID. */
int request_string(struct request *r, const char *key, bool required, const char **ret,
		   struct error *err);
/* A boolean member; `fallback` when absent. */
int request_bool(struct request *r, const char *key, bool fallback, bool *ret, struct error *err);
/* An integer member within [min, max]; `fallback` if absent. */
int request_int(struct request *r, const char *key, int64_t min, int64_t max, int64_t fallback,
		int64_t *ret, struct error *err);
/* A member that is a reference (base/json.h): a name, an id, or an object with one; absent or null
 * as in request_string(). */
int request_ref(struct request *r, const char *key, bool required, const char **ret,
		struct error *err);

/* ---- answers ---- */

/* Sets a header of the response, replacing one of the same name. A value that is invalid in a
 * header is ignored. */
void request_set_header(struct request *r, const char *name, const char *value);
/* Responds with JSON; takes the reference. Responses to GET get an ETag; arrays are handled as in
 * request_answer_list(). */
int request_answer(struct request *r, int status, json_t *take);
/* Responds with an array; takes the reference. Applies the Range header ("version ..; max=15,
 * order=desc"; range.h) and sets Next-Range. 416 for an invalid range. */
int request_answer_list(struct request *r, json_t *take);
/* Text of any type; copied. */
int request_answer_text(struct request *r, int status, const char *content_type, const char *text);
/* Responds with a whole file as a download with this name. Takes the descriptor. */
int request_answer_file(struct request *r, int take_fd, uint64_t bytes, const char *name);
/* The same, of JSON that is one. */
int request_answer_json_file(struct request *r, int take_fd, uint64_t bytes);

/* A response that grows. read() is called when the client can take more: it writes up to max bytes
 * and returns the number; 0: nothing now, call again after http_growing_wake(). It is freed when it
 * was sent, or when the client has gone. */
enum {
	HTTP_GROWN = -1,
	HTTP_BROKEN = -2
}; /* the end; and one that the client gets to see as such */
struct http_growing;
struct http_growing_options {
	const char *content_type;
	size_t block; /* bytes of a read at most */
	ssize_t (*read)(void *userdata, char *buf, size_t max);
	void *take_userdata;
	void (*free)(void *userdata);
};
/* *ret is set before anything else. It is valid until `free` is called, which may be at once. */
int request_answer_growing(struct request *r, const struct http_growing_options *o,
			   struct http_growing **ret);
void http_growing_wake(struct http_growing *g);
/* text/plain that grows, from core/stream.h. */
int request_answer_stream(struct request *r, struct streams *s, const char *id, struct error *err);

/* Responds 101: fn gets the connection's socket, borrowed for the call. The userdata is freed with
 * free(). */
typedef void (*request_upgraded_fn)(int fd, void *userdata);
int request_answer_upgrade(struct request *r, const char *protocol, request_upgraded_fn fn,
			   void *take_userdata);

/* ---- answers that take long ---- */

/* The handler returns 0 after this; `later` responds in a turn of the loop after request_resume().
 * free_work is called at the end of the request, possibly before request_resume(): if the client
 * goes away, or the server stops. */
void request_defer(struct request *r, request_fn later, void *take_work,
		   void (*free_work)(void *work));
void request_resume(struct request *r);
void *request_work(struct request *r);
/* The same; it is the caller's from here on. */
void *request_steal_work(struct request *r);
