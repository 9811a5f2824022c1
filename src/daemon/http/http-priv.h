/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the HTTP server share. */
#pragma once

#include <microhttpd.h>

#include "daemon/api/route.h"
#include "daemon/http/tail.h"
#include "daemon/http/http.h"
#include "daemon/http/wire.h"

#define HTTP_MAX_PARAMS 4
/* Who comes over the unix socket is USER@localhost. */
#define HTTP_LOCAL_DOMAIN "localhost"

struct upgrade;

struct http {
	struct daemon *d;
	struct http_listener {
		struct http *http;
		struct MHD_Daemon *mhd;
		struct watch *readable, *timer;
		bool local; /* the unix socket */
	} listeners[2];
	size_t n_listeners;
	struct watch *kick; /* runs the daemons in the next turn, after a resume */
	struct http_tail *tails;
	bool ending; /* nothing waits any more */
	struct guesses *guesses;
	struct passwords *passwords;
	struct limits *limits; /* of requests with tokens */
	bool collecting;       /* unused slugs and stacks are being removed */
};

struct request {
	struct http *http;
	struct MHD_Connection *connection;
	bool local;
	char id[UUID_SIZE];
	char method[16];
	const struct api_route *route;
	struct {
		const char *name;
		char *value;
	} params[HTTP_MAX_PARAMS];
	size_t n_params;
	char *query_value; /* of the last request_query() */
	struct caller caller;
	char *asks_email, *asks_password; /* in place of a caller, until they have been looked at */
	char app_id[UUID_SIZE]; /* of the app that the path names, when there is one; for the audit
				   trail */
	char *app_name;
	int64_t app_version;	 /* its last release when the request began */
	int64_t requests_left;	 /* of the token, -1: nobody counts */
	char *note;		 /* for the audit trail; see request_note() */
	char *set_cookie;	 /* of a page */
	const char *header_name; /* see request_set_header() */
	char *header_value;
	struct buf raw;
	json_t *body;
	json_t *shared; /* what its answer has in many places, by a name; see api_shared() */
	int upload_fd;
	char *upload_path;
	bool expected;	      /* the upload was announced */
	int64_t uploaded;     /* bytes of the body so far */
	size_t drained;	      /* of these, after a mistake was found */
	request_take_fn take; /* the body as it comes; NULL: it is kept */
	bool answered;
	/* While an answer takes long: what is called when it can be given, and what it is given
	 * from. */
	struct http_tail tail;
	api_fn later;
	void *work;
	void (*free_work)(void *work);
	struct upgrade *upgrade;
	struct error error; /* found before the body was read to its end; answered then */
};

/* Decodes %XX in a new string. */
char *http_decode(const char *s, size_t n);
/* Sends a response with the headers that all answers have; frees it. */
enum MHD_Result http_queue(struct request *r, int status, struct MHD_Response *response,
			   const char *content_type);
void http_answer_error(struct request *r, const struct error *err);
/* http/body.c: takes what has come of the body. *size: what was not taken and comes again. */
enum MHD_Result http_take_body(struct request *r, const char *data, size_t *size);
/*
 * Whether to answer a mistake after the body: an answer that comes while the client still
 * writes is lost when the connection is closed under it. Who expects "100 Continue"
 * does not write, and too much to take is too much to drop.
 */
bool http_answers_after_body(struct request *r);
/* Fills r->body from what was kept. */
int http_parse_body(struct request *r, struct error *err);
/* api/caller.c: fills r->caller, or the error; or r->asks_email and r->asks_password, which have to
 * be asked for then. */
int http_admit(struct request *r, struct error *err);
void http_take_user(struct request *r, const struct user *u);
/*
 * ask-password.c: looks whether the password is right, and then calls `then` as it would a handler,
 * in a later turn, with r->caller filled if it is. Returns -1 at once when there were too many
 * wrong ones.
 */
int http_ask_password(struct request *r, const char *email, const char *password, api_fn then,
		      struct error *err);
/* How many requests the caller may make now. */
int64_t http_requests_left(struct request *r);
/* Frees what request_answer_upgrade() made. */
void http_upgrade_free(struct upgrade *u);
/* Runs the daemons soon: something was resumed. */
void http_kick(struct http *h);
