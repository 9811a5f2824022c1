/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API knows of a request: its route, who asks, what its path names, and what the audit
 * trail will say. It is the context of the HTTP server's request (http/http.h), from when the head
 * is there to the end.
 */
#pragma once

#include "addon/attach.h"
#include "daemon/api/parts.h"
#include "daemon/http/http.h"
#include "model/role.h"

struct api;
struct api_route;

#define API_MAX_PARAMS 4

/* A request's context: what the API knows of it. */
struct call {
	struct api *api;
	const struct api_route *route;
	struct {
		const char *name;
		char *value;
	} params[API_MAX_PARAMS];
	size_t n_params;
	struct caller caller;
	char *asks_email, *asks_password; /* in place of a caller, until they were compared */
	/* What the path names (find.h), and store_writes() when it was found; -1: not yet. */
	struct app app;
	struct addon addon;
	struct attachment attachment;
	json_t *attachments; /* of the app; the attachment borrows from them */
	int64_t found_at;
	/* For the audit trail (audit.h): the app that it is about, if any, and its last release
	 * when the request began. */
	char app_id[UUID_SIZE];
	char *app_name;
	int64_t app_version;
	char *note;
	json_t *shared; /* what its answer has in many places, by a name; see api_shared() */
};

/* As http_app.forget: NULL is allowed. */
void call_free(void *context);
/* Never NULL in a handler. */
struct call *request_call(const struct request *r);
struct parts *request_parts(struct request *r);
struct store *request_store(struct request *r);
const struct caller *request_caller(struct request *r);
/* What the endpoint asks for. */
enum need request_need(const struct request *r);
/*
 * What the path names, lent until the request ends. The caller may do to it what the endpoint needs:
 * that is asked before the body is read, and once more right before the handler is called if
 * anything was written to the store in between. So a handler has it as it is now, and what was
 * destroyed while the body came is not found. A handler that waits has it as it was: it reads again,
 * by the id, what it needs then. Members may be changed, to be written.
 */
struct app *request_app(struct request *r);
struct addon *request_addon(struct request *r);
const struct attachment *request_attachment(struct request *r);
/* A part of the path by its name in the pattern: decoded, never NULL for a name that is there. */
const char *request_param(struct request *r, const char *name);
/* What a change was, for the audit trail: "set GREETING". Never a secret. */
void request_note(struct request *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* ---- URLs of ours, heap (urls.c) ---- */

/* An absolute one, by the name that the client calls us by. */
char *request_url(struct request *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same over TLS, by the door (edge/door.h): for clients that take nothing else. Over the unix
 * socket as request_url(). */
char *request_tls_url(struct request *r, const char *path);
/* Where git finds an app's repository: so, or NULL over the unix socket. */
char *request_git_url(struct request *r, const char *app_name);
