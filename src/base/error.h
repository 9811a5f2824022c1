/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors by value.
 *
 * A function whose failure a person reads takes `struct error *err` as its
 * last argument. It returns 0, or -1 with *err filled; on success *err is left
 * alone. There is no allocation in here, so it works when memory is gone and
 * in a forked child, and a whole error fits one pipe write.
 *
 * `kind` is set where the fact is known, and decides the HTTP status and the
 * exit code of the command line, each in one table (error_http_status,
 * error_exit_code).
 *
 * A message says what was wrong, where, and what to do:
 *     Procfile:3: expected "type: command", found "web gunicorn"
 */
#pragma once

#include <stdbool.h>

#define ERROR_MESSAGE_MAX 1024

enum error_kind {
	ERROR_NONE,
	ERROR_INVALID,	      /* the input is wrong: 422 */
	ERROR_BAD_REQUEST,    /* the request itself can't be read: 400 */
	ERROR_UNAUTHORIZED,   /* nobody we know: 401 */
	ERROR_FORBIDDEN,      /* known, but may not: 403 */
	ERROR_NOT_FOUND,      /* 404 */
	ERROR_NOT_ACCEPTABLE, /* the client takes no answer that we have: 406 */
	ERROR_CONFLICT,	      /* not now, or taken already: 409 */
	ERROR_TOO_LARGE,      /* 413 */
	ERROR_RANGE,	      /* a page of a list that there can't be: 416 */
	ERROR_RATE_LIMIT,     /* 429 */
	ERROR_UNAVAILABLE,    /* something that we need is not there: 503 */
	ERROR_SYSTEM,	      /* the machine refused: 500 */
	_ERROR_KIND_MAX,
};

struct error {
	enum error_kind kind;
	int errnum; /* errno, or 0 */
	char message[ERROR_MESSAGE_MAX];
};

#define ERROR_INIT ((struct error){ .kind = ERROR_NONE })

/* Fills *err (NULL is allowed) and returns -1, so that `return error_set(...)` reads well. */
int error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As error_set with ERROR_SYSTEM; appends ": " and the text of errnum (positive or negative). */
int error_set_errno(struct error *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Prepends "PREFIX: " to the message of an error that is passed up. Returns -1. */
int error_prefix(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The HTTP status, and the "id" of Heroku's error body, for a kind. */
int error_http_status(enum error_kind kind);
const char *error_id(enum error_kind kind);

/* The exit code of the command line for a kind: 1 if it failed, 2 if the request was invalid. */
int error_exit_code(enum error_kind kind);
