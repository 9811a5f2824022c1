/* SPDX-License-Identifier: Apache-2.0 */
/* Errors by value; see error.h. */
#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static const struct {
	int http_status;
	int exit_code;
	const char *id;
} kinds[_ERROR_KIND_MAX] = {
	[ERROR_NONE] = { 200, 0, "ok" },
	[ERROR_INVALID] = { 422, 2, "invalid_params" },
	[ERROR_BAD_REQUEST] = { 400, 2, "bad_request" },
	[ERROR_UNAUTHORIZED] = { 401, 1, "unauthorized" },
	[ERROR_FORBIDDEN] = { 403, 1, "forbidden" },
	[ERROR_NOT_FOUND] = { 404, 1, "not_found" },
	[ERROR_NOT_ACCEPTABLE] = { 406, 2, "not_acceptable" },
	[ERROR_CONFLICT] = { 409, 1, "conflict" },
	[ERROR_TOO_LARGE] = { 413, 1, "too_large" },
	[ERROR_RANGE] = { 416, 2, "requested_range_not_satisfiable" },
	[ERROR_RATE_LIMIT] = { 429, 1, "rate_limit" },
	[ERROR_UNAVAILABLE] = { 503, 1, "unavailable" },
	[ERROR_SYSTEM] = { 500, 1, "internal_server_error" },
};

int error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -1;
	err->kind = kind;
	err->errnum = 0;
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	/* What is cut within a character is no text any more, and JSON would lose all of it. */
	utf8_trim(err->message);
	return -1;
}

int error_set_errno(struct error *err, int errnum, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	if (!err)
		return -1;
	err->kind = ERROR_SYSTEM;
	err->errnum = abs(errnum);
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	len = strlen(err->message);
	snprintf(err->message + len, sizeof(err->message) - len, ": %s", strerror(err->errnum));
	utf8_trim(err->message);
	return -1;
}

int error_prefix(struct error *err, const char *fmt, ...)
{
	char tail[ERROR_MESSAGE_MAX];
	size_t len;
	va_list ap;

	if (!err)
		return -1;
	memcpy(tail, err->message, sizeof(tail));
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	len = strlen(err->message);
	snprintf(err->message + len, sizeof(err->message) - len, ": %s", tail);
	utf8_trim(err->message);
	return -1;
}

int error_http_status(enum error_kind kind)
{
	assert(kind < _ERROR_KIND_MAX);
	return kinds[kind].http_status;
}

const char *error_id(enum error_kind kind)
{
	assert(kind < _ERROR_KIND_MAX);
	return kinds[kind].id;
}

int error_exit_code(enum error_kind kind)
{
	assert(kind < _ERROR_KIND_MAX);
	return kinds[kind].exit_code;
}
