/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a request: kept, written to a file, or handed on as it comes; and what becomes of it
 * after a mistake. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"
#include "daemon/http/http-priv.h"
#include "daemon/http/wire.h"

#define CHECK_BYTES (16 << 20)

/* ---- what there may be of it ---- */

int request_limit_body(struct request *r, int64_t max_bytes, int64_t drop_bytes, struct error *err)
{
	const char *s = request_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
	int64_t length;

	r->max_dropped = drop_bytes;
	if (!s)
		return 0;
	if (!str_to_i64(s, 0, INT64_MAX, &length))
		return error_set(err, ERROR_BAD_REQUEST, "Content-Length is not a number");
	if (length > max_bytes)
		return error_set(err, ERROR_TOO_LARGE,
				 "The request's body of %lld bytes is larger than the %lld that "
				 "are taken here",
				 (long long)length, (long long)max_bytes);
	return 0;
}

int request_take_file(struct request *r, const struct request_file *f, struct error *err)
{
	r->file = *f;
	r->file_fd = open(f->take_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return r->file_fd < 0 ? error_set_errno(err, errno, "taking the upload") : 0;
}

bool http_answers_after_body(struct request *r)
{
	const char *s = request_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
	int64_t length;

	if (request_header(r, MHD_HTTP_HEADER_EXPECT))
		return false;
	return !s || (str_to_i64(s, 0, INT64_MAX, &length) && length <= r->max_dropped);
}

/* ---- as it comes ---- */

static void take_json(struct request *r, const char *data, size_t n)
{
	if (r->raw.len + n > HTTP_MAX_BODY)
		error_set(&r->error, ERROR_TOO_LARGE,
			  "The request's body is larger than the %d bytes that are taken here",
			  HTTP_MAX_BODY);
	else
		buf_append(&r->raw, data, n);
}

static void take_file(struct request *r, const char *data, size_t n)
{
	const struct request_file *f = &r->file;
	int64_t before = r->taken - (int64_t)n;
	int e;

	if (r->taken > f->max_bytes)
		error_set(&r->error, ERROR_TOO_LARGE,
			  "The upload is larger than the %lld MB that are taken (%s)",
			  (long long)f->max_bytes >> 20, f->setting);
	else if (before / CHECK_BYTES == r->taken / CHECK_BYTES ||
		 f->check(f->userdata, &r->error) == 0) {
		e = fd_write_all(r->file_fd, data, n);
		if (e < 0)
			error_set_errno(&r->error, e, "taking the upload");
	}
}

/* What comes after a mistake is read and dropped, within limits, since clients read the answer
 * after they have written. */
static enum MHD_Result drop(struct request *r, size_t n)
{
	r->dropped += (int64_t)n;
	return r->dropped > r->max_dropped ? MHD_NO : MHD_YES;
}

/* What is not taken now comes again, after the wait. */
static enum MHD_Result take_stream(struct request *r, const char *data, size_t *size)
{
	ssize_t n = r->tail.gone ? 0 : r->take(r, data, *size, &r->error);

	if (r->tail.gone)
		return MHD_NO;
	r->taken += n > 0 ? n : 0;
	*size = n < 0 ? 0 : *size - (size_t)n;
	if (*size)
		http_tail_wait(&r->tail);
	return MHD_YES;
}

enum MHD_Result http_take_body(struct request *r, const char *data, size_t *size)
{
	size_t n = *size;

	if (r->error.kind == ERROR_NONE && r->take)
		return take_stream(r, data, size);
	*size = 0;
	r->taken += (int64_t)n;
	if (r->error.kind != ERROR_NONE)
		return drop(r, n);
	if (r->file_fd < 0)
		take_json(r, data, n);
	else
		take_file(r, data, n);
	return MHD_YES;
}

/* ---- when it is there ---- */

/* name=value&... (WHATWG URL, 5.1), as an object of strings. */
static json_t *parse_form(char *text)
{
	json_t *object = json_object();
	char *save = NULL;

	for (char *pair = strtok_r(text, "&", &save); pair; pair = strtok_r(NULL, "&", &save)) {
		size_t n = strcspn(pair, "=");
		_cleanup_free_ char *name = NULL, *value = NULL;

		for (char *p = pair; *p; p++)
			*p = *p == '+' ? ' ' : *p;
		name = wire_decode(pair, n);
		value = pair[n] ? wire_decode(pair + n + 1, strlen(pair + n + 1)) : NULL;
		if (name && value)
			json_object_set_new(object, name, json_string(value));
	}
	return object;
}

static bool is_form(struct request *r)
{
	const char *type = request_header(r, MHD_HTTP_HEADER_CONTENT_TYPE);

	return type && str_starts(type, "application/x-www-form-urlencoded");
}

int request_read_body(struct request *r, bool form, struct error *err)
{
	json_error_t where;

	if (!r->raw.len) {
		r->body = json_object();
		return 0;
	}
	if (form && is_form(r)) {
		r->body = parse_form(r->raw.data);
		return 0;
	}
	r->body = json_loadb(r->raw.data, r->raw.len, JSON_REJECT_DUPLICATES, &where);
	if (!r->body && json_error_code(&where) == json_error_null_character)
		return error_set(err, ERROR_BAD_REQUEST,
				 "The body has the character \\u0000 in a string, line %d, column "
				 "%d: no text of ours holds it",
				 where.line, where.column);
	if (!r->body)
		return error_set(err, ERROR_BAD_REQUEST,
				 "The body is not JSON: line %d, column %d: %s", where.line,
				 where.column, where.text);
	if (!json_is_object(r->body))
		return error_set(err, ERROR_BAD_REQUEST, "The body must be a JSON object");
	return 0;
}
