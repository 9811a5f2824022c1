/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the HTTP server share. */
#pragma once

#include <microhttpd.h>

#include "daemon/api.h"
#include "daemon/http-tail.h"
#include "daemon/http.h"

#define HTTP_MAX_PARAMS 4

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
	bool ending;	 /* nothing waits any more */
	bool collecting; /* unused slugs and stacks are being removed */
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
	struct buf raw;
	json_t *body;
	int upload_fd;
	char *upload_path;
	int64_t uploaded; /* bytes of the body so far */
	size_t drained;	  /* of these, after a mistake was found */
	bool answered;
	/* While an answer takes long: what is called when it can be given, and what it is given from. */
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
/* http-auth.c: fills r->caller, or the error. */
int http_admit(struct request *r, struct error *err);
/* Frees what request_answer_upgrade() made. */
void http_upgrade_free(struct upgrade *u);
/* Runs the daemons soon: something was resumed. */
void http_kick(struct http *h);
