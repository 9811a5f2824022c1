/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API's view of a request: its route, its caller, the objects that its path names, and the text
 * for the audit trail. It is the context of the HTTP server's request (http/http.h), set when the
 * headers have been read and freed at the end of the request.
 */
#pragma once

#include "addon/attach.h"
#include "daemon/api/parts.h"
#include "daemon/http/http.h"
#include "model/role.h"

struct api;
struct api_route;

#define API_MAX_PARAMS 4

struct call {
	struct api *api;
	const struct api_route *route;
	struct {
		const char *name;
		char *value;
	} params[API_MAX_PARAMS];
	size_t n_params;
	struct caller caller;
	char *asks_email,
		*asks_password; /* set instead of the caller until the password is checked */
	/* The objects that the path names (find.h), and store_writes() when they were read; -1: not
	 * read yet. */
	struct app app;
	struct addon addon;
	struct attachment attachment;
	json_t *attachments; /* of the app; `attachment` borrows from it */
	int64_t found_at;
	/* For the audit trail (audit.h): the app of the request, if any, and its latest release
	 * when the request began. */
	char app_id[UUID_SIZE];
	char *app_name;
	int64_t app_version;
	char *note;
	json_t *shared; /* JSON values that the response uses in several places, see api_shared() */
};

/* For http_app.forget. NULL is allowed. */
void call_free(void *context);
/* Never NULL in a handler. */
struct call *request_call(const struct request *r);
struct parts *request_parts(struct request *r);
struct store *request_store(struct request *r);
const struct caller *request_caller(struct request *r);
/* The permission that the endpoint requires. */
enum need request_need(const struct request *r);
/*
 * The objects that the path names, borrowed until the request ends. They are read and authorized
 * before the body is received, and again right before the handler is called if anything was written
 * to the store in between. So a handler sees their current state, and gets ERROR_NOT_FOUND for an
 * object that was destroyed while the body arrived. A handler that defers its response must read
 * them again, by id. It may change the members before it writes them to the store.
 */
struct app *request_app(struct request *r);
struct addon *request_addon(struct request *r);
const struct attachment *request_attachment(struct request *r);
/* A path parameter by its name in the pattern, decoded. Not NULL if the pattern has the name. */
const char *request_param(struct request *r, const char *name);
/* Describes the change for the audit trail: "set GREETING". Must not contain secrets. */
void request_note(struct request *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* ---- URLs of the platform, heap (urls.c) ---- */

/* An absolute URL, with the host name that the client used. */
char *request_url(struct request *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same with https, through the door (edge/door.h), for clients that accept nothing else. Over
 * the unix socket the same as request_url(). */
char *request_tls_url(struct request *r, const char *path);
/* The URL of an app's repository, like request_tls_url(). NULL over the unix socket. */
char *request_git_url(struct request *r, const char *app_name);
