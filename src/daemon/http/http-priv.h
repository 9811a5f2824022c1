/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the HTTP server share. */
#pragma once

#include <microhttpd.h>

#include "base/buf.h"
#include "daemon/http/http.h"
#include "daemon/http/tail.h"

struct upgrade {
	struct http *http;
	request_upgraded_fn fn;
	void *userdata;
};

struct http {
	struct loop *loop;
	const struct http_app *app;
	void *userdata;
	struct http_listener {
		struct http *http;
		struct MHD_Daemon *mhd;
		struct watch *readable, *timer;
		bool local;
	} listeners[2];
	size_t n_listeners;
	struct http_tails tails; /* connections that wait; its kick runs the daemons */
	struct request *requests;
	bool ending; /* no request is taken any more */
};

struct request {
	struct http *http;
	struct request *next, **at; /* among all of the server */
	struct MHD_Connection *connection;
	bool local;
	char id[UUID_SIZE];
	char method[16];
	const char *path; /* during begin() */
	void *context;
	const char *step_where, *step_what; /* see request_set_step() */
	char *query_value;		    /* of the last request_query() */
	struct http_header {
		char *name, *value;
	} * headers; /* of the answer */
	size_t n_headers;
	struct buf raw;
	json_t *body;
	int64_t max_dropped;
	struct request_file file;
	int file_fd;
	int64_t taken;	      /* bytes of the body so far */
	int64_t dropped;      /* of these, after a mistake was found */
	request_take_fn take; /* the body as it comes; NULL: it is kept */
	bool answered;
	bool ended; /* by http_stop_taking(): there will be no answer */
	/* For a deferred response: the function that gives it, and its data. */
	struct http_tail tail;
	request_fn later;
	void *work;
	void (*free_work)(void *work);
	struct upgrade *upgrade;
	struct error error; /* an error found before the body was read; the response after it */
};

/* ---- request.c ---- */

struct request *http_request_new(struct http *h, struct MHD_Connection *c, const char *method,
				 bool local);
void http_request_free(struct request *r);
/* Ends the request without a response and frees its work and its context. */
void http_request_end(struct request *r);

/* ---- body.c ---- */

/* Takes a chunk of the body. *size: bytes that were not taken and come again. */
enum MHD_Result http_take_body(struct request *r, const char *data, size_t *size);
/* Whether to report an error only after reading the body: a response sent while the client still
 * writes is lost when the connection closes. False for clients that wait for "100 Continue", and
 * for bodies that are too large to drop. */
bool http_answers_after_body(struct request *r);
