/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server: libmicrohttpd's epoll descriptor in our loop, over the unix
 * socket RUN/twelved.sock (admission by the peer's credentials: root, our own
 * user, members of TWELVE_GROUP) and over TCP (admission by token).
 *
 * A handler (api/route.h) gets a request whose body has been read and checked to be a JSON
 * object, and gives exactly one answer with one of the request_answer functions;
 * or returns -1 with *err, which becomes Heroku's error body. Handlers do not
 * block.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/core/daemon.h"
#include "model/role.h"

struct http;
struct request;

typedef int (*api_fn)(struct request *r, struct error *err);

#define HTTP_MAX_BODY (1 << 20)

/* True while unused slugs and stacks are removed: builds would lose theirs. */
bool http_is_collecting(const struct http *h);
void http_set_collecting(struct http *h, bool collecting);

int http_new(struct daemon *d, struct http **ret, struct error *err);
void http_free(struct http *h);

/* ---- what a handler asks ---- */

struct daemon *request_daemon(struct request *r);
const struct caller *request_caller(struct request *r);
/* It came over the unix socket. */
bool request_is_local(const struct request *r);
/* What the endpoint asks for. */
enum need request_need(const struct request *r);
/* A part of the path by its name in the pattern: decoded, never NULL for a name that is there. */
const char *request_param(struct request *r, const char *name);
/* A decoded query argument, or NULL. */
const char *request_query(struct request *r, const char *name);
/* A header, or NULL. */
const char *request_header(struct request *r, const char *name);
/* The body: an object, empty when there was none. Borrowed. */
json_t *request_body(struct request *r);
/* Where an upload was written, for routes that take one; the handler renames or removes it. */
const char *request_upload(struct request *r);

/* A string member. Absent or null: *ret is NULL and it is no error, unless `required`. Another type
 * is ERROR_INVALID and named. */
int request_string(struct request *r, const char *key, bool required, const char **ret,
		   struct error *err);
/* A boolean member; `fallback` when absent. */
int request_bool(struct request *r, const char *key, bool fallback, bool *ret, struct error *err);

/* An integer member within [min, max]; `fallback` when absent. */
int request_int(struct request *r, const char *key, int64_t min, int64_t max, int64_t fallback,
		int64_t *ret, struct error *err);
/* A member of type ref (api/route.h): a name, an id, or an object with one; absent or null as in
 * request_string(). */
int request_ref(struct request *r, const char *key, bool required, const char **ret,
		struct error *err);
/* What a change was, for the audit trail: "set GREETING". Never a secret. */
void request_note(struct request *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* An absolute URL of ours, by the name that the client calls us by; heap. */
char *request_url(struct request *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same over TLS, by the door (door.h): for clients that take nothing else. Over the unix socket
 * as request_url(). */
char *request_tls_url(struct request *r, const char *path);
/* Where git finds an app's repository: so, or NULL over the unix socket. Heap. */
char *request_git_url(struct request *r, const char *app_name);

/* ---- what a handler answers ---- */

/* Takes the reference. What is read gets an ETag, and a list what request_answer_list() does. */
int request_answer(struct request *r, int status, json_t *take);
/* A header of the answer that request_answer() will give; a value that may not stand in one is left
 * out. One at most. */
void request_set_header(struct request *r, const char *name, const char *value);
/* Takes an array: applies the Range header ("version ..; max=15, order=desc"; range.h) and sets
 * Next-Range. A range that can't be is answered with 416. */
int request_answer_list(struct request *r, json_t *take);
/*
 * For an answer that takes long: the handler returns 0 after this, and `later` gives the answer in
 * a turn after request_resume(). free_work is called at the end of the request, which
 * may come before request_resume(): when the client goes away.
 */
void request_defer(struct request *r, api_fn later, void *take_work, void (*free_work)(void *work));
void request_resume(struct request *r);
void *request_work(struct request *r);
/*
 * For routes with API_STREAM, whose handler is called before the body: take() gets it as it
 * comes, and tells how many of the n bytes it took; when not all, the rest comes again after
 * request_resume(). At the body's end `later` answers. What take() finds wrong (-1 with *err) is
 * answered instead of it.
 */
typedef ssize_t (*request_take_fn)(struct request *r, const char *data, size_t n,
				   struct error *err);
void request_stream(struct request *r, request_take_fn take, api_fn later, void *take_work,
		    void (*free_work)(void *work));
/* The whole of a file, offered under a name. Takes the descriptor. */
int request_answer_file(struct request *r, int take_fd, uint64_t bytes, const char *name);
/* The same, of JSON that is one. */
int request_answer_json_file(struct request *r, int take_fd, uint64_t bytes);
/* text/plain that grows, from streams.h. */
int request_answer_stream(struct request *r, const char *stream_id, struct error *err);

struct log_session {
	char app_id[UUID_SIZE];
	int64_t lines;
	bool tail;
	char *dyno, *source;	   /* NULL: all */
	int64_t release, since_ms; /* 0: all */
	int64_t after;
	bool seq; /* plain lines begin with their sequence number */
};
/* Log lines: Server-Sent Events, or plain lines when the client asks for text/plain. Copies *s. */
int request_answer_logs(struct request *r, const struct log_session *s, struct error *err);

/* 101: fn gets the connection's socket, which it borrows for the call. The userdata is freed with
 * free(). */
typedef void (*request_upgraded_fn)(struct daemon *d, int fd, void *userdata);
int request_answer_upgrade(struct request *r, const char *protocol, request_upgraded_fn fn,
			   void *take_userdata);

/* Counts what costs as much as guessing a password, and may be that (api/ask-password.c);
 * ERROR_RATE_LIMIT when there were too many. */
int http_take_guess(struct request *r, const char *email, struct error *err);
