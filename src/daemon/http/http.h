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
	/* The head is there: gives the request its context, and says how the body is taken when it
	 * is not kept (request_take_file(), request_stream()). -1: nothing is kept of the body. */
	int (*begin)(struct request *r, struct error *err);
	/* The body is there. */
	request_fn answer;
	/* Answers with an error, whoever found it. */
	void (*refuse)(struct request *r, const struct error *err);
	/* Each answer, once, when it is handed to the connection. */
	void (*answered)(struct request *r, int status);
	/* The request ends: frees its context, which may be NULL. */
	void (*forget)(void *context);
};

/* Bytes of a body that is kept in memory; and what is read and dropped of one that is refused. */
#define HTTP_MAX_BODY (1 << 20)
#define HTTP_MAX_DROPPED (8 << 20)

/* The application is borrowed, as is its userdata. */
struct http *http_new(struct loop *l, const struct http_app *app, void *userdata);
/* Serves what connects to a listening socket; `local`: request_is_local() of these is true. */
int http_listen(struct http *h, int take_fd, bool local, struct error *err);
/*
 * No request is taken any more, neither by a new connection nor by one that is open. Those that
 * have no answer yet end without one: their works are freed before this returns. What is being
 * sent is sent until http_free(), but answers that grow end.
 */
void http_stop_taking(struct http *h);
/* Closes all connections. */
void http_free(struct http *h);

/* True while unused slugs and stacks are removed: builds would lose theirs. */

/* ---- what there is to know of a request ---- */

/* What http_new() was given. */
void *request_userdata(const struct request *r);
/* What begin() gave it, or NULL; forget() gets it. */
void *request_context(const struct request *r);
void request_set_context(struct request *r, void *take_context);
/* What its handler is called where it holds the loop: loop_step(). */
void request_set_step(struct request *r, const char *where, const char *what);
/* The client's Request-Id, or a new one: what the request is called in answers and logs. */
const char *request_id(const struct request *r);
const char *request_method(const struct request *r);
/* GET or HEAD. */
bool request_is_read(const struct request *r);
/* Undecoded, without the query. Valid in begin() only. */
const char *request_path(const struct request *r);
/* By a socket that was said to be local. */
bool request_is_local(const struct request *r);
/* Who is at the other end of a unix socket (unix(7), SO_PEERCRED); a negative errno. */
int request_peer(const struct request *r, struct ucred *ret);
/* A decoded query argument, or NULL; valid until the next call. */
const char *request_query(struct request *r, const char *name);
/* A header, a cookie, or NULL. */
const char *request_header(struct request *r, const char *name);
const char *request_cookie(struct request *r, const char *name);

/* ---- the body ---- */

/*
 * In begin(): the body may have max_bytes, ERROR_TOO_LARGE when the request says that it has more.
 * Of a body that is refused drop_bytes are read, so that the client gets to read why. Without
 * a call these are HTTP_MAX_BODY and HTTP_MAX_DROPPED.
 */
int request_limit_body(struct request *r, int64_t max_bytes, int64_t drop_bytes, struct error *err);
struct request_file {
	char *take_path; /* made, and must not be there; removed unless the handler renames it */
	int64_t max_bytes;
	const char *setting; /* that decides max_bytes, for the message */
	/* Asked every 16 MB whether there is room for more. */
	int (*check)(void *userdata, struct error *err);
	void *userdata;
};
/* In begin(): the body becomes a file. */
int request_take_file(struct request *r, const struct request_file *f, struct error *err);
const char *request_upload(struct request *r);
/*
 * In begin(): take() gets the body as it comes, and tells how many of the n bytes it took; when
 * not all, the rest comes again after request_resume(). At the body's end `later` answers. What
 * take() finds wrong (-1 with *err) is answered instead of it. work as in request_defer().
 */
typedef ssize_t (*request_take_fn)(struct request *r, const char *data, size_t n,
				   struct error *err);
void request_stream(struct request *r, request_take_fn take, request_fn later, void *take_work,
		    void (*free_work)(void *work));
/* Bytes that were taken so far. */
int64_t request_taken(const struct request *r);

/* In answer(): reads a body that was kept: a JSON object, empty when there was none; with `form`
 * also application/x-www-form-urlencoded, as an object of strings. ERROR_BAD_REQUEST. */
int request_read_body(struct request *r, bool form, struct error *err);
/* What was read. Borrowed. */
json_t *request_body(struct request *r);

/* A string member. Absent or null: *ret is NULL and it is no error, unless `required`. Another type
 * is ERROR_INVALID and named. */
int request_string(struct request *r, const char *key, bool required, const char **ret,
		   struct error *err);
/* A boolean member; `fallback` when absent. */
int request_bool(struct request *r, const char *key, bool fallback, bool *ret, struct error *err);
/* An integer member within [min, max]; `fallback` when absent. */
int request_int(struct request *r, const char *key, int64_t min, int64_t max, int64_t fallback,
		int64_t *ret, struct error *err);
/* A member that is a reference (base/json.h): a name, an id, or an object with one; absent or null
 * as in request_string(). */
int request_ref(struct request *r, const char *key, bool required, const char **ret,
		struct error *err);

/* ---- answers ---- */

/* A header of the answer, in place of one of the same name; a value that may not stand in a header
 * is left out. */
void request_set_header(struct request *r, const char *name, const char *value);
/* Takes the reference. What is read gets an ETag, and a list what request_answer_list() does. */
int request_answer(struct request *r, int status, json_t *take);
/* Takes an array: applies the Range header ("version ..; max=15, order=desc"; range.h) and sets
 * Next-Range. A range that can't be is answered with 416. */
int request_answer_list(struct request *r, json_t *take);
/* Text of any type; copied. */
int request_answer_text(struct request *r, int status, const char *content_type, const char *text);
/* The whole of a file, offered under a name. Takes the descriptor. */
int request_answer_file(struct request *r, int take_fd, uint64_t bytes, const char *name);
/* The same, of JSON that is one. */
int request_answer_json_file(struct request *r, int take_fd, uint64_t bytes);

/*
 * An answer that grows. read() is called when the client takes more: it writes up to max bytes
 * and returns how many; 0: nothing now, http_growing_wake() calls it again. It is freed when it
 * was sent, or nobody is there to read it.
 */
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
/* *ret is written first: it lives until `free` is called, which may be at once. */
int request_answer_growing(struct request *r, const struct http_growing_options *o,
			   struct http_growing **ret);
void http_growing_wake(struct http_growing *g);
/* text/plain that grows, from core/stream.h. */
int request_answer_stream(struct request *r, struct streams *s, const char *id, struct error *err);

/* 101: fn gets the connection's socket, which it borrows for the call. The userdata is freed with
 * free(). */
typedef void (*request_upgraded_fn)(int fd, void *userdata);
int request_answer_upgrade(struct request *r, const char *protocol, request_upgraded_fn fn,
			   void *take_userdata);

/* ---- answers that take long ---- */

/*
 * The handler returns 0 after this, and `later` gives the answer in a turn after
 * request_resume(). free_work is called at the end of the request, which may come before
 * request_resume(): when the client goes away, or the server stops.
 */
void request_defer(struct request *r, request_fn later, void *take_work,
		   void (*free_work)(void *work));
void request_resume(struct request *r);
void *request_work(struct request *r);
/* The same; it is the caller's from here on. */
void *request_steal_work(struct request *r);
